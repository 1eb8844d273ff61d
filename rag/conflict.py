"""Values of different articles that answer the same question and do not agree, or of which one supersedes the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from math import isclose

from rag.answering import Answering, choose_best, find_answerings
from rag.changes import tells_change
from rag.claimants import find_rival_claims
from rag.converse import Standalone
from rag.judge import Judgement
from rag.opinions import asks_judgement, find_leaning
from rag.question import QuestionNeeds, find_needs
from rag.schema import Dispute, DisputeKind, DisputeSide, ScoredSentence
from rag.values import Value, find_values
from rag.words import stems

BEHIND = 7.0
"""Points of score that a sentence with another value may be behind the best one that has a value."""

LESS_LIKELY, LESS_LIKELY_DATE, LEAST_DATE, LEAST_NAME = 7.0, 4.0, -2.0, -1.0
"""Log-odds by which another value may answer less likely than the best; dates, of which articles are full, by less. The
best date, and each name, must have so much by itself.
"""

SIMILAR = 0.15
"""Least cosine of two sentences that speak of the same thing."""

FACTOR, SLIP = 3.0, 1_000.0
"""Numbers that differ by more are of different things, unless somebody wrote million for billion."""

NEAR_COPY = 0.8
"""Share of their words that two sentences have in common which are not independent of each other."""

OPINION_BEHIND, OPINION_SIMILAR, LIKENESS = 3.0, 0.45, 3.0
"""Points of score that a judgement may be behind the best sentence, the least cosine of two that pull apart, and the
points that a cosine of 1 counts in the choice among several.
"""

LONG_AGO = 365
"""Days between two articles after which their figures without a year are of different times."""

_MEASURES = tuple(
    re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for words in (
        r"imports?|imported|importing",
        r"exports?|exported|exporting",
        r"(?:first|second) half|half(?:-| a )year|six months",
        r"quarter(?:ly)?",
        r"monthly|a month|per month|each month|weekly|a week|(?-i:daily)|a day|per day|each day",
        r"per (?:capita|person|head|hour|kilomet\w+|mile)|each(?!\s(?:year|month|week|day))",
        r"net|profits?|earn\w*",
        r"fees|premium|hammer|tax(?:es)?",
        r"average|mean|median",
        r"alone|of which|of these|of them",
        r"women|girls",
        r"injured|wounded|hurt",
        r"died|dead|killed|deaths?",
        r"missing",
        r"polls?|surveys?",
    )
)
"""Words that tell what a figure measures: where only one of two sentences has one, the figures are of two things."""

_CARGO = re.compile(r"\b(?:cargo|freight)\b", re.IGNORECASE)
"""Such a word too, but for what is weighed, and where the question speaks of it: others say "goods" then."""

_CARRIED = re.compile(r"\b(?:cargo|freight|shipments?|tonnage|tonnes)\b", re.IGNORECASE)
_TRADED = re.compile(r"\b(?:trade|turnover|commerce|imports?|exports?)\b", re.IGNORECASE)
"""Where one figure is only of the one and another only of the other, they are of two things in any case."""

_CLAUSE_END = re.compile(r"[,;:(]\s|\s[–—-]\s|\)")
_SCALE = re.compile(r"(?:thousand|[mb]illion|trillion|bn|mn|\d\s?[mbk])\b", re.IGNORECASE)
_HAPPENED = re.compile(r"\b(?:was|were|has|have|had|came|rose|fell|grew|made|took|went|\w{3,}ed)\b")
_LINK = re.compile(r"[,;]\s(?:and|but|while|whereas)\s|;\s")
_AHEAD = re.compile(
    r"\b(?:expect(?:s|ed|ing)?|forecasts?|targets?|aims?|intends?|hop(?:es?|ed|ing)|"
    r"pencill?ed in|envisag\w+|could|may|might|estimated?|projected|predict\w*|"
    r"outlook|plans? to|planned|scheduled|should|(?:is|are|was|were|meant) to)\b"
)
_COMPARED = re.compile(r"\bthan\b[^,;]*")
"""What was is only measured by it: "fewer than had been hoped for"."""

_HAD_PLANNED = re.compile(
    r"\b(?:had|was|were) (?:been )?(?:\w+ ){0,2}"
    r"(?:expect|forecast|plann|hop(?:ed|ing)|predict|project|aim|intend|pencil)\w*"
)
_SINCE = re.compile(
    r"\b(?:now|(?:has|have|had) (?:since )?(?:risen|fallen|grown|climbed|gone)|revised|updated|postponed|delayed|"
    r"instead|no longer|so far|at first|initially|at the outset)\b"
)


def find_disputes(
    question: Standalone,
    sentences: Sequence[ScoredSentence],
    judgements: Sequence[Judgement],
    similarity: Callable[[str, str], float],
) -> tuple[Dispute, ...]:
    """What the articles answer differently; () where all agree, otherwise one dispute or development.

    `sentences` are best first, `judgements` theirs; `similarity` is the cosine of two sentences. The sides are in the
    order of their likelihood, those of a development in the order of time.
    """
    if not sentences:
        return ()
    needs = find_needs(question)
    answerings = find_answerings(question, needs, sentences, judgements)
    if answerings and max(one.scored.score for one in answerings) < sentences[0].score - BEHIND:
        answerings = []  # the best sentence answers with no value at all: what values others hold is no matter
    found = find_values_apart(question, needs, answerings, similarity) or find_opinions_apart(
        question, needs, sentences, similarity
    )
    return (found,) if found else ()


def find_values_apart(
    question: Standalone,
    needs: QuestionNeeds,
    answerings: Sequence[Answering],
    similarity: Callable[[str, str], float],
) -> Dispute | None:
    """The different values that articles give for what is asked; else the later one that supersedes the best."""
    best = choose_best(answerings)
    others = [
        other
        for other in answerings
        if best and other.source != best.source and not other.value.agrees(best.value)
        if _is_alike(best, other, similarity) and _measures_same(question.question, best, other)
    ]
    topic = ", ".join(needs.years)
    claims = _find_claims(best) if best else []
    if not best or not (others or claims):
        return None
    steps = {id(other): _is_superseded(best, other) or _is_superseded(other, best) for other in others}
    rivals = [other for other in others if not steps[id(other)]]
    if rivals or claims:
        rivals.sort(key=lambda rival: -rival.odds)
        return Dispute(topic, _find_kind(best.value), _find_sides([best, *claims, *rivals], answerings))
    step = max(others, key=lambda other: other.odds)
    if best.odds - step.odds > LESS_LIKELY_DATE:
        return None
    in_time = sorted([best, step], key=lambda one: (one.scored.candidate.article.published, not _had_planned(one)))
    return Dispute(topic, "development", _find_sides(in_time, []))


def _find_claims(best: Answering) -> list[Answering]:
    """The values that others give in the best sentence itself."""
    return [replace(best, value=value) for value in find_rival_claims(best.text, find_values(best.text), best.value)]


def find_opinions_apart(
    question: Standalone,
    needs: QuestionNeeds,
    sentences: Sequence[ScoredSentence],
    similarity: Callable[[str, str], float],
) -> Dispute | None:
    """The best judgement that speaks well of what is asked about, and the best that speaks ill of it."""
    if needs.asks not in ("any", "manner", "reason") or not asks_judgement(question):
        return None
    near = [scored for scored in sentences if sentences[0].score - scored.score < OPINION_BEHIND]
    judged = [(scored, find_leaning(scored.candidate.sentence.text, similarity)) for scored in near]
    pairs = [
        (first, second, similarity(first.candidate.sentence.text, second.candidate.sentence.text))
        for place, (first, leaning) in enumerate(judged)
        for second, other in judged[place + 1 :]
        if leaning * other < 0 and not _stand_together(first, second)
    ]
    pairs = [pair for pair in pairs if pair[2] >= OPINION_SIMILAR]
    if not pairs:
        return None
    first, second, _ = max(pairs, key=lambda pair: pair[0].score + pair[1].score + LIKENESS * pair[2])
    sides = tuple(DisputeSide(scored.candidate.sentence.text, (scored,)) for scored in (first, second))
    return Dispute("", "judgements", sides)


def _stand_together(one: ScoredSentence, other: ScoredSentence) -> bool:
    """Whether both are parts of one quotation, whose speaker weighs one against the other."""
    first, second = one.candidate, other.candidate
    runs = first.sentence.quotation, second.sentence.quotation
    if first.article.source != second.article.source or not runs[0] or not runs[1]:
        return False
    return runs[0].start < runs[1].end and runs[1].start < runs[0].end


def _is_alike(best: Answering, other: Answering, similarity: Callable[[str, str], float]) -> bool:
    """Whether another value may answer the very same question as the best one."""
    unit = best.value.unit
    if other.value.unit != unit or best.scored.score - other.scored.score > BEHIND:
        return False
    if unit == "name" and (other.odds < LEAST_NAME or best.odds < LEAST_NAME):
        return False
    if unit == "date" and best.odds < LEAST_DATE:
        return False
    if best.odds - other.odds > (LESS_LIKELY_DATE if unit == "date" else LESS_LIKELY):
        return False
    if best.year and other.year and best.year != other.year:
        return False
    if unit not in ("date", "name", "clock") and not _same_size(best.value, other.value):
        return False
    return similarity(best.text, other.text) >= SIMILAR


def _same_size(one: Value, other: Value) -> bool:
    low, high = sorted((one.low + one.high, other.low + other.high))
    return low > 0 and (high <= FACTOR * low or (isclose(high, SLIP * low, rel_tol=0.001) and _is_slip(one, other)))


def _is_slip(one: Value, other: Value) -> bool:
    """Whether both are spelled with a scale and have two digits or more: a round number is often met a thousandfold."""
    digits = [re.sub(r"\D", "", value.text).strip("0") for value in (one, other)]
    return all(len(own) > 1 for own in digits) and all(_SCALE.search(value.text) for value in (one, other))


def _measures_same(question: str, one: Answering, other: Answering) -> bool:
    """Whether both speak of the measures that the question names, and beside their values of no different ones."""
    if one.value.unit == "percent" and _tells_change(one) != _tells_change(other):
        return False
    asked = [measure for measure in _MEASURES if measure.search(question)]
    if not all(measure.search(text) for measure in asked for text in (one.text, other.text)):
        return False
    first, second = _clause_of(one), _clause_of(other)
    cargo = one.value.unit != "kilogram" and not _CARGO.search(question)
    told = [measure for measure in _MEASURES if measure not in asked] + [_CARGO] * cargo
    of = {(bool(_CARRIED.search(clause)), bool(_TRADED.search(clause))) for clause in (first, second)}
    if of == {(True, False), (False, True)}:
        return False
    return all(bool(measure.search(first)) == bool(measure.search(second)) for measure in told)


def _tells_change(answering: Answering) -> bool:
    return tells_change(answering.text, answering.value.start, answering.value.end)


def _clause_of(answering: Answering) -> str:
    """The words around the value up to the next comma, dash or bracket on either side."""
    before = _CLAUSE_END.split(answering.text[: answering.value.start])[-1]
    return f"{before} {_CLAUSE_END.split(answering.text[answering.value.end :])[0]}"


def _statement_of(answering: Answering) -> str:
    """The part of a compound sentence that gives the value, if it tells what was: "5 came, and 9 are expected"."""
    start, end = 0, len(answering.text)
    for link in _LINK.finditer(answering.text):
        if link.end() <= answering.value.start:
            start = link.end()
        elif link.start() >= answering.value.end:
            end = min(end, link.start())
    part = answering.text[start:end]
    return part if _HAPPENED.search(part) and not part.startswith("that ") else answering.text


def _is_superseded(early: Answering, late: Answering) -> bool:
    """Whether the later article tells what came of the earlier one's plan or number, or is of another time."""
    first, second = (_published(answering) for answering in (early, late))
    if not first or not second:
        return _had_planned(early) and not _had_planned(late)
    if first >= second:
        return False
    ahead, still = (_looks_ahead(answering) for answering in (early, late))
    if ahead and (not still or _SINCE.search(late.text)):
        return True
    if _SINCE.search(late.text):
        return True
    timeless = early.value.unit in ("date", "name", "clock", "metre") or early.year or late.year
    return not timeless and (second - first).days > LONG_AGO


