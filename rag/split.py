"""From an article to sentences and passages whose offsets are exact: `article.text[s.start:s.end] == s.text`.

LlamaIndex's splitters find offsets by searching for the chunk's text, which goes wrong where a sentence stands twice;
here a cursor walks the text once and nothing is ever searched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rag.quotations import attribute_quotations
from rag.schema import Article, Passage, Sentence, Span, SplitArticle

SPLITTER_VERSION = 1
"""Part of the index manifest: raise it whenever a change here moves a border."""

MAX_SENTENCE = 1_200
"""Characters; a longer run without a full stop (a table, a minified page) is cut at the best place before."""

_LABEL = re.compile(r"(?:\d{1,3}[.)]|[A-Za-z][.)]|[-*•–—])[ \t\u00a0]+(?=\S)")
_ALPHANUMERIC = re.compile(r"[^\W_]")
_MARKDOWN_HEADING = re.compile(r"#{1,6}[ \t]")
_OPENERS = "‘“«\"'(["
_CLOSERS = "’”»\"')]"
_STOP = re.compile(rf"(?<![.!?…。！？])[.!?…。！？]+(?P<closers>[ \t\u00a0]?»|[{re.escape(_CLOSERS)}]*)(?P<gap>\s+|$)")
_FIRST = re.compile(rf"[{re.escape(_OPENERS)} \u00a0]*(.?)")
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_INITIALS = re.compile(r"(?:^|[\s(‘“«\"'])(?:[^\W\d_]\.)+$")
_ABBREVIATIONS = frozenset(
    (
        "mr mrs ms dr prof st jr sr gen col lt sgt capt rep sen gov pres hon rev vs cf eg ie viz al ca approx nos "
        "fig vol pp ed eds jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun art sec ch"
    ).split()
)
_CLOSED_BY_CAPITAL = frozenset("inc ltd co corp llc etc plc bros dept est".split())
_TERMINAL = re.compile(rf"[.!?…。！？:;,][{re.escape(_CLOSERS)}\s]*$")
_LOOK_BACK = 40
"""Characters before a full stop that say whether it closes an abbreviation."""

_MIN_WIDTH, _MAX_WIDTH = 50, 130
"""Characters of the longest line in a text that is wrapped to a width."""

_SOFT_CUTS = (re.compile(r"[;:]\s+"), re.compile(r"\n\s*"), re.compile(r",\s+"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item or heading: text that no sentence crosses."""

    start: int
    end: int
    heading: bool


def split_article(article: Article) -> SplitArticle:
    """The article's sentences in order; headings are no sentences but are named by those beneath them."""
    sentences: list[Sentence] = []
    for span in article.body:
        heading = ""
        for number, block in enumerate(find_blocks(article.text, span)):
            if block.heading:
                heading = article.text[block.start : block.end].strip("#*=-_ ") or heading
                continue
            sentences += [
                Sentence(piece.start, piece.end, article.text[piece.start : piece.end], number, heading)
                for piece in find_sentences(article.text, Span(block.start, block.end))
            ]
    return SplitArticle(article, tuple(attribute_quotations(sentences)))


def find_blocks(text: str, body: Span) -> Iterator[Block]:
    """Paragraphs, list items and headings of the body, in order, without surrounding white space.

    Three lines in a row that each look like a heading are a list or a poem, and none of them is one.
    """
    for alike, run in groupby(_find_lines(text, body), key=lambda block: block.heading):
        blocks = list(run)
        is_list = alike and sum(not _is_mark(text[block.start : block.end]) for block in blocks) >= 3
        for block in blocks:
            yield (
                replace(block, heading=block.heading and _is_mark(text[block.start : block.end])) if is_list else block
            )


def _find_lines(text: str, body: Span) -> Iterator[Block]:
    """The blocks, each line that looks like a heading as one.

    A blank line always ends a block. A single newline does too, unless the lines were wrapped to a width: the line
    ends without punctuation and the next one goes on in lower case, or its first word would not have fitted.
    """
    paragraphs = list(_paragraphs(text, body))
    width = _wrap_width([line for paragraph in paragraphs for line in paragraph])
    end = paragraphs[-1][-1].end if paragraphs else body.end
    for lines in paragraphs:
        start = lines[0].start
        for line, following in zip(lines, [*lines[1:], None], strict=True):
            if following is not None and _is_wrapped(text, line, following, width):
                continue
            yield Block(start, line.end, _is_heading(text, Span(start, line.end), last=line.end == end))
            start = following.start if following else line.end


def _paragraphs(text: str, body: Span) -> Iterator[list[Span]]:
    """Runs of lines with no blank one between them, each line without surrounding white space."""
    lines: list[Span] = []
    for match in _LINE.finditer(text, body.start, body.end):
        line = _strip(text, Span(*match.span(1)))
        if line.end > line.start:
            lines.append(line)
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _wrap_width(lines: Sequence[Span]) -> int | None:
    """The width that the lines were wrapped to, in characters; None for a text with a line a paragraph."""
    widths = [line.end - line.start for line in lines if line.end - line.start <= _MAX_WIDTH]
    if not widths or max(widths) < _MIN_WIDTH or len(widths) < 0.9 * len(lines):
        return None
    return max(widths)


