"""What the commands print."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from rag.annotate import LABELS, describe_figure, describe_quotation
from rag.compose import (
    TURNED,
    describe_dispute,
    describe_hedges,
    describe_scope,
    name_side,
    name_speaker,
    unmentioned_notice,
    unmet_notice,
)
from rag.config import Config
from rag.doctor import Check
from rag.index import IndexReport
from rag.schema import Answer, Citation, Conflict
from rag.verification import Verification

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def print_answer(answer: Answer) -> None:
    """The short answer, then each quote with outlet, date, file and offsets; a refusal with the nearest passages."""
    console = _console()
    if answer.standalone_question != answer.question.strip():
        console.print(Text(f"Asked as: {answer.standalone_question}", style="dim"))
    if answer.notice:
        console.print(Text(_in_one_line(answer.notice), style="dim"))
    if answer.filters:
        scope = describe_scope(answer.filters, answer.searched, answer.articles)
        console.print(Text(_in_one_line(scope), style="dim"))
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
    """What the articles disagree on, what a language model says, or the short answer; what has changed over time."""
    for conflict in answer.conflicts:
        console.print(Text(_describe_sides(conflict, answer), style="bold"))
    for claim in answer.claims:
        markers = " ".join(f"[{number}]" for number in claim.citations)
        console.print(Text(f"• {_in_one_line(claim.text)} {markers}"))
    if answer.short and not answer.conflicts and not answer.claims:
        console.print(Text(answer.short, style="bold"))
    for development in answer.developments:
        console.print(Text(_describe_sides(development, answer)))


def _describe_sides(conflict: Conflict, answer: Answer) -> str:
    sides = "; ".join(
        f"{name_side(conflict, side, answer.citations)} {list(side.citations)}" for side in conflict.sides
    )
    return _in_one_line(f"{describe_dispute(conflict)}: {sides}")


def _print_refusal(console: Console, answer: Answer) -> None:
    console.print(Text("The articles do not say.", style="bold"))
    if answer.unmentioned:
        console.print(Text(unmentioned_notice(answer.unmentioned)))
    if answer.unmet:
        console.print(Text(unmet_notice(answer.unmet)))
    if answer.turned:
        console.print(Text(TURNED))
    if answer.nearest:
        console.print(Text("The nearest passages, which may not answer the question:"))


def print_verification(verification: Verification) -> None:
    """Each quotation and figure of a draft with what was found, then how many of each."""
    console = _console()
    styles = {"verbatim": "green", "altered": "yellow", "misattributed": "red", "not_found": "red"}
    for checked in verification.quotations:
        _print_checked(console, f"“{_shorten(checked.quote)}”", describe_quotation(checked), styles[checked.status])
    for sentence, group in groupby(verification.figures, key=lambda figure: figure.sentence):
        figures = list(group)
        worst = next((f.status for f in figures if f.status != "verbatim"), "verbatim")
        _print_checked(console, _shorten(sentence), "\n".join(map(describe_figure, figures)), styles[worst])
    counts = Counter(c.status for c in verification.quotations) + Counter(f.status for f in verification.figures)
    found = ", ".join(f"{count} {LABELS[status]}" for status, count in counts.items())
    console.print(Text(found or "The draft holds no quotations and no figures.", style="bold"))


def _print_checked(console: Console, what: str, finding: str, style: str) -> None:
    console.print(Text(visible(what), style=style))
    for line in finding.splitlines():
        console.print(Text(f"    {_in_one_line(line)}", style="dim"))


def _shorten(text: str, most: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def print_json(result: Answer | Verification) -> None:
    """The result as JSON; in ASCII where the output's encoding lacks one of its characters."""
    text = result.to_json(indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(result.to_dict(), indent=2)
    print(text, flush=True)  # a closed pipe is noticed here and not when Python ends


def _print_citation(console: Console, citation: Citation, marker: str) -> None:
    published = ", ".join(part for part in (citation.publisher, citation.published, citation.author) if part)
    origin = " · ".join(part for part in (published, citation.title) if part)
    if citation.speaker:
        origin = f"— {name_speaker(citation)}, in {origin or citation.source}"
    quote = visible(f"{marker} “{citation.quote}”")
    if console.is_terminal:
        console.print(Text(quote))
    else:
        print(quote)  # Rich would make blanks of tabs
    place = f"{citation.source}, characters {citation.start}–{citation.end}"
    for line in filter(None, (origin, describe_hedges(citation), place)):
        console.print(Text(f"    {_in_one_line(line)}", style="dim"))


def print_exported(files: Sequence[Path], replaced: bool) -> None:
    """What was written, and whether in an older pack's place; on stderr, where it leaves the answer's JSON alone."""
    names = ", ".join(file.name for file in files)
    instead = ", in place of the earlier pack" if replaced else ""
    print(visible(f"Evidence in '{files[0].parent}'{instead}: {names}"), file=sys.stderr)


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
