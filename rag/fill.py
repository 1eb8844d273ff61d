"""Articles' sentences and passages on their way into Chroma: cut into chunks, embedded, stored by the transaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from rag.config import Config
from rag.embed import LLAMA_INDEX_BATCH, Embedder
from rag.schema import Passage, Sentence, SplitArticle
from rag.sparse import make_sparse
from rag.vector_cache import VectorCache
from rag.vectors import COLLECTIONS, SPARSE, Store, passage_id, sentence_id, vector_store
from rag.words import stems

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection
    from chromadb.api.types import Metadata
    from llama_index.core.schema import TextNode
    from tqdm import tqdm

CHUNK = LLAMA_INDEX_BATCH
"""Texts between two steps of the progress bar."""

TRANSACTION = 4_096
"""Vectors that Chroma takes in at once; each time costs it tens of milliseconds, however few they are."""


Chunk = list[str]
"""At most `CHUNK` texts, of about the same length."""

ChunkVectors = list[list[float]]
"""Their vectors."""

EmbedChunks = Callable[[Iterator[Chunk]], Generator[ChunkVectors]]
"""Gives the vectors of each chunk, in order; may take some more chunks before it does."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text to embed, where it goes and where it comes from."""

    collection: str
    identifier: str
    source: str
    piece: Sentence | Passage


def add_vectors(
    opened: Store,
    articles: Iterable[tuple[SplitArticle, tuple[Passage, ...]]],
    embed: EmbedChunks,
    config: Config,
    cache: VectorCache,
    share: Callable[[], float],
) -> int:
    """Embeds and stores sentences and passages; returns how many.

    They are taken in windows of `Config.index_window`, in each in order of length, so that a batch needs little
    padding. What the cache holds is not embedded again, and what is embedded goes there at once. `share` says how much
    of the articles has been taken so far (0..1), from which the progress bar, shown after two seconds, makes its total.
    """
    from tqdm import tqdm

    writers = {name: _Writer(opened, name) for name in COLLECTIONS}
    pieces, done = _pieces(articles), 0
    chunks: deque[Sequence[_Piece]] = deque()
    with tqdm(desc="Indexing", unit=" texts", delay=2, disable=None) as bar:

        def take() -> Iterator[Chunk]:
            nonlocal done
            while window := list(islice(pieces, config.index_window)):
                done += len(window)
                bar.total = round(done / max(share(), 1e-9))
                missing = [item for item in window if not _store_kept(item, cache, writers)]
                _start_from(bar, len(window) - len(missing))
                for chunk in _chunks(sorted(missing, key=lambda item: len(item.piece.text))):
                    chunks.append(chunk)
                    yield [item.piece.text for item in chunk]

        with closing(embed(take())) as embedded:
            for vectors in embedded:
                chunk = chunks.popleft()
                cache.add([item.piece.text for item in chunk], vectors)
                for item, vector in zip(chunk, vectors, strict=True):
                    writers[item.collection].add(item, vector)
                bar.update(len(chunk))
    for writer in writers.values():
        writer.flush()
    return done


def _store_kept(item: _Piece, cache: VectorCache, writers: dict[str, _Writer]) -> bool:
    """Stores the vector that the cache holds of the text; whether it holds one."""
    kept = cache.find(item.piece.text)
    if kept is not None:
        writers[item.collection].add(item, kept.tolist())
    return kept is not None


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

    def __init__(self, opened: Store, name: str) -> None:
        self._store = vector_store(opened, name)
        self._sparse = opened.collection(name) if opened.sparse and name == "sentences" else None
        self._most = min(TRANSACTION, opened.limits.stored)
        self._waiting: list[TextNode] = []
        self._words: list[tuple[str, ...]] = []
        self._make_node = _node_maker()

    def add(self, item: _Piece, vector: list[float]) -> None:
        place = {"source": item.source, "start": item.piece.start, "end": item.piece.end}
        self._waiting.append(self._make_node(id_=item.identifier, text="", embedding=vector, metadata=place))
        if self._sparse:
            self._words.append(stems(item.piece.text))
        if len(self._waiting) >= self._most:
            self.flush()

    def flush(self) -> None:
        if self._waiting and self._sparse:
            _add_sparse(self._sparse, self._waiting, self._words)
        elif self._waiting:
            self._store.add(self._waiting)
        self._waiting, self._words = [], []


def _add_sparse(collection: Collection, nodes: Sequence[TextNode], words: Sequence[tuple[str, ...]]) -> None:
    """What LlamaIndex's store does, with the sentences' sparse vectors, of which it takes none."""
    from llama_index.core.vector_stores.utils import node_to_metadata_dict

    places = [node_to_metadata_dict(node, remove_text=True) for node in nodes]
    for place, said in zip(places, words, strict=True):
        if said:
            place[SPARSE] = make_sparse(said)
    vectors = np.asarray([node.get_embedding() for node in nodes], np.float32)
    collection.add(ids=[node.node_id for node in nodes], embeddings=vectors, metadatas=cast("list[Metadata]", places))


@cache
def _node_maker() -> type[TextNode]:
    """LlamaIndex's node, of which its Chroma store keeps no more than what says what it is.

    It would keep every field's default with each vector: 1.0 of 2.3 kB that Chroma's database takes for it.
    """
    from llama_index.core.schema import TextNode  # with its embeddings and store two seconds to import

    class PlacedNode(TextNode):
        """A vector with the place of its text."""

        def model_dump(self, **_: Any) -> dict[str, Any]:
            return {"id_": self.id_, "metadata": dict(self.metadata)}

    return PlacedNode


def _pieces(articles: Iterable[tuple[SplitArticle, tuple[Passage, ...]]]) -> Iterator[_Piece]:
    for split, passages in articles:
        source = split.article.source
        for number, sentence in enumerate(split.sentences):
            yield _Piece("sentences", sentence_id(source, number), source, sentence)
        for number, passage in enumerate(passages):
            yield _Piece("passages", passage_id(source, number), source, passage)


def embed_here(config: Config, embedder: Embedder) -> EmbedChunks:
    """Embeds in this process, through LlamaIndex, one chunk after the other."""
    model = embedder.for_llama_index(config.batch_size)

    def embed(chunks: Iterator[Chunk]) -> Generator[ChunkVectors]:
        for chunk in chunks:
            yield model.get_text_embedding_batch(chunk)

    return embed
