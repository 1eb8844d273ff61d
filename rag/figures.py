"""Figures and dates of a text as values, so that "$3,744 million" and "3.744bn dollars" are the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "mn": 1_000_000,
    "mln": 1_000_000,
    "m": 1_000_000,
    "billion": 1_000_000_000,
    "bn": 1_000_000_000,
    "bln": 1_000_000_000,
    "trillion": 1_000_000_000_000,
    "tn": 1_000_000_000_000,
}
_SIGNS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yuan", "₼": "manat"}
_NAMES = {"usd": "dollar", "eur": "euro", "gbp": "pound", "rmb": "yuan", "cny": "yuan", "azn": "manat", "%": "percent"}
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_TENS = dict(zip("thirty forty fifty sixty seventy eighty ninety".split(), range(30, 100, 10), strict=True))
_VALUES = {word: number for number, word in enumerate(_WORDS)} | _TENS | {"dozen": 12}

_SPELLED = "|".join([*_VALUES, "hundred", "thousand", "million", "billion"])
_FIGURE = re.compile(
    r"(?P<before>US\$|USD|EUR|[$€£¥₼])?\s?"
    rf"(?<![\w.,])(?P<number>\d+(?:,\d{{3}})*(?:\.\d+)?(?![.,]?\d)|(?:{_SPELLED})\b)"
    r"(?:[\s\u00a0-]?(?P<scale>hundred|thousand|k|million|mn|mln|m|billion|bn|bln|trillion|tn)\b)?"
    r"(?:[\s\u00a0-]?(?P<after>%|percent\b|per\scent\b|(?:US\s)?dollars?\b|euros?\b|pounds?\b|yuan\b|manats?\b|USD\b|"
    r"EUR\b|RMB\b|AZN\b))?",
    re.IGNORECASE,
)
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = "|".join(_MONTHS)
_YEAR = r"(?:1[5-9]|20)\d\d"
_DATE = re.compile(
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s\u00a0](?:of\s)?)?\b(?P<month>{_MONTH})\b"
    rf"(?:[\s\u00a0](?P<later>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d))?(?:,?[\s\u00a0](?P<year>{_YEAR}))?",
    re.IGNORECASE,
)
_ISO = re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?\b")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in full and what it counts: "percent", a currency, or "" for anything else."""

    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Date:
    """A day of a month, a month of a year, or a month; 0 for what is not said."""

    year: int
    month: int
    day: int

    def agrees(self, other: Date) -> bool:
        """Whether nothing that both say differs."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(not one or not another or one == another for one, another in pairs)


def find_figures(text: str) -> list[Figure]:
    """The text's figures, in order, those of dates and spelled ones among them; "one" is none."""
    return [figure for match in _FIGURE.finditer(text) if (figure := _read_figure(match))]


def _read_figure(match: re.Match[str]) -> Figure | None:
    number = match["number"].lower()
    if number == "one":
        return None
    value = Decimal(_VALUES.get(number) or _SCALES.get(number) or number.replace(",", ""))
    value *= _SCALES.get((match["scale"] or "").lower(), 1)
    named = (match["after"] or match["before"] or "").lower().replace("us$", "$").removeprefix("us ")
    unit = _SIGNS.get(named) or _NAMES.get(named) or named.replace("per cent", "percent").rstrip("s")
    return Figure(value.normalize(), unit)


def find_dates(text: str) -> list[Date]:
    """The text's dates that name a month, in order."""
    written = [
        Date(int(m["year"] or 0), _MONTHS.index(m["month"].lower()) + 1, int(m["day"] or m["later"] or 0))
        for m in _DATE.finditer(text)
        if not (m["month"].lower() in ("may", "march") and not m["day"] and not m["later"] and not m["year"])
    ]
    return written + [Date(int(m["year"]), int(m["month"]), int(m["day"] or 0)) for m in _ISO.finditer(text)]


def figure_places(text: str) -> list[tuple[int, int]]:
    """Where the text's figures and dates stand, start and end of each."""
    return [match.span() for pattern in (_FIGURE, _DATE, _ISO) for match in pattern.finditer(text)]


def lacks_figure(claimed: str, said: str) -> str:
    """The first figure or date of one text, as written there, that another does not give; "" where it gives all.

    A figure is given when its value stands in the other text, with the same unit if it has one. A date is given when
    one there agrees with it and names its day if it has one; the year may stand apart from it.
    """
    given = find_figures(said)
    for match in _FIGURE.finditer(claimed):
        figure = _read_figure(match)
        if figure and not any(g.value == figure.value and (not figure.unit or figure.unit == g.unit) for g in given):
            return match[0].strip()
    dates = find_dates(said)
    for date in find_dates(claimed):
        if not any(date.agrees(other) and (not date.day or other.day) for other in dates):
            return f"{date.day or ''} {_MONTHS[date.month - 1].capitalize()} {date.year or ''}".strip()
    return ""
