"""Figures and dates of a text as values, so that "$3,744 million" and "3.744bn dollars" are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "mn": 1_000_000,
    "mln": 1_000_000,
    "m": 1_000_000,
    "billion": 1_000_000_000,
    "b": 1_000_000_000,
    "bn": 1_000_000_000,
    "bln": 1_000_000_000,
    "trillion": 1_000_000_000_000,
    "tn": 1_000_000_000_000,
}
_SCALE = "|".join(SCALES)
_SIGNS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yuan", "₼": "manat"}
_NAMES = {"usd": "dollar", "eur": "euro", "gbp": "pound", "rmb": "yuan", "cny": "yuan", "azn": "manat", "%": "percent"}
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_TENS = dict(zip("thirty forty fifty sixty seventy eighty ninety".split(), range(30, 100, 10), strict=True))
NUMBER_WORDS = {word: number for number, word in enumerate(_WORDS)} | _TENS | {"dozen": 12}
NUMBER_WORDS |= {f"{ten}-{_WORDS[one]}": NUMBER_WORDS[ten] + one for ten in ("twenty", *_TENS) for one in range(1, 10)}

_SPELLED = "|".join(
    [*sorted(NUMBER_WORDS, key=len, reverse=True), "hundred", "thousand", "million", "billion", "trillion"]
)
_FIGURE = re.compile(
    r"(?P<before>US\$|USD|EUR|GBP|AZN|RMB|CNY|[$€£¥₼])?\s?"
    rf"(?<![\w.,])(?P<number>\d{{1,18}}(?:,\d{{3}}){{0,6}}(?:\.\d{{1,18}})?(?![.,]?\d)|(?a:{_SPELLED})\b)"
    rf"(?:[\s\u00a0-]?(?P<scale>{_SCALE})\b)?"
    r"(?:[\s\u00a0-]?(?P<after>%|percent\b|per\scent\b|(?:US\s)?dollars?\b|euros?\b|pounds?\b|yuan\b|manats?\b|USD\b|"
    r"EUR\b|RMB\b|AZN\b))?",
    re.IGNORECASE,
)
MONTHS = "january february march april may june july august september october november december".split()
_MONTH = "|".join(MONTHS)
YEAR = r"(?:1[5-9]|20)\d\d"
_DATE = re.compile(
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s\u00a0](?:of\s)?)?\b(?P<month>(?a:{_MONTH}))\b"
    rf"(?:[\s\u00a0](?P<later>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d))?(?:,?[\s\u00a0](?P<year>{YEAR}))?",
    re.IGNORECASE,
)
_ISO = re.compile(r"\b(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])\b")
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_RANK = re.compile(
    rf"\b(?:(?P<word>{'|'.join(_ORDINALS[1:])})s?|(?P<digits>\d{{1,9}})(?:st|nd|rd|th))\b", re.IGNORECASE
)
_TOKEN = re.compile(r"[\w$€£¥₼₽]*\d(?:\w|[.,:/'’_](?=\w))*")
_ALPHANUMERIC = re.compile(r"[^\W_]")
_PART_OF_NAME = re.compile(r"[^\W\d_][-‑]\Z")
_MEASURE = re.compile(
    r"[\s\u00a0-]?(percentage|basis|times|fold|second|minute|hour|day|week|month|year|decade|centur|kilo|km|kg|met(?:re|er)|"
    r"mile|ton|litre|barrel|r(?:o)?uble|lira|yen|renminbi|lari|tenge|franc|rupee|cent\b)",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"(?:\b(?P<more>more than|over|above|at least|exceed\w*)|"
    r"\b(?P<less>less than|fewer than|under|below|almost|nearly|at most|up to|no more than))\s*$",
    re.IGNORECASE,
)


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
    if _is_one(match):
        return None
    value = Decimal(NUMBER_WORDS.get(number, SCALES.get(number, number.replace(",", ""))))
    value *= SCALES.get((match["scale"] or "").lower(), 1)
    named = (match["after"] or match["before"] or "").lower().replace("us$", "$").removeprefix("us ")
    unit = _SIGNS.get(named) or _NAMES.get(named) or named.replace("per cent", "percent").rstrip("s")
    return Figure(value.normalize(), unit)


def find_dates(text: str) -> list[Date]:
    """The text's dates that name a month, in order."""
    written = [
        Date(int(m["year"] or 0), MONTHS.index(m["month"].lower()) + 1, int(m["day"] or m["later"] or 0))
        for m in _DATE.finditer(text)
        if not _is_verb(m)
    ]
    return written + [Date(int(m["year"]), int(m["month"]), int(m["day"] or 0)) for m in _ISO.finditer(text)]


