"""Vectors and offsets in Chroma; texts stay in the articles."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chromadb import Schema
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection
    from chromadb.api.types import Metadata


SEARCH_EF = 1_600
"""Vectors that a search keeps in view (`ef` of HNSW); Chroma's own 100 is for small collections.

Of the 50 nearest of a million, made of 10,000 by noise, it finds 0.69 with 100 (3.3 ms), 0.79 with 200, 0.86 with 400
(3.2 ms), 0.90 with 800 (4.3 ms) and 0.93 with 1,600 (6.9 ms); of 10,000 it finds 0.989 with 100 and 0.999 with 800.
Building the graph with more than Chroma's 100 and 16 links slows indexing, so these stay.
"""


PAGE = 4_096
"""Vectors that are read at once: Chroma's database takes at most some 32,000 names in a query."""


SPARSE = "bm25-1"
"""Where a sentence's metadata have its sparse vector; the number changes with what rag/sparse.py stores."""

COPIED = 1_000
"""Vectors that go from one collection to another at once."""

PLACE, SPARE = 4, 1_000
"""Bytes of each place in the file that has the lengths of a graph's links, and places of removed vectors that are no
matter.
"""


class Counted(Protocol):
    """A file with the numbers of its pieces in the index."""

    @property
    def source(self) -> str: ...
    @property
    def sentences(self) -> int: ...
    @property
    def passages(self) -> int: ...


def sentence_id(source: str, number: int) -> str:
    """Chroma's identifier of a sentence."""
    return f"{source}#s{number}"


def passage_id(source: str, number: int) -> str:
    """Chroma's identifier of a passage."""
    return f"{source}#p{number}"


def parse_id(identifier: str) -> tuple[str, int]:
    """The source and the number in an identifier."""
    source, _, number = identifier.rpartition("#")
    return source, int(number[1:])


COLLECTIONS: dict[str, Callable[[str, int], str]] = {"sentences": sentence_id, "passages": passage_id}


@dataclass(frozen=True, slots=True)
class Limits:
    """Vectors that a request may store or bring by name, and that a search may name or bring (None: any number)."""

    stored: int = PAGE
    searched: int | None = None


LOCAL = Limits()
"""Of a Chroma in a folder."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open Chroma, and what the names of a generation's collections begin with: "" in a folder of their own.

    With `sparse`, sentences are made for sparse vectors.
    """

    client: Client
    prefix: str = ""
    limits: Limits = LOCAL
    sparse: bool = False

    def collection(self, name: str) -> Collection:
        """A collection that exists. Raises what Chroma raises where it does not."""
        return self.client.get_collection(self.prefix + name, embedding_function=None)

    def made(self, name: str) -> Collection:
        """A collection, made where it does not exist yet."""
        if self.sparse:
            return self.client.get_or_create_collection(
                self.prefix + name, schema=_sparse_schema(name), embedding_function=None
            )
        return self.client.get_or_create_collection(
            self.prefix + name, metadata={"hnsw:space": "cosine", "hnsw:search_ef": SEARCH_EF}, embedding_function=None
        )


def has_sparse(collection: Collection) -> bool:
    """Whether the engine finds the collection's sentences by sparse vectors."""
    found = collection.schema.keys.get(SPARSE) if collection.schema else None
    index = found.sparse_vector.sparse_vector_index if found and found.sparse_vector else None
    return index is not None and index.enabled  # the engine also lists keys that it has only met


def _sparse_schema(name: str) -> Schema:
    """For an engine that searches by sparse vectors; it chooses its own settings for the dense ones."""
    from chromadb import Schema, SparseVectorIndexConfig, VectorIndexConfig

    schema = Schema().create_index(config=VectorIndexConfig(space="cosine", embedding_function=None))
    return schema.create_index(config=SparseVectorIndexConfig(), key=SPARSE) if name == "sentences" else schema


