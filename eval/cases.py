"""The questions with known answers, as frozen values, and where in the articles their gold passages stand."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.articles import read_article
from rag.errors import CitewellError
from rag.schema import Article, Message

FACTS = Path(__file__).with_name("facts.jsonl")
"""The cases about the articles in `seeds`."""

SPLITS = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Passage:
    """Words of an article: its file name relative to the corpus, and the words exactly as they stand there."""

    source: str
    quote: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question and what a right answer quotes.

    `gold` holds the facts of the answer, each as alternative passages of which any suffices; it is empty for an
    unanswerable question. Then `near` holds what looks like an answer or contradicts the question, and `why` says why
    the question has none.
    """

    id: str
    split: str
    kind: str
    question: str
    answerable: bool
    short: str | None
    gold: tuple[tuple[Passage, ...], ...]
    near: tuple[Passage, ...] = ()
    why: str = ""
    history: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a file: its name and the offsets in characters of its text, `end` exclusive."""

    source: str
    start: int
    end: int


Facts = tuple[tuple[Place, ...], ...]
"""A case's gold in the articles: its facts, each as the alternative places that state it."""


def load_cases(path: Path = FACTS, split: str | None = None, kinds: Collection[str] | None = None) -> tuple[Case, ...]:
    """The cases of a JSON-lines file in its order; of one split, or of some kinds, where these are given.

    Raises CitewellError, with the line's number, for a line that is no case; also for an unreadable file, two cases
    with the same id, and a kind or a choice that no case has.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CitewellError(f"The cases in '{path}' cannot be read: {error}. Name a file of cases: --cases.") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    cases: dict[str, Case] = {}
    for number, line in numbered:
        case = parse_case(path, number, _parse_line(path, number, line))
        if case.id in cases:
            raise _wrong(path, number, f"the id '{case.id}' is taken by an earlier line")
        cases[case.id] = case
    unknown = sorted(set(kinds or ()) - {case.kind for case in cases.values()})
    if unknown:
        known = ", ".join(sorted({case.kind for case in cases.values()}))
        raise CitewellError(f"'{path}' has no cases of kind '{unknown[0]}'; its kinds are {known}.")
    chosen = tuple(c for c in cases.values() if split in (None, c.split) and (not kinds or c.kind in kinds))
    if not chosen:
        raise CitewellError(f"'{path}' has no such cases in split '{split or 'all'}'. Choose another split or kind.")
    return chosen


def _parse_line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise _wrong(path, number, f"{error} (see eval/facts.jsonl for the form of a case)") from error


def parse_case(path: Path, number: int, data: dict[str, Any]) -> Case:
    """The case that a line of the file holds. Raises CitewellError, with the line's number, where it is none."""
    try:
        case = Case(
            **data
            | {
                "gold": tuple(tuple(Passage(**passage) for passage in fact) for fact in data["gold"]),
                "near": tuple(Passage(**passage) for passage in data.get("near", ())),
                "history": tuple(_parse_message(message) for message in data.get("history", ())),
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _wrong(path, number, f"{error} (see eval/facts.jsonl for the form of a case)") from error
    if case.split not in SPLITS:
        raise _wrong(path, number, f"the split is '{case.split}', expected one of {', '.join(SPLITS)}")
    if not all(isinstance(text, str) and text.strip() for text in (case.id, case.kind, case.question)):
        raise _wrong(path, number, "id, kind and question must each be a text that is not empty")
    if case.answerable != bool(case.gold) or not all(case.gold):
        raise _wrong(path, number, "an answerable case has a gold passage for each fact, an unanswerable one none")
    return case


def _parse_message(data: dict[str, Any]) -> Message:
    if data["role"] not in ("user", "assistant") or not isinstance(data["content"], str):
        raise ValueError("a message of the history needs the role user or assistant, and a content that is text")
    return Message(role=data["role"], content=data["content"])


def _wrong(path: Path, number: int, what: str) -> CitewellError:
    return CitewellError(f"'{path}', line {number}: {what}.")


def locate_gold(case: Case, corpus: Path) -> Facts:
    """Where the case's gold passages stand in the corpus; a quote that stands there twice has two places.

    Raises CitewellError when a file is missing or does not hold the quote.
    """
    return tuple(tuple(place for passage in fact for place in _locate(case, passage, corpus)) for fact in case.gold)


def locate_near(case: Case, corpus: Path) -> tuple[Place, ...]:
    """Where the words stand that contradict an unanswerable question or look like its answer; raises the same."""
    return tuple(place for passage in case.near for place in _locate(case, passage, corpus))


def _locate(case: Case, passage: Passage, corpus: Path) -> list[Place]:
    article = read_article(corpus, passage.source, sys.maxsize)
    if not isinstance(article, Article):
        raise CitewellError(
            f"Case '{case.id}' quotes '{passage.source}', which cannot be read in '{corpus}': {article.reason}. Name "
            "the corpus that the cases were written for (--corpus), or other cases (--cases)."
        )
    text = article.text
    places = []
    start = text.find(passage.quote)
    while start >= 0:
        places.append(Place(passage.source, start, start + len(passage.quote)))
        start = text.find(passage.quote, start + 1)
    if not places:
        raise CitewellError(
            f"Case '{case.id}' quotes “{passage.quote[:60]}…”, but '{corpus / passage.source}' does not hold it. "
            "Correct the case, or name the corpus that it was written for: --corpus."
        )
    return places
