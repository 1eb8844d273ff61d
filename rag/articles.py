"""From a folder to articles: text untouched, with what the catalog says about each file.

Of formats other than plain text, the text is what `rag.formats` and `rag.jsonl` find in the file.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rag.errors import CorpusError
from rag.extractions import read_extract
from rag.formats import READERS, Extract, UnreadableError, decode
from rag.jsonl import SUFFIX, LinedFile, file_of, find_line, read_lines
from rag.schema import Article, Skipped, Span

SUFFIXES = (".txt", ".md", SUFFIX, *READERS)
CATALOG = "catalog.toml"
MAX_TITLE = 200


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as the file system sees it; equal states mean that nobody has written to it (times in nanoseconds)."""

    source: str
    size: int
    modified: int
    changed: int
    inode: int


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What the catalog says about one file; the body lies between two phrases of the text, which stay outside of it."""

    file: str
    title: str = ""
    publisher: str = ""
    published: str = ""
    author: str = ""
    body_after: str = ""
    body_before: str = ""


def scan(corpus: Path) -> tuple[FileState, ...]:
    """Every article file and the catalog, sorted by name, without opening one.

    Hidden files and folders are left out, and so are links to folders and links that leave the corpus. Raises
    CorpusError when the folder is missing.
    """
    if not corpus.is_dir():
        raise CorpusError(f"The corpus folder '{corpus}' does not exist. Name a folder of articles: --corpus.")
    root = os.path.realpath(corpus)
    return tuple(sorted(_walk(root, root, ""), key=lambda state: state.source))


def _walk(root: str, folder: str, inside: str) -> Iterator[FileState]:
    """The states below a folder, whose name relative to the root is `inside`. Plain texts: paths cost half the time."""
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise CorpusError(f"The folder '{folder}' cannot be read: {error.strerror}. Make it readable.") from error
    for entry in entries:
        name = entry.name
        if name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, entry.path, f"{inside}{name}/")
        elif name.lower().endswith(SUFFIXES) or (name == CATALOG and not inside):
            if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(root):
                continue
            try:
                state = entry.stat()
            except OSError:  # a dangling link, or a file that vanished while we looked
                continue
            if not stat.S_ISDIR(state.st_mode):
                yield FileState(inside + name, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)


def read_articles(corpus: Path, max_file_bytes: int, index: Path | None = None) -> Iterator[Article | Skipped]:
    """Every file as an article, or as skipped with the reason, in the order of `scan`; of JSON Lines, every line.

    A text that an article before it has already is skipped. `index` is the index folder, which keeps extracted texts.
    Raises CorpusError when the folder is missing, or the catalog is malformed, names a missing file, or a phrase that
    is not in its file.
    """
    items = read_changed_articles(corpus, max_file_bytes, scan(corpus), {}, index)
    return (item for item in items if not isinstance(item, str))


def read_changed_articles(
    corpus: Path,
    max_file_bytes: int,
    states: Iterable[FileState],
    unchanged: Mapping[str, str],
    index: Path | None = None,
) -> Iterator[Article | Skipped | str]:
    """Like `read_articles`, of the files that `scan` has found; of those in `unchanged` the name, without opening them.

    `unchanged` holds the SHA-256 of their texts by source.
    """
    catalog = read_catalog(corpus)
    states = [state for state in states if state.source != CATALOG]
    missing = sorted({file_of(name) for name in catalog} - {state.source for state in states})
    if missing:
        raise CorpusError(f"'{corpus / CATALOG}' names '{missing[0]}', which is not in the folder. Correct the entry.")
    seen: dict[str, str] = {}
    for state in states:
        if state.source in unchanged:
            found: Iterator[Article | Skipped | str] = iter([state.source])
        else:
            found = _read_all(corpus, state.source, max_file_bytes, catalog, index)
        for item in found:
            text = unchanged[item] if isinstance(item, str) else _text_hash(item)
            source = item if isinstance(item, str) else item.source
            if text in seen:
                yield Skipped(source, f"same text as {seen[text]}")
                continue
            if text:
                seen[text] = source
            yield item


def _text_hash(item: Article | Skipped) -> str:
    return (item.text_sha256 or item.sha256) if isinstance(item, Article) else ""


def _read_all(
    corpus: Path, source: str, max_file_bytes: int, catalog: dict[str, CatalogEntry], index: Path | None
) -> Iterator[Article | Skipped]:
    """The articles of one file."""
    if not source.lower().endswith(SUFFIX):
        yield read_article(corpus, source, max_file_bytes, find_entry(catalog, source), index)
        return
    try:
        data = _read_bytes(corpus, source, max_file_bytes)
        sha256 = hashlib.sha256(data).hexdigest()
        for name, found in read_lines(data):
            line = f"{source}#{name}" if name else source
            if isinstance(found, UnreadableError):
                yield Skipped(line, str(found))
            else:
                yield _make_article(line, found, sha256, find_entry(catalog, line), corpus)
    except UnreadableError as error:
        yield Skipped(_printable(source), str(error))


def read_article(
    corpus: Path, source: str, max_file_bytes: int, entry: CatalogEntry | None = None, index: Path | None = None
) -> Article | Skipped:
    """One article, or why it cannot be one. Raises CorpusError for a catalog phrase that is not in it.

    The file is read and hashed anew; a text that `index` keeps of it is used only where the file's hash is the same.
    """
    file = file_of(source)
    try:
        data = _read_bytes(corpus, file, max_file_bytes)
        sha256 = hashlib.sha256(data).hexdigest()
        if file != source:
            found = find_line(LinedFile(sha256, data), source[len(file) + 1 :])
        elif reader := READERS.get(Path(file).suffix.lower()):
            found = read_extract(data, sha256, reader, index)
        else:
            return _make_plain(source, decode(data), sha256, entry, corpus)
    except UnreadableError as error:
        return Skipped(_printable(source), str(error))
    return _make_article(source, found, sha256, entry, corpus)


def _printable(source: str) -> str:
    return source if source == source.encode("utf-8", "replace").decode("utf-8") else ascii(source)


def _read_bytes(corpus: Path, source: str, max_file_bytes: int) -> bytes:
    """Raises UnreadableError for what is no regular file of at most so many bytes."""
    path = corpus / source
    if source != _printable(source):
        raise UnreadableError("its name is not UTF-8")
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise UnreadableError("not a regular file")
        if state.st_size > max_file_bytes:
            raise UnreadableError(f"larger than CITEWELL_MAX_FILE_BYTES: {state.st_size:,} of {max_file_bytes:,}")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def _make_plain(source: str, text: str, sha256: str, entry: CatalogEntry | None, corpus: Path) -> Article:
    if not text.removeprefix("\ufeff").strip():
        raise UnreadableError("empty")
    entry = entry or CatalogEntry(source, title=first_line(text))
    return Article(
        source=source,
        text=text,
        sha256=sha256,
        title=entry.title,
        publisher=entry.publisher,
        published=entry.published,
        author=entry.author,
        body=(find_body(text, entry, corpus / CATALOG),),
    )


def _make_article(source: str, found: Extract, sha256: str, entry: CatalogEntry | None, corpus: Path) -> Article:
    """The extracted text as an article; what the catalog says of it counts before what the file says."""
    entry = entry or CatalogEntry(source)
    return Article(
        source=source,
        text=found.text,
        sha256=sha256,
        title=entry.title or found.title or first_line(found.text),
        publisher=entry.publisher or found.publisher,
        published=entry.published or found.published,
        author=entry.author or found.author,
        body=(find_body(found.text, entry, corpus / CATALOG),),
        text_sha256=hashlib.sha256(found.text.encode("utf-8")).hexdigest(),
    )


def first_line(text: str) -> str:
    """The first line that is not blank, without Markdown's heading marks, at most 200 characters."""
    for line in text.lstrip("\ufeff").splitlines():
        title = line.strip().lstrip("#").strip()
        if title:
            return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1].rstrip() + "…"
    return ""


