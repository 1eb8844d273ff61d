"""How a draft is laid out: lines, paragraphs, list items and tables, and what of it is no prose (code, addresses)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape

from rag.schema import Span

_CODE = re.compile(
    r"^[ \t>]{0,6}(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:\n[ \t>]{0,6}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!\\)(?:``(?=[^\W_])[^`\n]*?''|`[^`\n]+`)",
    re.DOTALL | re.MULTILINE,
)
_TARGET = re.compile(r"(?<=[^\\]\])\([^()\s]*(?:\s\"[^\"\n]*\")?\)")
_ADDRESS = re.compile(r"(?:https?://|\bwww\.)[^\s<>“”«»\"]+|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}")
_LINK = re.compile(r"!?\[[^\[\]\n]*\]\([^()\s]*(?:\s\"[^\"\n]*\")?\)")
_NOTE = re.compile(
    r"\[\^[^\]\s]{1,40}\]:?|\[\d{1,3}(?:\s?[,–-]\s?\d{1,3}){0,9}\]|\([A-Z][^()\d]{1,60}(?:19|20)\d\d[a-z]?\)"
)
_ENTITY = re.compile(r"(?<!\\)&(?:quot|[lr][sd]quo|[lr]s?aquo|[bs]dquo|#\d{2,5}|#[xX][0-9a-fA-F]{2,4});")
_TAG = re.compile(r"(?<!\\)<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,15})\b[^<>]{0,300}>")
_LINE = re.compile(r"(?<![^\r\n])(?P<lead>[ \t\ufeff]*+>[ \t>]*+)?(?P<words>[^\S\r\n]*+[^\s>][^\r\n]*)")
_ITEM = re.compile(r"\s*(?:[-*+•]\s|\d{1,3}[.)]\s|\[\^[^\]\s]{1,40}\]:)")
_ROW = re.compile(r"\s*(?:#{1,6}\s|\|)")
_MARKS = "\"'“”„‘’‚«»‹›"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, without its end and without the marks of a block quote, which are `quoted`; `gap` is
    what lies between it and the line before.
    """

    start: int
    end: int
    quoted: bool
    gap: str

    @property
    def follows(self) -> bool:
        """Whether no blank line stands before it."""
        return max(self.gap.count("\n"), self.gap.count("\r")) < 2


def hide_marks(draft: str) -> str:
    """The draft with code, tags and addresses blanked out, quote marks for their entities and for the tag <q>; every
    character keeps its place.
    """
    text = _CODE.sub(lambda match: match[0] if match[0].endswith("''") else _blank(match[0]), draft)
    for pattern in (_TARGET, _ADDRESS):
        text = pattern.sub(lambda match: _blank(match[0]), text)
    return _TAG.sub(_hide_tag, _ENTITY.sub(_read_entity, text))


def _blank(text: str) -> str:
    return re.sub(r"\S", " ", text)


def _hide_tag(tag: re.Match[str]) -> str:
    blank = " " * (len(tag[0]) - 1)
    if tag["name"].lower() == "q":
        return f"”{blank}" if tag["close"] else f"{blank}“"
    if tag["name"].lower() == "blockquote":
        return tag[0]
    return "\u2060" * len(tag[0])


def _read_entity(entity: re.Match[str]) -> str:
    mark, text = unescape(entity[0]), entity.string
    if mark not in _MARKS:
        return entity[0]
    before, after = text[entity.start() - 1 : entity.start()], text[entity.end() : entity.end() + 1]
    if before.isalnum() and after.isalnum():
        return mark + "x" * (len(entity[0]) - 1)
    blank = " " * (len(entity[0]) - 1)
    opens = mark in "“„‘‚«‹" or (mark in "\"'" and after.isalnum() and not before.isalnum())
    return f"{blank}{mark}" if opens else f"{mark}{blank}"


def hide_unread(text: str) -> str:
    """The text with footnote marks, numbers of references and "(Name, 2024)" blanked out."""
    return _NOTE.sub(lambda match: _blank(match[0]), text)


def find_protected(draft: str) -> list[Span]:
    """Code, links and tags of a draft, in order: stretches that nothing may be put into."""
    spans = sorted(match.span() for pattern in (_CODE, _LINK, _ADDRESS, _TAG) for match in pattern.finditer(draft))
    return [Span(*span) for span in spans]


def close_fence(draft: str) -> str:
    """What ends the code that a draft leaves open at its end; "" where there is none."""
    *_, last = [None, *(match for match in _CODE.finditer(draft) if match["fence"])]
    if last is None or last.end() < len(draft) or re.search(rf"\n[ \t>]*{last['fence']}\s*\Z", last[0]):
        return ""
    return f"\n{last['fence']}"


def blank_out(text: str, spans: Sequence[Span], *, borders: bool = False) -> str:
    """The text with the words of some spans, which are in order, as blanks; with `borders`, what tells where sentences
    end stays: their first letter, and a mark that ends one.
    """
    pieces, place = [], 0
    for span in spans:
        start = max(place, span.start)
        if span.end > start:
            first = text[start] if borders and text[start].isalnum() else " "
            last = text[span.end - 1] if borders and text[span.end - 1] in ".!?…" and span.end > start + 1 else ""
            pieces += [text[place:start], first, " " * (span.end - start - 1 - len(last)), last]
            place = span.end
    return "".join([*pieces, text[place:]])


@lru_cache(maxsize=4)
def find_lines(text: str) -> tuple[Line, ...]:
    """The text's lines, in order, without blank ones."""
    lines, place = [], 0
    for match in _LINE.finditer(text):
        quoted = match["lead"] is not None
        lines.append(Line(match.start("words"), match.end(), quoted, text[place : match.start()]))
        place = match.end()
    return tuple(lines)


@lru_cache(maxsize=4)
def find_pieces(text: str) -> tuple[Span, ...]:
    """Paragraphs, list items, headings and rows of tables, in order: what no sentence and no quotation crosses."""
    pieces: list[Span] = []
    last: Line | None = None
    start, whole = 0, False
    for line in find_lines(text):
        row = bool(_ROW.match(text, line.start, line.end))
        if last and (whole or row or not line.follows or line.quoted != last.quoted or _ITEM.match(text, line.start)):
            pieces.append(Span(start, last.end))
            last = None
        start = start if last else line.start
        last, whole = line, row
    return (*pieces, Span(start, last.end)) if last else ()


def find_tagged(text: str, name: str) -> list[Span]:
    """What stands between two tags of a name, the outer ones of nested ones."""
    spans: list[Span] = []
    opened: list[int] = []
    for tag in _TAG.finditer(text):
        if tag["name"].lower() != name:
            continue
        if not tag["close"]:
            opened.append(tag.end())
        elif opened:
            start = opened.pop()
            if not opened:
                spans.append(Span(start, tag.start()))
    return spans
