"""First reader"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.config import Config
from rag.converse import Standalone
from rag.embed import Embedder, EncodedText
from rag.lexical import LexicalIndex
from rag.schema import Candidate, Reading, ScoredSentence


class Reader(Protocol):
    """Scores candidates, chooses quotes and says whether they answer."""

    def read(
        self, question: Standalone, encoded: EncodedText, candidates: Sequence[Candidate], lexical: LexicalIndex
    ) -> Reading: ...


class SignalReader:
    def __init__(self, embedder: Embedder, config: Config) -> None:
        self._embedder = embedder
        self._config = config

    def read(
        self, question: Standalone, encoded: EncodedText, candidates: Sequence[Candidate], lexical: LexicalIndex
    ) -> Reading:
        scored = tuple(ScoredSentence(candidate, candidate.score) for candidate in candidates)
        answered = bool(scored) and scored[0].candidate.cosine > 0.4
        return Reading(scored, scored[:2] if answered else (), answered, 0.5, None)
