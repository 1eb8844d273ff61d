"""What a person reads about an evaluation, and the file that keeps all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eval.compare import SURE, Comparison
from eval.perturb import Outcome
from eval.run import CaseResult
from eval.summary import Evaluation, Figure, Summary
from rag.errors import CitewellError

COLUMNS = {
    "verbatim_rate": "verb-\natim",
    "first_quote_right": "first\nquote",
    "all_facts_covered": "all\nfacts",
    "quote_precision": "prec-\nision",
    "answered": "ans-\nwered",
    "declined": "dec-\nlined",
    "short_right": "short\nright",
    "latency_p50_ms": "p50\nms",
    "latency_p95_ms": "p95\nms",
}
"""The metrics by kind, with headings that let the table fit on 80 columns."""


def print_report(console: Console, evaluation: Evaluation) -> None:
    """A table by kind, then every figure of all cases with its interval."""
    console.print(_kinds_table(evaluation))
    console.print(_totals_table(evaluation.total))


def _kinds_table(evaluation: Evaluation) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("kind", no_wrap=True)
    for header in ("n", *COLUMNS.values()):
        table.add_column(header, justify="right")
    for kind, summary in evaluation.kinds.items():
        table.add_row(kind, *_cells(summary))
    table.add_section()
    table.add_row("all", *_cells(evaluation.total))
    return table


def _cells(summary: Summary) -> list[str]:
    return [str(summary.cases), *(format_value(name, summary.value(name)) for name in COLUMNS)]


def _totals_table(summary: Summary) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for header in ("metric", "value", "95% interval"):
        table.add_column(header, justify="left" if header == "metric" else "right")
    for name, figure in summary.figures.items():
        table.add_row(name, format_value(name, figure.value), format_interval(figure))
    return table


def format_interval(figure: Figure) -> str:
    """Both ends; "" where there is no interval."""
    return " – ".join(format_value(figure.name, end) for end in figure.interval) if figure.interval else ""


def format_value(name: str, value: float | None) -> str:
    """The value with three decimals; whole milliseconds, calls and tokens; a dash for None."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if name.endswith(("_ms", "_calls", "_tokens")) else f"{value:.3f}"


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Each metric before and after, those that surely changed marked, then the cases won and lost with both answers."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for header in ("metric", "before", "after", "difference", "95% interval", "p", ""):
        table.add_column(header, justify="left" if header in ("metric", "") else "right")
    for change in comparison.changes:
        low, high = (format_value(change.metric, end) for end in change.interval)
        verdict = "" if change.p >= SURE else "worse" if change.is_worse else "better"
        table.add_row(
            change.metric,
            format_value(change.metric, change.before),
            format_value(change.metric, change.after),
            format_value(change.metric, change.difference),
            f"{low} – {high}",
            f"{change.p:.3f}",
            verdict,
        )
    console.print(table)
    for label, pairs in (("Won", comparison.won), ("Lost", comparison.lost)):
        console.print(f"\n[bold]{label}: {len(pairs)} of {comparison.cases} cases[/bold]", highlight=False)
        for before, after in pairs:
            console.print(f"  {escape(before.case.id)}  {escape(before.case.question)}", highlight=False)
            for when, result in (("before", before), ("after", after)):
                line = f"    {when}: {_first_shown(result).removeprefix('got:').strip()}"
                console.print(
                    escape(line + (f" ({'; '.join(result.faults)})" if result.faults else "")), highlight=False
                )


def print_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """What each perturbation was meant to do, and the share of the cases that stood it."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for header in ("perturbation", "the answer …", "cases", "share", "not: among them"):
        table.add_column(header, justify="right" if header in ("cases", "share") else "left")
    for outcome in outcomes:
        few = ", ".join(outcome.failed[:3]) + (", …" if len(outcome.failed) > 3 else "")
        share = format_value("share", outcome.share)
        table.add_row(outcome.kind, outcome.what, str(outcome.cases), share, escape(few))
    console.print(table)


def print_failures(console: Console, results: Sequence[CaseResult]) -> None:
    """Each case with a fault: its question, what was expected, and what came first."""
    failures = [result for result in results if result.faults]
    for result in failures:
        case = result.case
        console.print(f"\n[bold]{escape(case.id)}[/bold]  {escape(case.question)}", highlight=False)
        for line in [*_expected(result), _first_shown(result), f"faults:   {'; '.join(result.faults)}"]:
            console.print(f"  {escape(line)}", highlight=False)
    console.print(f"\n{len(failures)} of {len(results)} cases have a fault.", highlight=False)


def _expected(result: CaseResult) -> list[str]:
    case = result.case
    if not case.answerable:
        return [f"expected: to decline: {case.why}"]
    short = f"“{case.short}”: " if case.short else ""
    lines = [f"expected: {short}{fact[0].quote} ({fact[0].source})" for fact in case.gold]
    return lines if result.answer.standalone_question == case.question else [_understood(result), *lines]


def _understood(result: CaseResult) -> str:
    return f"asked as: {result.answer.standalone_question}"


def _first_shown(result: CaseResult) -> str:
    shown = result.citations or result.nearest
    verb = "answered" if result.answer.answered else "declined"
    first = f": {shown[0].quote} ({shown[0].source})" if shown else ", showing nothing"
    return f"got:      {verb} with confidence {result.answer.confidence:.2f}{first}"


def default_path() -> Path:
    """`eval-results/<UTC time>.json` below the current folder."""
    return Path("eval-results") / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}.json"


def write_report(path: Path, evaluation: Evaluation, setup: Mapping[str, Any]) -> None:
    """Everything as JSON: the set-up, the figures, and each case with its answer, scores and explanation.

    Folders are made as needed. Raises CitewellError when the file cannot be written.
    """
    report = {
        "setup": dict(setup),
        "total": asdict(evaluation.total),
        "kinds": {kind: asdict(summary) for kind, summary in evaluation.kinds.items()},
        "cases": [_case_record(result) for result in evaluation.results],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CitewellError(f"'{path}' cannot be written: {error.strerror}. Choose another file: --out.") from error


def _case_record(result: CaseResult) -> dict[str, Any]:
    return asdict(result) | {"faults": result.faults, "explanation": result.explanation}
