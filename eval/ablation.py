"""`python -m eval.ablation --data FOLDER`: what each signal is worth, by fitting the reader anew without it.

Fitted on the dev cases, as `eval.fit` does, and reported on the test cases about the seeds. Writes eval/ablation.md.
What each source of training data is worth takes a training run each: `python -m eval.sources`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.cases import load_cases
from eval.fit import Measured, fit, measure_cases, measure_dev
from eval.metrics import auroc, balanced_accuracy, mean, with_interval
from eval.public import make_parser
from rag.config import Config
from rag.reader import EVIDENCE, Weights, judge_evidence, score_sentences
from rag.signals import SIGNALS

OF_MODEL = ("model", "span", "support")
REPORT = Path(__file__).with_name("ablation.md")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader makes of a case: whether its first sentence is right, and how sure it is that it answers."""

    answerable: bool
    right: bool
    confidence: float
    answered: bool


def main() -> None:
    """Fits, judges and writes the table."""
    ours, public = measure_dev(make_parser("eval.ablation", __doc__).parse_args().data)
    test = measure_cases(load_cases(split="test"), Config().corpus)
    signals = tuple(dict.fromkeys([*SIGNALS, *EVIDENCE]))
    left_out: dict[str, Collection[str]] = {"nothing": (), "all of the model": OF_MODEL}
    left_out["all but the model"] = [name for name in signals if name not in OF_MODEL]
    left_out |= {name: (name,) for name in signals}
    lines = ["| left out | first sentence right | AUROC | balanced accuracy |", "|---|---|---|---|"]
    for name, without in left_out.items():
        weights = fit(ours, public, without)
        lines.append(describe(name, [decide(case, weights) for case in test]))
        print(lines[-1], flush=True)
    REPORT.write_text("\n".join([*_INTRODUCTION, *lines]) + "\n", encoding="utf-8")


_INTRODUCTION = (
    "# What each signal is worth",
    "",
    "The reader fitted anew without the signal, on the `dev` cases; figures of the 151 `test` cases with 95% bootstrap",
    "intervals. Made by `python -m eval.ablation`; `rag/signals.py` and `rag/reader.py` say what each signal is.",
    "",
)


def decide(measured: Measured, weights: Weights) -> Outcome:
    """What the reader with these weights would make of the case."""
    best = int(np.argmax(score_sentences(measured.signals, weights)))
    confidence = judge_evidence(measured.evidence[best], weights)
    right = bool(measured.gold.size and measured.right[best])
    return Outcome(measured.case.answerable, right, confidence, confidence >= weights.threshold)


def describe(name: str, outcomes: Sequence[Outcome]) -> str:
    """A line of the table."""
    figures = (first_right, confidence_auroc, balanced)
    return " | ".join([f"| {name}", *(with_interval(outcomes, figure) for figure in figures)]) + " |"


def first_right(outcomes: Sequence[Outcome]) -> float | None:
    """Share of the answerable questions whose first sentence is right, answered or not."""
    return mean([outcome.right for outcome in outcomes if outcome.answerable])


def confidence_auroc(outcomes: Sequence[Outcome]) -> float | None:
    """How well the confidence tells answerable from unanswerable questions."""
    return auroc([outcome.answerable for outcome in outcomes], [outcome.confidence for outcome in outcomes])


def balanced(outcomes: Sequence[Outcome]) -> float | None:
    """Balanced accuracy of answering and declining."""
    return balanced_accuracy([outcome.answerable for outcome in outcomes], [outcome.answered for outcome in outcomes])


if __name__ == "__main__":
    main()
