"""The words around the quotes: what a person reads, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.lexical import LexicalIndex
from rag.schema import Citation, Claim, Conflict
from rag.words import find_words

_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|#])")


def compose_answer(citations: Sequence[Citation], short: str | None, conflicts: Sequence[Conflict] = ()) -> str:
    """The short answer, or what the articles disagree on, and the quotes, each with outlet, date and its marker."""
    blocks = [_disagreement(conflict) for conflict in conflicts]
    if short and not conflicts:
        blocks.append(f"**{escape_markdown(short)}** [1]")
    return "\n\n".join([*blocks, *_quotes(citations)])


def compose_claims(claims: Sequence[Claim], citations: Sequence[Citation], conflicts: Sequence[Conflict] = ()) -> str:
    """What the articles disagree on, a model's claims with the numbers of their quotes, and the quotes."""
    lines = [f"- {escape_markdown(c.text)} " + " ".join(f"[{number}]" for number in c.citations) for c in claims]
    return "\n\n".join([*(_disagreement(conflict) for conflict in conflicts), "\n".join(lines), *_quotes(citations)])


def _quotes(citations: Sequence[Citation]) -> list[str]:
    return [f"{attribution(citation)}:\n> {quote_block(citation)} [{citation.number}]" for citation in citations]


def compose_refusal(nearest: Sequence[Citation], unmentioned: Sequence[str], unmet: Sequence[str] = ()) -> str:
    """That the articles do not say, which of the question's words they or the nearest passage lack, and the nearest."""
    blocks = ["**The articles do not say.**"]
    if unmentioned:
        blocks.append(escape_markdown(unmentioned_notice(unmentioned)))
    if nearest and unmet:
        blocks.append(escape_markdown(unmet_notice(unmet)))
    if nearest:
        blocks.append("The nearest passages, which may not answer the question:")
    blocks += [f"{attribution(passage)}:\n> {quote_block(passage)}" for passage in nearest]
    return "\n\n".join(blocks)


def _disagreement(conflict: Conflict) -> str:
    sides = (
        f"**{escape_markdown(side.value)}** " + " ".join(f"[{number}]" for number in side.citations)
        for side in conflict.sides
    )
    return f"The articles give different figures for {conflict.topic}: " + "; ".join(sides) + "."


def unmentioned_notice(words: Sequence[str]) -> str:
    """One sentence that names the words."""
    return "They never mention " + ", ".join(f"“{word}”" for word in words) + "."


def unmet_notice(words: Sequence[str]) -> str:
    """One sentence that names what the nearest passage lacks."""
    return "The nearest passage does not mention " + " or ".join(f"“{word}”" for word in words) + "."


def attribution(citation: Citation) -> str:
    """Who published the quote, when and under what title, as far as the catalog says; else the file name."""
    named = [citation.publisher, citation.published, f"“{citation.title}”" if citation.title else citation.source]
    return escape_markdown(", ".join(part for part in named if part))


def quote_block(citation: Citation) -> str:
    """The quote as one Markdown block quote, line breaks shown as blanks."""
    return escape_markdown(" ".join(citation.quote.splitlines()))


def escape_markdown(text: str) -> str:
    """The text with a backslash before everything that Markdown or HTML would take as markup."""
    return _MARKDOWN.sub(r"\\\1", text)


def find_unmentioned(question: str, lexical: LexicalIndex) -> tuple[str, ...]:
    """The question's words that stand in no sentence of the articles in any form, once each, in order."""
    words = {word.stem: word.text for word in find_words(question) if not (word.is_light or lexical.mentions(word))}
    return tuple(words.values())
