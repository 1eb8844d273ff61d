"""`python -m eval.sources --data FOLDER --out FOLDER`: what each source of training data is worth, and LoRA.

One short training run without each, all with the same number of steps; measured away from the seeds, and on the seeds
with the reader fitted anew on the dev cases and reported on the test cases. Writes eval/sources.md from
eval/sources.jsonl: a run that stands there is not made again, on whatever machine, and a stopped one goes on where it
was. Several calls may share the runs: `--run NAME`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from eval.ablation import confidence_auroc, decide, first_right
from eval.cases import load_cases
from eval.fit import Measured, fit, measure_cases
from eval.metrics import mean, with_interval
from eval.public import make_parser
from eval.reading import describe, score_by_model
from rag.config import Config
from rag.model import ReadingModel
from rag.signals import SIGNALS
from rag.train.loop import Settings
from rag.train.questions import OWN, SOURCES, Questions
from rag.train.run import train_model

LORA_RATES = (1.5e-4, 1e-3)
"""Learning rates of the low-rank runs: that of the whole layers, and one that suits few weights better."""

REPORT = Path(__file__).with_name("sources.md")

ROWS = REPORT.with_suffix(".jsonl")
"""A line a finished run: its name, its steps and the table's cells."""


def main() -> None:
    """Trains, measures and writes the table, a line after each run."""
    parser = make_parser("eval.sources", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs' checkpoints")
    parser.add_argument("--steps", type=int, default=400, help="of each run; the shipped file has 5,394")
    parser.add_argument("--run", action="append", metavar="NAME", help="only this run; may be given again")
    options = parser.parse_args()
    for name, settings in plan_runs(options.steps):
        if (options.run and name not in options.run) or name in finished_rows(options.steps):
            continue
        folder = options.out / name.replace(" ", "-")
        _share_mined(options.out, folder)
        print(name, flush=True)
        model = train_model(options.data, settings, folder, "cpu", _report)
        row = {"run": name, "steps": options.steps, "cells": measure_run(model, options.data)}
        with ROWS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(row, flush=True)
    REPORT.write_text(write_table(options.steps), encoding="utf-8")


def finished_rows(steps: int) -> dict[str, list[str]]:
    """The cells of the runs of so many steps that have been made, by name."""
    lines = ROWS.read_text(encoding="utf-8").splitlines() if ROWS.is_file() else []
    return {row["run"]: row["cells"] for row in map(json.loads, lines) if row["steps"] == steps}


def write_table(steps: int) -> str:
    """The report in Markdown: the finished runs in the order of the plan, and the names of those still to be made."""
    rows = finished_rows(steps)
    names = [name for name, _ in plan_runs(steps)]
    lines = [line.format(steps=steps) for line in _INTRODUCTION]
    lines += [" | ".join([f"| {name}", *rows[name]]) + " |" for name in names if name in rows]
    if missing := [name for name in names if name not in rows]:
        lines += ["", f"Not made yet: {'; '.join(missing)}."]
    return "\n".join(lines) + "\n"


_INTRODUCTION = (
    "# What each source of training data is worth",
    "",
    "Runs of {steps} steps (seed 0; the shipped file had 5,394), each without one source, with 95% bootstrap",
    "intervals over the questions; two runs with everything that differ in their seed show how much is chance. On the",
    "seeds, the model alone chooses among the candidates of all cases; the reader is fitted anew on the `dev` cases",
    "and reported on the `test` cases. Made by `python -m eval.sources`.",
    "",
    "| run | XQuAD: first sentence | XQuAD: span F1 | SQuAD 2.0: near-miss AUROC | seeds: model alone, first sentence "
    "| seeds: reader, first sentence | seeds: reader, AUROC |",
    "|---|---|---|---|---|---|---|",
)


def plan_runs(steps: int) -> Iterator[tuple[str, Settings]]:
    """The runs by name."""
    everything = Settings(steps=steps)
    yield "everything", everything
    yield "everything, seed 1", replace(everything, seed=1)
    for source in (*SOURCES, *OWN, "near-misses", "mined"):
        yield f"without {source}", replace(everything, without=(source,))
    for rate in LORA_RATES:
        yield f"LoRA of rank 16, rate {rate:g}", replace(everything, lora=16, learning_rate=rate)


def _share_mined(out: Path, folder: Path) -> None:
    """Mined negatives are the same for all runs, and take minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    known = next(out.glob("*/mined.json"), None)
    if known and not (folder / known.name).exists():
        shutil.copy(known, folder)


def measure_run(model: ReadingModel, questions: Questions) -> list[str]:
    """The table's cells."""
    first, f1, _ = describe(questions.xquad, *score_by_model(questions.xquad, model))
    _, _, near_miss = describe(questions.test, *score_by_model(questions.test, model))
    corpus = Config().corpus
    dev, test = (measure_cases(load_cases(split=split), corpus, model) for split in ("dev", "test"))
    weights = fit([dev], [])
    outcomes = [decide(case, weights) for case in test]
    alone = [case for case in (*dev, *test) if case.gold.size]
    return [
        first,
        f1,
        near_miss,
        with_interval(alone, first_by_model),
        with_interval(outcomes, first_right),
        with_interval(outcomes, confidence_auroc),
    ]


def first_by_model(cases: Sequence[Measured]) -> float | None:
    """Share of the cases whose best candidate by the model's odds alone is right."""
    column = SIGNALS.index("model")
    return mean([bool(case.right[int(np.argmax(case.signals[:, column]))]) for case in cases])


def _report(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


if __name__ == "__main__":
    main()
