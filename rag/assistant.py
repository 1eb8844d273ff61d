"""A question's way to its answer; every stage is one call."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import Self

from rag.cite import cite, find_quotes
from rag.compose import compose_answer, compose_refusal, find_unmentioned
from rag.config import Config
from rag.conflict import find_conflicts
from rag.converse import Standalone, check_history, check_question, make_standalone
from rag.current import CurrentIndex, Shelf
from rag.embed import load_embedder
from rag.library import StaleIndexError
from rag.reader import Reader, TrainedReader
from rag.retrieve import retrieve
from rag.schema import Answer, Article, Citation, Message, Reading
from rag.spelling import correct_spelling

NEAREST = 3
"""Passages shown with a refusal."""


class Assistant:
    """An open index with a loaded model; `ask` may be called from several threads.

    Use `Assistant.open`, best in a `with` statement.
    """

    def __init__(self, config: Config, reader: Reader | None = None) -> None:
        self.config = config
        self._embedder = load_embedder(config.embedding, config.device)
        self._reader = reader or TrainedReader(self._embedder, config)
        self._current = CurrentIndex(config, self._embedder)

    @classmethod
    def open(cls, config: Config | None = None) -> Self:
        """Opens the index, bringing it up to date with the corpus first; builds what is missing.

        Raises CitewellError when the corpus, the index or the model cannot be used.
        """
        assistant = cls(config or Config())
        with assistant._current.borrow():
            return assistant

    def close(self) -> None:
        """Closes the index; `ask` opens it again."""
        self._current.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, question: str, history: Iterable[Message] | None = None) -> Answer:
        """The answer with its verified quotes, or a refusal with the nearest passages.

        `history` holds the turns before the question, oldest first. Raises ValueError for a question that is blank,
        longer than 2,000 characters or holds control characters; CitewellError when the index cannot be brought up to
        date.
        """
        check_question(question)
        messages = check_history(history)
        try:
            return self._answer(question, messages, last=False)
        except StaleIndexError:  # a file changed between the look at the folder and the reading
            return self._answer(question, messages, last=True)

    def articles(self) -> list[Article]:
        """The indexed articles, sorted by source. Raises CitewellError as `ask` does."""
        with self._current.borrow() as shelf:
            return [shelf.library.load(source).article for source in shelf.library]

    def _answer(self, question: str, history: Sequence[Message], *, last: bool) -> Answer:
        timings: dict[str, float] = {}
        start = time.perf_counter()
        with self._current.borrow() as shelf:
            timings["refresh"] = round(time.perf_counter() - start, 6)
            with _timed(timings, "converse"):
                standalone = make_standalone(question, history)
                standalone = correct_spelling(standalone, shelf.index.lexical, self._embedder.is_word)
            with _timed(timings, "encode"):
                encoded = self._embedder.encode_question(standalone.question)
            with _timed(timings, "retrieve"):
                candidates = retrieve(
                    shelf.index, standalone.question, encoded, shelf.library.load, self.config.candidates
                )
            with _timed(timings, "read"):
                reading = self._reader.read(standalone, encoded, candidates, shelf.index.lexical)
            with _timed(timings, "cite"):
                citations = cite(find_quotes(reading.chosen), shelf.library) if reading.answered else ()
                nearest = () if citations else cite(find_quotes(reading.sentences[:NEAREST]), shelf.library)
            if reading.answered and not citations and not last:
                raise StaleIndexError("None of the quotes stands in its file any more. Ask again.")
            with _timed(timings, "compose"):
                answer = _conclude(question, standalone, reading, citations, nearest, shelf)
            return replace(answer, timings=timings | {"total": round(sum(timings.values()), 6)})


def _conclude(
    question: str,
    standalone: Standalone,
    reading: Reading,
    citations: tuple[Citation, ...],
    nearest: tuple[Citation, ...],
    shelf: Shelf,
) -> Answer:
    """The answer from the quotes that passed the gate; a refusal where there are none."""
    conflicts = find_conflicts(standalone, citations)
    short = reading.short if citations and reading.short and reading.short in citations[0].quote else None
    unmentioned = () if citations else find_unmentioned(standalone.question, shelf.index.lexical)
    unmet = () if citations else tuple(word for word in reading.unmet if word not in unmentioned)
    return Answer(
        question=question,
        standalone_question=standalone.question,
        answered=bool(citations),
        text=compose_answer(citations, short, conflicts) if citations else compose_refusal(nearest, unmentioned, unmet),
        short=short,
        confidence=reading.confidence if citations or not reading.answered else 0.0,
        citations=citations,
        conflicts=conflicts,
        nearest=nearest,
        answerer="quotes",
        timings={},
        unmentioned=unmentioned,
        unmet=unmet,
    )


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = round(time.perf_counter() - start, 6)


@cache
def _shared_assistant(config: Config) -> Assistant:
    return Assistant(config)


def answer(question: str, history: Iterable[Message] | None = None, config: Config | None = None) -> Answer:
    """Answers from the default corpus and index, or those of `config`; builds the index when it is missing.

    The model and the index stay open for the next question. Raises as `Assistant.ask` does.
    """
    check_question(question)
    with _sharing:
        assistant = _shared_assistant(config or Config())
    return assistant.ask(question, history)


_sharing = threading.Lock()
