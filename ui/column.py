"""From articles to HTML: the list of all of them, and one in full with its quotes marked. Every text is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from textwrap import shorten

from rag.schema import Article, Citation, Span
from ui.render import long_date

MAX_SHOWN = 400_000
"""Characters of one article that the page shows at once, around the quote."""

MAX_LISTED = 1_000
"""Articles in the list; beyond that a browser gets slow."""

_LINE = re.compile(r"[^\r\n]+")


def render_contents(articles: Sequence[Article]) -> str:
    """The list of the articles, each a button that opens it."""
    rows = "".join(_row(article) for article in articles[:MAX_LISTED])
    rest = len(articles) - MAX_LISTED
    more = f'<p class="more">and {rest:,} more; they are searched as well</p>' if rest > 0 else ""
    count = f'<span class="count">{len(articles):,}</span>'
    return f'<details class="contents" open><summary><h2>Articles</h2> {count}</summary><ul>{rows}</ul>{more}</details>'


def render_empty_column() -> str:
    """The column before anything was asked or opened."""
    return (
        '<section class="sheet empty" aria-label="Source"><p>The source appears here, with the quotes marked in the '
        "full article.</p><p>Ask a question, or open an article from the list.</p></section>"
    )


def render_message(text: str) -> str:
    """The column with a plain message in place of an article."""
    return f'<section class="sheet empty" aria-label="Source"><p role="alert">{escape(text)}</p></section>'


def render_column(
    article: Article,
    passages: Sequence[Citation] = (),
    current: Citation | None = None,
    *,
    turn: int = -1,
    by: str = "page",
    key: str = "",
) -> str:
    """The article in full, the passages that lie in it marked, `current` most of all.

    `passages` are all of turn `turn`; those of other articles are only offered above the text. `by` says who opened it,
    "reader" or "page". A new `key` each time lets the page notice a second click on the same marker.
    """
    number = current.number if current else ""
    opened = (
        f'<section class="sheet" aria-label="Source" data-source="{escape(article.source)}" data-turn="{turn}" '
        f'data-number="{number}" data-by="{escape(by)}" data-key="{escape(key)}">'
    )
    marked = [passage for passage in passages if passage.source == article.source and passage.sha256 == article.sha256]
    return (
        f"{opened}{_masthead(article, _offered(passages, turn))}"
        f'<div class="text">{render_text(article, marked, current, turn)}</div>{_colophon(article, current)}</section>'
    )


def render_text(article: Article, marked: Sequence[Citation], current: Citation | None, turn: int) -> str:
    """The article's lines as paragraphs, blank lines left out, no character changed; long articles in part."""
    shown = _window(article, current)
    lines = [Span(line.start(), line.end()) for line in _LINE.finditer(article.text, shown.start, shown.end)]
    filled = [line for line in lines if article.text[line.start : line.end].strip("\ufeff \t\u00a0")]
    before = _note(f"{shown.start:,} characters before this are not shown.") if shown.start else ""
    left = len(article.text) - shown.end
    after = _note(f"{left:,} characters after this are not shown.") if left else ""
    return before + "".join(_paragraph(article, line, marked, current, turn) for line in filled) + after


def _paragraph(article: Article, line: Span, marked: Sequence[Citation], current: Citation | None, turn: int) -> str:
    """One line, cut where a quote or the article's body starts or ends, each piece in its element."""
    spans = [*article.body, *(Span(citation.start, citation.end) for citation in marked)]
    edges = {edge for span in spans for edge in (span.start, span.end) if line.start < edge < line.end}
    cuts = sorted({line.start, line.end} | edges)
    pieces = ""
    for start, end in pairwise(cuts):
        text = escape(article.text[start:end])
        covering = [c for c in marked if c.start <= start and end <= c.end]
        if covering:
            citation = current if current in covering else covering[0]
            pieces += _mark(text, citation, citation is current, turn, last=end == citation.end)
        elif any(span.start <= start and end <= span.end for span in article.body):
            pieces += text
        else:
            pieces += f'<span class="outside">{text}</span>'
    return f'<p dir="auto">{pieces}</p>'


def _mark(text: str, citation: Citation, current: bool, turn: int, last: bool) -> str:
    state = ' class="current" tabindex="-1"' if current else ""
    label = f' data-label="{citation.number}"' if last else ""
    return f'<mark{state} data-turn="{turn}" data-number="{citation.number}"{label}>{text}</mark>'


def _window(article: Article, current: Citation | None) -> Span:
    """The part of a very long article that is shown, cut at line ends where there are any."""
    text = article.text
    if len(text) <= MAX_SHOWN:
        return Span(0, len(text))
    start = max(0, min((current.start if current else 0) - MAX_SHOWN // 2, len(text) - MAX_SHOWN))
    end = start + MAX_SHOWN
    if current:
        end = max(end, current.end)
    return Span(text.rfind("\n", max(0, start - 2_000), start) + 1 or start, end)


def _masthead(article: Article, offered: str) -> str:
    """Outlet, date and title; it stays in sight while the text below it scrolls."""
    outlet = f'<span class="outlet" dir="auto">{escape(article.publisher or "Outlet not given")}</span>'
    published = escape(long_date(article.published))
    day = f'<time datetime="{escape(article.published)}">{published}</time>' if published else "<span>undated</span>"
    byline = f'<span class="byline" dir="auto">by {escape(article.author)}</span>' if article.author else ""
    title = f'<h2 dir="auto">{escape(article.label)}</h2>'
    return f'<header><div class="kicker"><p>{outlet} {day} {byline}</p>{offered}</div>{title}</header>'


def _offered(passages: Sequence[Citation], turn: int) -> str:
    """The turn's passages, in this article and others, to switch between; on a phone also the way back."""
    if not passages:
        return ""
    buttons = "".join(
        f'<button type="button" class="chip" data-turn="{turn}" data-number="{p.number}" aria-label="Show quote '
        f'{p.number}, {escape(p.publisher or p.title or p.source)}">{p.number}</button>'
        for p in passages
        if turn >= 0
    )
    label, origin = ("Quotes of this answer", "Answer") if turn >= 0 else ("Finding of this draft", "Draft")
    back = f'<button type="button" class="back" data-back="">↑ {origin}</button>'
    return f'<nav class="offered" aria-label="{label}">{buttons}{back}</nav>'


def _colophon(article: Article, current: Citation | None) -> str:
    place = f"Quote {current.number}: characters {current.start:,} to {current.end:,} of " if current else ""
    file = f'<span class="file">{escape(article.source)}</span>, {len(article.text):,} characters'
    return f'<footer><p>{place}{file}, SHA-256 <span class="file">{escape(article.sha256[:12])}…</span></p></footer>'


def _row(article: Article) -> str:
    where = " · ".join(part for part in (article.publisher, long_date(article.published)) if part)
    if not article.title:
        where = shorten(article.text[:400], 90, placeholder="…")
    return (
        f'<li><button type="button" data-source="{escape(article.source)}"><span class="title" dir="auto">'
        f'{escape(article.label)}</span> <span class="where" dir="auto">{escape(where)}</span></button></li>'
    )


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'
