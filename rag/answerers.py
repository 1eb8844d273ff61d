"""The two ways to an answer: quotes alone, or a language model's claims on them. Both end at the gate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from rag.cite import cite, find_quotes
from rag.claims import CheckedClaim, Claims
from rag.compose import compose_answer, compose_claims, compose_refusal, describe_scope, find_unmentioned
from rag.config import Config
from rag.converse import Standalone, make_standalone
from rag.current import Shelf
from rag.filters import find_scope
from rag.library import StaleIndexError
from rag.llm import LanguageModel, LanguageModelError, load_language_model
from rag.schema import (
    Answer,
    Candidate,
    Citation,
    Claim,
    Conflict,
    ConflictSide,
    Dispute,
    Filters,
    Message,
    Reading,
    ScoredSentence,
    Usage,
)
from rag.templates import Prompt, load_prompts
from rag.write import Written, condense, write_claims

NEAREST = 3
"""Passages shown with a refusal."""


@dataclass(slots=True)
class Asking:
    """A question on its way: what was asked, who waits for it, and what has been noted down so far.

    `on_draft` gets the checked claims as Markdown while a model writes; `stop` ends the wait for it. `last` is set
    where a file that has changed is no reason to start again. `filters` say which articles may be used.
    """

    question: str
    history: Sequence[Message]
    on_draft: Callable[[str], None] | None = None
    stop: threading.Event | None = None
    last: bool = False
    filters: Filters = field(default_factory=Filters)
    timings: dict[str, float] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    prompts: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the seconds that the block takes to the stage's."""
        start = time.perf_counter()
        yield
        self.timings[stage] = round(self.timings.get(stage, 0.0) + time.perf_counter() - start, 6)

    def count(self, usage: Usage) -> None:
        """Adds to what the model was asked."""
        sums = (getattr(self.usage, name) + getattr(usage, name) for name in Usage.__dataclass_fields__)
        self.usage = Usage(*sums)


class Answerer(Protocol):
    """Makes questions stand alone and answers of readings."""

    def stand_alone(self, asking: Asking) -> Standalone:
        """The question without references to earlier ones."""
        ...

    def answer(self, asking: Asking, standalone: Standalone, reading: Reading, shelf: Shelf) -> Answer:
        """The answer with its verified quotes, or a refusal; without timings."""
        ...


def make_answerer(config: Config) -> Answerer:
    """The answerer that the settings ask for.

    Raises CitewellError for a language model that cannot be used, or prompts that are none.
    """
    prompts = load_prompts(config.prompts) if config.prompts or config.llm else {}
    model = load_language_model(config)
    return ModelAnswerer(model, prompts, config) if model else QuotesAnswerer()


class QuotesAnswerer:
    """Quotes what the reader has chosen."""

    def stand_alone(self, asking: Asking) -> Standalone:
        """See `Answerer.stand_alone`."""
        return make_standalone(asking.question, asking.history)

    def answer(self, asking: Asking, standalone: Standalone, reading: Reading, shelf: Shelf) -> Answer:
        """See `Answerer.answer`. Raises StaleIndexError when every quote's file has changed and `last` is not set."""
        with asking.timed("cite"):
            citations = cite(find_quotes(reading.chosen), shelf.library) if reading.answered else ()
        if reading.answered and not citations and not asking.last:
            raise StaleIndexError("None of the quotes stands in its file any more. Ask again.")
        if not citations:
            return refuse(asking, standalone, reading, shelf)
        with asking.timed("compose"):
            conflicts, developments = number_disputes(reading.disputes, citations)
            short = find_short(reading, citations)
            return Answer(
                question=asking.question,
                standalone_question=standalone.question,
                answered=True,
                text=compose_answer(citations, short, (*conflicts, *developments)),
                short=short,
                confidence=reading.confidence,
                citations=citations,
                conflicts=conflicts,
                nearest=(),
                answerer="quotes",
                timings={},
                developments=developments,
            )


