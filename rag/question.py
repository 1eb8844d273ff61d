"""What a question asks for, and what a sentence must hold to answer it: a type of answer, years, numbers, names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rag.changes import fits_change
from rag.converse import Standalone
from rag.values import find_values
from rag.words import STOP_WORDS, find_words

AnswerType = Literal["amount", "count", "money", "percent", "date", "duration", "name", "reason", "manner", "any"]

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_UNITS = (
    "million|billion|trillion|thousand|hundred|bn|mn|m|k|tonnes?|tons?|km|kilomet\\w+|miles?|days?|weeks?|months?|years?|"
    "hours?|minutes?|people|countries|companies"
)
_NUMBER_WORDS = (
    "zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozens?|"
    "twice|double"
)
_DIGITS = r"\d+(?:[.,]\d+)*"
_YEAR = r"(?:1[5-9]|20)\d\d"
LABEL = re.compile(r"\d{1,3}[.)]\s")
YEAR = re.compile(rf"(?<![\d.,$€£]){_YEAR}(?![\d%]|[.,]\d)")

TYPED: dict[AnswerType, re.Pattern[str]] = {
    "money": re.compile(
        rf"(?:(?:about|around|almost|nearly|approximately|over|some)\s)?(?:[$€£¥₼]|US\$|USD\s|EUR\s)\s?{_DIGITS}"
        rf"(?:[\s-]?(?:million|billion|trillion|thousand|bn|mn|m|k)\b)?|{_DIGITS}\s?(?:million|billion|trillion|bn)?\s?"
        r"(?:dollars|euros|manats?|yuan|pounds)\b",
        re.IGNORECASE,
    ),
    "percent": re.compile(rf"{_DIGITS}\s?(?:%|percent\b|per cent\b|percentage points?\b)", re.IGNORECASE),
    "duration": re.compile(
        rf"(?:{_DIGITS}|\b(?:{_NUMBER_WORDS}))(?:\s?(?:to|-|–)\s?{_DIGITS})?[\s-](?:seconds?|minutes?|hours?|days?|weeks?|"
        r"months?|years?|decades?|centur(?:y|ies)|met(?:re|er)s?|km|kilomet(?:re|er)s?|miles?|feet)\b",
        re.IGNORECASE,
    ),
    "date": re.compile(
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?[\s\u00a0](?:{_MONTHS})\b(?:,?[\s\u00a0]{_YEAR})?|\b(?:(?:late|early|mid)[\s-])?"
        rf"(?:{_MONTHS})[\s\u00a0](?:\d{{1,2}}\b(?:,[\s\u00a0]{_YEAR})?|{_YEAR})|(?<![\d.,$€£]){_YEAR}s?(?![\d%]|[.,]\d)|"
        rf"\b(?:first|second|third)\sof\s(?:{_MONTHS})\b|\b(?:spring|summer|autumn|fall|winter)\s(?:of\s)?{_YEAR}|"
        rf"\b\d{{1,2}}(?:[.:]\d\d)?\s?[ap]\.?m\b|\b(?:(?:late|early|mid)[\s-])(?:{_MONTHS})\b|\b(?:yesterday|today|monday|tuesday|wednesday|thursday|friday|"
        r"saturday|sunday)\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
        re.IGNORECASE,
    ),
    "count": re.compile(
        rf"(?<![\w$€£.,]){_DIGITS}(?:st|nd|rd|th)?(?:[\s\u00a0](?:{_UNITS})\b)?(?![\d%])|\b(?:{_NUMBER_WORDS})\b",
        re.IGNORECASE,
    ),
    "name": re.compile(r"(?<![\w’'])[A-Z][\w’'-]*(?:[\s\u00a0](?:of|the|and|for|de|al)?[\s\u00a0]?[A-Z][\w’'-]*)*"),
    "reason": re.compile(
        r"\b(?:because|since|due to|owing to|thanks to|as a result|result(?:s|ed|ing)?|therefore|thus|so that|in order|"
        r"reason\w*|cause[sd]?|why|given|following|led to|lead(?:s|ing)? to|driven|amid|after|despite|aim\w*|seek\w*|"
        r"as|by|for|to)\b",
        re.IGNORECASE,
    ),
}

_NAMED = (
    r"\b(?:what|which) (?:(?!(?:did|do|does|is|are|was|were|has|have|had|will|would|can|could|should|may|might)\b)"
    r"[\w’'-]+ ){0,2}?(?:city|country|person|company|organi[sz]ation|agency|politician|economist|"
    r"president|minister|leader|outlet|party|institute|countries|cities|companies)\b"
)
"""Questions for what has a name of its own."""

_RELATIVE = (
    r"\W*(?:and |but |so )?(?:how|what(?! (?:is|was|are|were) the names? of)|why)\b(?:[^,;:?\n]|,(?=\d))*?"
    r"(?<!\band)(?<!\bor)\s(?:who|whom|whose|where)\b"
)
"""How a question begins that asks for something else and has "who" in its middle: "the writers who came after her"."""

_ASK_PATTERNS: tuple[tuple[AnswerType, str], ...] = (
    (
        "reason",
        r"^\W*(?:and |but |so )?(?:why|what(?:’s|'s| is| was| are| were)? (?:the )?(?:reasons?|causes?|motives?)|"
        r"how come|what (?:explains|motivat|drives|drove|led|caused))",
    ),
    (
        "percent",
        r"\b(?:percent\w*|per cent|%|what (?:share|proportion|fraction)|which share|how much did .*"
        r"(?:grow|rise|increase|decline|fall|drop|shrink|jump|climb)|growth rate|by how much|"
        r"(?:how fast|what (?:rate|pace)) (?:did|has|have|had|does|do|was|were|is|are) .*(?:gr[eo]w|ris[ei]|increas|"
        r"declin|f[ae]ll|drop|shr[iu]nk|jump|climb|expand|slow|(?:go|gone|going|went) (?:up|down))\w*)\b",
    ),
    (
        "duration",
        r"\bhow long\b|\bhow many (?:days|weeks|months|years|hours)\b|\bduration\b|\b(?:delivery|transit|travel)"
        r" times?\b",
    ),
    (
        "date",
        r"\bwhen (?:did|was|were|is|are|will|does|do|has|have|had)\b|^\W*(?:and |but |so )?(?:since |until )?when\b|"
        r"\b(?:what|which) (?:years?|date|day|month|decade|time|hour)\b|\bhow recently\b|\bsince when\b",
    ),
    (
        "money",
        r"\bhow many (?:(?:thousand|million|billion) )?(?:US )?(?:dollars|euros|pounds|manats?|yuan)\b|"
        r"\bamount(?:s|ed)? to\b|\bhow much (?:money|trade|was|is|were|did|does|do|has|have|worth|had)\b|\bworth\b|"
        r"\bwhat (?:is|was|are|were) (?:[\w’'-]+ ){0,4}(?:costs?|price|revenue|turnover|gdp|value|volume)\b|"
        r"^\W*what (?:[\w’'-]+ ){0,8}cost\b|"
        r"^\W*(?:the |total |overall |annual |dollar ){0,3}(?:(?:trade )?(?:value|turnover)|trade volume|price|cost) "
        r"(?:of|between|with|for)\b|"
        r"^\W*(?:what|which) (?:fee|price|sum|sales|profit|revenue|turnover|valuation|salary)\b|"
        r"^\W*what (?:did|does|do|will|would|must) (?:[\w’'-]+ ){1,6}(?:earn|pay|owe)\b"
        r"(?!\s(?:tribute|attention|homage|heed|respects?)\b)(?!.*\bto\W*$)|"
        r"\bhow (?:big|large) (?:[\w’'-]+ ){0,3}(?:trade|turnover|budget|economy|deficit|debt|fund|loan|market)\b",
    ),
    (
        "count",
        r"\bhow many\b|\bnumber of\b|\bhow (?:old|often)\b|\b(?:what|which) (?:amount|quantity|tonnage|weight|height|"
        r"length|depth|distance)\b",
    ),
    ("amount", r"\bhow (?:much|big|large|high|tall|deep|far|fast|heavy|wide)\b"),
    (
        "name",
        rf"\A(?!{_RELATIVE}).*\b(?:who|whom|whose|where)\b|\b(?:what|which) place\b|{_NAMED}",
    ),
    ("manner", r"^\W*(?:and |but |so )?(?:how|in what way|in which way|by what means)\b"),
)
_ASKS = tuple((kind, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for kind, pattern in _ASK_PATTERNS)


_YES_NO = re.compile(
    r"^\W*(?:and |but |or )?(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|may|might)\b",
    re.IGNORECASE,
)
_BOUND = re.compile(r"(?:more|over|above|at least|upwards|less|fewer|under|below|at most)\b", re.IGNORECASE)
_PASSES = re.compile(
    r"\b(?:(?:exceed|pass|top|reach|cross|surpass|beat|hit)\w*\s(?:the\s)?|(?:higher|lower|bigger|smaller) than\s)$",
    re.IGNORECASE,
)
_ASKS_NAMED = re.compile(_NAMED, re.IGNORECASE)

FIGURES: tuple[AnswerType, ...] = ("amount", "count", "money", "percent", "duration", "date")
_AMOUNTS: tuple[AnswerType, ...] = ("money", "percent", "duration")
_OTHER_FIGURES: tuple[AnswerType, ...] = ("date", "money", "percent")


@dataclass(frozen=True, slots=True)
class QuestionNeeds:
    """What the question asks for: the answer's type, and the years, other numbers and names that it must be about."""

    asks: AnswerType
    years: tuple[str, ...]
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    bounds: tuple[tuple[int, int], ...] = ()


