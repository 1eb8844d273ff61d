"""From a checked draft to HTML: one line that sums up, the draft with its findings in colour, and a list of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rag.annotate import LABELS
from rag.verification import CheckedFigure, CheckedQuotation, Status, Verification

TURN = -1
"""Stands for the draft where markers name the turn of a conversation."""

_DIFFERENCE = re.compile(r"\[-(?P<article>.*?)-\]|\{\+(?P<draft>.*?)\+\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """A quotation or figure that was checked, and its number in the list."""

    number: int
    checked: CheckedQuotation | CheckedFigure

    @property
    def words(self) -> str:
        return self.checked.quote if isinstance(self.checked, CheckedQuotation) else self.checked.figure

    @property
    def status(self) -> Status:
        return self.checked.status


def find_findings(verification: Verification) -> list[Finding]:
    """Everything that was checked, numbered from 1 in the order of the draft; no two of them overlap."""
    checked: list[CheckedQuotation | CheckedFigure] = [*verification.quotations, *verification.figures]
    checked.sort(key=lambda one: one.draft_start)
    return [Finding(number, one) for number, one in enumerate(checked, 1)]


def render_invitation() -> str:
    """What stands in the findings' place before a draft was checked."""
    return (
        '<section class="findings empty"><p>Each quotation and each figure is looked up in the articles: verbatim, '
        "altered, somebody else’s, or not there at all.</p></section>"
    )


def render_busy(draft: str, quotations: int, sentences: int) -> str:
    """While the check runs: what it looks for."""
    what = f"{_count(quotations, 'quotation')} and {_count(sentences, 'sentence')} with figures"
    return (
        f'<section class="findings" data-state="busy"><div class="reply busy" role="status"><p>Looking up {what}, in '
        f"{len(draft):,} characters…</p></div></section>"
    )


def render_problem(text: str) -> str:
    """Why the draft was not checked."""
    return (
        '<section class="findings" data-state="failed"><div class="reply notice" role="alert">'
        f"<p>{escape(text)}</p></div></section>"
    )


def render_findings(draft: str, verification: Verification) -> str:
    """The summary, what to look at, and the draft with all findings marked."""
    findings = find_findings(verification)
    faults = [finding for finding in findings if finding.status != "verbatim"]
    held = [finding for finding in findings if finding.status == "verbatim"]
    parts = [f'<p class="summary" role="status">{escape(summarize(verification))}</p>']
    if faults:
        parts.append(f'<ol class="found">{"".join(map(_row, faults))}</ol>')
    if held:
        rows = "".join(map(_row, held))
        parts.append(
            f'<details class="held"><summary>Verbatim: {len(held):,}</summary><ol class="found">{rows}</ol></details>'
        )
    parts.append(f'<div class="draft" dir="auto">{_mark_draft(draft, findings)}</div>')
    return f'<section class="findings" data-state="done" aria-label="Findings">{"".join(parts)}</section>'


def summarize(verification: Verification) -> str:
    """How many quotations and figures were found in which state, in one line."""
    parts = []
    if verification.quotations:
        parts.append(f"{_count(len(verification.quotations), 'quotation')}: {_tally(verification.quotations)}")
    if verification.figures:
        parts.append(f"{_count(len(verification.figures), 'figure')}: {_tally(verification.figures)}")
    return "; ".join(parts) + "." if parts else "The draft holds no quotations and no figures."


def _tally(checked: Sequence[CheckedQuotation | CheckedFigure]) -> str:
    counts = Counter(one.status for one in checked)
    return ", ".join(f"{counts[status]:,} {label}" for status, label in LABELS.items() if counts[status])


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _row(finding: Finding) -> str:
    """Marker, state, the draft's words, what differs, and where the articles have it."""
    checked = finding.checked
    details = []
    if isinstance(checked, CheckedQuotation):
        details += [checked.reason and escape(checked.reason), checked.diff and _difference(checked.diff)]
    if checked.source:
        near = "Nearest: " if checked.status == "not_found" else ""
        details.append(f"{near}{escape(checked.source)}, characters {checked.start:,} to {checked.end:,}")
    shows_nearest = checked.nearest and (isinstance(checked, CheckedFigure) or checked.status == "not_found")
    if shows_nearest:
        details.append(f'<q dir="auto">{escape(" ".join(checked.nearest.split()))}</q>')
    lines = "".join(f'<p class="detail" dir="auto">{detail}</p>' for detail in details if detail)
    words = " ".join(finding.words.split())
    return (
        f'<li class="{finding.status}">{_chip(finding)}<div class="what"><p><strong>{LABELS[finding.status]}</strong> '
        f'<q dir="auto">{escape(words)}</q></p>{lines}</div></li>'
    )


def _difference(difference: str) -> str:
    """The difference word by word: what only the article has is struck out, what only the draft has underlined."""
    out, position = "", 0
    for match in _DIFFERENCE.finditer(difference):
        out += escape(difference[position : match.start()])
        tag, words = ("del", match["article"]) if match["article"] is not None else ("ins", match["draft"])
        out += f"<{tag}>{escape(words)}</{tag}>"
        position = match.end()
    return out + escape(difference[position:])


def _chip(finding: Finding) -> str:
    number = finding.number
    if not finding.checked.source:
        return f'<span class="number">{number}</span>'
    return (
        f'<button type="button" class="chip" data-turn="{TURN}" data-number="{number}" aria-label="Show finding '
        f'{number} in its article, {escape(finding.checked.source)}">{number}</button>'
    )


def _mark_draft(draft: str, findings: Sequence[Finding]) -> str:
    pieces, place = [], 0
    for finding in findings:
        checked = finding.checked
        opens = f' data-turn="{TURN}" data-number="{finding.number}"' if checked.source else ""
        words = escape(draft[checked.draft_start : checked.draft_end])
        pieces.append(escape(draft[place : checked.draft_start]))
        pieces.append(f'<mark class="{finding.status}"{opens}>{words}</mark><sup>{finding.number}</sup>')
        place = checked.draft_end
    return "".join([*pieces, escape(draft[place:])])
