"""Sentences that contradict each other, or only seem to, as answers to a question, and what an epoch reads of them."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.train.mining import Embed
from rag.train.pair_network import AGREE, CONTRADICT, UNRELATED
from rag.train.questions import load_newsroom

SETS = Path(__file__).with_name("contradictions.jsonl.gz")

UNKNOWN = -100
"""What PyTorch's cross entropy leaves out."""

KEEP, KEEP_OF_ARTICLE = 0.7, 0.4
"""How likely a sentence of a set, or of an article, is read in an epoch."""

ONE_SIDED = 0.3
"""Share of the sets that are read in an epoch without the sentences that contradict."""

NEIGHBOURS, STRANGERS = 16, 6
"""Nearest sentences of other sets and articles that a question has, and the most of them that are read beside its own.
"""

MOST_READ = 8
"""Sentences of a window."""


@dataclass(frozen=True, slots=True)
class SetSentence:
    """A sentence and what it is to its set's question.

    `role` is "base", "agree" (the same answer), "conflict" (another one; there are two), "other" (seems to be another
    one, of something else), "miss" (no answer) or "stranger" (of another set, or of an article that is consistent).
    """

    text: str
    role: str


@dataclass(frozen=True, slots=True)
class SentenceSet:
    """A question with a set's sentences; `same` tells whether the two of role "conflict" agree with each other.

    `origin` is the same for all questions about one article; `neighbours` are sentences of others, one an origin.
    """

    question: str
    sentences: tuple[SetSentence, ...]
    same: bool
    origin: str
    neighbours: tuple[str, ...] = ()


def load_sets(part: str) -> list[SentenceSet]:
    """The sets of one part, "train" or "test", in the file's order."""
    with gzip.open(SETS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [_read(row) for row in rows if row["part"] == part]


def _read(row: dict[str, Any]) -> SentenceSet:
    sentences = (
        SetSentence(row["base"], "base"),
        *(SetSentence(text, role) for role in ("conflict", "agree", "other", "miss") for text in row[role]),
    )
    return SentenceSet(row["question"], sentences, row["same"], row["base"])


def load_articles(part: str) -> list[SentenceSet]:
    """Our own questions with the sentences of their article, none of which contradicts another."""
    return [
        SentenceSet(q.text, tuple(SetSentence(text, "stranger") for text in q.sentences), same=False, origin=q.title)
        for q in load_newsroom(part)
        if len(q.sentences) > 1
    ]


def add_neighbours(sets: Sequence[SentenceSet], embed: Embed) -> list[SentenceSet]:
    """The sets, each with the sentences of other sets and articles that are nearest to its question by cosine.

    A window of sentences that are found for a question is what the model reads in use.
    """
    pool = dict.fromkeys((sentence.text, one.origin) for one in sets for sentence in one.sentences)
    texts, origins = [text for text, _ in pool], [origin for _, origin in pool]
    vectors, questions = embed(texts), embed([one.question for one in sets])
    return [
        replace(one, neighbours=_find_neighbours(vectors @ question, texts, origins, one.origin))
        for one, question in zip(sets, questions, strict=True)
    ]


def _find_neighbours(
    cosines: NDArray[np.float32], texts: Sequence[str], origins: Sequence[str], own: str
) -> tuple[str, ...]:
    """The nearest sentence of each of the nearest origins but its own."""
    found: dict[str, str] = {}
    for place in np.argsort(-cosines):
        if len(found) == NEIGHBOURS:
            break
        if origins[place] != own:
            found.setdefault(origins[place], texts[place])
    return tuple(found.values())


def relation(one: SetSentence, other: SetSentence, *, same: bool) -> int:
    """What two sentences of a window are to each other; `UNKNOWN` for two that only seem to be other answers."""
    roles = {one.role, other.role}
    if roles <= {"base", "agree"}:
        return AGREE
    if roles == {"conflict"}:
        return AGREE if same else CONTRADICT
    if roles == {"other"}:
        return UNKNOWN
    return CONTRADICT if "conflict" in roles and roles & {"base", "agree"} else UNRELATED


Drawn = tuple[str, tuple[SetSentence, ...]]


def draw_epoch(sets: Sequence[SentenceSet], size: int, draw: random.Random) -> list[tuple[list[Drawn], list[bool]]]:
    """Batches of windows of like length, in any order: of each set some sentences, and some of others, shuffled."""
    drawn = [(one.question, _draw_sentences(one, draw)) for one in sets]
    lengths = [sum(len(sentence.text) for sentence in sentences) for _, sentences in drawn]
    order = sorted(range(len(sets)), key=lambda place: lengths[place])
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    draw.shuffle(batches)
    return [([drawn[place] for place in rows], [sets[place].same for place in rows]) for rows in batches]


def _draw_sentences(own: SentenceSet, draw: random.Random) -> tuple[SetSentence, ...]:
    """Some of a set's or an article's sentences, and some of its neighbours, in any order."""
    is_set = any(sentence.role == "base" for sentence in own.sentences)
    one_sided = is_set and draw.random() < ONE_SIDED
    offered = [sentence for sentence in own.sentences if not (one_sided and sentence.role == "conflict")]
    kept = [sentence for sentence in offered if draw.random() < (KEEP if is_set else KEEP_OF_ARTICLE)]
    strangers = draw.sample(own.neighbours, min(draw.randint(0 if kept else 2, STRANGERS), len(own.neighbours)))
    kept += [SetSentence(text, "stranger") for text in strangers]
    draw.shuffle(kept)
    return tuple(kept[:MOST_READ] if len(kept) > 1 else offered[:2])
