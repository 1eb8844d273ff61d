"""Vectors and offsets in Chroma; texts stay in the articles."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from rag.config import Config
from rag.embed import LLAMA_INDEX_BATCH, Embedder
from rag.schema import Passage, Sentence, SplitArticle
from rag.vector_cache import VectorCache

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection
    from llama_index.core.schema import TextNode
    from tqdm import tqdm

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
    opened: Store,
    articles: Iterable[tuple[SplitArticle, tuple[Passage, ...]]],
    embedder: Embedder,
    config: Config,
    cache: VectorCache,
    share: Callable[[], float],
) -> int:
    """Embeds and stores sentences and passages, through LlamaIndex; returns how many.

    They are taken in windows of `Config.index_window`, in each in order of length, so that a batch needs little
    padding. What the cache holds is not embedded again, and what is embedded goes there at once. `share` says how much
    of the articles has been taken so far (0..1), from which the progress bar, shown after two seconds, makes its total.
    """
    from tqdm import tqdm

    writers = {name: _Writer(_vector_store(opened, name)) for name in COLLECTIONS}
    model = embedder.for_llama_index(config.batch_size)
    pieces, done = _pieces(articles), 0
    with tqdm(desc="Indexing", unit=" texts", delay=2, disable=None) as bar:
        while window := list(islice(pieces, config.index_window)):
            done += len(window)
            bar.total = round(done / max(share(), 1e-9))
            missing = []
            for item in window:
                kept = cache.find(item.piece.text)
                if kept is None:
                    missing.append(item)
                else:
                    writers[item.collection].add(item, kept.tolist())
            _start_from(bar, len(window) - len(missing))
            for chunk in _chunks(sorted(missing, key=lambda item: len(item.piece.text))):
                texts = [item.piece.text for item in chunk]
                vectors = model.get_text_embedding_batch(texts)
                cache.add(texts, vectors)
                for item, vector in zip(chunk, vectors, strict=True):
                    writers[item.collection].add(item, vector)
                bar.update(len(chunk))
    for writer in writers.values():
        writer.flush()
    return done


def _start_from(bar: tqdm[NoReturn], count: int) -> None:
    """Counts texts as done without letting them raise the rate."""
    if not bar.disable:
        bar.initial += count
        bar.update(count)


def _chunks(items: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


class _Writer:
    """Vectors on their way into a collection, which takes them in by the transaction."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._waiting: list[TextNode] = []

    def add(self, item: _Piece, vector: list[float]) -> None:
        from llama_index.core.schema import TextNode  # with its embeddings and store two seconds to import

        place = {"source": item.source, "start": item.piece.start, "end": item.piece.end}
        self._waiting.append(TextNode(id_=item.identifier, text="", embedding=vector, metadata=place))
        if len(self._waiting) >= TRANSACTION:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._store.add(self._waiting)
            self._waiting = []


def _pieces(articles: Iterable[tuple[SplitArticle, tuple[Passage, ...]]]) -> Iterator[_Piece]:
    for split, passages in articles:
        source = split.article.source
        for number, sentence in enumerate(split.sentences):
            yield _Piece("sentences", sentence_id(source, number), source, sentence)
        for number, passage in enumerate(passages):
            yield _Piece("passages", passage_id(source, number), source, passage)


def _vector_store(opened: Store, name: str) -> Any:
    from llama_index.vector_stores.chroma import ChromaVectorStore

    return ChromaVectorStore(chroma_collection=opened.made(name))
