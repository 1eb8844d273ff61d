"""The gate: no quote leaves unless the file on disk holds exactly these characters at exactly this place."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from rag.errors import CitewellError
from rag.hedges import find_hedges
from rag.library import Library
from rag.schema import Article, Citation, Quote, ScoredSentence, Span
from rag.speakers import find_speaker_of

CONTEXT = 32
"""Characters before and after a quote that its selector carries."""

log = logging.getLogger(__name__)


def cite(quotes: Iterable[Quote], library: Library) -> tuple[Citation, ...]:
    """The quotes that hold, as citations numbered from 1; the others are dropped and logged.

    A quote holds when its file, read anew, hashes to the quote's SHA-256, and a text extracted from it to the quote's
    too, its characters `start` to `end` are the quote's text, and they lie in the article's body.
    """
    citations: list[Citation] = []
    for quote in quotes:
        citation = _verify(quote, library, len(citations) + 1)
        if citation:
            citations.append(citation)
    return tuple(citations)


def _verify(quote: Quote, library: Library, number: int) -> Citation | None:
    try:
        article = library.read(quote.source)
        fault = _find_fault(quote, article)
    except CitewellError as error:
        article, fault = None, str(error)
    if article is None or fault:
        log.warning("Quote dropped, %s[%d:%d]: %s.", quote.source, quote.start, quote.end, fault)
        return None
    return Citation(
        number=number,
        source=article.source,
        title=article.title,
        publisher=article.publisher,
        published=article.published,
        author=article.author,
        quote=quote.text,
        start=quote.start,
        end=quote.end,
        sha256=article.sha256,
        prefix=article.text[max(0, quote.start - CONTEXT) : quote.start],
        suffix=article.text[quote.end : quote.end + CONTEXT],
        speaker=_find_speaker(quote, library),
        hedges=find_hedges(quote.text),
        text_sha256=article.text_sha256,
    )


def _find_speaker(quote: Quote, library: Library) -> str:
    """Whom the article gives the quote's words to; "" for the outlet's own voice, or a file that has just changed."""
    try:
        sentences = library.load(quote.source).sentences
    except CitewellError:
        return ""
    numbers = [n for n, s in enumerate(sentences) if s.start < quote.end and quote.start < s.end]
    return find_speaker_of(sentences, numbers[0], numbers[-1]) if numbers else ""


def _find_fault(quote: Quote, article: Article) -> str:
    """Why the quote does not hold; "" when it does."""
    if article.sha256 != quote.sha256:
        return "the file has changed since it was indexed"
    if article.text_sha256 != quote.text_sha256:
        return "another text was extracted from the file than when it was indexed"
    if not 0 <= quote.start < quote.end or article.text[quote.start : quote.end] != quote.text:
        return "the file holds other words at this place"
    if not any(span.start <= quote.start and quote.end <= span.end for span in article.body):
        return "it lies outside the article's body"
    return ""


def find_quotes(sentences: Sequence[ScoredSentence]) -> list[Quote]:
    """The sentences as quotes, in their order; one inside a quotation grows to the run that says whose it is.

    Sentences that follow each other in a paragraph become one quote, at the place of the better one.
    """
    spans: list[tuple[Article, Span]] = []
    for scored in sentences:
        article, sentence = scored.candidate.article, scored.candidate.sentence
        span = sentence.quotation or Span(sentence.start, sentence.end)
        for place, (other, earlier) in enumerate(spans):
            if other.source == article.source and _touch(article.text, earlier, span):
                spans[place] = article, Span(min(earlier.start, span.start), max(earlier.end, span.end))
                break
        else:
            spans.append((article, span))
    return [Quote(a.source, s.start, s.end, a.text[s.start : s.end], a.sha256, a.text_sha256) for a, s in spans]


def _touch(text: str, one: Span, other: Span) -> bool:
    """Whether two spans overlap or have nothing but blanks of one line between them."""
    first, second = sorted((one, other), key=lambda span: span.start)
    between = text[first.end : second.start]
    return second.start <= first.end or (not between.strip() and "\n" not in between)
