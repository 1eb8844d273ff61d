"""From the results of single cases to the figures of all of them and of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval.metrics import (
    auroc,
    balanced_accuracy,
    bootstrap_interval,
    calibration_error,
    mean,
    mrr,
    percentile,
    recall_at_k,
    risk_coverage_area,
)
from eval.run import CaseResult

Results = Sequence[CaseResult]


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value with its 95% bootstrap interval; None where nothing was measured."""

    name: str
    value: float | None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Every metric over some cases, by name."""

    cases: int
    figures: Mapping[str, Figure]

    def value(self, name: str) -> float | None:
        return self.figures[name].value


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A run: each case's result, the figures of all cases and by kind."""

    results: tuple[CaseResult, ...]
    total: Summary
    kinds: Mapping[str, Summary]


def summarise(results: Results) -> Evaluation:
    """All figures; the totals with intervals. Cases keep their order, kinds the order in which they first occur."""
    return Evaluation(
        results=tuple(results),
        total=_summary(results, intervals=True),
        kinds={
            kind: _summary([result for result in results if result.case.kind == kind], intervals=False)
            for kind in dict.fromkeys(result.case.kind for result in results)
        },
    )


def _summary(results: Results, *, intervals: bool) -> Summary:
    figures = [
        Figure(name, metric(results), bootstrap_interval(results, metric) if intervals else None)
        for name, metric in METRICS.items()
    ]
    return Summary(len(results), {figure.name: figure for figure in figures})


def verbatim_rate(results: Results) -> float | None:
    """Share of all quotes and passages shown that the files hold byte for byte at their offsets."""
    return mean([match.verbatim for result in results for match in result.citations + result.nearest])


def quote_precision(results: Results) -> float | None:
    """Share of all quotes in answers to answerable questions that state a fact of their case."""
    return mean([bool(match.facts) for result in results if result.gold for match in result.citations])


def citation_recall(results: Results) -> float | None:
    """Share of the statements of answers to answerable questions that some citation of theirs bears out.

    A statement is a claim of a language model, or a quote where none wrote; a citation bears it out when it states a
    fact of the case. Gao et al., 2023 (ALCE), with overlap with the gold in place of an NLI model.
    """
    return mean([any(right) for result in results if result.gold for right in _statements(result)])


def citation_precision(results: Results) -> float | None:
    """Share of the citations of the statements of `citation_recall` that bear these out."""
    return mean([one for result in results if result.gold for right in _statements(result) for one in right])


def _statements(result: CaseResult) -> list[list[bool]]:
    """Of each statement's citations, whether they state a fact."""
    right = {match.number: bool(match.facts) for match in result.citations}
    if not result.answer.claims:
        return [[value] for value in right.values()]
    return [[right[number] for number in claim.citations] for claim in result.answer.claims]


def short_precision(results: Results) -> float | None:
    """Share of the short answers given, where one is expected, that are right."""
    return mean([result.short_right for result in results if result.answer.short])


def short_where_right(results: Results) -> float | None:
    """Share of the short answers that are right, where one is expected and the first quote is right."""
    return mean([result.short_right for result in results if result.first_quote_right])


def conflict_shown(results: Results) -> float | None:
    """Share of the cases of kind "disagreement" whose answer shows a conflict."""
    return mean([bool(result.answer.conflicts) for result in results if result.case.kind == "disagreement"])


def no_false_conflict(results: Results) -> float | None:
    """Share of the other cases whose answer shows none."""
    return mean([not result.answer.conflicts for result in results if result.case.kind != "disagreement"])


def premise_met(results: Results) -> float | None:
    """Share of the questions with a false premise that are shown a passage which contradicts it."""
    return mean([result.near_shown for result in results if result.case.kind == "false_premise"])


def answered(results: Results) -> float | None:
    """Share of the answerable questions that were answered."""
    return mean([result.answer.answered for result in results if result.case.answerable])


def declined(results: Results) -> float | None:
    """Share of the unanswerable questions that were declined."""
    return mean([not result.answer.answered for result in results if not result.case.answerable])


def balanced(results: Results) -> float | None:
    """Mean of `answered` and `declined`."""
    return balanced_accuracy([r.case.answerable for r in results], [r.answer.answered for r in results])


