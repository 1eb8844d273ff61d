"""The extracted texts of HTML, PDF, DOCX and EPUB files, kept beside the index.

Offsets count characters of the kept text, so another version of a parser cannot shift them. A text's file is named
after the SHA-256 of the article file and the reader's version; details stand beside it in a `.json`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from rag.formats import VERSIONS, Extract, extract

FOLDER = "extracted"
"""Of the index folder."""

_OURS = re.compile(r"([0-9a-f]{64})-[a-z]+\d+\.(?:txt|json)|\.[\w.-]+\.part")


def read_extract(data: bytes, sha256: str, reader: str, index: Path | None) -> Extract:
    """The file's words as they are kept beside the index, or made now, and then kept where there is an index.

    What is kept counts only when it hashes to what was written. Raises UnreadableError as `extract` does.
    """
    if index is None:
        return extract(data, reader)
    stem = f"{sha256}-{reader}{VERSIONS[reader]}"
    kept = _load(index / FOLDER, stem)
    if kept:
        return kept
    made = extract(data, reader)
    if (index / "write.lock").exists():  # an index folder, and not just any that was named
        with suppress(OSError):  # one that cannot be written serves as well, only slower
            _save(index / FOLDER, stem, made)
    return made


def _load(folder: Path, stem: str) -> Extract | None:
    try:
        details = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
        made = Extract(text=(folder / f"{stem}.txt").read_bytes().decode("utf-8"), **details["details"])
        return made if details["sha256"] == _seal(made) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _save(folder: Path, stem: str, made: Extract) -> None:
    folder.mkdir(exist_ok=True)
    details = {name: value for name, value in asdict(made).items() if name != "text"}
    _write(folder, f"{stem}.txt", made.text)
    sealed = {"details": details, "sha256": _seal(made)}
    _write(folder, f"{stem}.json", json.dumps(sealed, ensure_ascii=False, indent=1))


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
    """Removes what is kept of files with other hashes than the `used` ones, and what killed writers left.

    Needs the write lock.
    """
    folder = index / FOLDER
    with suppress(OSError):
        for path in folder.iterdir():
            name = _OURS.fullmatch(path.name)
            if name and name[1] not in used:
                path.unlink(missing_ok=True)
