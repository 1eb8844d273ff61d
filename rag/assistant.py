"""A question's way to its answer; every stage is one call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import Self

from rag.answerers import Asking, make_answerer
from rag.config import Config
from rag.converse import Standalone, check_history, check_question
from rag.current import CurrentIndex, Shelf
from rag.embed import EncodedText, load_embedder
from rag.filters import Scope, check_filters, find_scope
from rag.instructions import is_suspicious
from rag.library import OtherExtractError, StaleIndexError
from rag.reader import Reader, TrainedReader
from rag.retrieve import retrieve
from rag.schema import Answer, Article, Candidate, Filters, Message, SplitArticle
from rag.spelling import correct_spelling

MOST_FETCHED = 8
"""Times the wanted candidates that are fetched where many of them give orders to a program."""


class Assistant:
    """An open index with a loaded model; `ask` may be called from several threads.

    Use `Assistant.open`, best in a `with` statement.
    """

    def __init__(self, config: Config, reader: Reader | None = None) -> None:
        self.config = config
        self._answerer = make_answerer(config)
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

    def ask(
        self,
        question: str,
        history: Iterable[Message] | None = None,
        *,
        filters: Filters | None = None,
        on_draft: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Answer:
        """The answer with its verified quotes, or a refusal with the nearest passages.

        `history` holds the turns before the question, oldest first; of the articles only those are used that fit the
        `filters`. While a language model writes, `on_draft` gets the Markdown of what has passed the checks so far;
        `stop` ends the waiting for it. Raises ValueError for a question that is blank, longer than 2,000 characters or
        holds control characters; CitewellError when the filters name what there is not, or the index cannot be brought
        up to date; StoppedError, which is one, soon after `stop` is set. An article that keeps changing meanwhile is
        left out, which the answer's `notice` says.
        """
        check_question(question)
        check_filters(filters or Filters())
        asking = Asking(question, check_history(history), on_draft, stop, filters=filters or Filters())
        try:
            return self._answer(asking)
        except StaleIndexError:  # a file changed between the look at the folder and the reading
            return self._answer(replace(asking, last=True, timings={}, notices=[], prompts={}))

    def articles(self) -> list[Article]:
        """The indexed articles, sorted by source. Raises CitewellError as `ask` does."""
        with self._current.borrow() as shelf:
            return [shelf.library.load(source).article for source in shelf.library]

    def _answer(self, asking: Asking) -> Answer:
        start = time.perf_counter()
        with self._current.borrow(look=asking.last) as shelf:
            asking.timings["refresh"] = round(time.perf_counter() - start, 6)
            scope = find_scope(shelf.index, asking.filters)
            with asking.timed("converse"):
                standalone = self._answerer.stand_alone(asking)
                standalone = correct_spelling(standalone, shelf.index.lexical, self._embedder.is_word)
            with asking.timed("encode"):
                encoded = self._embedder.encode_question(standalone.question)
            with asking.timed("retrieve"):
                candidates = self._retrieve(standalone, encoded, shelf, scope, asking)
            with asking.timed("read"):
                reading = self._reader.read(standalone, encoded, candidates, scope.lexical)
            answer = self._answerer.answer(asking, standalone, reading, shelf)
            answer = replace(answer, index=shelf.index.manifest.identity)
        return replace(
            answer,
            filters=asking.filters,
            searched=len(scope.files),
            articles=scope.articles,
            timings=asking.timings | {"total": round(sum(asking.timings.values()), 6)},
            usage=asking.usage,
            prompts=asking.prompts,
            notice=" ".join(asking.notices),
        )

    def _retrieve(
        self, standalone: Standalone, encoded: EncodedText, shelf: Shelf, scope: Scope, asking: Asking
    ) -> list[Candidate]:
        """The candidates without those that give orders to a program; more are fetched in place of these.

        Where articles keep changing while they are asked, the last attempt leaves those out and says so.
        """
        changing: set[str] = set()

        def load(source: str) -> SplitArticle | None:
            try:
                return shelf.library.load(source)
            except StaleIndexError as error:
                if not asking.last or isinstance(error, OtherExtractError):
                    raise
                changing.add(source)
                return None

        wanted = count = self.config.candidates
        while True:
            found = retrieve(shelf.index, standalone.question, encoded, load, count, scope)
            candidates = [candidate for candidate in found if not is_suspicious(candidate)]
            if len(candidates) >= wanted or len(found) < count or count >= MOST_FETCHED * wanted:
                break
            count *= 2
        if changing:
            asking.notices.append(f"Left out, since it was being changed: {', '.join(sorted(changing))}.")
        return candidates[:wanted]


@cache
def _shared_assistant(config: Config) -> Assistant:
    return Assistant(config)


def answer(
    question: str,
    history: Iterable[Message] | None = None,
    config: Config | None = None,
    *,
    filters: Filters | None = None,
) -> Answer:
    """Answers from the default corpus and index, or those of `config`; builds the index when it is missing.

    The model and the index stay open for the next question. Raises as `Assistant.ask` does.
    """
    check_question(question)
    with _sharing:
        assistant = _shared_assistant(config or Config())
    return assistant.ask(question, history, filters=filters)


_sharing = threading.Lock()