def _is_verb(match: re.Match[str]) -> bool:
    """Whether "may" or "march" is no month: alone, and in lower case or where a sentence starts."""
    if match["month"].lower() not in ("may", "march") or match["day"] or match["later"] or match["year"]:
        return False
    before = match.string[: match.start()].rstrip(" \u00a0\"'“‘«(*")
    return match["month"].islower() or not before or before[-1] in ".!?:"


def figure_places(text: str) -> list[tuple[int, int]]:
    """Where the text's figures and dates stand, start and end of each; "one" is no figure."""
    return [match.span() for match in _FIGURE.finditer(text) if not _is_one(match)] + _date_places(text)


def number_places(text: str) -> list[tuple[int, int]]:
    """Where the text's figures stand, those of dates among them, with sign, scale and unit."""
    matches = [match for match in _FIGURE.finditer(text) if not _is_one(match)]
    return [(match.end() - len(match[0].lstrip()), match.end()) for match in matches]


def find_checkable(text: str) -> list[tuple[int, int]]:
    """Where the text gives figures, dates, or digits in a way that is not understood; in order, none overlaps.

    Parts of names ("COP29", "Covid-19") are none.
    """
    if not _ALPHANUMERIC.search(text):
        return []
    tokens = [match.span() for match in _TOKEN.finditer(text) if not match[0][0].isalpha() and match[0][0] != "_"]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(figure_places(text) + tokens):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    trimmed = [(end - len(text[start:end].lstrip()), end) for start, end in merged]
    return [(a, b) for a, b in trimmed if b - a > 3 or not _PART_OF_NAME.search(text[max(0, a - 2) : a])]


def _is_one(match: re.Match[str]) -> bool:
    return match["number"].lower() == "one" and not match["scale"]


def _date_places(text: str) -> list[tuple[int, int]]:
    dates = [match.span() for match in _DATE.finditer(text) if not _is_verb(match)]
    return dates + [match.span() for match in _ISO.finditer(text)]


def lacks_figure(claimed: str, said: str, published: str = "") -> str:
    """The first figure or date of one text, as written there, that another does not give; "" where it gives all.

    A figure is given when its value stands in the other text outside of its dates, with the same unit and measure if
    it has one, and not as the opposite bound ("under 43%" for "over 43%"). A date is given when one there agrees with
    it and names its day if it has one. The year may stand apart, or be the one of `published`. What is written with
    digits in a way that is not understood ("03.07.2024") must stand there as it is.
    """
    claimed, said = unicodedata.normalize("NFKC", claimed), unicodedata.normalize("NFKC", said)
    return (
        _find_unread(claimed, said)
        or _lacks_number(claimed, said, published)
        or _lacks_rank(claimed, said)
        or _lacks_date(claimed, said, published)
    )


def _find_unread(claimed: str, said: str) -> str:
    """The first token with digits that is not wholly a figure or a date, and does not stand in the other text."""
    read = {place for start, end in figure_places(claimed) for place in range(start, end)}
    for token in _TOKEN.finditer(claimed):
        rest = "".join(c for place, c in enumerate(token[0], token.start()) if place not in read)
        plain = rest.strip(":/'’$€£¥₼").lower() in ("", "st", "nd", "rd", "th", "s") and not re.search(
            r"\.000\b", token[0]
        )
        if not plain and not (
            token[0].casefold() in said.casefold()
            and re.search(rf"(?<![\w.,]){re.escape(token[0])}(?!\w)", said, re.IGNORECASE)
        ):
            return token[0]
    return ""