def asks_named(question: str) -> bool:
    """Whether the question asks for one of those that have a name: a city, a company, a minister."""
    return bool(_ASKS_NAMED.search(question))


def asks_yes_no(question: Standalone) -> bool:
    """Whether the user's own words ask for yes or no."""
    return bool(_YES_NO.match(question.question[question.focus :]))


def find_needs(standalone: Standalone) -> QuestionNeeds:
    """The needs that can be read off the question's words; names are stems, numbers have no thousands separators.

    `bounds` are the characters of figures that an answer only has to be above or below, which the numbers leave out.
    Of a follow-up, the earlier question decides only what the question itself leaves open.
    """
    own = _find_needs(standalone.question[standalone.focus :])
    if not standalone.focus:
        return own
    earlier = _find_needs(standalone.question[: standalone.focus])
    bounds = tuple((start + standalone.focus, end + standalone.focus) for start, end in own.bounds)
    asks = earlier.asks if own.asks == "any" else own.asks
    return replace(own, asks=asks, years=own.years or earlier.years, bounds=bounds)


def _find_needs(question: str) -> QuestionNeeds:
    asks: AnswerType = next((kind for kind, pattern in _ASKS if pattern.search(question)), "any")
    years = tuple(dict.fromkeys(YEAR.findall(question)))
    words = list(find_words(question))
    bounds = tuple(_find_bounds(question)) if asks == "any" or _YES_NO.match(question) else ()
    exact = [w for w in words if w.stem[0].isdigit() and not any(start <= w.start < end for start, end in bounds)]
    numbers = tuple(dict.fromkeys(w.stem for w in exact if w.stem not in years))
    first = len(question) - len(question.lstrip(" \t¿\"'“‘«"))
    names = tuple(
        dict.fromkeys(w.stem for w in words if w.text[0].isupper() and w.start > first and not w.text.isdigit())
    )
    return QuestionNeeds(asks, years, numbers, names, bounds)


