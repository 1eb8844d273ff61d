"""From turns of a conversation to HTML; every text goes through `html.escape`, and nothing is read or asked here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from rag.compose import describe_dispute, describe_hedges, describe_scope, name_speaker
from rag.schema import Answer, Citation, Conflict
from rag.values import find_values

_INLINE = re.compile(
    r"\\(?P<literal>[\\`*_\[\]<>~|#])|\*\*(?P<bold>(?:\\.|[^\\])+?)\*\*|\[(?P<number>\d{1,4})\]", re.DOTALL
)
_QUOTE = re.compile(r"^\s*>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its answer, or with the notice that took its place; with neither while the answer is made.

    `draft` is the Markdown of what a language model has written so far and the checks have let through.
    """

    question: str
    answer: Answer | None = None
    notice: str = ""
    draft: str = ""

    @property
    def pending(self) -> bool:
        return self.answer is None and not self.notice

    @property
    def passages(self) -> tuple[Citation, ...]:
        """What the turn's markers lead to: the citations, or a refusal's nearest passages."""
        return (self.answer.citations or self.answer.nearest) if self.answer else ()


def render_transcript(turns: Sequence[Turn], examples: Sequence[str] = ()) -> str:
    """The conversation, oldest turn first; before the first turn a welcome with example questions to click."""
    inside = "".join(render_turn(number, turn) for number, turn in enumerate(turns)) or _welcome(examples)
    state = f"{len(turns)} {'busy' if any(turn.pending for turn in turns) else 'idle'}"
    return f'<div class="log" role="log" aria-label="Conversation" data-state="{state}">{inside}</div>'


def render_turn(number: int, turn: Turn) -> str:
    """One question and what came of it; `number` is the turn's place in the conversation, from 0."""
    if turn.answer:
        reply = render_answer(number, turn.answer)
    elif turn.notice:
        reply = f'<div class="reply notice" role="alert"><p>{escape(turn.notice)}</p></div>'
    elif turn.draft:
        claims = "".join(_prose(number, turn.draft, {}))
        reply = f'<div class="reply busy draft">{claims}<p>Still writing…</p></div>'
    else:
        reply = '<div class="reply busy"><p>Reading the articles…</p></div>'
    return f'<section class="turn"><h2 class="asked" dir="auto">{escape(turn.question)}</h2>{reply}</section>'


def render_answer(turn: int, answer: Answer) -> str:
    """The answer: how the question was read, the short answer or prose, conflicts, quote cards, confidence."""
    parts = []
    if answer.standalone_question.strip() != answer.question.strip():
        parts.append(f'<p class="read-as">Read as: <q dir="auto">{escape(answer.standalone_question)}</q></p>')
    if answer.notice:
        parts.append(f'<p class="aside">{escape(answer.notice)}</p>')
    if answer.filters and answer.answered:
        scope = describe_scope(answer.filters, answer.searched, answer.articles)
        parts.append(f'<p class="aside" dir="auto">{escape(scope)}</p>')
    cited = {citation.number: citation for citation in answer.citations}
    if answer.claims:
        parts.append(_claims(turn, answer, cited))
    elif not answer.answered or answer.answerer != "quotes":
        parts += _prose(turn, answer.text, cited)
    elif answer.short and answer.citations and not answer.conflicts:
        chip = _chip(turn, answer.citations[0])
        parts.append(f'<p class="short"><strong dir="auto">{escape(answer.short)}</strong> {chip}</p>')
    parts += [_conflict(turn, conflict, answer) for conflict in (*answer.conflicts, *answer.developments)]
    cards = answer.citations if answer.answered else answer.nearest
    parts += [_card(turn, citation, _values_of(answer, citation)) for citation in cards]
    if answer.dropped:
        parts.append(_dropped(answer))
    save = f'<button type="button" class="save" data-save="{turn}">Save evidence</button>'
    parts.append(f'<div class="foot"><p class="confidence">{escape(confidence_words(answer))}</p>{save}</div>')
    return f'<div class="reply {"answer" if answer.answered else "refusal"}">{"".join(parts)}</div>'


