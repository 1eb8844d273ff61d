"""Vectors on a Chroma server: client-server or distributed Chroma, or Chroma Cloud with its key.

A generation's collections are named after what is in them, so that several processes, on one machine or on many, find
vectors that one of them has stored, and a half-filled collection is filled up by whoever comes next.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import numpy as np

from rag.errors import CitewellError
from rag.vectors import COLLECTIONS, Store, turn

if TYPE_CHECKING:
    from chromadb.api.client import Client

PAGE = 1_000
"""Vectors that go from one collection to another at once."""

PREFIX = "citewell-"

COMPLETE = "complete"
"""The empty collection that is made last, when the others are full."""


class ServerError(CitewellError):
    """The Chroma server cannot be reached, or does not do what it is asked to."""


def name_collections(*parts: str) -> str:
    """What the names of a generation's collections begin with: the same for the same articles, model and splitter."""
    return f"{PREFIX}{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}-"


@contextmanager
def opened_server(address: str, prefix: str) -> Iterator[Store]:
    """The server's collections with this prefix; telemetry is off.

    The key of Chroma Cloud, its tenant and database are read from CHROMA_API_KEY, CHROMA_TENANT and CHROMA_DATABASE.
    Raises ServerError for an address that is none, and where the server does not answer.
    """
    import chromadb  # half a second to import: only where an index is opened
    from chromadb.config import Settings

    url = urlsplit(address)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ServerError(f"CITEWELL_CHROMA is '{address}', expected http://host:8000 or https://host.")
    key = os.environ.get("CHROMA_API_KEY")
    with explained(address), turn:
        opened = chromadb.HttpClient(
            host=url.hostname,
            port=url.port or (443 if url.scheme == "https" else 8000),
            ssl=url.scheme == "https",
            headers={"x-chroma-token": key} if key else None,
            settings=Settings(anonymized_telemetry=False),
            tenant=os.environ.get("CHROMA_TENANT", "default_tenant"),
            database=os.environ.get("CHROMA_DATABASE", "default_database"),
        )
    client = cast("Client", opened)
    try:
        with explained(address):
            yield Store(client, prefix)
    finally:
        with turn:
            client.close()


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Turns what Chroma's client raises, on the line or in itself, into one line that says what to do."""
    import httpx

    try:
        yield
    except CitewellError:
        raise
    except (httpx.HTTPError, OSError) as error:
        raise ServerError(_unreachable(address, str(error))) from error
    except Exception as error:  # Chroma's client turns a refused connection into a ValueError
        if type(error).__module__.startswith("chromadb") or "Could not connect" in str(error):
            raise ServerError(_unreachable(address, str(error))) from error
        raise


def _unreachable(address: str, why: str) -> str:
    reason = why.splitlines()[0][:200] if why else "no answer"
    return f"The Chroma server at {address} fails ({reason}). Start it, or correct CITEWELL_CHROMA; then ask again."


def is_complete(store: Store) -> bool:
    """Whether the collections are there and were filled to the end."""
    return len(_existing(store, *COLLECTIONS, COMPLETE)) == len(COLLECTIONS) + 1


def mark_complete(store: Store) -> None:
    """Says to other processes that the collections hold all that they are to hold."""
    for name in (*COLLECTIONS, COMPLETE):
        store.made(name)


def copy_vectors(old: Store, new: Store, sources: set[str]) -> None:
    """Stores what the old collections hold of these files in the new ones too."""
    for name in COLLECTIONS:
        origin, goal = old.collection(name), new.made(name)
        for offset in range(0, origin.count(), PAGE):
            page = origin.get(limit=PAGE, offset=offset, include=["embeddings", "metadatas"])
            assert page["embeddings"] is not None
            assert page["metadatas"] is not None
            kept = [row for row, place in enumerate(page["metadatas"]) if place["source"] in sources]
            if kept:
                goal.upsert(
                    ids=[page["ids"][row] for row in kept],
                    embeddings=np.asarray(page["embeddings"], np.float32)[kept],
                    metadatas=[page["metadatas"][row] for row in kept],
                )


def drop_collections(store: Store) -> None:
    """Takes the collections off the server; those that are gone already are passed over."""
    from chromadb.errors import NotFoundError

    for name in _existing(store, COMPLETE, *COLLECTIONS):
        with suppress(NotFoundError):  # another process may drop them at the same time
            store.client.delete_collection(store.prefix + name)


def _existing(store: Store, *names: str) -> list[str]:
    from chromadb.errors import NotFoundError

    found = []
    for name in names:
        with suppress(NotFoundError):
            store.collection(name)
            found.append(name)
    return found
