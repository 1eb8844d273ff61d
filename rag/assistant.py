"""A question's way to its answer; every stage is one call."""

from __future__ import annotations

import logging
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Self

from rag.articles import FileState, scan
from rag.cite import cite
from rag.compose import compose_answer, compose_refusal, find_unmentioned
from rag.config import Config
from rag.conflict import find_conflicts
from rag.converse import make_standalone
from rag.embed import Embedder, EncodedText, load_embedder
from rag.errors import CitewellError
from rag.generations import current_generation, damaged
from rag.index import OpenIndex, open_index, update_index
from rag.library import Library, StaleIndexError
from rag.reader import Reader, SignalReader
from rag.retrieve import retrieve
from rag.schema import Answer, Article, Candidate, Message, Quote, ScoredSentence, Span
from rag.spelling import correct_spelling

MAX_QUESTION = 2_000
"""Characters."""

NEAREST = 3
"""Passages shown with a refusal."""

log = logging.getLogger(__name__)


class Assistant:
    """An open index with a loaded model; `ask` may be called from several threads.

    Use `Assistant.open`, best in a `with` statement.
    """

    def __init__(self, config: Config, reader: Reader | None = None) -> None:
        self.config = config
        self._embedder = load_embedder(config.embedding, config.device)
        self._reader = reader or SignalReader(self._embedder, config)
        self._refreshing = threading.Lock()
        self._counting = threading.Lock()
        self._shelf: _Shelf | None = None

    @classmethod
    def open(cls, config: Config | None = None) -> Self:
        """Opens the index, bringing it up to date with the corpus first; builds what is missing.

        Raises CitewellError when the corpus, the index or the model cannot be used.
        """
        assistant = cls(config or Config())
        assistant._release(assistant._take_shelf())
        return assistant

    def close(self) -> None:
        """Closes the index; `ask` opens it again."""
        with self._refreshing:
            self._retire(self._shelf)
            self._shelf = None

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
            return self._answer(question, messages)
        except StaleIndexError:  # a file changed between the look at the folder and the reading
            return self._answer(question, messages)

    def articles(self) -> list[Article]:
        """The indexed articles, sorted by source. Raises CitewellError as `ask` does."""
        shelf = self._take_shelf()
        try:
            return [shelf.library.load(source).article for source in shelf.library]
        finally:
            self._release(shelf)

    def _answer(self, question: str, history: Sequence[Message]) -> Answer:
        timings: dict[str, float] = {}
        with _timed(timings, "refresh"):
            shelf = self._take_shelf()
        try:
            with _timed(timings, "converse"):
                standalone = make_standalone(question, history)
                standalone = correct_spelling(standalone, shelf.index.lexical, self._embedder.is_word)
            with _timed(timings, "encode"):
                encoded = self._embedder.encode_question(standalone.question)
            with _timed(timings, "retrieve"):
                candidates = self._retrieve(shelf, standalone.question, encoded)
            with _timed(timings, "read"):
                reading = self._reader.read(standalone, encoded, candidates, shelf.index.lexical)
            with _timed(timings, "cite"):
                citations = cite(_quotes(reading.chosen), shelf.library) if reading.answered else ()
                nearest = () if citations else cite(_quotes(reading.sentences[:NEAREST]), shelf.library)
            unmentioned = () if citations else find_unmentioned(standalone.question, shelf.index.lexical)
            with _timed(timings, "conflict"):
                conflicts = find_conflicts(standalone, citations)
            timings["total"] = round(sum(timings.values()), 6)
            short = reading.short if citations and reading.short and reading.short in citations[0].quote else None
            return Answer(
                question=question,
                standalone_question=standalone.question,
                answered=bool(citations),
                text=compose_answer(citations, short, conflicts)
                if citations
                else compose_refusal(nearest, unmentioned),
                short=short,
                confidence=reading.confidence if citations or not reading.answered else 0.0,
                citations=citations,
                conflicts=conflicts,
                nearest=nearest,
                answerer="quotes",
                timings=timings,
                unmentioned=unmentioned,
            )
        finally:
            self._release(shelf)

    def _retrieve(self, shelf: _Shelf, question: str, encoded: EncodedText) -> list[Candidate]:
        try:
            return retrieve(shelf.index, question, encoded, shelf.library.load, self.config.candidates)
        except Exception as error:
            if type(error).__module__.startswith("chromadb"):
                raise damaged(self.config.index, str(error)) from error
            raise

    def _take_shelf(self) -> _Shelf:
        """The open index, brought up to date when somebody has written to the corpus or the index since."""
        with self._refreshing:
            states = scan(self.config.corpus)
            if self._shelf is None or not self._shelf.is_current(self.config, states):
                retired, self._shelf = self._shelf, _open_shelf(self.config, self._embedder, states)
                self._retire(retired)
            with self._counting:
                self._shelf.users += 1
            return self._shelf

    def _release(self, shelf: _Shelf) -> None:
        with self._counting:
            shelf.users -= 1
            shelf.close_when_unused()

    def _retire(self, shelf: _Shelf | None) -> None:
        if shelf:
            with self._counting:
                shelf.retired = True
                shelf.close_when_unused()


