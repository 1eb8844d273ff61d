"""Cases through a real assistant: each answer beside its gold, scored, with what explains the scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from eval.cases import Case, Facts, Place, locate_gold, locate_near
from eval.metrics import (
    all_facts_covered,
    fact_recall,
    facts_supported,
    first_quote_right,
    first_rank,
    is_verbatim,
    quote_precision,
    short_right,
)
from rag.assistant import Assistant
from rag.config import Config
from rag.converse import Standalone
from rag.embed import EncodedText
from rag.lexical import LexicalIndex
from rag.schema import Answer, Candidate, Reading


@dataclass(frozen=True, slots=True)
class QuoteMatch:
    """What one shown quote is worth: the case's facts that it states, by number from 0, and whether it is verbatim."""

    number: int
    source: str
    start: int
    end: int
    quote: str
    facts: tuple[int, ...]
    verbatim: bool


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with its answer and scores; a score is None where the case does not ask for it.

    `citations` and `nearest` are the quotes of an answer and the passages of a refusal. `top_passage_right` says
    whether the first thing shown, be it quote or passage, states a fact: the ranking, whatever the decision to answer.
    `near_shown` says of an unanswerable case whether what contradicts it, or looks like its answer, is shown.
    """

    case: Case
    answer: Answer
    gold: Facts
    seconds: float
    citations: tuple[QuoteMatch, ...]
    nearest: tuple[QuoteMatch, ...]
    first_quote_right: bool | None
    top_passage_right: bool | None
    all_facts_covered: bool | None
    fact_recall: float | None
    quote_precision: float | None
    short_right: bool | None
    near_shown: bool | None

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the answer, in a few words each; () when nothing is."""
        if not self.case.answerable:
            return ("answered, should decline",) if self.answer.answered else ()
        if not self.answer.answered:
            return ("declined, should answer",)
        faults = [] if self.first_quote_right else ["the first quote states none of the facts"]
        covered = {fact for citation in self.citations for fact in citation.facts}
        faults += [f"fact {number + 1} is not quoted" for number in range(len(self.gold)) if number not in covered]
        if self.short_right is False:
            faults.append(f"the short answer is “{self.answer.short or ''}”, not “{self.case.short}”")
        return tuple(faults)

    @property
    def explanation(self) -> str:
        """Each shown quote with the facts that it states, then the faults."""
        label = "quote" if self.citations else "passage"
        lines = [f"{label} {_describe(match)}" for match in self.citations or self.nearest]
        return "; ".join([*lines, *self.faults])


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """Where the first candidate that states a fact ranks, from 1 (None: nowhere), and the share of facts among them."""

    case: Case
    rank: int | None
    fact_recall: float


def run_cases(cases: Sequence[Case], assistant: Assistant) -> tuple[CaseResult, ...]:
    """Asks every case, in order; a progress bar shows after two seconds.

    Raises CitewellError, before anything is asked, when the assistant's corpus does not hold a case's gold.
    """
    corpus = assistant.config.corpus
    places = [(locate_gold(case, corpus), locate_near(case, corpus)) for case in cases]
    results = []
    for case, (gold, near) in zip(tqdm(cases, "Asking", unit=" cases", delay=2, disable=None), places, strict=True):
        start = time.perf_counter()
        answer = assistant.ask(case.question, case.history)
        results.append(score_answer(case, gold, answer, corpus, time.perf_counter() - start, near))
    return tuple(results)


def score_answer(
    case: Case, gold: Facts, answer: Answer, corpus: Path, seconds: float = 0.0, near: tuple[Place, ...] = ()
) -> CaseResult:
    """The answer's scores against the case's gold and near places; `seconds` is how long it took."""
    citations, nearest = (
        tuple(
            QuoteMatch(c.number, c.source, c.start, c.end, c.quote, facts_supported(c, gold), is_verbatim(c, corpus))
            for c in shown
        )
        for shown in (answer.citations, answer.nearest)
    )
    return CaseResult(
        case=case,
        answer=answer,
        gold=gold,
        seconds=seconds,
        citations=citations,
        nearest=nearest,
        first_quote_right=first_quote_right(citations, gold),
        top_passage_right=first_quote_right(citations or nearest, gold),
        all_facts_covered=all_facts_covered(citations, gold),
        fact_recall=fact_recall(citations, gold),
        quote_precision=quote_precision(citations, gold),
        short_right=short_right(answer.short, case.short),
        near_shown=any(facts_supported(match, (near,)) for match in citations + nearest) if near else None,
    )


def run_retrieval(cases: Sequence[Case], config: Config) -> tuple[RetrievalResult, ...]:
    """The candidates that reach the reader, for every answerable case in order.

    Raises CitewellError when the corpus does not hold a case's gold or the index cannot be used.
    """
    recorder = _Recorder()
    results = []
    with Assistant(config, recorder) as assistant:
        for case in (case for case in cases if case.answerable):
            gold = locate_gold(case, config.corpus)
            assistant.ask(case.question, case.history)
            places = [Place(c.article.source, c.sentence.start, c.sentence.end) for c in recorder.candidates]
            results.append(RetrievalResult(case, first_rank(places, gold), fact_recall(places, gold) or 0.0))
    return tuple(results)


class _Recorder:
    """A reader that keeps the candidates of the last question and answers nothing."""

    def __init__(self) -> None:
        self.candidates: Sequence[Candidate] = ()

    def read(
        self, question: Standalone, encoded: EncodedText, candidates: Sequence[Candidate], lexical: LexicalIndex
    ) -> Reading:
        self.candidates = candidates
        return Reading(sentences=(), chosen=(), answered=False, confidence=0.0, short=None)


def _describe(match: QuoteMatch) -> str:
    facts = ", ".join(f"fact {fact + 1}" for fact in match.facts) or "none of the facts"
    verbatim = "" if match.verbatim else ", not verbatim"
    return f"[{match.number}] {match.source} {match.start}–{match.end} states {facts}{verbatim}"
