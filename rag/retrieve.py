"""From a question to the sentences that may answer it: dense (Chroma) and BM25, their scores scaled and summed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.embed import EncodedText, Vectors
from rag.filters import Scope, find_scope
from rag.generations import damaged
from rag.lexical import Scored
from rag.nearest import find_nearest, stored_cosines
from rag.open_index import OpenIndex
from rag.schema import Candidate, Filters, Span, SplitArticle
from rag.server import explained
from rag.vectors import COLLECTIONS, parse_id, passage_id, sentence_id
from rag.words import stems

TOP_PASSAGES = 3
"""Every sentence of this many best passages is a candidate, whatever its own words."""

PASSAGE_WEIGHT = 0.3
"""Weight of the passage's cosine beside the sentence's own."""

BM25_WEIGHT = 0.25
"""Weight of BM25 against the cosines.

MRR@10 of 250 CLAP NQ, 250 SelQA and 500 SQuAD 2.0 questions, sentences as candidates: 0.80, 0.82, 0.81. Cosines alone
give 0.83, 0.79, 0.75, equal weights 0.76, 0.81, 0.82, BM25 alone 0.68, 0.78, 0.79, and a weight that grows from 0.25 to
0.65 with the share of the question's words that are found 0.76, 0.81, 0.82: no better on any than a fixed one.
"""


def retrieve(
    index: OpenIndex,
    question: str,
    encoded: EncodedText,
    load: Callable[[str], SplitArticle | None],
    top_k: int,
    scope: Scope | None = None,
) -> list[Candidate]:
    """At most `top_k` sentences of the scope, or of all articles, best first; [] where there are none.

    `load` gives the split article of a source name, or None for one to leave out. Raises IndexRefusedError where
    Chroma fails.
    """
    scope = scope or find_scope(index, Filters())
    if not len(scope.lexical):
        return []
    scored = scope.lexical.score(stems(question))
    with _explained(index):
        rows, cosines, of_passage = _find_rows(index, encoded.vector, scored, min(top_k, len(scope.lexical)), scope)
        bm25 = scored.of(rows)
    dense = (1 - PASSAGE_WEIGHT) * cosines + PASSAGE_WEIGHT * of_passage
    scores = (1 - BM25_WEIGHT) * _min_max(dense) + BM25_WEIGHT * _min_max(bm25)
    candidates = []
    for i in np.argsort(-scores, kind="stable")[:top_k]:
        row = int(rows[i])
        file, number = index.rows.locate(row)
        split = load(file.source)
        if split is None:
            continue
        candidates.append(
            Candidate(
                row=row,
                split=split,
                number=number,
                passage=_passage_span(index, split, row, number),
                cosine=float(cosines[i]),
                passage_cosine=float(of_passage[i]),
                bm25=float(bm25[i]),
                score=float(scores[i]),
            )
        )
    return candidates


def _find_rows(
    index: OpenIndex, vector: Vectors, scored: Scored, top_k: int, scope: Scope
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The rows that dense search, BM25 or a good passage brings, with their own and their passages' cosines."""
    dense_rows, dense_cosines = _dense(index, vector, top_k, scope)
    passage_rows, passage_cosines = _passages(index, vector, scope)
    rows = np.unique(np.concatenate([dense_rows, scored.best(top_k), passage_rows]))
    cosines = _complete_cosines(
        index, vector, rows, dict(zip(dense_rows.tolist(), dense_cosines.tolist(), strict=True))
    )
    keys = [(index.rows.locate(int(row))[0].source, int(index.passage_of[row])) for row in rows]
    return rows, cosines, _passage_cosines(index, vector, keys, passage_cosines)


def _dense(
    index: OpenIndex, vector: Vectors, top_k: int, scope: Scope
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    ids, cosines = _nearest(index, "sentences", vector, top_k, scope)
    return np.asarray([index.rows.row(*parse_id(identifier)) for identifier in ids], np.int64), np.asarray(cosines)


def _passages(
    index: OpenIndex, vector: Vectors, scope: Scope
) -> tuple[NDArray[np.int64], dict[tuple[str, int], float]]:
    """The rows of the best passages' sentences, and the cosine of every passage that was found."""
    top_k = min(4 * TOP_PASSAGES, index.manifest.passages)
    ids, cosines = _nearest(index, "passages", vector, top_k, scope)
    keys = [parse_id(identifier) for identifier in ids]
    rows: list[int] = []
    for source, number in keys[:TOP_PASSAGES]:
        first = index.rows.row(source, 0)
        file, _ = index.rows.locate(first)
        of_file = np.asarray(index.passage_of[first : first + file.sentences])
        rows += (first + np.flatnonzero(of_file == number)).tolist()
    return np.asarray(rows, np.int64), dict(zip(keys, cosines, strict=True))


def _nearest(
    index: OpenIndex, name: Literal["sentences", "passages"], vector: Vectors, top_k: int, scope: Scope
) -> tuple[list[str], list[float]]:
    counts = None if scope.kept is None else {file.source: getattr(file, name) for file in scope.files}
    return find_nearest(getattr(index, name), vector, top_k, COLLECTIONS[name], counts, index.vectors.limits)


@contextmanager
def _explained(index: OpenIndex) -> Iterator[None]:
    """Turns what Chroma raises in the middle of a question into what to do about it."""
    try:
        with explained(index.server) if index.server else nullcontext():
            yield
    except Exception as error:
        if type(error).__module__.startswith("chromadb"):
            raise damaged(index.generation.parent, str(error)) from error
        raise


def _complete_cosines(
    index: OpenIndex, vector: Vectors, rows: NDArray[np.int64], known: dict[int, float]
) -> NDArray[np.float64]:
    """The cosine of every row; those that the dense search did not bring are computed from the stored vectors."""
    missing = [int(row) for row in rows if int(row) not in known]
    ids = [sentence_id(file.source, number) for file, number in map(index.rows.locate, missing)]
    known = known | dict(zip(missing, stored_cosines(index.sentences, vector, ids, index.vectors.limits), strict=True))
    return np.asarray([known[int(row)] for row in rows])


def _passage_cosines(
    index: OpenIndex, vector: Vectors, keys: Sequence[tuple[str, int]], known: dict[tuple[str, int], float]
) -> NDArray[np.float64]:
    missing = sorted(set(keys) - known.keys())
    ids = [passage_id(*key) for key in missing]
    known = known | dict(zip(missing, stored_cosines(index.passages, vector, ids, index.vectors.limits), strict=True))
    return np.asarray([known[key] for key in keys])


def _min_max(values: NDArray[np.floating]) -> NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) / (high - low) if high > low else np.zeros(len(values)), np.float64)


def _passage_span(index: OpenIndex, split: SplitArticle, row: int, number: int) -> Span:
    first = row - number
    of_file = np.asarray(index.passage_of[first : first + len(split.sentences)])
    numbers = np.flatnonzero(of_file == of_file[number])
    return Span(split.sentences[numbers[0]].start, split.sentences[numbers[-1]].end)
