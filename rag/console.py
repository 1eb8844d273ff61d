"""What the commands print."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from rag.compose import unmentioned_notice, unmet_notice
from rag.config import Config
from rag.doctor import Check
from rag.index import IndexReport
from rag.schema import Answer, Citation

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def print_answer(answer: Answer) -> None:
    """The short answer, then each quote with outlet, date, file and offsets; a refusal with the nearest passages."""
    console = _console()
    if answer.standalone_question != answer.question.strip():
        console.print(Text(f"Asked as: {answer.standalone_question}", style="dim"))
    if answer.notice:
        console.print(Text(_in_one_line(answer.notice), style="dim"))
    if answer.answered:
        _print_findings(console, answer)
    else:
        _print_refusal(console, answer)
    for citation in answer.citations or answer.nearest:
        console.print()
        _print_citation(console, citation, f"[{citation.number}]" if answer.answered else " • ")
    if answer.answered:
        console.print()
        console.print(Text(f"Confidence {answer.confidence:.0%}", style="dim"))
    if answer.dropped:
        console.print(Text(f"Left out, as no quote bears it out: {len(answer.dropped)}", style="dim"))
        for dropped in answer.dropped:
            console.print(Text(f"  {_in_one_line(dropped.text)} ({_in_one_line(dropped.reason)})", style="dim"))


def _print_findings(console: Console, answer: Answer) -> None:
    """What the articles disagree on, what a language model says, or the short answer."""
    for conflict in answer.conflicts:
        sides = "; ".join(f"{side.value} {list(side.citations)}" for side in conflict.sides)
        console.print(Text(f"The articles give different figures for {conflict.topic}: {sides}", style="bold"))
    for claim in answer.claims:
        markers = " ".join(f"[{number}]" for number in claim.citations)
        console.print(Text(f"• {_in_one_line(claim.text)} {markers}"))
    if answer.short and not answer.conflicts and not answer.claims:
        console.print(Text(answer.short, style="bold"))


def _print_refusal(console: Console, answer: Answer) -> None:
    console.print(Text("The articles do not say.", style="bold"))
    if answer.unmentioned:
        console.print(Text(unmentioned_notice(answer.unmentioned)))
    if answer.unmet:
        console.print(Text(unmet_notice(answer.unmet)))
    if answer.nearest:
        console.print(Text("The nearest passages, which may not answer the question:"))


def print_json(answer: Answer) -> None:
    """The answer as JSON; in ASCII where the output's encoding lacks one of its characters."""
    text = answer.to_json(indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(answer.to_dict(), indent=2)
    print(text, flush=True)  # a closed pipe is noticed here and not when Python ends


def _print_citation(console: Console, citation: Citation, marker: str) -> None:
    published = ", ".join(part for part in (citation.publisher, citation.published, citation.author) if part)
    origin = " · ".join(part for part in (published, citation.title) if part)
    quote = visible(f"{marker} “{citation.quote}”")
    if console.is_terminal:
        console.print(Text(quote))
    else:
        print(quote)  # Rich would make blanks of tabs
    place = f"{citation.source}, characters {citation.start}–{citation.end}"
    for line in filter(None, (origin, place)):
        console.print(Text(f"    {_in_one_line(line)}", style="dim"))


def print_report(report: IndexReport, config: Config) -> None:
    """What indexing did, in one line, then each file that was skipped."""
    console = _console()
    manifest = report.manifest
    console.print(
        Text(
            f"{len(manifest.files)} articles, {manifest.sentences} sentences in '{config.index}': "
            f"{report.added} added, {report.changed} changed, {report.removed} removed, {report.unchanged} unchanged."
        )
    )
    for file in report.skipped:
        console.print(Text(_in_one_line(f"Skipped {file.source}: {file.reason}")))


def print_checks(checks: Sequence[Check]) -> None:
    """One line a check, with the remedy below it where it failed."""
    console = _console()
    for check in checks:
        console.print(
            Text.assemble(
                ("✓ " if check.passed else "✗ ", "green" if check.passed else "red"), _in_one_line(check.finding)
            )
        )
        if not check.passed:
            console.print(Text(f"  → {_in_one_line(check.remedy)}"))


def visible(text: str) -> str:
    """The text with control characters as escapes: an article or a file name must not steer the terminal."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def _in_one_line(text: str) -> str:
    return visible(text).replace("\r", "\\r").replace("\n", "\\n")


def _console() -> Console:
    """Wraps lines on a terminal only, so that a pipe gets each quote in one piece."""
    console = Console(highlight=False)
    console.soft_wrap = not console.is_terminal
    return console
