"""Writes an answer's evidence pack, into a folder or as one zip file, after checking its quotes once more."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rag.articles import find_entry, read_article, read_catalog
from rag.config import Config
from rag.errors import CitewellError
from rag.evidence import Origin, make_annotations, make_json, make_page
from rag.schema import Answer, Article

ANSWER, ANNOTATIONS, PAGE, SUMS = "answer.json", "annotations.jsonld", "answer.md", "SHA256SUMS"
"""The files of a pack; `sha256sum -c SHA256SUMS` checks the others."""

SETTINGS = {"threshold", "candidates", "read_candidates", "max_quotes", "passage_tokens", "llm_sentences"}
"""Of `Config`: those that steer which quotes are chosen."""

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def export_answer(answer: Answer, folder: Path, config: Config) -> tuple[Path, ...]:
    """Writes the pack and gives its files; an earlier, untouched pack of the same question is replaced.

    Raises CitewellError as `check_folder` and `pack_answer` do, and for a folder that cannot be written.
    """
    pack = pack_answer(answer, config)
    check_folder(folder, answer.question)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_all(folder, pack)
    except OSError as error:
        raise CitewellError(f"The evidence cannot be written to '{folder}': {error.strerror}.") from error
    return tuple(folder / name for name in pack)


def zip_answer(answer: Answer, config: Config) -> bytes:
    """The pack as one zip file; the same pack always makes the same bytes. Raises CitewellError as `pack_answer`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in pack_answer(answer, config).items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def pack_answer(answer: Answer, config: Config) -> dict[str, bytes]:
    """The pack's files by name. Raises CitewellError where a file no longer holds what was quoted from it."""
    _check_quotes(answer, config)
    origin = _find_origin(answer, config)
    files = {
        ANSWER: make_json(answer, origin),
        ANNOTATIONS: make_annotations(answer, origin),
        PAGE: make_page(answer, origin),
    }
    return files | {SUMS: _sum(files)}


def check_folder(folder: Path, question: str) -> bool:
    """Whether the folder holds an earlier pack of this question, which may be replaced; False for an empty folder.

    Raises CitewellError where it holds anything else, a pack that was changed by hand included.
    """
    try:
        entries = {entry.name: entry for entry in folder.iterdir()} if folder.exists() else {}
        if not entries:
            return False
        files = {name: entry.read_bytes() for name, entry in entries.items() if entry.is_file()}
    except OSError as error:
        raise CitewellError(f"'{folder}' cannot be used for the evidence: {error.strerror}.") from error
    sums = files.pop(SUMS, b"")
    foreign = sorted(entries.keys() - {ANSWER, ANNOTATIONS, PAGE, SUMS})
    if foreign or sums != _sum(files) or ANSWER not in files:
        what = f"holds '{foreign[0]}'" if foreign else "holds an evidence pack that is not whole or was changed by hand"
        raise CitewellError(f"'{folder}' {what}, which is not overwritten. Name a new folder: --export.")
    if _question_of(files[ANSWER]) != question:
        raise CitewellError(f"'{folder}' holds the evidence of another question. Name a new folder: --export.")
    return True


def file_name(answer: Answer) -> str:
    """A name for the zip file, from the question's letters and digits."""
    words = re.findall(r"[a-z0-9]+", answer.question.lower())
    return "-".join(["evidence", *words])[:60].rstrip("-") + ".zip"


def _check_quotes(answer: Answer, config: Config) -> None:
    catalog = read_catalog(config.corpus)
    articles: dict[str, Article | None] = {}
    for citation in (*answer.citations, *answer.nearest):
        source = citation.source
        if source not in articles:
            entry = find_entry(catalog, source)
            item = read_article(config.corpus, source, config.max_file_bytes, entry, config.index)
            articles[source] = item if isinstance(item, Article) else None
        article = articles[source]
        if not article:
            raise CitewellError(f"'{source}' was quoted, but cannot be read any more. Ask again.")
        same = article.text[citation.start : citation.end] == citation.quote
        hashes = citation.sha256, citation.text_sha256
        if not same or (article.sha256, article.text_sha256) != hashes:
            raise CitewellError(f"'{source}' has changed since it was quoted. Ask again to quote the new text.")


def _find_origin(answer: Answer, config: Config) -> Origin:
    from rag.embed import load_embedder  # with what it imports, not for a folder that is refused
    from rag.model import MODEL_SHA256

    embedder = load_embedder(config.embedding, config.device)
    return Origin(
        citewell=version("citewell"),
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        embedding=Path(embedder.name).name if Path(embedder.name).is_dir() else embedder.name,
        embedding_fingerprint=embedder.fingerprint,
        reader_fingerprint=f"sha256:{MODEL_SHA256}",
        language_model=config.llm,
        settings=config.model_dump(include=SETTINGS),
    )


def _sum(files: Mapping[str, bytes]) -> bytes:
    """What `sha256sum` prints for the files."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())).encode()


def _question_of(data: bytes) -> str:
    return str(json.loads(data)["question"])


def _write_all(folder: Path, pack: Mapping[str, bytes]) -> None:
    """Each file in full beside its place, then all of them moved there; after a failure nothing is left over."""
    written = {name: folder / f".{name}.{os.getpid()}" for name in pack}
    try:
        for name, part in written.items():
            with part.open("xb") as file:
                file.write(pack[name])
                file.flush()
                os.fsync(file.fileno())
        for name, part in written.items():
            part.replace(folder / name)
    finally:
        for part in written.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)