def _looks_ahead(answering: Answering) -> bool:
    return bool(_AHEAD.search(_COMPARED.sub("", _statement_of(answering))))


def _had_planned(answering: Answering) -> bool:
    """Whether it tells what had been planned, which says that something else may have come of it."""
    return bool(_HAD_PLANNED.search(_COMPARED.sub("", _statement_of(answering))))


def _published(answering: Answering) -> date | None:
    try:
        return date.fromisoformat(answering.scored.candidate.article.published)
    except ValueError:
        return None


def _find_sides(ones: Sequence[Answering], others: Sequence[Answering]) -> tuple[DisputeSide, ...]:
    """One side a value of `ones`; what agrees with it joins it, but copies of a text count once."""
    groups: list[list[Answering]] = []
    for number, answering in enumerate((*ones, *others)):
        group = next((group for group in groups if group[0].value.agrees(answering.value)), None)
        if group is None and number < len(ones):
            groups.append([answering])
        elif group and _joins(answering, group):
            group.append(answering)
    return tuple(DisputeSide(group[0].value.text, tuple(one.scored for one in group)) for group in groups)


def _joins(answering: Answering, group: Sequence[Answering]) -> bool:
    """Whether it gives the side's value for the same year, about as likely, and in words of its own."""
    first = group[0]
    if first.odds - answering.odds > LESS_LIKELY or (answering.year and first.year and answering.year != first.year):
        return False
    return not any(_is_copy(answering.text, other.text) for other in group)


def _is_copy(one: str, other: str) -> bool:
    first, second = set(stems(one)), set(stems(other))
    return len(first & second) >= NEAR_COPY * max(len(first | second), 1)


def _find_kind(value: Value) -> DisputeKind:
    kinds: dict[str, DisputeKind] = {"date": "dates", "clock": "times", "name": "names"}
    return kinds.get(value.unit, "figures")
