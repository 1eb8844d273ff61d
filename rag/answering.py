"""The values that sentences answer a question with, as the model marks them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.changes import fits_change
from rag.converse import Standalone
from rag.judge import Judgement
from rag.question import LABEL, YEAR, AnswerType, QuestionNeeds, asks_yes_no, find_distance
from rag.schema import ScoredSentence
from rag.values import CURRENCIES, MEASURES, Value, find_name, find_values
from rag.words import STOP_WORDS, find_words

SCORE_COUNTS = 2 / 3
"""Log-odds that a point of score counts in the choice of the likeliest value."""

BEST_BEHIND = 3.0
"""Points of score that the sentence with the likeliest value may be behind the best one that has a value."""

COMMON = 0.2
"""Share of the sentences that a name may stand in which tells one of several answers."""

OF_SPAN = 1 / 3
"""Share of the words of what the model marks that a bare number must be, where any value will do: in "the lesser of two
evils" it is none.
"""

_UNITS: dict[AnswerType, frozenset[str]] = {
    "money": frozenset(CURRENCIES.values()),
    "percent": frozenset({"percent"}),
    "duration": frozenset({"day", "metre"}),
    "date": frozenset({"date", "clock"}),
    "name": frozenset({"name"}),
    "count": frozenset({"", "rank"}),
    "amount": frozenset({"", "percent", "metre", "kilogram", "day", *CURRENCIES.values()}),
    "any": frozenset(
        {"", "percent", "metre", "kilogram", "day", "rank", "date", "clock", "name", *CURRENCIES.values()}
    ),
}
_NUMBERED = re.compile(r"\b[A-Z][a-z]+[\s-]\d+\b")
_LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ANOTHER_TIME = re.compile(
    r"\b(?:last|previous\w*|next|earlier|before|since|ago|decades?|following|coming|ahead|future|once|until)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(r",\s(?:which|who|whose|where|when)\b")
_CLOCK = re.compile(r"\b(?:what|which) (?:time|hour)\b", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\b(?:(?:what|which) (?:amount|quantity|tonnage|weight|height|length|depth|distance)|by how much)\b", re.IGNORECASE
)
_RANK = re.compile(r"\b(?:(?:what|which) (?:chart )?(?:place|position|rank)|rank)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answering:
    """A sentence with the value that it answers with, the year that it gives it for (0 for none), and the log-odds."""

    scored: ScoredSentence
    value: Value
    year: int
    odds: float

    @property
    def text(self) -> str:
        return self.scored.candidate.sentence.text

    @property
    def source(self) -> str:
        return self.scored.candidate.article.source


def find_answerings(
    question: Standalone, needs: QuestionNeeds, sentences: Sequence[ScoredSentence], judgements: Sequence[Judgement]
) -> list[Answering]:
    """The sentences that hold a value of what is asked, each with its likeliest one, in their order."""
    units = _find_units(question, needs)
    common = _find_common(sentences)
    numbered = _find_numbered(sentences)
    named = [value for value in find_values(question.question) if value.unit == "date"]
    asked = set() if _asks_whether(question) else {word.stem for word in find_words(question.question)}
    found: list[Answering] = []
    for scored, judgement in zip(sentences, judgements, strict=True):
        if judgement.reading and units:
            text = scored.candidate.sentence.text
            held = find_values(text)
            main = _end_main(text, held)
            years = [value for value in held if value.unit == "date" and value.year and value.start < main]
            values = [v for v in _find_candidates(text, held, units, judgement) if not _is_given(v, asked)]
            values = [v for v in values if v.unit or not _ends_name(text, v, numbered)]
            values = [v for v in values if v.unit != "percent" or fits_change(question.question, text, v.start, v.end)]
            values = [v for v in values if v.unit != "name" or not v.words <= common]
            values = [v for v in values if v.unit != "date" or all(v.agrees(other) for other in named)]
            of_now = not years and not _ANOTHER_TIME.search(text, 0, main)
            dated = of_now and (scored.candidate.article.published[:4] in needs.years or _follows_year(scored, needs))
            chosen = _choose(text, values, years, needs, judgement, dated=dated)
            found += [Answering(scored, value, _year_of(text, value, years), odds) for value, odds in chosen]
    return found


def _end_main(text: str, held: Sequence[Value]) -> int:
    """Where a relative clause starts that gives no value but dates, which are of something else; else the end."""
    for link in _WHICH.finditer(text):
        if held[:1] and held[0].start < link.start() and all(v.unit == "date" for v in held if v.start > link.start()):
            return link.start()
    return len(text)


def _follows_year(scored: ScoredSentence, needs: QuestionNeeds) -> bool:
    """Whether the sentence before it speaks of the asked years and of no others."""
    before = scored.candidate.previous
    years = set(YEAR.findall(before.text)) if before else set()
    return bool(years) and years <= {*needs.years}


def _find_common(sentences: Sequence[ScoredSentence]) -> set[str]:
    """The words, in lower case, that more than the share `COMMON` of the sentences hold: names of the whole topic."""
    counts = Counter(word for s in sentences for word in {*_LETTERS.findall(s.candidate.sentence.text.casefold())})
    return {word for word, count in counts.items() if count > max(2, COMMON * len(sentences))}


def _find_numbered(sentences: Sequence[ScoredSentence]) -> set[str]:
    """Names with a number that more than one sentence holds, not always as its first words: "Aquila 2"."""
    places = [(m[0], m.start()) for s in sentences for m in _NUMBERED.finditer(s.candidate.sentence.text)]
    counts = Counter(name for name, _ in places)
    inside = {name for name, start in places if start and name.split()[0].lower() not in STOP_WORDS}
    return {name for name in inside if counts[name] > 1}


def _ends_name(text: str, value: Value, numbered: set[str]) -> bool:
    """Whether a number is but the end of such a name."""
    names = (match for match in _NUMBERED.finditer(text) if match[0] in numbered)
    return any(name.start() < value.start and name.end() == value.end for name in names)


def _asks_whether(question: Standalone) -> bool:
    """Whether a yes-or-no question names the figure that may answer it: one, or "three or four"."""
    named = _find_named(question)
    between = [question.question[one.end : other.start].strip() for one, other in pairwise(named)]
    return asks_yes_no(question) and all(re.match(r"or\b", link) for link in between)


def _find_named(question: Standalone) -> list[Value]:
    """The figures that the question names; the number of a name is none."""
    named = {match.end() for match in _NUMBERED.finditer(question.question)}
    return [v for v in find_values(question.question) if v.unit != "date" and v.end not in named]


def _find_units(question: Standalone, needs: QuestionNeeds) -> frozenset[str]:
    """The units of values that may answer; of a yes-or-no question those of the figures that it names."""
    if asks_yes_no(question):
        return frozenset(value.unit for value in _find_named(question))
    if needs.asks == "date" and _CLOCK.search(question.question):
        return frozenset({"clock"})
    if needs.asks in ("any", "name") and _RANK.search(question.question):
        return frozenset({"rank"})
    asks: AnswerType = "amount" if _AMOUNT.search(question.question) else needs.asks
    units = _UNITS.get(asks, frozenset())
    return units | {MEASURES[word][0] for word in _measure_words(question)} if needs.asks == "count" else units


def _measure_words(question: Standalone) -> set[str]:
    words = {word.rstrip("s") for word in _LETTERS.findall(question.question.casefold())}
    return words & MEASURES.keys()


def _find_candidates(text: str, held: Sequence[Value], units: frozenset[str], judgement: Judgement) -> list[Value]:
    """Those of the text's values that have one of the units; where any unit will do, only what the model marks."""
    label = LABEL.match(text)
    values = [value for value in held if not (label and value.start < label.end())]
    marked = [value for value in values if value.overlaps(judgement.start, judgement.end)]
    if units == _UNITS["any"]:
        words = len(text[judgement.start : judgement.end].split())
        values = [value for value in marked if value.unit or len(value.text.split()) >= OF_SPAN * words]
    name = find_name(text, judgement.start, judgement.end) if "name" in units else None
    if name and not (marked and len(units) > 1):
        values.append(name)
    return [value for value in values if value.unit in units]


