"""Two runs over the same cases: what changed, how sure that is, and which cases were won and lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.metrics import mcnemar, mean, paired_difference
from eval.run import CaseResult
from eval.runs import Run
from eval.summary import LOWER_IS_BETTER, METRICS
from rag.errors import CitewellError

SURE = 0.05
"""p-value below which a difference counts; the gate's hold for all of its outcomes together."""

FORMAT = 1
"""Of a baseline."""


@dataclass(frozen=True, slots=True)
class Change:
    """A metric before and after, the difference with its 95% interval, and how likely chance brings one as large."""

    metric: str
    before: float
    after: float
    interval: tuple[float, float]
    p: float

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def is_worse(self) -> bool:
        return self.difference > 0 if self.metric in LOWER_IS_BETTER else self.difference < 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """`won` are the cases that had a fault and have none any more, `lost` the reverse; each before and after."""

    changes: tuple[Change, ...]
    won: tuple[tuple[CaseResult, CaseResult], ...]
    lost: tuple[tuple[CaseResult, CaseResult], ...]
    cases: int


def compare(before: Run, after: Run, *, force: bool = False) -> Comparison:
    """Every metric over the cases that both runs have, paired case by case.

    Raises CitewellError where the runs are over other articles or other cases, unless `force` is set; also where they
    share no case.
    """
    for name, what in (("corpus", "articles"), ("cases", "cases")):
        if before.setup.get(name) != after.setup.get(name) and not force:
            raise CitewellError(
                f"'{before.name}' and '{after.name}' are runs over different {what}: a difference would say nothing "
                "about what changed. Compare the cases that they share with --force."
            )
    later = {result.case.id: result for result in after.results}
    pairs = [(result, later[result.case.id]) for result in before.results if result.case.id in later]
    if not pairs:
        raise CitewellError(f"'{before.name}' and '{after.name}' have no case in common.")
    old, new = zip(*pairs, strict=True)
    changes = []
    for name, metric in METRICS.items():
        found = paired_difference(old, new, metric)
        first, second = metric(old), metric(new)
        if found and first is not None and second is not None:
            changes.append(Change(name, first, second, found[1], found[2]))
    won = tuple((one, two) for one, two in pairs if one.faults and not two.faults)
    lost = tuple((one, two) for one, two in pairs if two.faults and not one.faults)
    return Comparison(tuple(changes), won, lost, len(pairs))


def _is_right(result: CaseResult) -> bool:
    return result.answer.answered == result.case.answerable


def _is_verbatim(result: CaseResult) -> bool:
    return all(match.verbatim for match in result.citations + result.nearest)


def _shows_conflict(result: CaseResult) -> bool:
    return bool(result.answer.conflicts) == (result.case.kind == "disagreement")


def _is_the_models(result: CaseResult) -> bool | None:
    usage = result.answer.usage
    return result.answer.answerer != "quotes" if usage.calls or usage.failures else None


def _claims_kept(result: CaseResult) -> float | None:
    kept, dropped = len(result.answer.claims), len(result.answer.dropped)
    return kept / (kept + dropped) if kept + dropped else None


OUTCOMES: dict[str, Callable[[CaseResult], float | bool | None]] = {
    "every quote is verbatim": _is_verbatim,
    "answers or declines rightly": _is_right,
    "declines what the articles do not say": lambda r: None if r.case.answerable else not r.answer.answered,
    "answers what the articles say": lambda r: r.answer.answered if r.case.answerable else None,
    "first quote right": lambda r: r.first_quote_right,
    "first passage right, shown or declined": lambda r: r.top_passage_right,
    "share of the facts quoted": lambda r: r.fact_recall,
    "share of the quotes that are right": lambda r: r.quote_precision,
    "short answer right": lambda r: r.short_right,
    "conflict shown where there is one, and only there": _shows_conflict,
    "a candidate states a fact": lambda r: r.rank is not None if r.gold else None,
    "share of the facts among the candidates": lambda r: r.candidate_recall,
    "the language model answers": _is_the_models,
    "share of its claims that hold": _claims_kept,
}
"""What the gate compares, case by case: more is better in each, None where a case does not ask for it."""

FLOORS = {"the language model answers": 0.5, "share of its claims that hold": 0.5}
"""Means that the gate asks for whatever the baseline, which may have been made without a language model."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The outcomes by case that a later run must not fall behind."""

    corpus: str
    cases: str
    prompts: Mapping[str, str]
    outcomes: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class Regression:
    """An outcome that got worse, from which mean to which, how likely by chance, and the cases that lost."""

    outcome: str
    before: float
    after: float
    p: float
    lost: tuple[str, ...]


