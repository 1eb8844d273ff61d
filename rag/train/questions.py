"""The public question sets as they lie in a data folder, our own, and the parts of them that training never sees."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from rag.errors import CitewellError

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

NEWSROOM = "newsroom"
"""Our own set, which comes with the project."""

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
    """All questions, by what they are for; `newsroom` are those of our own set that training never sees."""

    train: tuple[Question, ...]
    dev: tuple[Question, ...]
    test: tuple[Question, ...]
    xquad: tuple[Question, ...]
    newsroom: tuple[Question, ...] = ()


def load_questions(folder: Path) -> Questions:
    """The folder's questions. Raises CitewellError where a file is missing."""
    split = _load(folder, NEAR_MISSES)
    train = [q for source in SOURCES for q in (split if source == NEAR_MISSES else _load(folder, source))]
    held_back = {*DEV_TITLES, *TEST_TITLES}
    own = {part: load_newsroom(part) for part in ("train", "test")}
    return Questions(
        train=(*(q for q in train if not (q.source == NEAR_MISSES and q.title in held_back)), *own["train"]),
        dev=tuple(q for q in split if q.title in DEV_TITLES),
        test=tuple(q for q in split if q.title in TEST_TITLES),
        xquad=tuple(_load(folder, EVALUATION)),
        newsroom=own["test"],
    )


def load_newsroom(part: str) -> tuple[Question, ...]:
    """Our own questions of one part, "train" or "test"."""
    return tuple(_load(Path(__file__).parent, NEWSROOM, f"-{part}"))


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