def _is_given(value: Value, asked: set[str]) -> bool:
    words = [word.stem for word in find_words(value.text)]
    return bool(words) and all(word in asked for word in words)


def _choose(
    text: str,
    values: Sequence[Value],
    years: Sequence[Value],
    needs: QuestionNeeds,
    judgement: Judgement,
    *,
    dated: bool,
) -> list[tuple[Value, float]]:
    """The likeliest value of each unit, with its log-odds; of several years' values the one beside the asked year.

    A text without years is of the asked one where it is `dated` so.
    """
    wanted = [year for year in years if str(year.year) in needs.years]
    by_year = bool(needs.years) and needs.asks not in ("date", "name")
    if by_year and not wanted and not dated:
        return []
    chosen: dict[str, tuple[Value, float]] = {}
    for value in values:
        odds = judgement.odds_of(value.start, value.end) if value.unit != "name" else judgement.span
        if by_year and len({year.year for year in years}) > 1:
            odds -= min(find_distance(text, (value.start, value.end), year.start) for year in wanted)
        if value.unit not in chosen or odds > chosen[value.unit][1]:
            chosen[value.unit] = value, odds
    return [(v, judgement.odds_of(v.start, v.end) if v.unit != "name" else odds) for v, odds in chosen.values()]


def _year_of(text: str, value: Value, years: Sequence[Value]) -> int:
    """Of the years that the text names the one that it gives the value for; 0 where it names none, and for dates."""
    if value.unit == "date" or not years:
        return 0
    return min(years, key=lambda year: find_distance(text, (value.start, value.end), year.start)).year


def choose_best(answerings: Sequence[Answering]) -> Answering | None:
    """The one that most likely answers among those about as good as the best sentence."""
    if not answerings:
        return None
    top = max(answering.scored.score for answering in answerings)
    return max(
        (answering for answering in answerings if top - answering.scored.score < BEST_BEHIND),
        key=lambda answering: answering.odds + SCORE_COUNTS * answering.scored.score,
    )
