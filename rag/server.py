"""Vectors on a Chroma server: client-server or distributed Chroma, or Chroma Cloud with its key.

Each generation is filled into collections with names of their own. Only when they are full are they marked with what
they hold, and from then on other processes, on this machine or on others, that want the same take them over.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from rag.errors import CitewellError
from rag.vectors import COLLECTIONS, PAGE, Limits, Store, has_sparse, turn

if TYPE_CHECKING:
    from chromadb.api.client import Client

LISTED = 100
"""Collections that are listed at once."""

TIMEOUT = 60.0
"""Seconds for a reply of the server; Chroma's client would wait for ever for one that hangs."""

CLOUD_PAGE = 300
"""Vectors that a request to Chroma Cloud may name, bring or store."""

PREFIX = "citewell-"

COMPLETE = "complete"
"""The empty collection that is made last, when the others are full."""

CONTENT = "content"
"""Where its metadata say what the others hold."""


class ServerError(CitewellError):
    """The Chroma server cannot be reached, or does not do what it is asked to."""


def hash_content(*parts: str) -> str:
    """What a generation's collections are marked with: the same for the same articles, model and splitter."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def new_prefix() -> str:
    """What the names of new collections begin with, unlike any other; later ones come later in alphabetical order."""
    return f"{PREFIX}{time.time_ns():016x}{secrets.token_hex(4)}-"


@contextmanager
def opened_server(address: str, prefix: str) -> Iterator[Store]:
    """The server's collections with this prefix; telemetry is off.

    The key of Chroma Cloud, its tenant and database are read from CHROMA_API_KEY, CHROMA_TENANT and CHROMA_DATABASE.
    Raises ServerError for an address that is none, and where the server does not answer.
    """
    import chromadb  # half a second to import: only where an index is opened
    import httpx
    from chromadb.config import Settings

    url = urlsplit(address)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ServerError(f"CITEWELL_CHROMA is '{address}', expected http://host:8000 or https://host.")
    key = os.environ.get("CHROMA_API_KEY")
    with explained(address), turn:
        httpx.get(f"{address.rstrip('/')}/api/v2/heartbeat", timeout=TIMEOUT)  # what follows asks without a time limit
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
    client._server._session.timeout = httpx.Timeout(TIMEOUT)  # type: ignore[attr-defined]
    try:
        with explained(address):
            stored = min(PAGE, client.get_max_batch_size(), CLOUD_PAGE if key else PAGE)
            yield Store(client, prefix, Limits(stored, CLOUD_PAGE if key else None))
    finally:
        with turn:
            client.close()


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Turns what Chroma's client raises, on the line or in itself, into one line that says what to do.

    Other errors, such as those of this machine's disk, pass through.
    """
    import httpx
    from chromadb.errors import QuotaError, RateLimitError

    try:
        yield
    except CitewellError:
        raise
    except (httpx.HTTPError, ConnectionError) as error:
        raise ServerError(_unreachable(address, str(error))) from error
    except (QuotaError, RateLimitError) as error:
        raise ServerError(f"The Chroma server at {address} refuses it: {_first_line(error)}.") from error
    except Exception as error:  # Chroma's client turns a refused connection into a ValueError
        if type(error).__module__.startswith("chromadb") or "Could not connect" in str(error):
            raise ServerError(_unreachable(address, str(error))) from error
        raise


def _unreachable(address: str, why: str) -> str:
    reason = _first_line(why) or "no answer"
    return f"The Chroma server at {address} fails ({reason}). Start it, or correct CITEWELL_CHROMA; then ask again."


def made_sparse(store: Store) -> Store:
    """Makes the sentences' collection for sparse vectors and returns the store that says so, where the engine has them.

    Otherwise, as on client-server Chroma, it makes nothing and returns the store as it is.
    """
    from chromadb.errors import InternalError, InvalidArgumentError

    sparse = replace(store, sparse=True)
    try:
        if has_sparse(sparse.made("sentences")):
            return sparse
    except InvalidArgumentError:
        return store
    except InternalError as error:  # as versions up to 1.3.5 put it
        if "not enabled in local" in str(error):
            return store
        raise
    store.client.delete_collection(store.prefix + "sentences")  # made otherwise: before 1.3, schemas are passed over
    return store


def _first_line(error: object) -> str:
    return next(iter(str(error).splitlines()), "")[:200]


def find_complete(address: str, content: str) -> str | None:
    """The prefix of the newest complete collections with this content, whoever made them; None where there are none."""
    found = []
    with opened_server(address, "") as store:
        for offset in itertools.count(step=LISTED):
            page = store.client.list_collections(limit=LISTED, offset=offset)
            marks = [one.name for one in page if (one.metadata or {}).get(CONTENT) == content]
            found += [name.removesuffix(COMPLETE) for name in marks if name.startswith(PREFIX)]
            if len(page) < LISTED:
                break
        whole = (prefix for prefix in sorted(found, reverse=True) if is_complete(replace(store, prefix=prefix)))
        return next(whole, None)


def is_complete(store: Store) -> bool:
    """Whether the collections are there and were filled to the end."""
    return len(_existing(store, *COLLECTIONS, COMPLETE)) == len(COLLECTIONS) + 1


def mark_complete(store: Store, content: str) -> None:
    """Says to other processes that the collections hold all of this content."""
    for name in COLLECTIONS:
        store.made(name)
    store.client.create_collection(store.prefix + COMPLETE, metadata={CONTENT: content}, embedding_function=None)


def drop_collections(store: Store) -> None:
    """Takes the collections off the server; those that are gone already are passed over."""
    from chromadb.errors import NotFoundError

    for name in (COMPLETE, *COLLECTIONS):
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
