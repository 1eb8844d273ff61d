"""The manifest of a generation: what it was made from, and whether its files are still what was written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from operator import attrgetter
from pathlib import Path

from rag.articles import FileState
from rag.errors import IndexRefusedError
from rag.generations import damaged, rebuild_command
from rag.schema import Skipped

FORMAT = 2
"""Of the index folder; an index of another format is refused."""

_TOUCHED_BY_CHROMA = ("chroma.sqlite3", "length.bin")


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file as it went into the index; `key` changes with its text, its catalog entry and the splitter."""

    source: str
    sha256: str
    key: str
    sentences: int
    passages: int
    publisher: str
    published: str
    text_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation was made from, and how; `checksums` are the SHA-256 of its own files by name."""

    format: int
    corpus_sha256: str
    model: str
    fingerprint: str
    splitter: str
    files: tuple[IndexedFile, ...]
    skipped: tuple[Skipped, ...]
    states: tuple[FileState, ...]
    checksums: dict[str, str]
    vectors: str = ""
    """What the names of its collections on a Chroma server begin with; "" where they lie in its own folder."""

    @property
    def identity(self) -> str:
        """Fingerprint of all that decides what a search finds: the articles, how they were cut, the embedding model."""
        parts = [self.format, self.corpus_sha256, self.fingerprint, self.splitter]
        return f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"

    @property
    def sentences(self) -> int:
        return sum(file.sentences for file in self.files)

    @property
    def passages(self) -> int:
        return sum(file.passages for file in self.files)


class RowMap:
    """Rows of sentences, numbered through all files, and the files that they belong to."""

    def __init__(self, files: Sequence[IndexedFile]) -> None:
        self._files = files
        self._first_rows = list(accumulate((file.sentences for file in files[:-1]), initial=0))
        self._places = {file.source: place for place, file in enumerate(files)}

    def locate(self, row: int) -> tuple[IndexedFile, int]:
        """The file of a sentence's row, and the sentence's number in it."""
        place = bisect_right(self._first_rows, row) - 1
        return self._files[place], row - self._first_rows[place]

    def row(self, source: str, number: int) -> int:
        """The row of a file's sentence; the inverse of `locate`."""
        return self._first_rows[self._places[source]] + number


def read_manifest(index: Path, generation: Path) -> Manifest:
    """The generation's manifest. Raises IndexRefusedError when it is damaged or of another format."""
    try:
        data = json.loads((generation / "manifest.json").read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise IndexRefusedError(
                f"The index in '{index}' has format {data['format']}, this version reads {FORMAT}. "
                f"Rebuild it: {rebuild_command(index)}"
            )
        return Manifest(
            **data
            | {
                "files": tuple(IndexedFile(**file) for file in data["files"]),
                "skipped": tuple(Skipped(**file) for file in data["skipped"]),
                "states": tuple(FileState(**state) for state in data["states"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(index, f"its manifest cannot be read ({error})") from error


def checksum_files(generation: Path) -> dict[str, str]:
    """SHA-256 by name of the files that stay as they are.

    Chroma writes to its database and to `length.bin` even when it only reads, and to all files of a collection that is
    too small for it to have kept on disk (then the database holds the vectors).
    """
    kept = {path.parent for path in generation.glob("chroma/*/index_metadata.pickle")}
    files = [path for path in sorted(generation.rglob("*")) if path.is_file() and path.name not in _TOUCHED_BY_CHROMA]
    stable = [path for path in files if path.parent in kept or path.parent.parent != generation / "chroma"]
    return {path.relative_to(generation).as_posix(): checksum(path) for path in stable}


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(generation: Path, manifest: Manifest) -> None:
    """Replaces the manifest in one step; the name of what is written first is unique, for readers do this too."""
    with tempfile.NamedTemporaryFile("w", dir=generation, encoding="utf-8", delete=False) as file:
        file.write(_to_json(manifest))
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(generation / "manifest.json")


def _to_json(manifest: Manifest) -> str:
    """All fields, as `dataclasses.asdict` would name them, in a fifth of its time for 10,000 files."""
    data = {field.name: getattr(manifest, field.name) for field in fields(Manifest)}
    for name, kind in (("files", IndexedFile), ("skipped", Skipped), ("states", FileState)):
        names = [field.name for field in fields(kind)]
        get = attrgetter(*names)
        data[name] = [dict(zip(names, get(item), strict=True)) for item in data[name]]
    return json.dumps(data)  # `json.dump` and an indent each leave the fast encoder unused
