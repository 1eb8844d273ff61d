"""A draft with the findings of its check in it, as Markdown with footnotes or as a page."""

from __future__ import annotations

import re
from bisect import bisect_left
from html import escape
from itertools import groupby
from pathlib import Path

from rag.errors import CitewellError
from rag.layout import close_fence, find_protected
from rag.schema import Span
from rag.verification import CheckedFigure, CheckedQuotation, Status, Verification

LABELS: dict[Status, str] = {
    "verbatim": "verbatim",
    "altered": "altered",
    "misattributed": "misattributed",
    "not_found": "not found",
}
_CLOSING = re.compile(r"(?:[\s\u00a0]?[»›]|''|[”“\"’‘'」』》〉〞❞＂]|&[a-z]{4,5};|</[a-z]{1,10}>)?")
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Checked draft</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 2rem auto; max-width: 44rem; padding: 0 1rem; font: 17px/1.6 Georgia, serif; white-space: pre-wrap }}
mark {{ color: inherit; border-bottom: 2px solid; background: none }}
.verbatim {{ border-color: #2f7d44; background: #2f7d4422 }} .altered {{ border-color: #b26a00; background: #b26a0022 }}
.misattributed, .not_found {{ border-color: #b3261e; background: #b3261e22 }}
ol {{ white-space: normal; font: 14px/1.5 ui-sans-serif, system-ui, sans-serif }}
sup {{ font: 11px ui-sans-serif, system-ui, sans-serif }}
</style>
{body}
<ol>
{notes}
</ol>
</html>
"""


def write_annotated(file: Path, draft: str, verification: Verification) -> None:
    """Writes the draft with its findings; the file's ending says as what. Raises CitewellError for another ending."""
    writers = {".md": annotate_markdown, ".html": annotate_page, ".htm": annotate_page}
    if file.suffix.lower() not in writers:
        raise CitewellError(f"'{file}' should end in .md or .html.")
    try:
        with file.open("w", encoding="utf-8", errors="replace", newline="") as opened:
            opened.write(writers[file.suffix.lower()](draft, verification))
    except OSError as error:
        raise CitewellError(f"'{file}' cannot be written: {error.strerror}.") from error


def annotate_markdown(draft: str, verification: Verification) -> str:
    """The draft with a footnote behind each quotation, and behind the last figure of each sentence; its own footnotes
    keep their names.
    """
    prefix = ""
    while f"[^{prefix}" in draft:
        prefix += "c"
    pieces, place, notes = [], 0, []
    for number, (end, note) in enumerate(_find_notes(draft, verification), 1):
        pieces += [draft[place:end], f"[^{prefix}{number}]"]
        notes.append(f"[^{prefix}{number}]: {_plain(note)}")
        place = end
    text = "".join([*pieces, draft[place:]])
    ending = "\r\n" if "\r\n" in draft else "\n"
    return ending.join([text.rstrip("\r\n") + close_fence(draft), "", *notes, ""])


def _find_notes(draft: str, verification: Verification) -> list[tuple[int, str]]:
    """Where footnotes go, outside of code, links and tags, and what they say; in order."""
    notes = [
        (_CLOSING.match(draft, q.draft_end).end(), describe_quotation(q))  # type: ignore[union-attr]  # matches ""
        for q in verification.quotations
    ]
    for _, group in groupby(verification.figures, key=lambda figure: figure.sentence):
        figures = list(group)
        notes.append((figures[-1].draft_end, "; ".join(map(describe_figure, figures))))
    protected = find_protected(draft)
    starts = [span.start for span in protected]
    return sorted((_move_out(place, protected, starts), note) for place, note in notes)


def _move_out(place: int, protected: list[Span], starts: list[int]) -> int:
    number = bisect_left(starts, place) - 1
    return max(place, protected[number].end) if number >= 0 else place


def annotate_page(draft: str, verification: Verification) -> str:
    """The draft as a page that needs nothing else, its findings in colour, with notes at the end."""
    marks = sorted(
        [(q.draft_start, q.draft_end, q.status, describe_quotation(q)) for q in verification.quotations]
        + [(f.draft_start, f.draft_end, f.status, describe_figure(f)) for f in verification.figures]
    )
    pieces, place, notes = [], 0, []
    for number, (start, end, status, note) in enumerate(marks, 1):
        pieces.append(escape(draft[place:start]))
        pieces.append(f'<mark class="{status}">{escape(draft[start:end])}</mark><sup>{number}</sup>')
        notes.append(f'<li value="{number}">{escape(note)}</li>')
        place = end
    body = "".join([*pieces, escape(draft[place:])])
    return _PAGE.format(body=body, notes="\n".join(notes))


def describe_quotation(checked: CheckedQuotation) -> str:
    """What was found, in one line: status, place, and what differs."""
    words = [LABELS[checked.status]]
    if checked.reason:
        words.append(checked.reason)
    if checked.diff:
        words.append(checked.diff)
    if checked.source:
        near = "nearest: " if checked.status == "not_found" else ""
        words.append(f"{near}{checked.source} {checked.start}–{checked.end}")
    if checked.status == "not_found" and checked.nearest:
        words.append(f"“{' '.join(checked.nearest.split())}”")
    return "; ".join(words)


def describe_figure(checked: CheckedFigure) -> str:
    """What was found, in one line: the figure, its status, and the sentence that is about the same."""
    place = f"; {checked.source} {checked.start}–{checked.end}: “{' '.join(checked.nearest.split())}”"
    reason = f"; {checked.reason}" if checked.reason else ""
    return f"{checked.figure}: {LABELS[checked.status]}{reason}{place if checked.source else ''}"


def _plain(note: str) -> str:
    """A note that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&$!^@:])", r"\\\1", " ".join(note.split()))
