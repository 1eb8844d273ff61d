"""The words around the quotes: what a person reads, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.hedges import is_denial
from rag.lexical import Lexicon
from rag.schema import Citation, Claim, Conflict, ConflictSide, DisputeKind, Filters
from rag.words import find_words

DISPUTES: dict[DisputeKind, str] = {
    "figures": "The articles give different figures",
    "dates": "The articles give different dates",
    "times": "The articles give different times",
    "names": "The articles give different names",
    "judgements": "The articles judge it differently",
    "development": "It has changed over time",
}
"""What is said of the sides, by the kind of what they differ in."""

_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|#])")


def compose_answer(citations: Sequence[Citation], short: str | None, conflicts: Sequence[Conflict] = ()) -> str:
    """The short answer, or what the articles disagree on, and the quotes, each with outlet, date and its marker.

    A development comes behind the short answer, which it leaves standing.
    """
    blocks = [_dispute(conflict, citations) for conflict in conflicts if conflict.kind != "development"]
    if short and not blocks:
        blocks.append(f"**{escape_markdown(short)}** [1]")
    blocks += [_dispute(conflict, citations) for conflict in conflicts if conflict.kind == "development"]
    return "\n\n".join([*blocks, *_quotes(citations)])


def compose_claims(claims: Sequence[Claim], citations: Sequence[Citation], conflicts: Sequence[Conflict] = ()) -> str:
    """What the articles disagree on, a model's claims with the numbers of their quotes, and the quotes."""
    lines = [f"- {escape_markdown(c.text)} " + " ".join(f"[{number}]" for number in c.citations) for c in claims]
    return "\n\n".join(
        [*(_dispute(conflict, citations) for conflict in conflicts), "\n".join(lines), *_quotes(citations)]
    )


def _quotes(citations: Sequence[Citation]) -> list[str]:
    return [f"{introduce(citation)}:\n> {quote_block(citation)} [{citation.number}]" for citation in citations]


TURNED = "The nearest passage tells it the other way round."


def compose_refusal(
    nearest: Sequence[Citation],
    unmentioned: Sequence[str],
    unmet: Sequence[str] = (),
    searched: str = "",
    *,
    turned: bool = False,
) -> str:
    """That the articles do not say, which of the question's words they or the nearest passage lack, and the nearest.

    `searched` is what `describe_scope` gives; `turned` says that the nearest tells the reverse.
    """
    blocks = ["**The articles do not say.**"]
    if searched:
        blocks.append(escape_markdown(searched))
    if unmentioned:
        blocks.append(escape_markdown(unmentioned_notice(unmentioned)))
    if nearest and unmet:
        blocks.append(escape_markdown(unmet_notice(unmet)))
    if nearest and turned:
        blocks.append(TURNED)
    if nearest:
        blocks.append("The nearest passages, which may not answer the question:")
    blocks += [f"{introduce(passage)}:\n> {quote_block(passage)}" for passage in nearest]
    return "\n\n".join(blocks)


def _dispute(conflict: Conflict, citations: Sequence[Citation]) -> str:
    sides = (
        f"**{escape_markdown(name_side(conflict, side, citations))}** "
        + " ".join(f"[{number}]" for number in side.citations)
        for side in conflict.sides
    )
    return f"{escape_markdown(describe_dispute(conflict))}: " + "; ".join(sides) + "."


def name_side(conflict: Conflict, side: ConflictSide, citations: Sequence[Citation]) -> str:
    """The side's value; of a judgement, whose quote stands below, who it is by."""
    cited = next((citation for citation in citations if citation.number in side.citations), None)
    if conflict.kind != "judgements" or not cited:
        return side.value
    return name_speaker(cited) or cited.publisher or cited.title or cited.source


def describe_dispute(conflict: Conflict) -> str:
    """ "The articles give different figures for trade in 2024": what stands before the sides, in one line."""
    link = " for " if conflict.kind in ("figures", "dates", "times", "names") else " – "
    return DISPUTES[conflict.kind] + (f"{link}{' '.join(conflict.topic.split())}" if conflict.topic else "")


def describe_scope(filters: Filters, searched: int, articles: int) -> str:
    """ "Searched: 3 of 5 articles (since 2024, by OC Media)."; "" where nothing restricts the question."""
    parts = [
        f"since {filters.since}" if filters.since else "",
        f"until {filters.until}" if filters.until else "",
        "undated ones left out" if filters.since or filters.until else "",
        f"by {' or '.join(filters.publishers)}" if filters.publishers else "",
        f"in {' or '.join(filters.sources)}" if filters.sources else "",
    ]
    what = ", ".join(filter(None, parts))
    return f"Searched: {searched:,} of {articles:,} articles ({what})." if filters else ""


def unmentioned_notice(words: Sequence[str]) -> str:
    """One sentence that names the words."""
    return "They never mention " + ", ".join(f"“{word}”" for word in words) + "."


def unmet_notice(words: Sequence[str]) -> str:
    """One sentence that names what the nearest passage lacks."""
    return "The nearest passage does not mention " + " or ".join(f"“{word}”" for word in words) + "."


def introduce(citation: Citation) -> str:
    """What stands before a quote: whose words it is, where, and which of them hedge, as Markdown."""
    note = describe_hedges(citation)
    return attribution(citation) + (f" ({escape_markdown(note)})" if note else "")


def attribution(citation: Citation) -> str:
    """Who says it, who published it, when and under what title, as far as the articles and the catalog say.

    The speaker stands before "in"; the file name stands in for a missing title.
    """
    named = [citation.publisher, citation.published, f"“{citation.title}”" if citation.title else citation.source]
    origin = ", ".join(part for part in named if part)
    return escape_markdown(f"{name_speaker(citation)}, in {origin}" if citation.speaker else origin)


def name_speaker(citation: Citation) -> str:
    """The speaker in one line with a capital letter; "" for the outlet's own voice."""
    return citation.speaker[:1].upper() + " ".join(citation.speaker[1:].splitlines())


def describe_hedges(citation: Citation) -> str:
    """ "hedged: reportedly, could; negated: not"; "" where the quote says it straight out."""
    hedged = ", ".join(hedge for hedge in citation.hedges if not is_denial(hedge))
    denied = ", ".join(hedge for hedge in citation.hedges if is_denial(hedge))
    return "; ".join(part for part in (hedged and f"hedged: {hedged}", denied and f"negated: {denied}") if part)


def quote_block(citation: Citation) -> str:
    """The quote as one Markdown block quote, line breaks shown as blanks."""
    return escape_markdown(" ".join(citation.quote.splitlines()))


def escape_markdown(text: str) -> str:
    """The text with a backslash before everything that Markdown or HTML would take as markup."""
    return _MARKDOWN.sub(r"\\\1", text)


def find_unmentioned(question: str, lexical: Lexicon) -> tuple[str, ...]:
    """The question's words that stand in no sentence of the articles in any form, once each, in order."""
    words = {word.stem: word.text for word in find_words(question) if not (word.is_light or lexical.mentions(word))}
    return tuple(words.values())