def make_baseline(run: Run) -> Baseline:
    """The run's outcomes."""
    return Baseline(
        run.setup["corpus"],
        run.setup["cases"],
        run.setup["prompts"],
        {result.case.id: _outcomes(result) for result in run.results},
    )


def _outcomes(result: CaseResult) -> dict[str, float | None]:
    values = ((name, outcome(result)) for name, outcome in OUTCOMES.items())
    return {name: None if value is None else round(float(value), 4) for name, value in values}


def find_regressions(baseline: Baseline, run: Run, *, force: bool = False) -> tuple[Regression, ...]:
    """The outcomes that got worse by more than chance explains (Holm, 1979, over all of them), or quote wrongly at all.

    An outcome is compared over the cases that both have it for; those of `FLOORS` may not be below these either. Raises
    CitewellError as `compare` does.
    """
    for name, mine, other in (
        ("articles", run.setup["corpus"], baseline.corpus),
        ("cases", run.setup["cases"], baseline.cases),
    ):
        if mine != other and not force:
            raise CitewellError(
                f"The baseline is of other {name} than this run. Make a new one (citewell eval gate --update), or "
                "compare the cases that they share with --force."
            )
    now = {result.case.id: _outcomes(result) for result in run.results}
    shared = [case for case in baseline.outcomes if case in now]
    if not shared:
        raise CitewellError("The baseline and this run have no case in common.")
    found = [
        _find_regression(name, [(c, baseline.outcomes[c].get(name), now[c][name]) for c in shared]) for name in OUTCOMES
    ]
    worse = sorted((r for r in found if r), key=lambda regression: regression.p)
    sure = []
    for place, regression in enumerate(worse):
        if regression.p >= SURE / (len(OUTCOMES) - place):
            break
        sure.append(regression)
    sure += [r for r in worse if r not in sure and r.outcome == "every quote is verbatim"]
    known = {regression.outcome for regression in sure}
    return (*sure, *(r for r in _find_below_floor([now[case] for case in shared], shared) if r.outcome not in known))


def _find_below_floor(rows: Sequence[Mapping[str, float | None]], cases: Sequence[str]) -> Iterator[Regression]:
    for name, least in FLOORS.items():
        values = [(case, value) for case, row in zip(cases, rows, strict=True) if (value := row[name]) is not None]
        average = mean([value for _, value in values])
        if average is not None and average < least:
            yield Regression(name, least, average, 0.0, tuple(case for case, value in values if value < least))


def _find_regression(name: str, values: Sequence[tuple[str, float | None, float | None]]) -> Regression | None:
    pairs = [(case, old, new) for case, old, new in values if old is not None and new is not None]
    if not pairs:
        return None
    _, old, new = zip(*pairs, strict=True)
    before, after = sum(old) / len(old), sum(new) / len(new)
    if after >= before:
        return None
    if set(old) | set(new) <= {0.0, 1.0}:
        p = mcnemar([value == 1 for value in old], [value == 1 for value in new])
    else:
        found = paired_difference(old, new, lambda items: sum(items) / len(items))
        p = found[2] if found else 1.0
    return Regression(name, before, after, p, tuple(case for case, one, two in pairs if two < one))


def save_baseline(baseline: Baseline, file: Path) -> None:
    """Writes it as JSON, a line a case, so that changes are seen in a diff."""
    rows = ",\n".join(f"  {json.dumps(case)}: {json.dumps(list(v.values()))}" for case, v in baseline.outcomes.items())
    head = {"format": FORMAT, "corpus": baseline.corpus, "cases": baseline.cases, "prompts": dict(baseline.prompts)}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    lines.append(f' "outcomes": {json.dumps(list(OUTCOMES))},')
    file.write_text("{\n" + "\n".join(lines) + f'\n "by case": {{\n{rows}\n }}\n}}\n', encoding="utf-8")


def load_baseline(file: Path) -> Baseline:
    """Raises CitewellError for a file that is none, or that a newer version wrote."""
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if data["format"] > FORMAT:
            raise CitewellError(f"A newer version of Citewell wrote '{file}'. Update Citewell.")
        names = data["outcomes"]
        outcomes = {case: dict(zip(names, row, strict=True)) for case, row in data["by case"].items()}
        return Baseline(data["corpus"], data["cases"], data["prompts"], outcomes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CitewellError(
            f"The baseline '{file}' cannot be read ({type(error).__name__}). Make one: citewell eval gate --update"
        ) from error