def find_body(text: str, entry: CatalogEntry, catalog: Path) -> Span:
    """The span between the entry's two phrases; the byte order mark is never part of it."""
    start, end = int(text.startswith("\ufeff")), len(text)
    if entry.body_after:
        start = _find_phrase(text, entry.body_after, start, entry.file, catalog) + len(entry.body_after)
    if entry.body_before:
        end = _find_phrase(text, entry.body_before, start, entry.file, catalog)
    return Span(start, end)


def _find_phrase(text: str, phrase: str, start: int, file: str, catalog: Path) -> int:
    position = text.find(phrase, start)
    if position < 0:
        raise CorpusError(
            f"'{catalog}' looks for “{phrase}” in '{file}', but the text does not hold it. Correct the phrase."
        )
    return position


def read_catalog(corpus: Path) -> dict[str, CatalogEntry]:
    """The catalog's entries by file name; {} without a catalog. Raises CorpusError with the place that is wrong."""
    path = corpus / CATALOG
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("article", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CorpusError(f"'{path}' cannot be read: {error}. See seeds/catalog.toml for its form.") from error
    if not isinstance(tables, list):
        raise CorpusError(f"'{path}' must hold tables headed [[article]], in double brackets.")
    entries = [_read_entry(table, path) for table in tables]
    catalog = {entry.file: entry for entry in entries}
    if len(catalog) < len(entries):
        raise CorpusError(f"'{path}' names a file twice. Keep one entry a file.")
    return catalog


def find_entry(catalog: dict[str, CatalogEntry], source: str) -> CatalogEntry | None:
    """What the catalog says of an article, or else of the file that it is a line of."""
    return catalog.get(source) or catalog.get(file_of(source))


def _read_entry(table: dict[str, Any], path: Path) -> CatalogEntry:
    if not isinstance(table, dict) or not isinstance(table.get("file"), str):
        raise CorpusError(f"'{path}' holds an [[article]] without file = \"name of the file\".")
    names = [field.name for field in fields(CatalogEntry)]
    for name, value in table.items():
        if name not in names:
            raise CorpusError(f"'{path}': '{table['file']}' has '{name}'; known are {', '.join(names)}.")
        if not isinstance(value, str):
            raise CorpusError(f"'{path}': {name} of '{table['file']}' must be text in quotation marks.")
    return CatalogEntry(**table)