def confidence_auroc(results: Results) -> float | None:
    """How well the confidence tells answerable from unanswerable questions: 1 always, 0.5 not at all."""
    return auroc([r.case.answerable for r in results], [r.answer.confidence for r in results])


def confidence_error(results: Results) -> float | None:
    """Calibration error of the confidence as the probability of an answerable case with a right first quote.

    A refusal's first passage counts as its first quote.
    """
    right = [bool(result.top_passage_right) for result in results]
    return calibration_error(right, [result.answer.confidence for result in results])


def latency(results: Results, percent: float) -> float | None:
    """Percentile of the milliseconds from question to answer."""
    return percentile([1_000 * result.seconds for result in results], percent)


def risk_area(results: Results) -> float | None:
    """Area under the risk-coverage curve of the confidence; right means what it means for `confidence_error`."""
    right = [bool(result.top_passage_right) for result in results]
    return risk_coverage_area(right, [result.answer.confidence for result in results])


def follow_up_solved(results: Results) -> float | None:
    """Share of the cases with a history whose first quote is right."""
    return mean([result.first_quote_right for result in results if result.case.history])


def by_model(results: Results) -> float | None:
    """Share of the answers for which a language model was asked whose text, or refusal, is its own."""
    return mean([result.answer.answerer != "quotes" for result in results if _asked_model(result)])


def claims_kept(results: Results) -> float | None:
    """Share of what a language model wrote that its sentences bear out: claims shown over claims shown and dropped."""
    kept = sum(len(result.answer.claims) for result in results)
    dropped = sum(len(result.answer.dropped) for result in results)
    return kept / (kept + dropped) if kept + dropped else None


def _asked_model(result: CaseResult) -> bool:
    return bool(result.answer.usage.calls or result.answer.usage.failures)


def answerable(results: Results) -> Results:
    """Those of cases with gold."""
    return [result for result in results if result.gold]


METRICS: dict[str, Callable[[Results], float | None]] = {
    "verbatim_rate": verbatim_rate,
    "first_quote_right": lambda results: mean([result.first_quote_right for result in results]),
    "top_passage_right": lambda results: mean([result.top_passage_right for result in results]),
    "all_facts_covered": lambda results: mean([result.all_facts_covered for result in results]),
    "fact_recall": lambda results: mean([result.fact_recall for result in results]),
    "quote_precision": quote_precision,
    "citation_recall": citation_recall,
    "citation_precision": citation_precision,
    "short_right": lambda results: mean([result.short_right for result in results]),
    "short_precision": short_precision,
    "short_where_right": short_where_right,
    "follow_up_solved": follow_up_solved,
    "conflict_shown": conflict_shown,
    "no_false_conflict": no_false_conflict,
    "answered": answered,
    "declined": declined,
    "balanced_accuracy": balanced,
    "premise_met": premise_met,
    "confidence_auroc": confidence_auroc,
    "risk_coverage_area": risk_area,
    "calibration_error": confidence_error,
    "recall_at_50": lambda results: recall_at_k([result.rank for result in answerable(results)], 50),
    "fact_recall_at_50": lambda results: mean([result.candidate_recall for result in results]),
    "mrr_at_10": lambda results: mrr([result.rank for result in answerable(results)], 10),
    "ndcg_at_10": lambda results: mean([result.ndcg for result in results]),
    "by_model": by_model,
    "claims_kept": claims_kept,
    "model_calls": lambda results: _sum_usage(results, "calls"),
    "prompt_tokens": lambda results: _sum_usage(results, "prompt_tokens"),
    "completion_tokens": lambda results: _sum_usage(results, "completion_tokens"),
    "latency_p50_ms": lambda results: latency(results, 50),
    "latency_p95_ms": lambda results: latency(results, 95),
}
"""Over the results of cases; a declined answerable question counts as wrong in each of them but those of citations,
`quote_precision`, `short_precision` and `top_passage_right`. Ranks, recall and nDCG are those of the candidates, before
any reading."""

LOWER_IS_BETTER = {"risk_coverage_area", "calibration_error", "latency_p50_ms", "latency_p95_ms"}
LOWER_IS_BETTER |= {"model_calls", "prompt_tokens", "completion_tokens"}


def _sum_usage(results: Results, name: str) -> float | None:
    """Of a language model, over all answers; None where none was asked."""
    if not any(map(_asked_model, results)):
        return None
    return float(sum(getattr(result.answer.usage, name) for result in results))
