"""What somebody else wrote, as the quotations and figures in it that can be checked."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from rag.figures import find_checkable
from rag.layout import Line, blank_out, find_lines, find_pieces, find_tagged, hide_marks, hide_unread
from rag.marks import find_marked
from rag.schema import Span
from rag.speakers import find_attribution
from rag.split import find_sentences

FARTHEST = 600
"""Characters around a quotation that are searched for whose words it gives."""

MOST_ATTRIBUTION = 8
"""Words of a block quote outside of marks that may only say whose words these are."""

_SIGNATURE = re.compile(r"[\s>]*(?:—|–|--?)\s*[^\W\d_].{0,150}")
_SIGNED_BEHIND = re.compile(r"(?:—|–|--)\s?[A-Z].{0,100}|\([A-Z][^()]{0,100}\)")
_SIGNED_BELOW = re.compile(r"[\s>*_]*(?:—|–|--)[ \t]*[^\W\d_][^\r\n]{0,150}")
_CLOSING = re.compile(r"\s?(?:''|[“”»«›‹‘’\"'」』》〉〞❞＂])?")
_NEXT = re.compile(r".{0,2}[ \t]+\S")
_BULLET = re.compile(r"[\s>]*(?:#{1,6}\s+(?:\d+(?:\.\d+)*[.)]?\s)?|\d{1,3}[.)]\s|[-*+•]\s)*\s*")
_SIGNS = re.compile(r"[\s>“”„«»‹›‘’\"'.]*(?:—|–|--)\s*\S")
_INTRODUCES = re.compile(r"(?:[^.!?…\s*_’”\"]|\b(?:this|these|following|follows)[.!]?)[*_]*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words that a draft gives as somebody's, without their marks, and where they stand in it (characters).

    `before` and `after` are the draft's own words around them: the rest of the sentence, before it the line or sentence
    that introduces it, behind it the line that signs it. The words of other quotations are left out of both.
    """

    quote: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a draft with figures outside of quotations, where it stands in the draft, and where they do; `own`
    is the sentence with the words of quotations as blanks.
    """

    sentence: str
    own: str
    start: int
    end: int
    figures: tuple[Span, ...]

    def local(self, figure: Span) -> tuple[int, int]:
        """Where a figure stands in the sentence."""
        return figure.start - self.start, figure.end - self.start

    def figure(self, figure: Span) -> str:
        """A figure as the sentence writes it."""
        return self.sentence[slice(*self.local(figure))]


def find_quotations(draft: str, most: int | None = None) -> list[Quotation]:
    """The draft's quotations, in order, at most so many: in any marks, the outer of nested ones, and block quotes.

    A mark that is never closed opens nothing, unless the next paragraph opens with the same mark, as a quotation of
    several paragraphs does. Code is left out.
    """
    visible = hide_marks(draft)
    blocks = _find_blocks(visible)
    spans = _find_spans(visible, [span for span, _ in blocks])
    signatures = {span.start: signature for span, signature in blocks}
    own = blank_out(visible, spans)
    sentences = _find_sentences(blank_out(visible, spans, borders=True))
    starts = [sentence.start for sentence in sentences]
    quotations = []
    for span in spans[:most]:
        block = span.start in signatures
        before = _find_before(own, sentences, bisect_right(starts, span.start) - 1, span, block)
        after = signatures[span.start] if block else _find_after(own, sentences, starts, span, draft[span.end - 1])
        quotations.append(Quotation(draft[span.start : span.end], span.start, span.end, before, after))
    return quotations


def find_statements(draft: str, quotations: Sequence[Quotation]) -> Iterator[Statement]:
    """The sentences that give figures in the draft's own words; figures inside of quotations are theirs."""
    visible, spans = hide_unread(hide_marks(draft)), [Span(q.start, q.end) for q in quotations]
    own = blank_out(visible, spans)
    for sentence in _find_sentences(blank_out(visible, spans, borders=True)):
        text, start = own[sentence.start : sentence.end], sentence.start
        figures = tuple(Span(start + first, start + last) for first, last in find_checkable(text))
        if figures and not _SIGNS.match(text):
            yield Statement(draft[start : sentence.end], text, start, sentence.end, figures)


