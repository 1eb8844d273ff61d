"""Figures of different articles that answer the same question and do not agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.converse import Standalone
from rag.figures import SCALES
from rag.question import YEAR, QuestionNeeds, find_needs, find_short
from rag.schema import Citation, Conflict, ConflictSide, ScoredSentence

SIMILAR, SIMILAR_MONEY = 0.7, 0.6
"""Least cosine of two sentences that speak of the same thing; sums of money are seldom of different things."""

BEHIND = 4.0
"""Margins that a sentence with another figure may be behind the best one."""

_FIGURE = re.compile(r"(\d+(?:[.,]\d+)*)\s?-?(million|billion|trillion|thousand|mn|bn|tn|m|k|b)?\b", re.IGNORECASE)
_ABOUT = re.compile(r"\b(?:about|around|almost|nearly|approximately|roughly|some|over)\b", re.IGNORECASE)
_ROUGHLY = 0.05
"""Share by which a figure that is called approximate may be off."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and how far off it may be for its number of digits."""

    value: float
    tolerance: float


def find_rivals(
    sentences: Sequence[ScoredSentence], question: Standalone, similarity: Callable[[str, str], float], margin: float
) -> tuple[ScoredSentence, ...]:
    """Sentences of other articles that give another figure than the best one for the same thing; best first.

    Only for questions that ask for a figure of a year: without a year two figures need not be of the same time. Each
    figure is taken once. `sentences` are best first; `similarity` is the cosine of two of them.
    """
    needs = find_needs(question)
    best = sentences[0] if sentences else None
    first = _find_figure(best.candidate.sentence.text, question.question, needs) if best else None
    if not best or not first or not needs.years:
        return ()
    least = SIMILAR_MONEY if needs.asks == "money" else SIMILAR
    rivals: list[ScoredSentence] = []
    seen = [first]
    for scored in sentences[1:]:
        text = scored.candidate.sentence.text
        figure = _find_figure(text, question.question, needs)
        if (
            figure
            and best.score - scored.score < BEHIND * margin
            and scored.candidate.article.source != best.candidate.article.source
            and not any(agree(figure, other) for other in seen)
            and similarity(best.candidate.sentence.text, text) >= least
        ):
            rivals.append(scored)
            seen.append(figure)
    return tuple(rivals)


def is_stray(scored: ScoredSentence, sides: Sequence[ScoredSentence], question: Standalone) -> bool:
    """Whether the sentence gives a figure for the asked year that none of the sides gives, hence of something else.

    False when the question asks for no figure of a year, or when no side gives one.
    """
    needs = find_needs(question)
    figures = [_find_figure(side.candidate.sentence.text, question.question, needs) for side in (scored, *sides)]
    own, others = figures[0], [figure for figure in figures[1:] if figure]
    return bool(needs.years and own and others) and not any(own and agree(own, other) for other in others)


def find_conflicts(question: Standalone, citations: Sequence[Citation]) -> tuple[Conflict, ...]:
    """The different figures that quotes of different articles give for the asked year, each with its citations.

    () when the question asks for no figure of a year, or when all agree.
    """
    needs = find_needs(question)
    groups: list[tuple[Figure, str, list[Citation]]] = []
    for citation in citations if needs.years else ():
        figure = _find_figure(citation.quote, question.question, needs)
        value = find_short(citation.quote, question.question, needs)
        if not figure or not value:
            continue
        same = next((members for other, _, members in groups if agree(figure, other)), None)
        if same is None:
            groups.append((figure, value, [citation]))
        else:
            same.append(citation)
    if len({members[0].source for _, _, members in groups}) < 2:
        return ()
    sides = tuple(ConflictSide(value, tuple(c.number for c in members)) for _, value, members in groups)
    return (Conflict(", ".join(needs.years), sides),)


def agree(one: Figure, other: Figure) -> bool:
    """Whether two figures can stand for the same number: each is only as exact as its last digit."""
    return abs(one.value - other.value) <= max(one.tolerance, other.tolerance)


def parse_figure(text: str) -> Figure | None:
    """The first number of the text with its scale ("$3.7bn" is 3.7e9, exact to 0.05e9); None where there is none."""
    match = _FIGURE.search(text)
    if not match:
        return None
    digits = match[1].replace(",", "")
    if digits.count(".") > 1:
        return None
    scale = float(SCALES.get((match[2] or "").lower(), 1))
    value = float(digits) * scale
    tolerance = 0.5 * scale / 10 ** len(digits.partition(".")[2])
    return Figure(value, max(tolerance, _ROUGHLY * value) if _ABOUT.search(text) else tolerance)


def _find_figure(sentence: str, question: str, needs: QuestionNeeds) -> Figure | None:
    """The asked figure of a sentence that speaks of all asked years."""
    if needs.asks not in ("count", "money", "percent") or not set(needs.years) <= set(YEAR.findall(sentence)):
        return None
    short = find_short(sentence, question, needs)
    return parse_figure(short) if short else None
