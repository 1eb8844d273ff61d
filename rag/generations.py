"""The index folder: one sub-folder a generation, a file that names the current one, and a lock for writers.

A generation is written beside the current one and becomes current by one atomic rename of the file CURRENT. Whatever
kills the writer, CURRENT names a whole generation; what is left over is swept by the next writer. The generation before
the current one is kept for readers that are about to open it, and one that a reader holds open is never swept. The
folder `extracted` holds the texts of files that are no plain text, `collections.json` (rag/attempts.py) what the folder
has made on a Chroma server.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import CitewellError, IndexRefusedError

if sys.platform != "win32":
    import fcntl

CURRENT = "CURRENT"
VECTOR_CACHE = "vectors.cache"
ATTEMPTS = "collections.json"
_OURS = re.compile(
    r"CURRENT(\.tmp)?|write\.lock|\.gitignore|vectors\.cache|collections\.json(\.tmp)?|gen-\d{6}|extracted"
)
_GENERATION = re.compile(r"gen-\d{6}")
RUNS = "runs"
"""The sub-folder with the evaluation's runs, which outlives the index."""

log = logging.getLogger(__name__)


def current_generation(index: Path) -> Path | None:
    """The folder of the current generation, or None where no index has been made yet.

    Raises IndexRefusedError for a folder that holds something else, or whose CURRENT names nothing.
    """
    if not index.exists():
        return None
    if not index.is_dir():
        raise IndexRefusedError(f"'{index}' is a file. Name a folder for the index: --index.")
    pointer = index / CURRENT
    if not pointer.exists():
        foreign = sorted(
            entry.name for entry in index.iterdir() if not _OURS.fullmatch(entry.name) and entry.name != RUNS
        )
        if foreign:
            raise IndexRefusedError(
                f"'{index}' is not a Citewell index: it holds '{foreign[0]}'. Choose another folder with --index, or "
                f"put an index beside what is there: {rebuild_command(index)}"
            )
        return None
    try:
        name: str = json.loads(pointer.read_text(encoding="utf-8"))["generation"]
        generation = index / name
        if not _GENERATION.fullmatch(name) or not generation.is_dir():
            raise ValueError(f"it names '{name}', which is missing")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(index, f"CURRENT cannot be used ({error})") from error
    return generation


def damaged(index: Path, what: str) -> IndexRefusedError:
    """The error for an index that cannot be read, with the command that makes it anew."""
    return IndexRefusedError(f"The index in '{index}' is damaged: {what}. Rebuild it: {rebuild_command(index)}")


def rebuild_command(index: Path) -> str:
    """What to type to build this index anew."""
    return "citewell index --rebuild" + ("" if str(index) == ".citewell" else f" --index '{index}'")


@contextmanager
def writing(index: Path, timeout: float) -> Iterator[None]:
    """Holds the folder's write lock; waits up to `timeout` seconds for another writer, saying so.

    Raises CitewellError when the wait was in vain or the folder cannot be written.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        lock = FileLock(index / "write.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("Another process is writing the index in '%s': waiting up to %.0f seconds.", index, timeout)
            lock.acquire(timeout=timeout)
    except Timeout as error:
        raise CitewellError(
            f"Another process has been writing the index in '{index}' for over {timeout:.0f} seconds. "
            "Try again when it is done, or use another folder: --index."
        ) from error
    except OSError as error:
        raise CitewellError(
            f"The index folder '{index}' cannot be written: {error.strerror}. Make it writable or use another: --index."
        ) from error
    try:
        yield
    finally:
        lock.release()


def new_generation(index: Path) -> Path:
    """An empty folder for the next generation, after sweeping what killed writers left. Needs the write lock.

    Raises IndexRefusedError where CURRENT is another program's.
    """
    if (index / CURRENT).exists() and not _named(index) and not list(index.glob("gen-*")):
        raise IndexRefusedError(f"'{index}' holds another program's file CURRENT. Choose another folder: --index.")
    sweep(index)
    ignore = index / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    taken = [int(path.name[4:]) for path in index.glob("gen-*") if _GENERATION.fullmatch(path.name)]
    generation = index / f"gen-{max(taken, default=0) + 1:06d}"
    generation.mkdir()
    return generation


def make_current(index: Path, generation: Path) -> None:
    """Publishes a finished generation: everything reaches the disk, then one rename makes it the current one."""
    for path in sorted(generation.rglob("*")):
        _sync(path)
    _sync(generation)
    previous = _named(index)
    temporary = index / f"{CURRENT}.tmp"
    temporary.write_text(
        json.dumps({"generation": generation.name, "previous": previous[0] if previous else None}), encoding="utf-8"
    )
    _sync(temporary)
    temporary.replace(index / CURRENT)
    _sync(index)
    sweep(index)


def sweep(index: Path) -> None:
    """Removes all generations but the current, the previous and those that readers hold. Needs the write lock."""
    keep = _named(index)
    for path in index.glob("gen-*"):
        if _GENERATION.fullmatch(path.name) and path.name not in keep:
            with suppress(BlockingIOError), holding(path, alone=True):
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def holding(generation: Path, *, alone: bool = False) -> Iterator[None]:
    """Keeps a generation from being swept while it is read; the system lets go of it when a process dies.

    With `alone`, raises BlockingIOError where somebody reads it. On Windows, where open files cannot be removed anyway,
    it does nothing.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(generation, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _named(index: Path) -> list[str]:
    try:
        pointer = json.loads((index / CURRENT).read_text(encoding="utf-8"))
        return [name for name in (pointer["generation"], pointer["previous"]) if name]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows syncs only what it may write
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