@dataclass(slots=True)
class _Shelf:
    """An open index with its articles; the last user of a retired one closes it."""

    index: OpenIndex
    library: Library
    states: tuple[FileState, ...]
    users: int = 0
    retired: bool = False

    def is_current(self, config: Config, states: tuple[FileState, ...]) -> bool:
        return self.states == states and current_generation(config.index) == self.index.generation

    def close_when_unused(self) -> None:
        if self.retired and not self.users:
            self.index.close()


def _open_shelf(config: Config, embedder: Embedder, states: tuple[FileState, ...]) -> _Shelf:
    report = update_index(config, embedder)
    for file in report.skipped:
        log.warning("Skipped %r: %s.", file.source, file.reason)
    index = open_index(config, embedder)
    if index is None:
        raise CitewellError(f"The index in '{config.index}' vanished while it was opened. Ask again.")
    return _Shelf(index, Library(config, index.manifest), states)


def _quotes(sentences: Sequence[ScoredSentence]) -> list[Quote]:
    """The sentences as quotes, in their order; one inside a quotation grows to the run that says whose it is.

    Sentences that follow each other in a paragraph become one quote, at the place of the better one.
    """
    spans: list[tuple[Article, Span]] = []
    for scored in sentences:
        article, sentence = scored.candidate.article, scored.candidate.sentence
        span = sentence.quotation or Span(sentence.start, sentence.end)
        for place, (other, earlier) in enumerate(spans):
            if other.source == article.source and _touch(article.text, earlier, span):
                spans[place] = article, Span(min(earlier.start, span.start), max(earlier.end, span.end))
                break
        else:
            spans.append((article, span))
    return [Quote(a.source, s.start, s.end, a.text[s.start : s.end], a.sha256) for a, s in spans]


def _touch(text: str, one: Span, other: Span) -> bool:
    """Whether two spans overlap or have nothing but blanks of one line between them."""
    first, second = sorted((one, other), key=lambda span: span.start)
    between = text[first.end : second.start]
    return second.start <= first.end or (not between.strip() and "\n" not in between)


def check_question(question: str) -> None:
    """Raises ValueError for a question that is blank, too long or holds control characters."""
    if not isinstance(question, str) or not question.strip():
        raise ValueError("The question is empty. Ask something about the articles.")
    if len(question) > MAX_QUESTION:
        raise ValueError(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION:,} are read. Shorten it."
        )
    wrong = next((c for c in question if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t"), None)
    if wrong:
        raise ValueError(f"The question holds the control character U+{ord(wrong):04X}. Remove it.")


def check_history(history: Iterable[Message] | None) -> list[Message]:
    """The history's messages. Raises ValueError for what is not a list of messages with a role and a text."""
    if not isinstance(history, Iterable | None):
        raise ValueError("The history must be a list of messages, oldest first.")
    messages = list(history or ())
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ValueError('Each message of the history needs a \'role\': "user" or "assistant".')
        if not isinstance(message.get("content"), str):
            raise ValueError("Each message of the history needs a 'content' that is text.")
    return messages


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
