"""The public question sets as they lie in a data folder, our own, and the parts of them that training never sees."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import CitewellError

_FOLDER = Path(__file__).parent

SOURCES = (
    "squad1-sentences",
    "squad2-dev-half",
    "qamr",
    "fairytaleqa",
    "selqa",
    "policyqa",
    "clapnq",
    "covidqa",
)
EVALUATION = "eval-xquad-en"

NEWSROOM, RIVALS, SETS = "newsroom", "rivals", "contradictions"
"""Our own sets, which come with the project: single articles, pairs of articles, and sets of sentences."""

OWN = (NEWSROOM, RIVALS, SETS)

NEAR_MISSES = "squad2-dev-half"
"""The set whose unanswerable questions were written by people; it is split by title."""

DEV_TITLES = ("Harvard University", "Normans")
TEST_TITLES = ("Huguenot", "Islamism", "Packet switching", "Scottish Parliament", "Steam engine")
"""Of `NEAR_MISSES`: for choosing, and for reporting. Drawn from its 16 titles before anything was trained."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question beside a passage; `positive` are the numbers of the sentences that answer, () for none.

    `spans` are the answer's places (sentence, start, end) in characters, () where nobody marked any; `near` is the
    sentence that seems to answer and does not, -1 where nobody marked one.
    """

    text: str
    sentences: tuple[str, ...]
    positive: tuple[int, ...]
    spans: tuple[tuple[int, int, int], ...]
    answer: str
    title: str
    source: str
    near: int = -1


@dataclass(frozen=True, slots=True)
class Questions:
    """All questions, by what they are for; `newsroom` and `rivals` are those of our own that training never sees."""

    train: tuple[Question, ...]
    dev: tuple[Question, ...]
    test: tuple[Question, ...]
    xquad: tuple[Question, ...]
    newsroom: tuple[Question, ...] = ()
    rivals: tuple[Question, ...] = ()


def load_questions(folder: Path) -> Questions:
    """The folder's questions. Raises CitewellError where a file is missing."""
    split = _load(folder, NEAR_MISSES)
    train = [q for source in SOURCES for q in (split if source == NEAR_MISSES else _load(folder, source))]
    held_back = {*DEV_TITLES, *TEST_TITLES}
    own = (*load_newsroom("train"), *load_rivals("train"), *load_sets("train"))
    return Questions(
        train=(*(q for q in train if not (q.source == NEAR_MISSES and q.title in held_back)), *own),
        dev=tuple(q for q in split if q.title in DEV_TITLES),
        test=tuple(q for q in split if q.title in TEST_TITLES),
        xquad=tuple(_load(folder, EVALUATION)),
        newsroom=load_newsroom("test"),
        rivals=load_rivals("test"),
    )


def load_newsroom(part: str) -> tuple[Question, ...]:
    """Our own questions on single articles of one part, "train" or "test"."""
    return tuple(_load(_FOLDER, NEWSROOM, f"-{part}"))


def load_rivals(part: str) -> tuple[Question, ...]:
    """Our own questions on pairs of articles: on the one, on the other, and on that with one sentence changed.

    A sentence that only looks alike, of another year, place or measure, does not answer.
    """
    return tuple(question for row in _load_rows(_FOLDER / f"{RIVALS}.jsonl.gz", part) for question in _read_rivals(row))


def _read_rivals(row: dict[str, Any]) -> Iterator[Question]:
    titles, one, other = row["titles"], tuple(row["a"]), tuple(row["b"])
    for asked in row["questions"]:
        yield _make_own(RIVALS, asked["text"], one, asked["a"], titles[0])
        yield _make_own(RIVALS, asked["text"], other, asked["b"], titles[1], answered=_is_answer(asked["relation"]))
        if "counterpart" in asked:
            place = asked["b"][0]
            changed = (*other[:place], asked["counterpart"], *other[place + 1 :])
            answered = _is_answer(asked["counter_relation"])
            yield _make_own(RIVALS, asked["text"], changed, [place], titles[1], answered=answered)


def _is_answer(relation: str) -> bool:
    return relation in ("contradict", "agree")


def load_sets(part: str) -> tuple[Question, ...]:
    """Our own questions on single sentences: a set has four that answer and three that seem to."""
    return tuple(
        _make_own(SETS, row["question"], (text,), [0], "", answered=kind in ("base", "agree", "conflict"))
        for row in _load_rows(_FOLDER / f"{SETS}.jsonl.gz", part)
        for kind in ("base", "agree", "conflict", "other", "miss")
        for text in ([row[kind]] if kind == "base" else row[kind])
    )


def _make_own(
    source: str, text: str, sentences: tuple[str, ...], told: Sequence[int], title: str, *, answered: bool = True
) -> Question:
    """A question whose `told` sentences answer it or, not `answered`, seem to."""
    near = -1 if answered or not told else told[0]
    return Question(text, sentences, tuple(told) if answered else (), (), "", title, source, near)


def _load_rows(file: Path, part: str) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if row["part"] == part]


def _load(folder: Path, source: str, part: str = "") -> list[Question]:
    file = folder / f"{source}{part}.jsonl.gz"
    if not file.is_file():
        raise CitewellError(
            f"'{file}' is missing. --data must name the folder with the question sets of the model card."
        )
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [_read(json.loads(line), source) for line in lines]


def _read(row: dict[str, object], source: str) -> Question:
    sentences, positive, spans, near = row["sentences"], row["positive"], row["spans"], row.get("near", -1)
    assert isinstance(sentences, list)
    assert isinstance(positive, list)
    assert isinstance(spans, list)
    assert isinstance(near, int)
    return Question(
        text=" ".join(str(row["question"]).split()),
        sentences=tuple(sentences),
        positive=tuple(positive),
        spans=tuple((int(s), int(a), int(b)) for s, a, b in spans if 0 <= a < b <= len(sentences[s])),
        answer=str(row["answer"] or ""),
        title=str(row["title"] or "").replace("_", " "),
        source=source,
        near=near,
    )
