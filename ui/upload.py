"""Articles that visitors add: which files are taken into the corpus folder, and why others are not."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from rag.articles import CATALOG, SUFFIXES, read_article
from rag.assistant import Assistant
from rag.config import Config
from rag.draft_file import MOST_BYTES
from rag.errors import CitewellError
from rag.formats import UnreadableError
from rag.jsonl import SUFFIX, read_lines
from rag.schema import Skipped

FOLDER = "uploads"
"""Of the corpus folder."""

LONGEST_NAME = 200
"""Bytes."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*#]|^[. ]|[. ]$')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)  # devices of Windows
_UNTEXTUAL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]|\A\ufeff?%PDF-|\A\ufeff?\{\\rtf")


class RefusedError(ValueError):
    """The file is not taken; the message is the reason that a visitor is told."""


def find_largest(config: Config) -> int:
    """The bytes of the largest file that the page takes, be it a draft or an article."""
    return max(MOST_BYTES, config.upload_bytes) if config.upload else MOST_BYTES


def add_upload_button(assistant: Assistant, contents: gr.HTML, draw: Callable[[], str], quiet: dict[str, Any]) -> None:
    """Puts the button where it is called; `draw` gives the list of articles anew."""
    button = gr.UploadButton("Add articles", file_count="multiple", file_types=[*SUFFIXES], elem_id="add-articles")

    def add(files: list[str] | None) -> str:
        add_files(assistant, [Path(file) for file in files or []])
        return draw()

    button.upload(add, [button], [contents], concurrency_limit=1, trigger_mode="once", **quiet)


def add_files(assistant: Assistant, files: list[Path]) -> None:
    """Takes what can be taken and says of each file whether it was. The uploaded files themselves are deleted."""
    added: list[str] = []
    try:
        known = {a.text_sha256 or a.sha256: a.source for a in assistant.articles()}
        for file in files:
            try:
                take_file(assistant.config, file, known)
                added.append(file.name)
            except RefusedError as error:
                gr.Warning(f"“{escape(file.name)}” is not added: {escape(str(error))}.", title="Not added")
    except CitewellError as error:
        gr.Warning(escape(str(error)), title="Not added")
    finally:
        for file in files:
            file.unlink(missing_ok=True)
    if added:
        gr.Info(f"Added: {escape(', '.join(added))}", title="Added")


def take_file(config: Config, file: Path, known: Mapping[str, str]) -> str:
    """Copies the file into the corpus folder, whole or not at all, and gives its source.

    `known` holds the source of each article by the SHA-256 of its text. Raises RefusedError with the reason.
    """
    name = unicodedata.normalize("NFC", file.name)
    check_name(name)
    folder = config.corpus / FOLDER
    try:
        if file.stat().st_size > config.upload_bytes:
            raise RefusedError(f"it has more than {config.upload_bytes:,} bytes")
        make_room(folder, name, config.upload_files)
        with copy_hidden(file, folder) as hidden:
            check_content(config, hidden, known)
            os.link(hidden, folder / name)  # unlike a rename it replaces nothing
    except FileExistsError as error:
        raise RefusedError("there is a file of that name") from error
    except OSError as error:
        raise RefusedError(f"it cannot be stored: {error.strerror}") from error
    return f"{FOLDER}/{name}"


def check_name(name: str) -> None:
    """Raises RefusedError for a name that is of no known format, or could mean anything but a file of the folder."""
    if not name.lower().endswith(SUFFIXES):
        raise RefusedError(f"its name ends in none of {' '.join(SUFFIXES)}")
    if _UNSAFE.search(name) or _RESERVED.fullmatch(name) or name.casefold() == CATALOG or not name.isprintable():
        raise RefusedError("its name cannot be used here. Rename it")
    if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        raise RefusedError(f"its name has more than {LONGEST_NAME} bytes. Shorten it")


def make_room(folder: Path, name: str, most: int) -> None:
    """Makes the folder. Raises RefusedError where it is elsewhere or full, or holds the name already, in any case."""
    if folder.is_symlink():
        raise RefusedError(f"'{FOLDER}' is a link to another folder")
    folder.mkdir(exist_ok=True)
    names = [entry for entry in os.listdir(folder) if not entry.startswith(".")]
    if len(names) >= most:
        raise RefusedError(f"there are {len(names):,} uploaded files, and no more are taken")
    if name.casefold() in {unicodedata.normalize("NFC", entry).casefold() for entry in names}:
        raise RefusedError("there is a file of that name")


@contextmanager
def copy_hidden(file: Path, folder: Path) -> Iterator[Path]:
    """A copy that the index passes over, for as long as the block runs."""
    handle, path = tempfile.mkstemp(file.suffix.lower(), ".", folder)
    hidden = Path(path)
    try:
        with os.fdopen(handle, "wb") as copy, file.open("rb") as original:
            shutil.copyfileobj(original, copy)
        hidden.chmod(0o644)
        yield hidden
    finally:
        hidden.unlink(missing_ok=True)


def check_content(config: Config, file: Path, known: Mapping[str, str]) -> None:
    """Raises RefusedError for a file that the index would skip, or that is something else than its name says."""
    if file.suffix == SUFFIX:
        check_lines(file.read_bytes())
        return
    article = read_article(config.corpus, f"{FOLDER}/{file.name}", config.max_file_bytes)
    if isinstance(article, Skipped):
        raise RefusedError(article.reason)
    if not article.text_sha256 and _UNTEXTUAL.search(article.text):
        raise RefusedError("it is no plain text")
    if source := known.get(article.text_sha256 or article.sha256):
        raise RefusedError(f"it has the same text as {source}")


def check_lines(data: bytes) -> None:
    """Raises RefusedError for JSON Lines of which a line is no article."""
    found = False
    try:
        for name, line in read_lines(data):
            if isinstance(line, UnreadableError):
                raise RefusedError(f"{name}: {line}")
            found = True
    except UnreadableError as error:
        raise RefusedError(str(error)) from error
    if not found:
        raise RefusedError("empty")
