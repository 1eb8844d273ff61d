"""Cases through a real assistant: each answer beside its gold, scored, with what explains the scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from eval.cache import AnswerCache, Recorded
from eval.cases import Case, Facts, Place, locate_gold, locate_near
from eval.metrics import (
    all_facts_covered,
    fact_recall,
    facts_supported,
    find_relevant,
    first_quote_right,
    first_rank,
    is_verbatim,
    ndcg_at_k,
    quote_precision,
    short_right,
)
from rag.assistant import Assistant
from rag.config import Config
from rag.converse import Standalone
from rag.embed import EncodedText, load_embedder
from rag.lexical import Lexicon
from rag.reader import Reader, TrainedReader
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
    `near_shown` says of an unanswerable case whether what contradicts it, or looks like its answer, is shown. `rank`
    is that of the first candidate before the reader that states a fact, from 1, None for nowhere; `candidate_recall` is
    the share of the facts that the candidates state, `ndcg` their nDCG@10.
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
    rank: int | None
    candidate_recall: float | None
    ndcg: float | None

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


def run_cases(
    cases: Sequence[Case], config: Config, reader: Reader | None = None, cache: AnswerCache | None = None
) -> tuple[CaseResult, ...]:
    """Asks every case, in order, or takes its answer from the cache; a progress bar shows after two seconds.

    Raises CitewellError, before anything is asked, when the corpus does not hold a case's gold.
    """
    places = [(locate_gold(case, config.corpus), locate_near(case, config.corpus)) for case in cases]
    recorder = _Recorder(reader or TrainedReader(load_embedder(config.embedding, config.device), config))
    results = []
    with Assistant(config, recorder) as assistant:
        bar = tqdm(cases, "Asking", unit=" cases", delay=2, disable=None)
        for case, (gold, near) in zip(bar, places, strict=True):
            recorded = cache.find(case) if cache else None
            if not recorded:
                recorded = _ask(case, assistant, recorder)
                if cache:
                    cache.keep(case, recorded)
            results.append(score_answer(case, gold, recorded, config.corpus, near))
    return tuple(results)


def _ask(case: Case, assistant: Assistant, recorder: _Recorder) -> Recorded:
    recorder.clear()
    start = time.perf_counter()
    answer = assistant.ask(case.question, case.history)
    seconds = time.perf_counter() - start
    places = tuple(Place(c.article.source, c.sentence.start, c.sentence.end) for c in recorder.candidates)
    return Recorded(answer, places, seconds)


class _Recorder:
    """A reader that keeps the candidates of the last question."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.candidates: Sequence[Candidate] = ()

    def clear(self) -> None:
        self.candidates = ()

    def read(
        self, question: Standalone, encoded: EncodedText, candidates: Sequence[Candidate], lexical: Lexicon
    ) -> Reading:
        self.candidates = candidates
        return self._reader.read(question, encoded, candidates, lexical)


def score_answer(case: Case, gold: Facts, recorded: Recorded, corpus: Path, near: tuple[Place, ...] = ()) -> CaseResult:
    """The answer's scores against the case's gold and near places."""
    answer = recorded.answer
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
        seconds=recorded.seconds,
        citations=citations,
        nearest=nearest,
        first_quote_right=first_quote_right(citations, gold),
        top_passage_right=first_quote_right(citations or nearest, gold),
        all_facts_covered=all_facts_covered(citations, gold),
        fact_recall=fact_recall(citations, gold),
        quote_precision=quote_precision(citations, gold),
        short_right=short_right(answer.short, case.short),
        near_shown=any(facts_supported(match, (near,)) for match in citations + nearest) if near else None,
        rank=first_rank(recorded.candidates, gold),
        candidate_recall=fact_recall(recorded.candidates, gold),
        ndcg=ndcg_at_k(find_relevant(recorded.candidates, gold), len(gold), 10),
    )


def _describe(match: QuoteMatch) -> str:
    facts = ", ".join(f"fact {fact + 1}" for fact in match.facts) or "none of the facts"
    verbatim = "" if match.verbatim else ", not verbatim"
    return f"[{match.number}] {match.source} {match.start}–{match.end} states {facts}{verbatim}"
