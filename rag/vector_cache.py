"""Vectors that an interrupted run has finished, kept beside the index so that the next run goes on from there.

The file is only ever appended to. Each record holds the SHA-256 of the text, its vector and a CRC-32 of both, so
whatever a killed process or a full disk leaves at the end is noticed and cut off.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from rag.embed import Vectors
from rag.generations import CURRENT, VECTOR_CACHE

_HEADER = np.dtype([("magic", "V8"), ("model", "V32"), ("dims", "<u4"), ("crc", "<u4")])
_MAGIC = b"citewel1"

log = logging.getLogger(__name__)


class VectorCache:
    """The finished vectors of one model in an index folder; for the holder of the write lock."""

    def __init__(self, index: Path, fingerprint: str) -> None:
        self._path = index / VECTOR_CACHE
        self._model = hashlib.sha256(fingerprint.encode()).digest()
        self._records = _read_records(self._path, self._model)
        self._prefixes: NDArray[np.uint64] = _prefixes(self._records)
        self._order = np.argsort(self._prefixes, kind="stable")
        self._prefixes = self._prefixes[self._order]
        self._offered: dict[int, Vectors] = {}
        self._file: BinaryIO | None = None
        self._broken = False

    def __len__(self) -> int:
        """Vectors that were there when the cache was opened."""
        return len(self._records)

    def find(self, text: str) -> Vectors | None:
        """The text's vector, or None where no earlier run has finished it and none was offered."""
        key = _key(text)
        prefix = np.frombuffer(key, "<u8", 1)[0]
        if int(prefix) in self._offered:
            return self._offered[int(prefix)]
        place = int(np.searchsorted(self._prefixes, prefix))
        if place == len(self._prefixes):
            return None
        record = self._records[self._order[place]]
        return np.array(record["vector"], np.float32) if record["key"].tobytes() == key else None

    def offer(self, keys: NDArray[np.uint64], vectors: Vectors) -> None:
        """Takes vectors (texts, dims) of an index by their texts' `short_keys`, in memory only; 0 is no key."""
        self._offered |= {key: vector for key, vector in zip(keys.tolist(), vectors, strict=True) if key}

    def add(self, texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> None:
        """Appends finished vectors; where the disk refuses, the run goes on without keeping any more."""
        if self._broken or not texts:
            return
        try:
            if self._file is None:
                self._file = self._open(len(vectors[0]))
            self._file.write(_pack(texts, vectors))
        except OSError as error:
            log.warning("An interrupted run will start from here: '%s' cannot be written (%s).", self._path, error)
            self._broken = True

    def close(self) -> None:
        """Lets go of the file, which stays; a second call does nothing."""
        if self._file:
            with suppress(OSError):
                self._file.close()
            self._file = None
        self._records = self._records[:0].copy()

    def remove(self) -> None:
        """Deletes the file, once the vectors are in an index that is published."""
        self.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _open(self, dims: int) -> BinaryIO:
        """The file, cut off after its last whole record, or begun anew where it holds none of this model and size."""
        fits = len(self._records) and self._records.dtype == _record_type(dims)
        file = self._path.open("r+b" if fits else "w+b", buffering=0)
        if fits:
            file.truncate(_HEADER.itemsize + self._records.nbytes)
            file.seek(0, 2)
        else:
            file.write(_pack_header(self._model, dims))
        return file


def remove_leftover(index: Path) -> None:
    """Deletes the cache of a writer that was killed after it had published its index."""
    with suppress(OSError):
        cache = index / VECTOR_CACHE
        if cache.stat().st_mtime_ns <= (index / CURRENT).stat().st_mtime_ns:
            cache.unlink()


def _read_records(path: Path, model: bytes) -> NDArray[np.void]:
    """The whole records, memory-mapped; none where the file is missing or another model's."""
    none = np.empty(0, _record_type(0))
    try:
        with path.open("rb") as file:
            data = file.read(_HEADER.itemsize)
        if len(data) < _HEADER.itemsize:
            return none
        dims = int(np.frombuffer(data, _HEADER)["dims"][0])
        kind = _record_type(dims)
        count = (path.stat().st_size - _HEADER.itemsize) // kind.itemsize
        if data != _pack_header(model, dims) or not count:
            return none
        records: NDArray[np.void] = np.memmap(path, kind, "r", _HEADER.itemsize, (count,))
    except OSError:
        return none
    whole = next(
        (row for row, record in enumerate(records) if zlib.crc32(record.tobytes()[:-4]) != record["crc"]), count
    )
    return records[:whole]


def _record_type(dims: int) -> np.dtype[np.void]:
    return np.dtype([("key", "V32"), ("vector", "<f4", (dims,)), ("crc", "<u4")])


def _pack_header(model: bytes, dims: int) -> bytes:
    start = _MAGIC + model + dims.to_bytes(4, "little")
    return start + zlib.crc32(start).to_bytes(4, "little")


def _pack(texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> bytes:
    packed = [_key(text) + np.asarray(vector, "<f4").tobytes() for text, vector in zip(texts, vectors, strict=True)]
    return b"".join(record + zlib.crc32(record).to_bytes(4, "little") for record in packed)


def short_keys(texts: Sequence[str]) -> NDArray[np.uint64]:
    """The first eight bytes of each text's SHA-256 as a number (texts,)."""
    return np.frombuffer(b"".join(_key(text)[:8] for text in texts), "<u8").astype(np.uint64)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _prefixes(records: NDArray[np.void]) -> NDArray[np.uint64]:
    """The first eight bytes of each key as a number: enough to look it up by."""
    keys = np.ascontiguousarray(records["key"]).view("u1").reshape(-1, 32)
    return np.ascontiguousarray(keys[:, :8]).view("<u8").reshape(-1)
