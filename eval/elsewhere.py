"""`python -m eval.elsewhere`: how the reader does on small corpora of other subjects, each on its own.

The reader's weights are fitted on half of these corpora beside the seeds' dev cases; the other half is reported.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eval.ablation import Outcome, balanced, confidence_auroc, decide, first_right
from eval.cases import SPLITS
from eval.fit import measure_elsewhere
from eval.metrics import mean, with_interval
from rag.reader import load_weights


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m eval.elsewhere", description=__doc__)
    parser.add_argument("--split", choices=SPLITS, default="test")
    weights = load_weights()
    Console().print(make_table([decide(case, weights) for case in measure_elsewhere(parser.parse_args().split)]))


def make_table(outcomes: Sequence[Outcome]) -> Table:
    """One row a metric, with its interval over the cases."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column(f"metric over {len(outcomes)} cases")
    table.add_column("value")
    rows = {
        "first sentence right, answered or not": first_right,
        "answered when the articles answer": answered,
        "declined when they do not": declined,
        "balanced accuracy": balanced,
        "AUROC of the confidence": confidence_auroc,
    }
    for name, metric in rows.items():
        table.add_row(name, with_interval(outcomes, metric))
    return table


def answered(outcomes: Sequence[Outcome]) -> float | None:
    """Share of the answerable questions that are answered; None without any."""
    return mean([outcome.answered for outcome in outcomes if outcome.answerable])


def declined(outcomes: Sequence[Outcome]) -> float | None:
    """Share of the unanswerable questions that are declined; None without any."""
    return mean([not outcome.answered for outcome in outcomes if not outcome.answerable])


if __name__ == "__main__":
    main()
