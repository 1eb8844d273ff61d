"""The nearest vectors of a collection, or of some files' alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from rag.embed import Vectors
from rag.errors import CitewellError
from rag.vectors import LOCAL, Limits

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

FEW = 500
"""Vectors that are compared one by one; Chroma takes 0.05 ms to give one out.

At 100,000 vectors on two busy cores: 25 ms for 500 this way, where Chroma takes 120 ms to search by their metadata and
45 ms by their identifiers.
"""

SHARE = 0.1
"""Of a collection, from which on it is quicker to search all of it and drop what does not belong.

8 ms for half of 100,000 vectors, where the search by identifiers takes 127 ms and by metadata 400 ms; at a tenth 22, 38
and 200 ms, below it is the identifiers' turn.
"""


def find_nearest(
    collection: Collection,
    vector: Vectors,
    top_k: int,
    make_id: Callable[[str, int], str],
    counts: Mapping[str, int] | None = None,
    limits: Limits = LOCAL,
) -> tuple[list[str], list[float]]:
    """Identifiers and cosines of at most `top_k` vectors, the nearest first; with `counts` of the files in it alone.

    `counts` says how many vectors each file has, `make_id` names them by file and number.
    """
    most = limits.searched or sys.maxsize
    top_k = min(top_k, most)
    if counts is None:
        return _query(collection, vector, top_k)
    size = sum(counts.values())
    top_k = min(top_k, size)
    if size > FEW and size >= SHARE * (total := collection.count()):
        ids, cosines = _query(collection, vector, min(total, most, 2 * top_k * total // size))
        found = [(i, cosine) for i, cosine in zip(ids, cosines, strict=True) if i.rpartition("#")[0] in counts][:top_k]
        if len(found) == top_k:
            return [i for i, _ in found], [cosine for _, cosine in found]
    ids = [make_id(source, number) for source, count in counts.items() for number in range(count)]
    if size > FEW:
        pages = [_query(collection, vector, top_k, ids[start : start + most]) for start in range(0, size, most)]
        ids, cosines = (list(chain.from_iterable(part)) for part in zip(*pages, strict=True))
    else:
        cosines = stored_cosines(collection, vector, ids, limits)
    best = np.argsort(-np.asarray(cosines), kind="stable")[:top_k].tolist()
    return [ids[place] for place in best], [cosines[place] for place in best]


def stored_cosines(
    collection: Collection,
    vector: Vectors,
    ids: Sequence[str],
    limits: Limits = LOCAL,
) -> list[float]:
    """The cosines of the vectors of these identifiers, in their order. Raises CitewellError where one is missing."""
    cosines: dict[str, float] = {}
    for start in range(0, len(ids), limits.stored):
        result = collection.get(ids=list(ids[start : start + limits.stored]), include=["embeddings"])
        vectors = np.asarray(result["embeddings"], np.float32).reshape(-1, len(vector))
        cosines |= zip(result["ids"], (vectors @ vector).tolist(), strict=True)
    if missing := [identifier for identifier in ids if identifier not in cosines]:
        raise CitewellError(f"Chroma has lost vectors ('{missing[0]}'). Rebuild the index: citewell index --rebuild")
    return [cosines[identifier] for identifier in ids]


def _query(
    collection: Collection, vector: Vectors, top_k: int, ids: Sequence[str] | None = None
) -> tuple[list[str], list[float]]:
    result = collection.query(
        query_embeddings=vector.reshape(1, -1), n_results=top_k, ids=list(ids) if ids else None, include=["distances"]
    )
    assert result["distances"] is not None
    return result["ids"][0], [1.0 - distance for distance in result["distances"][0]]
