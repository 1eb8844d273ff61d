"""The words of a sentence that answer a question for a fact."""

from __future__ import annotations

import re

from rag.converse import Standalone
from rag.hedges import hedge_before
from rag.judge import Judgement
from rag.question import FIGURES, YEAR, QuestionNeeds, asks_named, asks_yes_no, find_short, fitting_spans
from rag.words import find_words

MOST_AROUND = 2
"""Words of the model's span that stay beside a figure, such as "more than"."""

MOST_WORDS = 12
"""Of a short answer; a longer one is better read as the quote."""

_WORD = re.compile(r"\w+")
_CLOSING = {"‘": "’", "“": "”", "«": "»", "„": "“”", '"': '"”'}
"""The marks that may end a quotation, by the one that it starts with."""


def choose_short(sentence: str, judgement: Judgement, question: Standalone, needs: QuestionNeeds) -> str | None:
    """The model's span, as one value of the asked type where the question asks for a figure or a date.

    Of a sentence about several years it is the figure that stands nearest to the asked one. Words such as "almost",
    "not" or "reportedly" directly before it belong to it.
    None for questions that want a reason, a manner, or yes or no; where the span only repeats the question; and where
    it has no name and the question asks for what has one.
    """
    if needs.asks in ("reason", "manner") or asks_yes_no(question):
        return None
    start, end = widen_to_words(sentence, judgement.start, judgement.end)
    asked = {word.stem for word in find_words(question.question)}
    if needs.asks in FIGURES:
        if needs.asks != "date" and _tells_years_apart(sentence, needs):
            return _with_hedge(sentence, find_short(sentence, question.question, needs))
        touched = [(a, b) for a, b in fitting_spans(sentence, question.question, needs) if a < end and start < b]
        if not touched:
            return _with_hedge(sentence, find_short(sentence, question.question, needs))
        first, last = touched[0][0], touched[-1][1]
        around = len(sentence[start:end].split()) - len(sentence[first:last].split())
        start, end = (first, last) if around > MOST_AROUND else (min(start, first), max(end, last))
        if needs.asks == "count" and all(word.stem in asked for word in find_words(sentence[last:end])):
            end = last  # what is counted the question says itself
    span = sentence[start:end]
    said = list(find_words(span))
    if asks_named(question.question) and not any(word.text[0].isupper() and word.stem not in asked for word in said):
        return None
    if not said or len(span.split()) > MOST_WORDS or all(word.stem in asked for word in said):
        return None
    return _without_lone_mark(sentence[hedge_before(sentence, start + len(span) - len(span.lstrip())) : end].strip())


def _without_lone_mark(span: str) -> str:
    """The span without a quotation mark at its start whose other half stands behind its end."""
    closing = _CLOSING.get(span[0])
    return span[1:] if closing and not any(mark in span[1:] for mark in closing) else span


def _with_hedge(sentence: str, span: str | None) -> str | None:
    """The span with the words directly before it that change its meaning; as it is where it stands there twice."""
    if not span or sentence.count(span) != 1:
        return span
    place = sentence.index(span)
    return sentence[hedge_before(sentence, place) : place + len(span)]


def _tells_years_apart(sentence: str, needs: QuestionNeeds) -> bool:
    """Whether the sentence speaks of an asked year and of another: the nearer figure is the asked one."""
    years = set(YEAR.findall(sentence))
    return len(years) > 1 and not years.isdisjoint(needs.years)


def widen_to_words(sentence: str, start: int, end: int) -> tuple[int, int]:
    """The span without a cut through a word: word pieces may end inside of one. An empty span stays empty."""
    if start == end:
        return start, end
    touched = [m.span() for m in _WORD.finditer(sentence) if m.start() < end and start < m.end()]
    return (min(start, touched[0][0]), max(end, touched[-1][1])) if touched else (start, end)
