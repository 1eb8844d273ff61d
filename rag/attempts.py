"""Which collections on a Chroma server an index folder has made: written down before, so that none is left behind.

A killed writer leaves collections that no manifest names. Whoever publishes next deletes them, and those of generations
that are gone; what other index folders have made is theirs to delete.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from rag.errors import IndexRefusedError
from rag.generations import ATTEMPTS
from rag.manifest import read_manifest
from rag.server import drop_collections, new_prefix, opened_server


def begin_attempt(index: Path, address: str) -> str:
    """The prefix of collections to be made, once the folder remembers it. Needs the write lock."""
    prefix = new_prefix()
    _write(index, _read(index) | {prefix: address})
    return prefix


def drop_unused(index: Path, address: str) -> None:
    """Takes those collections that no generation of the folder uses off this server. Needs the write lock.

    Raises ServerError where the server fails; what is left is remembered then.
    """
    made, used = _read(index), _used(index)
    for prefix in [prefix for prefix, where in made.items() if where == address and prefix not in used]:
        with opened_server(address, prefix) as store:
            drop_collections(store)
        del made[prefix]
        _write(index, made)


def _used(index: Path) -> set[str]:
    used = set()
    for file in index.glob("gen-*/manifest.json"):
        with suppress(IndexRefusedError):  # what a damaged generation used is of no use to it
            used.add(read_manifest(index, file.parent).vectors)
    return used


def _read(index: Path) -> dict[str, str]:
    """The servers' addresses by prefix."""
    with suppress(OSError, ValueError):
        made: dict[str, str] = json.loads((index / ATTEMPTS).read_text(encoding="utf-8"))
        return made
    return {}


def _write(index: Path, made: dict[str, str]) -> None:
    temporary = index / f"{ATTEMPTS}.tmp"
    temporary.write_text(json.dumps(made), encoding="utf-8")
    temporary.replace(index / ATTEMPTS)
