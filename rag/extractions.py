"""The extracted texts of HTML, PDF, DOCX and EPUB files, kept beside the index.

Offsets count characters of the kept text, so another version of a parser cannot shift them. A text's file is named
after the SHA-256 of the article file and the reader's version; details stand beside it in a `.json`. Where a reader
took long to find that a file is none, a `.refused` says why, so that not each update finds it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from rag.formats import VERSIONS, Extract, UnreadableError
from rag.parser_process import extract_apart

FOLDER = "extracted"
"""Of the index folder."""

LONG = 1.0
"""Seconds from which on a refusal is kept."""

UNUSED_DAYS = 30
"""After which a refusal that no update has met goes."""

_OURS = re.compile(r"([0-9a-f]{64})-[a-z]+\d+\.(?:txt|json|(refused))|\.[\w.-]+\.part")


def read_extract(data: bytes, sha256: str, reader: str, index: Path | None) -> Extract:
    """The file's words as they are kept beside the index, or made now, and then kept where there is an index.

    What is kept counts only when it hashes to what was written. Raises UnreadableError as `extract_apart` does, or did.
    """
    if index is None:
        return extract_apart(data, reader)
    stem = f"{sha256}-{reader}{VERSIONS[reader]}"
    refused = f"{stem}.refused"
    kept = _load(index / FOLDER, stem)
    if kept:
        return kept
    _raise_kept(index / FOLDER / refused)
    started = time.monotonic()
    try:
        made = extract_apart(data, reader)
    except UnreadableError as error:
        if time.monotonic() - started >= LONG:
            _keep(index, {refused: _seal_reason(str(error))})
        raise
    _keep(index, {f"{stem}.txt": made.text, f"{stem}.json": _details(made)})
    return made


def _load(folder: Path, stem: str) -> Extract | None:
    try:
        details = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
        made = Extract(text=(folder / f"{stem}.txt").read_bytes().decode("utf-8"), **details["details"])
        return made if details["sha256"] == _seal(made) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _details(made: Extract) -> str:
    details = {name: value for name, value in asdict(made).items() if name != "text"}
    return json.dumps({"details": details, "sha256": _seal(made)}, ensure_ascii=False, indent=1)


def _keep(index: Path, texts: dict[str, str]) -> None:
    """Writes files in an index folder, not in just any that was named; one that cannot be written serves as well."""
    if (index / "write.lock").exists():
        with suppress(OSError):
            (index / FOLDER).mkdir(exist_ok=True)
            for name, text in texts.items():
                _write(index / FOLDER, name, text)


def _raise_kept(refused: Path) -> None:
    """Raises UnreadableError with the reason that was kept, where one was, and notes that it is still of use."""
    with suppress(OSError, UnicodeDecodeError):
        text = refused.read_text(encoding="utf-8")
        reason = text[65:]
        if text == _seal_reason(reason):
            with suppress(OSError):
                os.utime(refused)
            raise UnreadableError(reason)


def _seal_reason(reason: str) -> str:
    return f"{hashlib.sha256(reason.encode()).hexdigest()}\n{reason}"


def forget_refusals(index: Path) -> None:
    """Has files that took long to refuse read again. Needs the write lock."""
    for path in (index / FOLDER).glob("*.refused"):
        if _OURS.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _seal(made: Extract) -> str:
    """SHA-256 over the text and the details."""
    return hashlib.sha256(json.dumps(asdict(made), sort_keys=True).encode()).hexdigest()


def _write(folder: Path, name: str, text: str) -> None:
    """In one step; what is written first has a name of its own, for readers do this too."""
    with tempfile.NamedTemporaryFile("wb", dir=folder, prefix=".", suffix=".part", delete=False) as file:
        try:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    Path(file.name).replace(folder / name)


def sweep_extracts(index: Path, used: Collection[str]) -> None:
    """Removes what is kept of files with other hashes than the `used` ones, old refusals, and what killed writers left.

    Needs the write lock.
    """
    folder, oldest = index / FOLDER, time.time() - UNUSED_DAYS * 86_400
    with suppress(OSError):
        for path in folder.iterdir():
            name = _OURS.fullmatch(path.name)
            if name and (path.stat().st_mtime < oldest if name[2] else name[1] not in used):
                path.unlink(missing_ok=True)