class ModelAnswerer:
    """Lets a language model write claims on the reader's sentences; the quotes answer where it fails."""

    def __init__(self, model: LanguageModel, prompts: dict[str, Prompt], config: Config) -> None:
        self._model = model
        self._prompts = prompts
        self._config = config
        self._quotes = QuotesAnswerer()

    def stand_alone(self, asking: Asking) -> Standalone:
        """See `Answerer.stand_alone`. Raises StoppedError."""
        if not asking.history:
            return self._quotes.stand_alone(asking)
        prompt = self._prompts["condense"]
        try:
            standalone, reply = condense(self._model, prompt, asking.question, asking.history, asking.stop)
        except LanguageModelError as error:
            asking.count(Usage(failures=1))
            asking.notices.append(str(error))
            return self._quotes.stand_alone(asking)
        asking.prompts[prompt.name] = prompt.sha256
        asking.count(reply.usage)
        return standalone

    def answer(self, asking: Asking, standalone: Standalone, reading: Reading, shelf: Shelf) -> Answer:
        """See `Answerer.answer`. Raises StoppedError, and StaleIndexError as `QuotesAnswerer.answer` does."""
        if not reading.sentences:
            return self._quotes.answer(asking, standalone, reading, shelf)
        try:
            with asking.timed("write"):
                written = self._write(asking, standalone, reading, shelf)
        except LanguageModelError as error:
            asking.count(Usage(failures=1))
            return self._fall_back(asking, standalone, reading, shelf, str(error))
        asking.count(written.reply.usage)
        asking.prompts["answer"] = self._prompts["answer"].sha256
        return replace(
            self._conclude(asking, standalone, reading, shelf, written),
            dropped=written.claims.dropped,
            shown=len(written.shown),
        )

    def _write(self, asking: Asking, standalone: Standalone, reading: Reading, shelf: Shelf) -> Written:
        candidates = [scored.candidate for scored in reading.sentences]

        def show(claims: Claims, shown: Sequence[Candidate]) -> None:
            if asking.on_draft:
                asking.on_draft(compose_claims(*cite_claims(claims.claims, shown, shelf)))

        on_claims = show if asking.on_draft else None
        return write_claims(
            self._model, self._prompts["answer"], standalone.question, candidates, self._config, on_claims, asking.stop
        )

    def _conclude(
        self, asking: Asking, standalone: Standalone, reading: Reading, shelf: Shelf, written: Written
    ) -> Answer:
        if written.claims.declined:
            return replace(refuse(asking, standalone, reading, shelf), answerer=self._model.name)
        with asking.timed("cite"):
            claims, citations = cite_claims(written.claims.claims, written.shown, shelf)
        if not claims:
            return self._fall_back(
                asking,
                standalone,
                reading,
                shelf,
                f"Nothing that {self._model.name} wrote is borne out by the articles.",
            )
        with asking.timed("compose"):
            conflicts, developments = number_disputes(reading.disputes, citations)
            return Answer(
                question=asking.question,
                standalone_question=standalone.question,
                answered=True,
                text=compose_claims(claims, citations, (*conflicts, *developments)),
                short=find_short(reading, citations),
                confidence=reading.confidence,
                citations=citations,
                conflicts=conflicts,
                nearest=(),
                answerer=self._model.name,
                timings={},
                claims=claims,
                developments=developments,
            )

    def _fall_back(self, asking: Asking, standalone: Standalone, reading: Reading, shelf: Shelf, reason: str) -> Answer:
        asking.notices.append(f"{reason} The quotes were chosen without it.")
        return self._quotes.answer(asking, standalone, reading, shelf)


def refuse(asking: Asking, standalone: Standalone, reading: Reading, shelf: Shelf) -> Answer:
    """That the articles do not say, with the nearest passages and what they lack."""
    with asking.timed("cite"):
        nearest = cite(find_quotes(reading.sentences[:NEAREST]), shelf.library)
    with asking.timed("compose"):
        scope = find_scope(shelf.index, asking.filters)
        unmentioned = find_unmentioned(standalone.question, scope.lexical) if scope.files else ()
        unmet = tuple(word for word in reading.unmet if word not in unmentioned)
        return Answer(
            question=asking.question,
            standalone_question=standalone.question,
            answered=False,
            text=compose_refusal(
                nearest,
                unmentioned,
                unmet,
                describe_scope(asking.filters, len(scope.files), scope.articles),
                turned=reading.turned,
            ),
            short=None,
            confidence=0.0 if reading.answered else reading.confidence,
            citations=(),
            conflicts=(),
            nearest=nearest,
            answerer="quotes",
            timings={},
            unmentioned=unmentioned,
            unmet=unmet,
            turned=reading.turned,
        )


def find_short(reading: Reading, citations: Sequence[Citation]) -> str | None:
    """The reader's short answer where the first citation holds it."""
    return reading.short if citations and reading.short and reading.short in citations[0].quote else None


def number_disputes(
    disputes: Sequence[Dispute], citations: Sequence[Citation]
) -> tuple[tuple[Conflict, ...], tuple[Conflict, ...]]:
    """Conflicts, and developments, with the numbers of the citations; none of which fewer than two sides are cited."""
    numbered = []
    for dispute in disputes:
        places = [
            (side.value, [_find_citation(s.candidate, citations) for s in side.sentences]) for side in dispute.sides
        ]
        sides = [ConflictSide(value, tuple(dict.fromkeys(n for n in found if n))) for value, found in places]
        cited = tuple(side for side in sides if side.citations)
        if len(cited) > 1:
            numbered.append(Conflict(dispute.topic, cited, dispute.kind))
    developments = tuple(conflict for conflict in numbered if conflict.kind == "development")
    return tuple(conflict for conflict in numbered if conflict not in developments), developments


def cite_claims(
    claims: Sequence[CheckedClaim], candidates: Sequence[Candidate], shelf: Shelf
) -> tuple[tuple[Claim, ...], tuple[Citation, ...]]:
    """The claims with the numbers of their citations, and these; a claim none of whose quotes holds is left out."""
    numbers = dict.fromkeys(number for claim in claims for number in claim.sentences)
    cited = [ScoredSentence(candidates[number], 0.0) for number in numbers]
    citations = cite(find_quotes(cited), shelf.library)
    places = {number: _find_citation(candidates[number], citations) for number in numbers}
    given = ((claim.text, dict.fromkeys(places[number] for number in claim.sentences)) for claim in claims)
    numbered = (Claim(text, tuple(number for number in found if number)) for text, found in given)
    return tuple(claim for claim in numbered if claim.citations), citations


def _find_citation(candidate: Candidate, citations: Sequence[Citation]) -> int | None:
    sentence, source = candidate.sentence, candidate.article.source
    holds = (c.number for c in citations if c.source == source and c.start <= sentence.start and sentence.end <= c.end)
    return next(holds, None)