def _lacks_number(claimed: str, said: str, published: str) -> str:
    given = _numbers(said)
    years = set(re.findall(rf"\b{YEAR}\b", f"{said} {published}"))
    for match, figure in _numbers(claimed):
        if match[0].strip() in years:
            continue
        same = [m for m, g in given if g.value == figure.value and (not figure.unit or figure.unit == g.unit)]
        measure, bound = _find_measure(match), _find_bound(match)
        if not same or (measure and not figure.unit and all(_find_measure(m) != measure for m in same)):
            return f"{match[0].strip()} {measure}".strip()
        if bound and all(_find_bound(m) == -bound for m in same):
            return match[0].strip()
    return ""


def _numbers(text: str) -> list[tuple[re.Match[str], Figure]]:
    """The text's figures outside of its dates."""
    dates = _date_places(text)
    return [
        (match, figure)
        for match in _FIGURE.finditer(text)
        if not any(start <= match.start("number") < end for start, end in dates) and (figure := _read_figure(match))
    ]


def _find_measure(figure: re.Match[str]) -> str:
    """What the figure counts, where that is a closed class such as days or kilometres; ""  for anything else."""
    found = _MEASURE.match(figure.string, figure.end())
    return found[1].lower() if found else ""


def _find_bound(figure: re.Match[str]) -> int:
    """1 for "more than" before the figure, -1 for "less than", 0 for neither."""
    found = _BOUND.search(figure.string[: figure.start("before") if figure["before"] else figure.start("number")])
    return 0 if not found else 1 if found["more"] else -1


def _lacks_rank(claimed: str, said: str) -> str:
    given = {_read_rank(match) for match in _RANK.finditer(said)}
    dates = _date_places(claimed)
    for match in _RANK.finditer(claimed):
        if _read_rank(match) not in given and not any(start <= match.start() < end for start, end in dates):
            return match[0]
    return ""


def _read_rank(match: re.Match[str]) -> int:
    return int(match["digits"]) if match["digits"] else _ORDINALS.index(match["word"].lower()) + 1


def _lacks_date(claimed: str, said: str, published: str) -> str:
    dates, years = find_dates(said), set(re.findall(rf"\b{YEAR}\b", f"{said} {published}"))
    for date in find_dates(claimed):
        known = not date.year or str(date.year) in years
        if not known or not any(date.agrees(other) and (not date.day or other.day) for other in dates):
            return f"{date.day or ''} {MONTHS[date.month - 1].capitalize()} {date.year or ''}".strip()
    return ""


def mixes_years(claimed: str, texts: Sequence[tuple[str, str]]) -> str:
    """The claim's first figure that none of the texts gives for the year beside it; "" where each is given for it.

    A text comes with what is around it, whose years count where the text itself names none.
    """
    claimed = unicodedata.normalize("NFKC", claimed)
    years = [(match.start(), match[0]) for match in re.finditer(rf"\b{YEAR}\b", claimed)]
    for match, figure in _numbers(claimed) if years else ():
        if re.fullmatch(YEAR, match["number"]):
            continue
        before = [year for place, year in years if place < match.start("number")][-1:]
        behind = [year for place, year in years if place > match.start("number")][:1]
        holders = [text for text in texts if any(given.value == figure.value for _, given in _numbers(text[0]))]
        if holders and not any({*before, *behind} & _find_years(*text) for text in holders):
            return match[0].strip()
    return ""


def _find_years(text: str, around: str) -> set[str]:
    return set(re.findall(rf"\b{YEAR}\b", text)) or set(re.findall(rf"\b{YEAR}\b", around))
