"""The nearest vectors of a collection, or of some files' alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rag.embed import Vectors

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
) -> tuple[list[str], list[float]]:
    """Identifiers and cosines of at most `top_k` vectors, the nearest first; with `counts` of the files in it alone.

    `counts` says how many vectors each file has, `make_id` names them by file and number.
    """
    if counts is None:
        return _query(collection, vector, top_k)
    size = sum(counts.values())
    top_k = min(top_k, size)
    if size > FEW and size >= SHARE * (total := collection.count()):
        ids, cosines = _query(collection, vector, min(total, 2 * top_k * total // size))
        found = [(i, cosine) for i, cosine in zip(ids, cosines, strict=True) if i.rpartition("#")[0] in counts][:top_k]
        if len(found) == top_k:
            return [i for i, _ in found], [cosine for _, cosine in found]
    ids = [make_id(source, number) for source, count in counts.items() for number in range(count)]
    if size > FEW:
        return _query(collection, vector, top_k, ids)
    cosines = stored_cosines(collection, vector, ids)
    best = np.argsort(-np.asarray(cosines), kind="stable")[:top_k].tolist()
    return [ids[place] for place in best], [cosines[place] for place in best]


def stored_cosines(collection: Collection, vector: Vectors, ids: Sequence[str]) -> list[float]:
    """The cosines of the vectors of these identifiers, in their order."""
    if not ids:
        return []
    result = collection.get(ids=list(ids), include=["embeddings"])
    vectors = dict(zip(result["ids"], np.asarray(result["embeddings"], np.float32), strict=True))
    return [float(vectors[identifier] @ vector) for identifier in ids]


def _query(
    collection: Collection, vector: Vectors, top_k: int, ids: Sequence[str] | None = None
) -> tuple[list[str], list[float]]:
    result = collection.query(
        query_embeddings=vector.reshape(1, -1), n_results=top_k, ids=list(ids) if ids else None, include=["distances"]
    )
    assert result["distances"] is not None
    return result["ids"][0], [1.0 - distance for distance in result["distances"][0]]
