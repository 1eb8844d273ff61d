"""Whether the articles give the figures of a draft's own sentence, and for the same year."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache

from rag.differences import Place
from rag.drafts import Statement
from rag.figures import YEAR, figure_places, find_dates, find_figures, lacks_figure, number_places
from rag.schema import Article, Sentence, Span
from rag.support import NEGATION, turns_direction
from rag.surroundings import Surroundings
from rag.verification import CheckedFigure, Status
from rag.words import find_words, stem_word, stems

LEAST_SHARED = 0.4
"""Share of a sentence's words, figures aside, that an article's sentence must have to be about the same."""

_BOUND = re.compile(
    r"\b(?:more than|over|above|at least|less than|fewer than|under|below|almost|nearly|at most|up to)\s+\Z",
    re.IGNORECASE,
)
_SCALE_BEHIND = re.compile(
    r"\s?(?:to|and|or|[-–])\s?[$€£]?\d[\d.,]*(?P<scale>\s?(?:hundred|thousand|[mbtr]+illion|bn|mn|m|%|per\s?cent)(?:\s\w+)?)"
)
_UNIT = re.compile(r"[\s\u00a0-]?[^\W\d_]+")
_DENIED = re.compile(r"(?P<denial>\b(?:not|never)|\w+n[’']t)\b(?!\s+only)(?:\s+[^\s,;]+){0,4}\s*\Z", re.IGNORECASE)
_YEAR = re.compile(rf"\b{YEAR}\b")
_YEAR_BEHIND = re.compile(rf"\s+(?:(?:in|for|during|by|of|since|as of|at the end of)\s+)(?P<year>{YEAR})\b")

Read = Callable[[Article], Surroundings]


def check_statement(statement: Statement, stretches: Sequence[Place], read: Read) -> list[CheckedFigure]:
    """Each figure of the sentence: given by a sentence about the same, by none, or another one is given there.

    `stretches` are where the articles have most of its words.
    """
    sentences = {
        (place.article.source, sentence.start): (sentence, place.article)
        for place in stretches
        for sentence in read(place.article).around(place.start, place.end)
    }
    figures = figure_places(statement.own)
    own = {w.stem for w in find_words(statement.own) if not any(a <= w.start < b for a, b in figures)}
    shares = [(len(own & set(stems(s.text))) / max(1, len(own)), s, a) for s, a in sentences.values()]
    shares.sort(key=lambda one: -one[0])
    about = [(s, a) for share, s, a in shares if share >= LEAST_SHARED or _is_about(statement, own, share, s, a)]
    return [_check_figure(statement, span, about, [one[1:] for one in shares[:1]]) for span in statement.figures]


def _is_about(statement: Statement, own: set[str], share: float, sentence: Sentence, article: Article) -> bool:
    """Whether a sentence that shares few words gives a telling figure of the statement."""
    return bool(share or not own) and any(
        _is_telling(statement.figure(span)) and _gives(sentence.text, statement, span, article.published)
        for span in statement.figures
    )


def _is_telling(figure: str) -> bool:
    """Whether a figure tells what is meant: it has a unit, a scale, decimals or three digits, and is no year."""
    return bool(re.search(r"[^\W\d_]{2}|[$€£¥₼%]|\d[.,]\d|\d{3}|\d[^\W\d]", figure)) and not (
        _YEAR.fullmatch(figure) or figure.isalpha()
    )


def _check_figure(
    statement: Statement,
    span: Span,
    about: Sequence[tuple[Sentence, Article]],
    nearest: Sequence[tuple[Sentence, Article]],
) -> CheckedFigure:
    """The finding for one figure: `about` are the sentences about the same, best first, `nearest` those about least."""
    holds = [(s, a) for s, a in about if _gives(s.text, statement, span, a.published)]
    faults = [_find_fault(statement, span, sentence.text) for sentence, _ in holds]
    alike = [pair for pair, fault in zip(holds, faults, strict=True) if not fault]
    status: Status = "verbatim" if alike else "altered" if about else "not_found"
    sentence, article = next(iter([*alike, *holds, *about, *nearest]), (None, None))
    return CheckedFigure(
        figure=statement.figure(span),
        sentence=statement.sentence,
        status=status,
        source=article.source if article else "",
        start=sentence.start if sentence else 0,
        end=sentence.end if sentence else 0,
        nearest=sentence.text if sentence else "",
        reason=faults[0] if faults and not alike else "",
        draft_start=span.start,
        draft_end=span.end,
    )


def _find_fault(statement: Statement, span: Span, said: str) -> str:
    """Why a sentence that gives a figure does not bear it out; "" where it does."""
    if not _is_telling(statement.figure(span)):
        return ""
    years = _find_other_years(statement.own, statement.local(span), said)
    if years:
        return f"the article gives it for {years}"
    denied = _DENIED.search(statement.own[: statement.local(span)[0]])
    if denied and not NEGATION.search(said):
        return f"the article does not say “{denied['denial']}”"
    claimed, known = ({stem_word(word) for word in re.findall(r"[^\W\d_]+", text)} for text in (statement.own, said))
    return "the article says the opposite" if turns_direction(claimed, known) else ""


def _gives(said: str, statement: Statement, span: Span, published: str) -> bool:
    """Whether an article's sentence gives a figure, with the same unit, bound and sign."""
    sentence, figure, (start, end) = statement.own, statement.figure(span), statement.local(span)
    bound, unit, scale = _BOUND.search(sentence[:start]), _UNIT.match(sentence, end), _SCALE_BEHIND.match(sentence, end)
    negative = re.search(r"(?:^|\s)[-−]\Z", sentence[max(0, start - 2) : start])
    if negative and not re.search(rf"[-−]\s?{re.escape(figure)}", said):
        return False
    values = find_figures(figure)
    if len(values) == 1 and not scale and not find_dates(figure) and values[0].value not in _values(said):
        return False
    year = published if find_dates(figure) else ""
    claims = [
        f"{bound[0] if bound else ''}{figure}{ending}"
        for ending in (unit[0] if unit else "", scale["scale"] if scale else "")
    ]
    return any(not lacks_figure(claim, said, year) for claim in claims[: 1 + bool(scale)])


@lru_cache(maxsize=5_000)
def _values(text: str) -> frozenset[Decimal]:
    return frozenset(figure.value for figure in find_figures(text))


def _find_other_years(claimed: str, place: tuple[int, int], said: str) -> str:
    """The years that an article's sentence gives a figure for where the claim gives it for others; else ""."""
    values, own = find_figures(claimed[slice(*place)]), _find_years(claimed, *place)
    if not values or not own or _YEAR.search(claimed[slice(*place)]):
        return ""
    given: set[str] = set()
    for first, last in number_places(said):
        if any(figure.value == values[0].value for figure in find_figures(said[first:last])):
            years = _find_years(said, first, last)
            if not years or years & own:
                return ""
            given |= years
    return " and ".join(sorted(given))


def _find_years(text: str, start: int, end: int) -> set[str]:
    """The years that a figure belongs to: the one right behind it, else the last ones before it, else the next one."""
    behind = _YEAR_BEHIND.match(text, end)
    if behind:
        return {behind["year"]}
    numbers = [(a, b, bool(_YEAR.fullmatch(text[a:b].strip()))) for a, b in number_places(text)]
    years: set[str] = set()
    for a, b, is_year in reversed([one for one in numbers if one[0] < start]):
        if is_year:
            years.add(text[a:b].strip())
        elif years:
            break
    following = next((text[a:b].strip() for a, b, is_year in numbers if a >= end and is_year), "")
    return years or ({following} if following else set())
