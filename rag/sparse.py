"""BM25 in the engine: where Chroma offers it (distributed and hosted), sentences carry sparse vectors of their words.

A sentence's vector holds what BM25 makes of each word's count and of the sentence's length; a question's holds how rare
its words are. Their product is BM25, with a constant in place of the sentences' mean length, so that none need be
weighed anew when others come or go. No process that answers holds the postings then; only how many sentences hold each
word is kept beside the index.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.lexical import K1, B, Lexicon, Words, bm25_idf
from rag.manifest import RowMap
from rag.server import explained
from rag.vectors import SPARSE, Limits, parse_id, sentence_id
from rag.words import Word

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection as ChromaCollection
    from chromadb.base_types import SparseVector
    from chromadb.execution.expression.plan import Search

MEAN_LENGTH = 13.0
"""Words of a sentence, stop words aside: those of 2,650 sentences of SQuAD 2.0 have 13.0."""

MOST, CONDITIONS = 300, 8
"""Rows that a search brings and files that it may name: Chroma Cloud's quotas."""


def make_sparse(stems: Sequence[str]) -> SparseVector:
    """A sentence's vector: of each word, at the place of its hash, BM25 (Lucene's variant) but for how rare it is."""
    length = K1 * (1 - B + B * len(stems) / MEAN_LENGTH)
    return _sparse({stem: count / (count + length) for stem, count in Counter(stems).items()})


class EngineLexicon(Lexicon):
    """The words of all sentences, or of some files' alone, whose postings the engine holds."""

    def __init__(self, words: Words, engine: Engine, sources: frozenset[str] | None = None, kept: int = 0) -> None:
        super().__init__(words)
        self._engine = engine
        self._sources = sources
        self._count = words.size if sources is None else kept
        self._held: dict[frozenset[str], bool] = {}

    def __len__(self) -> int:
        return self._count

    def within(self, kept: NDArray[np.bool_], sources: Sequence[str]) -> EngineLexicon:
        return EngineLexicon(self._words, self._engine, frozenset(sources), int(np.count_nonzero(kept)))

    def score(self, question: Sequence[str]) -> EngineScored:
        return EngineScored(self._engine, _sparse(self._weigh(question)), self._sources)

    def mentions(self, word: Word) -> bool:
        if self._sources is None:
            return super().mentions(word)
        return self.knows(word.stem) or self._holds([*self._alike(word)])

    def _weigh(self, question: Sequence[str]) -> dict[str, float]:
        """Each stem by how rare it is; an acronym's long form weighs in all as much as the acronym, and the reverse."""
        weights: defaultdict[str, float] = defaultdict(float)
        for stem in question:
            weights[stem] += self._rareness(stem)
        acronyms = self._words.acronyms
        for added in self.expand(question) - set(question):
            if added in acronyms:
                weights[added] = sum(self._rareness(stem) for stem in acronyms[added])
            else:
                longs = [(short, acronyms[short]) for short in question if added in acronyms.get(short, ())]
                weights[added] = sum(self._rareness(short) / len(long) for short, long in longs)
        return weights

    def _rareness(self, stem: str) -> float:
        frequency = self._words.frequencies.get(stem, 0)
        return bm25_idf(self._words.size, frequency) if frequency else 0.0

    def _frequency(self, stem: str) -> int:
        """Of some files: 0 where none of their sentences holds the stem, otherwise their share of all that do."""
        frequency = super()._frequency(stem)
        if self._sources is None or not frequency:
            return frequency
        acronyms = self._words.acronyms
        shorts = [short for short, long in acronyms.items() if stem in long]
        long = acronyms.get(stem, ())
        if self._holds([stem, *shorts]) or (long and all(self._holds([part]) for part in long)):
            return max(1, round(frequency * self._count / self._words.size))
        return 0

    def _holds(self, stems: Collection[str]) -> bool:
        """Whether a sentence of the files holds one of the stems; True also where that is not sure."""
        known = frozenset(stem for stem in stems if self._words.frequencies.get(stem))
        if not known or not self._sources:
            return False
        if known not in self._held:
            self._held[known] = self._engine.holds(_sparse(dict.fromkeys(known, 1.0)), self._sources)
        return self._held[known]