def _find_bounds(question: str) -> Iterator[tuple[int, int]]:
    """Where the question names a figure that is to be compared with, as in "Did it pass the $3bn mark?"."""
    for value in find_values(question):
        compared = _BOUND.match(value.text) or _PASSES.search(question, 0, value.start)
        if value.unit != "date" and (compared or question.startswith(" mark", value.end)):
            yield value.start, value.end


CLAUSE = 20
"""Characters that a comma, "to" or "and" between a figure and its year weighs as much as."""

_BORDER = re.compile(r"[,;:–—(]\s|\b(?:to|and|but|while|whereas|from|against|than|after)\b")


def find_short(sentence: str, question: str, needs: QuestionNeeds) -> str | None:
    """The words of the sentence that have the asked type and are not in the question; None where none has.

    Of several, the one nearest to the asked year counts where the sentence speaks of more than one, or else the one
    nearest to the question's words. Only figures and dates are found this way.
    """
    if needs.asks not in FIGURES:
        return None
    asked = {word.stem for word in find_words(question)}
    fitting = fitting_spans(sentence, question, needs)
    spans = [(start, end) for start, end in fitting if not _given(sentence[start:end], asked)]
    if not spans:
        return None
    years = list(YEAR.finditer(sentence)) if len(set(YEAR.findall(sentence))) > 1 else []
    places = [match.start() for match in years if match[0] in needs.years]
    places = places or [word.start for word in find_words(sentence) if word.stem in asked]

    def distance(span: tuple[int, int]) -> int:
        return sum(sorted(find_distance(sentence, span, place) for place in places)[:3])

    start, end = min(spans, key=distance)
    return sentence[start:end].strip()


