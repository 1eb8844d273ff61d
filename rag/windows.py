"""What the reader's network reads at once: a question, a title and a few sentences in a row, as word pieces."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUESTION_PIECES, TITLE_PIECES, SENTENCE_PIECES, WINDOW_PIECES = 96, 24, 128, 480
"""Most word pieces of a question, a title, a sentence and a window; what is longer is cut."""

_WORD = re.compile(r"\d+(?:[.,:]\d+)*\w*|\w+|[^\w\s]")

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """A question beside some neighbouring sentences of one article; the title may be empty."""

    question: str
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncodedWindow:
    """A window's word pieces: [CLS] question [SEP] title [SEP] sentence [SEP] sentence [SEP] …

    All arrays have one entry a piece: `ids`; `types`, 0 for the question and 1 for what follows; `sentence`, the number
    of the sentence that the piece belongs to, -1 outside; `word`, the number of the word or mark there that it is part
    of; `spans`, where in its sentence it stands (characters). `ends` are the places of the [SEP] behind each sentence.
    """

    ids: Ints
    types: Ints
    sentence: Ints
    word: Ints
    spans: Ints
    ends: Ints

    def __len__(self) -> int:
        return len(self.ids)


def join_earlier(question: str, earlier: str) -> str:
    """A follow-up as the network reads it: the question, then in brackets what was asked before."""
    return f"{question} ({earlier})" if earlier else question


def encode_windows(tokenizer: Any, windows: Sequence[Window]) -> list[EncodedWindow]:
    """The windows' word pieces, in their order; each text is tokenised once."""
    texts = list(dict.fromkeys(text for w in windows for text in (w.question, w.title, *w.sentences)))
    if not texts:
        return []
    pieces = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
    known = dict(zip(texts, zip(pieces["input_ids"], pieces["offset_mapping"], strict=True), strict=True))
    words = {text: _number_words(text, known[text][1]) for w in windows for text in w.sentences}
    return [_encode(window, known, words, tokenizer.cls_token_id, tokenizer.sep_token_id) for window in windows]


def _number_words(text: str, places: Sequence[tuple[int, int]]) -> list[int]:
    """The number of the word that each piece starts in."""
    starts = [match.start() for match in _WORD.finditer(text)]
    return [bisect_right(starts, place) for place, _ in places]


def _encode(
    window: Window, known: dict[str, tuple[Any, Any]], words: dict[str, list[int]], cls: int, sep: int
) -> EncodedWindow:
    question = list(known[window.question][0][:QUESTION_PIECES])
    title = list(known[window.title][0][:TITLE_PIECES])
    ids = [cls, *question, sep, *title, sep]
    types = [0] * (len(question) + 2) + [1] * (len(title) + 1)
    outside = [-1] * len(ids)
    sentence, word, spans, ends = [*outside], [*outside], [(0, 0)] * len(ids), []
    most = min(SENTENCE_PIECES, (WINDOW_PIECES - len(ids)) // max(len(window.sentences), 1) - 1)
    for number, text in enumerate(window.sentences):
        own, places = known[text]
        own, places = own[:most], places[:most]
        ids += [*own, sep]
        spans += [*places, (0, 0)]
        sentence += [number] * len(own) + [-1]
        word += [*words[text][:most], -1]
        ends.append(len(ids) - 1)
    types += [1] * (len(ids) - len(types))
    return EncodedWindow(
        np.asarray(ids, np.int64),
        np.asarray(types, np.int64),
        np.asarray(sentence, np.int64),
        np.asarray(word, np.int64),
        np.asarray(spans, np.int64).reshape(-1, 2),
        np.asarray(ends, np.int64),
    )
