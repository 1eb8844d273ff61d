"""The trained model that comes with the package: how sure each sentence answers, and where in it the answer stands."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.config import DEFAULT_EMBEDDING
from rag.embed import file_sha256, load_embedder
from rag.errors import ModelError
from rag.turns import in_turn
from rag.windows import EncodedWindow, Window, encode_windows

if TYPE_CHECKING:
    from rag.network import ReaderNetwork

MODEL_FILE = Path(__file__).parent / "reader.safetensors"
MODEL_SHA256 = "4415f866bd2c46565c515f68dcb3368abb9194888bc94d0bdca78ce2aab47c0d"

BATCH_PIECES = 1_024
"""Word pieces of a forward pass, padding included. On two cores 2,048 are no faster, and leave holes in the heap."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """The likeliest answer in a sentence: its characters there, and its log-odds against there being none.

    `share` is its probability, 0 to 1, given that the answer is one of the sentence's spans.
    """

    start: int
    end: int
    odds: float
    share: float


@dataclass(frozen=True, slots=True)
class WindowReading:
    """What the model makes of a window.

    `scores` (sentences,) are log-odds of each sentence against "nothing here answers"; `spans` (pieces, pieces) those
    of each answer, by its first and last piece, against there being none.
    """

    window: EncodedWindow
    scores: Floats
    spans: Floats

    def best_span(self, sentence: int) -> Span:
        """The likeliest answer within one sentence; Span(0, 0, -inf, 0) for a sentence without word pieces."""
        pieces = np.flatnonzero(self.window.sentence == sentence)
        odds = self.spans[np.ix_(pieces, pieces)]
        if not np.isfinite(odds).any():
            return Span(0, 0, -np.inf, 0.0)
        first, last = np.unravel_index(int(odds.argmax()), odds.shape)
        best = float(odds[first, last])
        start, end = self.window.spans[pieces[first], 0], self.window.spans[pieces[last], 1]
        return Span(int(start), int(end), best, 1 / float(np.exp(odds - best).sum()))

    def span_odds(self, sentence: int, start: int, end: int) -> float:
        """Log-odds that the answer within a sentence holds its characters `start` to `end`, or is a part of them.

        -inf where the sentence has no word pieces there.
        """
        pieces = np.flatnonzero(self.window.sentence == sentence)
        places = self.window.spans[pieces]
        inside = np.flatnonzero((places[:, 0] < end) & (places[:, 1] > start))
        if not len(inside):
            return -np.inf
        first, last = inside[0], inside[-1]
        odds = self.spans[np.ix_(pieces, pieces)]
        part = odds[first : last + 1, first : last + 1]
        around = odds[: first + 1, last:].copy()
        around[first, 0] = -np.inf  # it is a part as well
        return float(np.logaddexp.reduce(np.concatenate([part, around], axis=None)))


class ReadingModel:
    """The network in memory with its tokenizer. `read` may be called from several threads; they take turns."""

    def __init__(self, network: ReaderNetwork, tokenizer: Any, device: str = "cpu") -> None:
        self.network = network.to(device).eval()
        self.tokenizer = tokenizer
        self.device = device

    def read(self, windows: Sequence[Window]) -> list[WindowReading]:
        """The windows' readings, in their order; [] for none. Windows of like length share a forward pass."""
        return in_turn(self._read, windows)

    def _read(self, windows: Sequence[Window]) -> list[WindowReading]:
        encoded, batches = self._encode(windows)
        readings: dict[int, WindowReading] = {}
        for rows in batches:
            readings |= zip(rows, self.forward([encoded[row] for row in rows]), strict=True)
        return [readings[row] for row in range(len(encoded))]

    def encode(self, windows: Sequence[Window]) -> list[list[EncodedWindow]]:
        """The windows' word pieces in the batches that `read` makes of them."""
        encoded, batches = in_turn(self._encode, windows)
        return [[encoded[row] for row in rows] for rows in batches]

    def _encode(self, windows: Sequence[Window]) -> tuple[list[EncodedWindow], list[list[int]]]:
        encoded = encode_windows(self.tokenizer, windows)
        return encoded, batch_by_length([len(window) for window in encoded], BATCH_PIECES)

    def forward(self, windows: Sequence[EncodedWindow]) -> list[WindowReading]:
        """One forward pass for all the windows."""
        import torch

        from rag.network import collate

        with torch.inference_mode(), torch.autocast(self.device, torch.bfloat16, enabled=has_bfloat16(self.device)):
            scores, spans = self.network(collate(windows).to(self.device))
        all_scores, all_spans = scores.cpu().numpy(), spans.cpu().numpy()
        return [
            WindowReading(window, all_scores[row, : len(window.ends)], all_spans[row, : len(window), : len(window)])
            for row, window in enumerate(windows)
        ]


def batch_by_length(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Numbers of the texts in batches of like length, longest first, each at most `budget` pieces with its padding."""
    batches: list[list[int]] = []
    longest = 0
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if not batches or longest * (len(batches[-1]) + 1) > budget:
            batches.append([])
            longest = lengths[row]
        batches[-1].append(row)
    return batches


@cache
def has_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16 itself: elsewhere it would be slower than float32."""
    import torch

    if device != "cpu":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_avx512_bf16_supported())


@cache
def load_reading_model(device: str | None = None) -> ReadingModel:
    """The shipped model on the default embedding model's word embeddings; loaded once a process.

    `device` None takes a GPU where there is one. Raises ModelError when its file, or the embedding model's, is missing
    or not the one that the package was made with.
    """
    from rag.network import load_network, make_network

    if not MODEL_FILE.is_file():
        raise ModelError(f"'{MODEL_FILE}' is missing. Install Citewell anew.")
    digest = file_sha256(MODEL_FILE)
    if digest != MODEL_SHA256:
        raise ModelError(
            f"'{MODEL_FILE}' hashes to {digest[:12]}…, but the reader's model to {MODEL_SHA256[:12]}…. "
            "Install Citewell anew."
        )
    base = load_embedder(DEFAULT_EMBEDDING, device).model
    network = make_network(base[0].auto_model)
    load_network(network, MODEL_FILE)
    # The embedder sets its own tokenizer to cut and pad while other threads read.
    return ReadingModel(network, copy.deepcopy(base.tokenizer), base.device.type)