def find_distance(sentence: str, span: tuple[int, int], place: int) -> int:
    """Characters from the span to the place, and `CLAUSE` for each border of a clause between them."""
    between = sentence[span[1] : place] if span[1] <= place else sentence[place : span[0]]
    return len(between) + CLAUSE * len(_BORDER.findall(between))


def typed_spans(sentence: str, kind: AnswerType) -> list[tuple[int, int]]:
    """Where the sentence holds a value of the type; a date is no count, and money is a count only where asked for."""
    if kind == "amount":
        spans = [span for figure in _AMOUNTS for span in _find_typed(sentence, figure)]
        return sorted(spans) or typed_spans(sentence, "count")
    spans = _find_typed(sentence, kind)
    if kind == "count":
        others = [m.span() for other in _OTHER_FIGURES for m in TYPED[other].finditer(sentence)]
        spans = [s for s in spans if not any(o[0] <= s[0] and s[1] <= o[1] for o in others)]
    if kind == "money" and not spans:
        return typed_spans(sentence, "count")
    return spans


def fitting_spans(sentence: str, question: str, needs: QuestionNeeds) -> list[tuple[int, int]]:
    """Where the sentence holds a value of the asked type, percentages only where they tell what the question asks.

    Where an amount is asked for, any number will do if nothing else is left: "378,000 tonnes, up by 86%".
    """
    spans = typed_spans(sentence, needs.asks)
    if needs.asks not in ("percent", "amount"):
        return spans
    unfit = [span for span in typed_spans(sentence, "percent") if not fits_change(question, sentence, *span)]
    fitting = [span for span in spans if span not in unfit]
    return typed_spans(sentence, "count") if unfit and not fitting and needs.asks == "amount" else fitting


def _find_typed(sentence: str, kind: AnswerType) -> list[tuple[int, int]]:
    label = LABEL.match(sentence)
    return [match.span() for match in TYPED[kind].finditer(sentence, label.end() if label else 0)]


def _given(value: str, asked: set[str]) -> bool:
    words = [word.stem for word in find_words(value)]
    return bool(words) and all(word in asked for word in words)


def holds_type(sentence: str, question: str, needs: QuestionNeeds) -> bool | None:
    """Whether the sentence holds something of the asked type that the question did not give; None when any will do."""
    if needs.asks in ("any", "manner"):
        return None
    if needs.asks == "reason":
        return bool(TYPED["reason"].search(sentence))
    asked = {word.stem for word in find_words(question)}
    if needs.asks == "name":
        names = [w for w in find_words(sentence) if w.text[0].isupper() and w.text.lower() not in STOP_WORDS]
        return any(w.stem not in asked for w in names)
    return any(not _given(sentence[start:end], asked) for start, end in fitting_spans(sentence, question, needs))