@contextmanager
def opened_chroma(generation: Path) -> Iterator[Store]:
    """The generation's Chroma, closed at the end; telemetry is off."""
    import chromadb  # half a second to import: only where an index is opened
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    folder = str(generation / "chroma")
    with turn:
        try:
            opened = chromadb.PersistentClient(folder, Settings(anonymized_telemetry=False))
        except Exception:  # Chroma would go on offering the engine that failed to start
            SharedSystemClient._identifier_to_system.pop(folder, None)
            raise
    client = cast("Client", opened)  # the interface that it is declared as cannot be closed
    try:
        yield Store(client)
    finally:
        with turn:
            client.close()


turn = RLock()
"""Clients of one folder share an engine, which Chroma starts and stops without a lock."""


def copy_chroma(old: Path, generation: Path) -> None:
    """Copies the old generation's Chroma; its database as SQLite sees it, for a reader may be writing to it."""
    shutil.copytree(old / "chroma", generation / "chroma", ignore=shutil.ignore_patterns("chroma.sqlite3*"))
    source, copy = (closing(sqlite3.connect(folder / "chroma" / "chroma.sqlite3")) for folder in (old, generation))
    with source as from_old, copy as to_new:
        to_new.execute("PRAGMA synchronous = OFF")  # a generation reaches the disk when it is published, all at once
        from_old.backup(to_new)


def is_worn(generation: Path, live: int) -> bool:
    """Whether Chroma's graphs have more places of removed vectors, which they never give back, than of the `live` ones.

    Some are always left: a small graph is soon worn, and soon made anew.
    """
    places = sum(file.stat().st_size // PLACE for file in (generation / "chroma").glob("*/length.bin"))
    return places > 2 * live + SPARE


def copy_vectors(old: Store, new: Store, sources: set[str]) -> None:
    """Stores what the old collections hold of these files in the new ones too."""
    for name in COLLECTIONS:
        origin, goal = old.collection(name), new.made(name)
        copied, sparse = min(COPIED, old.limits.stored, new.limits.stored), has_sparse(goal)
        for offset in range(0, origin.count(), copied):
            page = origin.get(limit=copied, offset=offset, include=["embeddings", "metadatas"])
            assert page["embeddings"] is not None
            assert page["metadatas"] is not None
            kept = [row for row, place in enumerate(page["metadatas"]) if place["source"] in sources]
            if kept:
                goal.upsert(
                    ids=[page["ids"][row] for row in kept],
                    embeddings=np.asarray(page["embeddings"], np.float32)[kept],
                    metadatas=[_stored(page["metadatas"][row], sparse=sparse) for row in kept],
                )


def _stored(place: Metadata, *, sparse: bool) -> Metadata:
    return place if sparse else {key: value for key, value in place.items() if key != SPARSE}


def read_vectors(opened: Store, name: str, identifiers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """The vectors of a collection by identifier; those that it lacks are left out."""
    vectors: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(identifiers), opened.limits.stored):
        page = list(identifiers[start : start + opened.limits.stored])
        found = opened.collection(name).get(ids=page, include=["embeddings"])
        vectors |= zip(found["ids"], np.asarray(found["embeddings"], np.float32), strict=True)
    return vectors


def remove_vectors(opened: Store, files: Sequence[Counted]) -> None:
    """Takes the files' sentences and passages out."""
    for name, make_id in COLLECTIONS.items():
        store = vector_store(opened, name)
        for file in files:
            ids = [make_id(file.source, number) for number in range(getattr(file, name))]
            for start in range(0, len(ids), opened.limits.stored):
                store.delete_nodes(ids[start : start + opened.limits.stored])


def vector_store(opened: Store, name: str) -> Any:
    """A collection, made where it does not exist yet, as LlamaIndex sees it."""
    from llama_index.vector_stores.chroma import ChromaVectorStore

    return ChromaVectorStore(chroma_collection=opened.made(name))
