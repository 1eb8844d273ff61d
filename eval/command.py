"""`citewell eval`: the cases through the assistant, a report, and a check against the thresholds."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rag.cli import Corpus, Index, make_config

app = typer.Typer(help="Measure the answers against cases with known answers.")


class Split(StrEnum):
    DEV = "dev"
    TEST = "test"
    ALL = "all"


@app.callback(invoke_without_command=True)
def evaluate(
    *,
    split: Annotated[Split, typer.Option(help="Half of the cases; the reader was fitted on dev.")] = Split.TEST,
    kind: Annotated[list[str] | None, typer.Option(help="Only cases of this kind; can be given several times.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the results as JSON  [default: eval-results/<UTC time>.json]")
    ] = None,
    corpus: Corpus = None,
    index: Index = None,
    cases: Annotated[Path | None, typer.Option(help="JSON-lines file of cases  [default: those about seeds]")] = None,
    thresholds: Annotated[
        Path | None, typer.Option(help="TOML file of least values; without it own --cases are not checked.")
    ] = None,
    failures: Annotated[bool, typer.Option("--failures", help="Print each case with a fault.")] = False,
) -> None:
    """Asks every case and reports the figures by kind; exits with 1 when one is below its threshold."""
    from rich.console import Console  # with the imports below seconds: only when an evaluation runs

    from eval.cases import FACTS, load_cases
    from eval.report import default_path, print_failures, print_report, write_report
    from eval.run import run_cases, run_retrieval
    from eval.summary import summarise
    from eval.thresholds import THRESHOLDS, find_shortfalls, load_thresholds
    from rag import Assistant

    config = make_config(corpus, index)
    chosen = load_cases(cases or FACTS, None if split is Split.ALL else split.value, kind)
    checked = thresholds or (None if cases else THRESHOLDS)
    minimums = load_thresholds(checked, split.value, kind or ()) if checked else ()
    with Assistant.open(config) as assistant:
        results = run_cases(chosen, assistant)
    evaluation = summarise(results, run_retrieval(chosen, config))

    path = out or default_path()
    setup = {"split": split.value, "kinds": kind, "cases": str(cases or FACTS)} | config.model_dump(mode="json")
    write_report(path, evaluation, setup)
    console = Console()
    if failures:
        print_failures(console, results)
    print_report(console, evaluation)
    typer.echo(f"Every case with its answer: {path}")
    shortfalls = find_shortfalls(evaluation, minimums)
    for line in shortfalls:
        typer.echo(f"Below the threshold: {line}.", err=True)
    if shortfalls:
        raise typer.Exit(1)