def _find_spans(text: str, blocks: list[Span]) -> list[Span]:
    """Block quotes and, outside of them, what stands in marks; in order, without blanks around the words."""
    spans = [*blocks]
    starts = [block.start for block in blocks]
    pieces = find_pieces(text)
    for piece, following in zip_longest(pieces, pieces[1:]):
        marked, unclosed = find_marked(text, piece.start, piece.end)
        if unclosed >= 0 and following and text[unclosed - 1] == _first_sign(text, following):
            marked = [pair for pair in marked if pair[1] <= unclosed] + [(unclosed, piece.end)]
        for start, end in marked:
            number = bisect_right(starts, start) - 1
            if number < 0 or blocks[number].end < end:
                spans.append(_trim(text, start, end))
    apart: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if _says_something(text, span) and not (apart and span.start < apart[-1].end):
            apart.append(span)
    return apart


def _first_sign(text: str, piece: Span) -> str:
    start = piece.start
    while start < piece.end and (text[start].isspace() or text[start] == ">"):
        start += 1
    return text[start : start + 1]


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _says_something(text: str, span: Span) -> bool:
    least = 2 if text[span.start - 1 : span.start] == "'" else 1
    return sum(character.isalnum() for character in text[span.start : span.end]) >= least


def _find_blocks(text: str) -> list[tuple[Span, str]]:
    """Block quotes with the line that signs each; those whose words stand wholly in marks are left to these."""
    runs: list[list[Line]] = []
    last: Line | None = None
    for line in find_lines(text):
        if line.quoted:
            if not runs or runs[-1][-1] is not last or not (line.follows or ">" in line.gap):
                runs.append([])
            runs[-1].append(line)
        last = line
    found = [block for run in runs if (block := _read_block(text, run))]
    found += [(span, "") for span in find_tagged(text, "blockquote")]
    blocks: list[tuple[Span, str]] = []
    for block in sorted(found, key=lambda block: (block[0].start, -block[0].end)):
        if not blocks or block[0].start >= blocks[-1][0].end:
            blocks.append(block)
    return blocks


def _read_block(text: str, lines: Sequence[Line]) -> tuple[Span, str] | None:
    """The words of a block quote, up to the line that signs it; None where marks within hold all of them."""
    words = [*lines]
    signature = ""
    while words and _SIGNATURE.fullmatch(text, words[-1].start, words[-1].end):
        signature = text[words[-1].start : words[-1].end].strip()
        del words[-1]
    if not words or text.startswith("[!", words[0].start):
        return None
    span = _trim(text, words[0].start, words[-1].end)
    marked, _ = find_marked(text, span.start, span.end)
    rest = blank_out(text[span.start : span.end], [Span(a - span.start, b - span.start) for a, b in marked])
    rest = _SIGNED_BEHIND.sub("", rest)
    attributed = len(rest.split()) <= MOST_ATTRIBUTION and find_attribution("", " ".join(re.findall(r"\w+", rest)))
    return (span, signature) if any(map(str.isalnum, rest)) and not attributed else None


@lru_cache(maxsize=4)
def _find_sentences(text: str) -> tuple[Span, ...]:
    """The text's sentences, without the numbers and marks of list items and headings."""
    sentences: list[Span] = []
    for piece in find_pieces(text):
        lead = _BULLET.match(text, piece.start, piece.end)
        sentences += find_sentences(text, Span(lead.end() if lead else piece.start, piece.end))
    return tuple(sentences)


def _find_before(own: str, sentences: Sequence[Span], number: int, span: Span, block: bool) -> str:
    """The sentence up to the quotation; the one before where that introduces what opens a sentence."""
    start = sentences[number].start if number >= 0 else span.start
    rest = own[max(start, span.start - FARTHEST) : span.start].rstrip().rstrip("“”„«»‹›‘’‚\"'`「『《〈〝❝＂>")
    if number > 0 and (block or not any(map(str.isalnum, rest))):
        earlier = own[
            max(sentences[number - 1].start, sentences[number - 1].end - FARTHEST) : sentences[number - 1].end
        ]
        if _INTRODUCES.search(earlier.rstrip()):
            rest = f"{earlier} {rest}"
    return " ".join(rest.split())


def _find_after(own: str, sentences: Sequence[Span], starts: Sequence[int], span: Span, last: str) -> str:
    """What follows the quotation in its sentence, behind "!" and "?" also the next one; a line that signs it."""
    number = bisect_right(starts, max(span.start, span.end - 1)) - 1
    end = sentences[number].end if number >= 0 else span.end
    if last in "!?" and number + 1 < len(sentences):
        following = sentences[number + 1]
        end = following.end if _NEXT.match(own, span.end, span.end + 5) and following.start - end < 3 else end
    mark = _CLOSING.match(own, span.end)
    start = mark.end() if mark else span.end
    signature = _SIGNED_BELOW.match(own, start)
    if signature and signature.end() > end:
        end = signature.end()
    return " ".join(own[start : min(max(start, end), start + FARTHEST)].split())