def confidence_words(answer: Answer) -> str:
    """How sure the answer is, in words and percent, and whose words it is made of."""
    percent = f"{round(answer.confidence * 100)}%"
    if not answer.answered:
        return f"Chance that the articles answer this after all: {percent}"
    grade = "high" if answer.confidence >= 0.8 else "fair" if answer.confidence >= 0.5 else "low"
    writer = "" if answer.answerer == "quotes" else f" · written by {answer.answerer}, quotes checked"
    return f"Confidence: {grade}, {percent}{writer}"


def outlet(citation: Citation) -> str:
    """Who published it and when, saying so where the article does not tell."""
    return f"{citation.publisher or 'Outlet not given'} · {long_date(citation.published) or 'undated'}"


def long_date(published: str) -> str:
    """ "2024-07-11" as "11 July 2024"; anything that is not an ISO date comes back as it is."""
    try:
        day = date.fromisoformat(published)
    except ValueError:
        return published
    return f"{day.day} {day:%B} {day.year}"


def _welcome(examples: Sequence[str]) -> str:
    buttons = "".join(
        f'<li><button type="button" class="example" data-question="{escape(question)}">{escape(question)}</button></li>'
        for question in examples
    )
    offered = f'<h3>Try one of these</h3><ul class="examples">{buttons}</ul>' if buttons else ""
    return (
        '<section class="welcome"><h2>Ask the articles.</h2><p>Every answer is made of verbatim quotes, each checked '
        f"against the file it comes from. Where the articles do not say, you are told so.</p>{offered}</section>"
    )


def _chip(turn: int, citation: Citation) -> str:
    label = escape(f"Show quote {citation.number} in its article, {outlet(citation)}")
    return (
        f'<button type="button" class="chip" data-turn="{turn}" data-number="{citation.number}" '
        f'aria-label="{label}">{citation.number}</button>'
    )


def _values_of(answer: Answer, citation: Citation) -> list[str]:
    """What in the quote answers: the values of the sides that it stands for, or the short answer in the first one."""
    if not answer.answered:
        return []
    sides = [side for conflict in (*answer.conflicts, *answer.developments) for side in conflict.sides]
    values = [side.value for side in sides if citation.number in side.citations]
    return values or ([answer.short] if answer.short and citation is answer.citations[0] else [])


def _marked(quote: str, values: Sequence[str]) -> str:
    """The quote as HTML; each of the values is set off where it stands in it first."""
    out, position = "", 0
    for start, end in sorted(filter(None, (_find_value(quote, value) for value in values))):
        if position <= start and end - start < len(quote):
            out += f"{escape(quote[position:start])}<strong>{escape(quote[start:end])}</strong>"
            position = end
    return out + escape(quote[position:])


def _find_value(quote: str, value: str) -> tuple[int, int] | None:
    """Where it stands in the quote as words of its own, or where another value does that agrees with it."""
    if value and (match := re.search(rf"(?<!\w){re.escape(value)}(?!\w)", quote)):
        return match.span()
    own = find_values(value)
    alike = (found for found in find_values(quote) if own and found.agrees(own[0]))
    return next(((found.start, found.end) for found in alike), None)


def _card(turn: int, citation: Citation, values: Sequence[str] = ()) -> str:
    """The quote with its outlet, date and title; what in it answers is set off."""
    quote = _marked(citation.quote, values)
    title = escape(citation.title or citation.source)
    said = f" — {name_speaker(citation)}" if citation.speaker else ""
    copied = escape(f"“{citation.quote}”{said} ({outlet(citation)}, “{citation.title or citation.source}”)")
    speaker = f'<span class="speaker" dir="auto">— {escape(name_speaker(citation))}</span>' if citation.speaker else ""
    note = escape(describe_hedges(citation))
    hedges = f'<span class="hedges" dir="auto">{note}</span>' if note else ""
    repaired = " · wording corrected to the file’s" if citation.status == "repaired" else ""
    return (
        f'<figure class="card" data-turn="{turn}" data-number="{citation.number}">'
        f'<blockquote dir="auto">{quote}</blockquote><figcaption>{_chip(turn, citation)}'
        f'<span class="from">{speaker}<span class="outlet">{escape(outlet(citation))}{repaired}</span>'
        f'<span class="title" dir="auto">{title}</span>{hedges}</span>'
        f'<button type="button" class="copy" data-copy="{copied}" aria-label="Copy quote {citation.number} with its '
        f'source">Copy</button></figcaption></figure>'
    )


