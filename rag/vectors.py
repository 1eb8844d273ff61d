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

from rag.embed import LLAMA_INDEX_BATCH, Embedder
from rag.schema import Passage, Sentence, SplitArticle

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

CHUNK = LLAMA_INDEX_BATCH
"""Texts between two steps of the progress bar."""

TRANSACTION = 4_096
"""Vectors that Chroma takes in at once; each time costs it tens of milliseconds, however few they are."""


class Counted(Protocol):
    """A file with the numbers of its pieces in the index."""

    @property
    def source(self) -> str: ...
    @property
    def sentences(self) -> int: ...
    @property
    def passages(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text to embed, where it goes and where it comes from."""

    collection: str
    identifier: str
    source: str
    piece: Sentence | Passage


def sentence_id(source: str, number: int) -> str:
    """Chroma's identifier of a sentence."""
    return f"{source}#s{number}"


def passage_id(source: str, number: int) -> str:
    """Chroma's identifier of a passage."""
    return f"{source}#p{number}"


COLLECTIONS: dict[str, Callable[[str, int], str]] = {"sentences": sentence_id, "passages": passage_id}


@dataclass(frozen=True, slots=True)
class Store:
    """An open Chroma, and what the names of a generation's collections begin with: "" in a folder of their own."""

    client: Client
    prefix: str = ""

    def collection(self, name: str) -> Collection:
        """A collection that exists. Raises what Chroma raises where it does not."""
        return self.client.get_collection(self.prefix + name, embedding_function=None)

    def made(self, name: str) -> Collection:
        """A collection, made where it does not exist yet."""
        return self.client.get_or_create_collection(
            self.prefix + name, metadata={"hnsw:space": "cosine"}, embedding_function=None
        )


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
        from_old.backup(to_new)


def remove_vectors(opened: Store, files: Sequence[Counted]) -> None:
    """Takes the files' sentences and passages out."""
    for name, make_id in COLLECTIONS.items():
        store = _vector_store(opened, name)
        for file in files:
            ids = [make_id(file.source, number) for number in range(getattr(file, name))]
            if ids:
                store.delete_nodes(ids)


def add_vectors(
    opened: Store, articles: Sequence[tuple[SplitArticle, tuple[Passage, ...]]], embedder: Embedder, batch_size: int
) -> int:
    """Embeds and stores sentences and passages, through LlamaIndex; returns how many.

    They are taken in order of length, so that a batch needs little padding. A progress bar shows after two seconds.
    """
    from llama_index.core.schema import TextNode  # with its embeddings and store two seconds to import
    from tqdm import tqdm

    stores = {name: _vector_store(opened, name) for name in COLLECTIONS}
    pieces = sorted(_pieces(articles), key=lambda item: len(item.piece.text))
    model = embedder.for_llama_index(batch_size)
    waiting: dict[str, list[TextNode]] = {name: [] for name in stores}
    with tqdm(total=len(pieces), desc="Indexing", unit=" texts", delay=2, disable=None) as bar:
        for start in range(0, len(pieces), CHUNK):
            chunk = pieces[start : start + CHUNK]
            vectors = model.get_text_embedding_batch([item.piece.text for item in chunk])
            for item, vector in zip(chunk, vectors, strict=True):
                place = {"source": item.source, "start": item.piece.start, "end": item.piece.end}
                node = TextNode(id_=item.identifier, text="", embedding=vector, metadata=place)
                waiting[item.collection].append(node)
            bar.update(len(chunk))
            for name, store in stores.items():
                if len(waiting[name]) >= TRANSACTION or (waiting[name] and start + CHUNK >= len(pieces)):
                    store.add(waiting[name])
                    waiting[name] = []
    return len(pieces)


def _pieces(articles: Sequence[tuple[SplitArticle, tuple[Passage, ...]]]) -> Iterator[_Piece]:
    for split, passages in articles:
        source = split.article.source
        for number, sentence in enumerate(split.sentences):
            yield _Piece("sentences", sentence_id(source, number), source, sentence)
        for number, passage in enumerate(passages):
            yield _Piece("passages", passage_id(source, number), source, passage)


def _vector_store(opened: Store, name: str) -> Any:
    from llama_index.vector_stores.chroma import ChromaVectorStore

    return ChromaVectorStore(chroma_collection=opened.made(name))