@dataclass(slots=True)
class EngineScored:
    """Sentences as the engine scores them for one question."""

    engine: Engine
    query: SparseVector
    sources: frozenset[str] | None
    known: dict[int, float] = field(default_factory=dict)

    def best(self, top_k: int) -> NDArray[np.int64]:
        found = self.engine.find(self.query, top_k, self.sources) if self.query.indices and top_k else {}
        self.known |= found
        return np.asarray(list(found), np.int64)

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        missing = [row for row in rows.tolist() if row not in self.known]
        if missing and self.query.indices:
            self.known |= self.engine.weigh(self.query, missing)
        return np.asarray([self.known.get(row, 0.0) for row in rows.tolist()], np.float32)


@dataclass(frozen=True, slots=True)
class Engine:
    """The sentences on the server at `address`, and their rows."""

    collection: ChromaCollection
    rows: RowMap
    address: str
    limits: Limits

    def find(self, query: SparseVector, top_k: int, sources: Collection[str] | None) -> dict[int, float]:
        """Scores of the best rows, of these files alone where they are named; rows that score 0 are left out.

        Of many files only those among the best `MOST` rows of all, for Chroma counts each named one as a condition.
        """
        scores, _ = self._search(query, top_k, sources)
        return dict(sorted(scores.items(), key=lambda item: -item[1])[:top_k])

    def holds(self, query: SparseVector, sources: Collection[str]) -> bool:
        """Whether a sentence of these files shares a word with the query; True also where that is not sure."""
        scores, whole = self._search(query, 1, sources)
        return bool(scores) or not whole

    def weigh(self, query: SparseVector, rows: Sequence[int]) -> dict[int, float]:
        """The scores of these rows."""
        weights = dict(zip(query.indices, query.values, strict=True))
        scores = {}
        for start in range(0, len(rows), self.limits.stored):
            places = map(self.rows.locate, rows[start : start + self.limits.stored])
            names = [sentence_id(file.source, number) for file, number in places]
            with explained(self.address):
                page = self.collection.get(ids=names, include=["metadatas"])
            for name, place in zip(page["ids"], page["metadatas"] or (), strict=True):
                scores[self.rows.row(*parse_id(name))] = _multiply(weights, place.get(SPARSE))
        return scores

    def _search(
        self, query: SparseVector, top_k: int, sources: Collection[str] | None
    ) -> tuple[dict[int, float], bool]:
        """Scores by row, and whether they are all that there are or that were asked for."""
        named = sources if sources is not None and len(sources) <= CONDITIONS else None
        limit = min(top_k, MOST) if named == sources else MOST
        with explained(self.address):
            result = self.collection.search(_make_search(query, limit, named))
        found = zip(map(parse_id, result["ids"][0]), (result["scores"] or [None])[0] or (), strict=True)
        hits = [(place, 1 - distance) for place, distance in found if distance is not None and distance < 1]
        scores = {self.rows.row(*place): score for place, score in hits if sources is None or place[0] in sources}
        return scores, named == sources or len(hits) < limit


def _make_search(query: SparseVector, limit: int, sources: Collection[str] | None) -> Search:
    from chromadb import K, Knn, Search

    search = Search().rank(Knn(query=query, key=SPARSE, limit=limit)).limit(limit).select(K.SCORE)
    return search if sources is None else search.where(K("source").is_in(sorted(sources)))


def _multiply(weights: Mapping[int, float], sentence: object) -> float:
    from chromadb.base_types import SparseVector

    if not isinstance(sentence, SparseVector):  # a sentence of stop words has none
        return 0.0
    return sum(weights.get(place, 0.0) * value for place, value in zip(sentence.indices, sentence.values, strict=True))


def _sparse(weights: Mapping[str, float]) -> SparseVector:
    """The stems' weights, each at the place of its hash; weights of 0 are left out."""
    from chromadb.base_types import SparseVector

    by_place: defaultdict[int, float] = defaultdict(float)
    for stem, weight in weights.items():
        by_place[_place(stem)] += weight
    places = sorted(place for place, weight in by_place.items() if weight > 0)
    return SparseVector(indices=places, values=[by_place[place] for place in places])


def _place(stem: str) -> int:
    """A hash of 31 bits: of a million words, some 500 share their place with another."""
    return zlib.crc32(stem.encode()) >> 1
