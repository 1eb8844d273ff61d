"""BM25 over sentences, kept on disk with the index, with the document frequencies that the reader weighs words by."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.words import stems


class LexicalIndex:
    """BM25 scores of every sentence, and how many sentences hold a stem."""

    def __init__(self, size: int, frequencies: dict[str, int], bm25: Any) -> None:
        self._size = size
        self._frequencies = frequencies
        self._bm25 = bm25

    def __len__(self) -> int:
        return self._size

    @classmethod
    def build(cls, sentences: Sequence[str]) -> LexicalIndex:
        """Indexes the sentences in the order of their rows."""
        import bm25s

        tokens = [stems(sentence) for sentence in sentences]
        frequencies = Counter(stem for sentence in tokens for stem in set(sentence))
        bm25 = None
        if frequencies:
            bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
            bm25.index(tokens, show_progress=False)
        return cls(len(tokens), dict(frequencies), bm25)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "frequencies.json").write_text(
            json.dumps({"size": self._size, "frequencies": self._frequencies}, ensure_ascii=False), encoding="utf-8"
        )
        if self._bm25 is not None:
            self._bm25.save(str(folder / "bm25"), show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index from its folder; raises what json or bm25s raise on damaged files."""
        import bm25s

        data = json.loads((folder / "frequencies.json").read_text(encoding="utf-8"))
        bm25 = bm25s.BM25.load(str(folder / "bm25"), mmap=True, show_progress=False) if data["frequencies"] else None
        return cls(data["size"], data["frequencies"], bm25)

    def scores(self, question: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every sentence for the question's stems, in the order of rows; zeros where no stem is known."""
        known = [stem for stem in question if stem in self._frequencies]
        if not known or self._bm25 is None:
            return np.zeros(self._size, np.float32)
        scores: NDArray[np.float32] = self._bm25.get_scores(known)
        return scores

    def idf(self, stem: str) -> float:
        """ln(1 + (N - n + 0.5) / (n + 0.5)) as in BM25 (Robertson and Zaragoza, 2009); highest for unknown stems."""
        frequency = self._frequencies.get(stem, 0)
        return float(np.log1p((self._size - frequency + 0.5) / (frequency + 0.5)))

    def knows(self, stem: str) -> bool:
        return stem in self._frequencies