def _strip(text: str, span: Span) -> Span:
    start, end = span.start, span.end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _is_wrapped(text: str, line: Span, following: Span, width: int | None) -> bool:
    if _LABEL.match(text, following.start) or any(_MARKDOWN_HEADING.match(text, at.start) for at in (line, following)):
        return False
    first_word = re.compile(r"\S+").match(text, following.start, following.end)
    if width and line.end - line.start + 1 + (len(first_word[0]) if first_word else 0) > width:
        return True
    return text[following.start].islower() and not _TERMINAL.search(text[line.start : line.end])


def _is_heading(text: str, span: Span, *, last: bool) -> bool:
    """A short line without an end mark that has text beneath it; a line with a colon or a label states something.

    A line without a letter or a digit, like a rule, says nothing and counts as one.
    """
    line = text[span.start : span.end]
    if _is_mark(line):
        return True
    return (
        not last
        and len(line) <= 120
        and len(line.split()) <= 14
        and ":" not in line[:-1].replace("://", "")
        and not _LABEL.match(line)
        and not re.search(r"[.!?…。！？;,][’”»\"')\]]*$", line)
        and not re.search(r"\d", line)
    )


def _is_mark(line: str) -> bool:
    return bool(_MARKDOWN_HEADING.match(line)) or not _ALPHANUMERIC.search(line)


def find_sentences(text: str, block: Span) -> Iterator[Span]:
    """Sentence spans of a block; a list label stays with the first one."""
    label = _LABEL.match(text, block.start, block.end)
    start, position = block.start, label.end() if label else block.start
    while match := _STOP.search(text, position, block.end):
        position = match.end()
        if match.end("closers") < block.end and _ends_sentence(text, start, match, block.end):
            yield from _cut_long(text, Span(start, match.end("closers")))
            start = position
    if start < block.end:
        yield from _cut_long(text, _strip(text, Span(start, block.end)))


def _ends_sentence(text: str, start: int, match: re.Match[str], end: int) -> bool:
    following = _FIRST.match(text, match.end(), end)
    first = following[1] if following else ""
    if not first or first.islower() or not (first.isalnum() or first in "$€£¥₼#"):
        return False
    if match["closers"] and text[match.end()] in "([":  # ‘Homeland!’ (‘Ey Vətən!’) — played
        return False
    if not match[0].startswith(".") or match["closers"]:
        return True
    before = text[max(start, match.start() - _LOOK_BACK) : match.start()]
    word = re.search(r"[^\W\d_]+$", before)
    if _INITIALS.search(before + "."):
        return False
    if word and word[0].lower() == "no":
        return not first.isdigit()
    if word and word[0].lower() in _CLOSED_BY_CAPITAL:
        return first.isupper()
    return not (word and word[0].lower() in _ABBREVIATIONS and (word[0][0].isupper() or not first.isupper()))


def _cut_long(text: str, span: Span) -> Iterator[Span]:
    start = span.start
    while span.end - start > MAX_SENTENCE:
        window = text[start : start + MAX_SENTENCE]
        cuts = ([match.end() for match in pattern.finditer(window)] for pattern in _SOFT_CUTS)
        cut = next((ends[-1] for ends in cuts if ends and ends[-1] > MAX_SENTENCE // 3), MAX_SENTENCE)
        piece = _strip(text, Span(start, start + cut))
        if piece.end > piece.start:
            yield piece
        start += cut
    piece = _strip(text, Span(start, span.end))
    if piece.end > piece.start:
        yield piece


def pack_passages(
    split: SplitArticle, count_tokens: Callable[[Sequence[str]], list[int]], max_tokens: int
) -> tuple[Passage, ...]:
    """Runs of whole sentences of at most `max_tokens` word pieces, without overlap; () where there are no sentences.

    `count_tokens` gives each text's word pieces without special tokens. A passage ends early at a heading. A sentence
    that is longer than the limit is a passage of its own.
    """
    sentences, text = split.sentences, split.article.text
    lengths = count_tokens([sentence.text for sentence in sentences])
    passages: list[Passage] = []
    first, used = 0, 0
    for number, (sentence, length) in enumerate(zip(sentences, lengths, strict=True)):
        new_section = number > 0 and sentence.heading != sentences[number - 1].heading
        if number > first and (used + length > max_tokens or new_section):
            passages.append(_passage(text, sentences, first, number - 1))
            first, used = number, 0
        used += length
    if sentences:
        passages.append(_passage(text, sentences, first, len(sentences) - 1))
    return tuple(passages)


def _passage(text: str, sentences: Sequence[Sentence], first: int, last: int) -> Passage:
    start, end = sentences[first].start, sentences[last].end
    return Passage(start, end, text[start:end], first, last)