def _conflict(turn: int, conflict: Conflict, answer: Answer) -> str:
    """The sides next to each other, each with outlet, date and markers; figures with bars, judgements in full."""
    cited = {citation.number: citation for citation in answer.citations}
    style = "value words" if conflict.kind == "judgements" else "value"
    sides = ""
    for side, share in zip(conflict.sides, _shares(conflict), strict=True):
        given = [cited[number] for number in side.citations if number in cited]
        bar = f'<div class="bar" aria-hidden="true"><i style="width:{share:.0%}"></i></div>' if share else ""
        sources = "".join(f"<li>{_chip(turn, c)} <span>{escape(_origin(c))}</span></li>" for c in given)
        sides += (
            f'<div class="side"><p class="{style}" dir="auto">{escape(side.value)}</p>{bar}<ul>{sources}</ul></div>'
        )
    heading = f'<h3 dir="auto">{escape(describe_dispute(conflict))}</h3>'
    return f'<div class="conflict">{heading}<div class="sides">{sides}</div></div>'


def _shares(conflict: Conflict) -> list[float]:
    """How large each side's figure is, the largest being 1; zeros for sides that are no numbers of one unit above 0."""
    values = [next(iter(find_values(side.value)), None) for side in conflict.sides]
    numbers = [(value.low + value.high) / 2 if value else 0.0 for value in values]
    units = {value.unit if value else None for value in values}
    if conflict.kind not in ("figures", "development") or len(units) > 1 or min(numbers) <= 0:
        return [0.0] * len(numbers)
    return [number / max(numbers) for number in numbers]


def _origin(citation: Citation) -> str:
    """Who says it, where that is not the outlet itself, and the outlet and date."""
    return " · ".join(filter(None, (name_speaker(citation), outlet(citation))))


def _claims(turn: int, answer: Answer, cited: dict[int, Citation]) -> str:
    """What a language model says, each claim with the markers of the quotes that bear it out."""
    items = ""
    for claim in answer.claims:
        chips = " ".join(_chip(turn, cited[number]) for number in claim.citations if number in cited)
        items += f'<li><span dir="auto">{escape(claim.text)}</span> {chips}</li>'
    return f'<ul class="claims">{items}</ul>'


def _dropped(answer: Answer) -> str:
    """What it wrote and is not shown as an answer, to unfold."""
    items = "".join(
        f'<li><q dir="auto">{escape(dropped.text)}</q> {escape(dropped.reason)}</li>' for dropped in answer.dropped
    )
    count = len(answer.dropped)
    label = "1 statement left out: no quote bears it out"
    if count > 1:
        label = f"{count} statements left out: no quotes bear them out"
    return f'<details class="dropped"><summary>{label}</summary><ul>{items}</ul></details>'


def _prose(turn: int, text: str, cited: dict[int, Citation]) -> list[str]:
    """The paragraphs of Markdown that are not quotes; those are shown as cards."""
    paragraphs = [part.strip() for part in text.split("\n\n") if not _QUOTE.search(part)]
    return [f'<p class="prose" dir="auto">{_inline(turn, part, cited)}</p>' for part in paragraphs if part]


def _inline(turn: int, text: str, cited: dict[int, Citation]) -> str:
    """Markdown's bold, backslash escapes and `[1]` markers as HTML; all else as text."""
    out, position = "", 0
    for match in _INLINE.finditer(text):
        out += escape(text[position : match.start()])
        position = match.end()
        if match["literal"]:
            out += escape(match["literal"])
        elif match["bold"]:
            out += f"<strong>{_inline(turn, match['bold'], cited)}</strong>"
        else:
            citation = cited.get(int(match["number"]))
            out += _chip(turn, citation) if citation else escape(match[0])
    return (out + escape(text[position:])).replace("\n", "<br>")
