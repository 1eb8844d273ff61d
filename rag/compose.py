"""The words around the quotes: what a person reads, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.lexical import LexicalIndex
from rag.schema import Answer, Citation, Reading
from rag.words import find_words

_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|#])")


def compose_answer(
    question: str,
    standalone_question: str,
    reading: Reading,
    citations: Sequence[Citation],
    nearest: Sequence[Citation],
    lexical: LexicalIndex,
    timings: dict[str, float],
) -> Answer:
    """The answer whose text is the short answer, where there is one, and the quotes with outlet, date and marker."""
    lines = [f"**{escape_markdown(reading.short)}** [1]"] if reading.short else []
    lines += [f"{attribution(citation)}:\n> {quote_block(citation)} [{citation.number}]" for citation in citations]
    return Answer(
        question=question,
        standalone_question=standalone_question,
        answered=True,
        text="\n\n".join(lines),
        short=reading.short,
        confidence=reading.confidence,
        citations=tuple(citations),
        conflicts=(),
        nearest=(),
        answerer="quotes",
        timings=timings,
    )


def compose_refusal(
    question: str,
    standalone_question: str,
    reading: Reading,
    citations: Sequence[Citation],
    nearest: Sequence[Citation],
    lexical: LexicalIndex,
    timings: dict[str, float],
) -> Answer:
    """The refusal: that the articles do not say, which of the question's words they never use, the nearest passages."""
    lines = ["**The articles do not say.**"]
    unknown = unknown_words(standalone_question, lexical)
    if unknown:
        lines.append("They never mention: " + ", ".join(f"“{escape_markdown(word)}”" for word in unknown) + ".")
    if nearest:
        lines.append("The nearest passages, which may not answer the question:")
        lines += [f"{attribution(passage)}:\n> {quote_block(passage)}" for passage in nearest]
    return Answer(
        question=question,
        standalone_question=standalone_question,
        answered=False,
        text="\n\n".join(lines),
        short=None,
        confidence=reading.confidence,
        citations=(),
        conflicts=(),
        nearest=tuple(nearest),
        answerer="quotes",
        timings=timings,
    )


def attribution(citation: Citation) -> str:
    """Who published the quote and when, as far as the catalog says: "OC Media, 2024-07-11, “Title”"."""
    named = [citation.publisher, citation.published, f"“{citation.title}”" if citation.title else citation.source]
    return escape_markdown(", ".join(part for part in named if part))


def quote_block(citation: Citation) -> str:
    """The quote as one Markdown block quote, line breaks shown as blanks."""
    return escape_markdown(" ".join(citation.quote.splitlines()))


def escape_markdown(text: str) -> str:
    """The text with a backslash before everything that Markdown or HTML would take as markup."""
    return _MARKDOWN.sub(r"\\\1", text)


def unknown_words(question: str, lexical: LexicalIndex) -> list[str]:
    """The question's words that stand in no sentence of the articles in any form, once each, in order."""
    words = {word.stem: word.text for word in reversed(list(find_words(question))) if not lexical.knows(word.stem)}
    return list(reversed(words.values()))
