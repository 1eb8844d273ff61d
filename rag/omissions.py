"""What a quotation cuts off, leaves out or puts in that makes other words of an article's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.concordance import LeftOut, Match
from rag.differences import Place
from rag.drafts import Quotation
from rag.figures import find_checkable, number_places
from rag.schema import Span
from rag.surroundings import Surroundings
from rag.words import STOP_WORDS, stems

CARRIED = 8
"""Words of the draft before and behind a quotation that may say the denial which the quotation leaves out."""

BEFORE, BEHIND = 2, 1
"""Sentences before and behind a quotation that words in brackets may come from."""

_DENIALS = (
    r"not|never|no\sone|nobody|nothing|none|no|neither|nor|cannot|without|hardly|scarcely|barely|unlikely|impossible|"
    r"den(?:y|ies|ied|ying)|refus(?:e|es|ed|ing|al)|reject(?:s|ed|ing)?|fail(?:s|ed|ing)?|lack(?:s|ed|ing)?"
)
_AUXILIARIES = "do|does|did|is|are|was|were|will|would|can|could|has|have|had|should|must|may|might"
_DENIAL = re.compile(rf"\b(?:{_DENIALS})\b|\w+n[’']t\b", re.IGNORECASE)
_DENIED_BEFORE = re.compile(
    rf"(?:\b(?:{_AUXILIARIES})\s+)?(?:\b(?:{_DENIALS})\b|\b\w+n[’']t\b)(?!\s+only\b)"
    rf"(?:\s+(?:{_AUXILIARIES}|be|been|being|to|that|a|an|the|any|really|ever|yet|longer|of))*[\s“”‘’«»\"']*\Z",
    re.IGNORECASE,
)
_DENIED_BEHIND = re.compile(r"[\s“”‘’«»\"']*(?:not|never|nothing|nobody|no)\b(?!\s+only\b)", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:could|may|might|reportedly|allegedly|supposedly|apparently|possibly|perhaps|probably|likely|according\sto|if|"
    r"unless|accus\w+|alleg\w+|claim\w*|appear\w*|seem\w*|suspect\w*|rumou?r\w*|so-called|oppos\w+|against|rather\sthan|instead\sof)\b"
)
_PREFIX = re.compile(r"\b(?:non|anti|un|ex|pseudo|quasi|counter)[-‐‑]\Z", re.IGNORECASE)
_MARK = re.compile('[“”„«»‹›‘"「」『』《》]')
_SIGN_BEFORE = re.compile(r"(?:\A|\s|^)[-−]\Z")
_NAME = re.compile(r"\b[A-Z][\w’'-]*")


@dataclass(frozen=True, slots=True)
class Omission:
    """Why a quotation is not what the article says, and the stretch that shows it."""

    reason: str
    place: Place


def find_omission(match: Match, quotation: Quotation, around: Surroundings) -> Omission | None:
    """What is wrong with a quotation whose words stand in an article; None where nothing is.

    A denial that it leaves out may stand in the draft's own words around it.
    """
    whole = _find_cut(match.place, around) or _find_denial(match.place, quotation, around)
    if whole:
        return whole
    if not match.gaps and not _MARK.search(quotation.quote) and _runs_on(match.place, around):
        return Omission("it runs from quoted words on into others", match.place)
    for gap in match.gaps:
        reason = (
            _find_hidden(gap, around)
            or _find_insertion(gap, around)
            or _find_splice(gap, match, around)
            or _find_crossing(gap, around)
        )
        if reason:
            return Omission(reason, match.place)
    return None


def _find_cut(place: Place, around: Surroundings) -> Omission | None:
    """A figure without its scale, unit, sign or a part of its digits, or a part of a word."""
    cuts = [*_find_cut_figures(place, around), *_find_cut_words(place)]
    if not cuts:
        return None
    text = place.article.text
    start, end = min([place.start, *(cut.start for cut in cuts)]), max([place.end, *(cut.end for cut in cuts)])
    cut = max(cuts, key=lambda cut: cut.end - cut.start)
    return Omission(f"it cuts “{_shorten(text[cut.start : cut.end])}” short", Place(place.article, start, end))


def _find_cut_figures(place: Place, around: Surroundings) -> Iterator[Span]:
    for sentence in around.around(place.start, place.end):
        for first, last in number_places(sentence.text):
            start, end = sentence.start + first, sentence.start + last
            if _SIGN_BEFORE.search(sentence.text, max(0, first - 2), first):
                start -= 1
            if start < place.start < end or start < place.end < end:
                yield Span(start, end)


def _find_cut_words(place: Place) -> Iterator[Span]:
    text = place.article.text
    for border in (place.start, place.end):
        prefix = _PREFIX.search(text, max(0, border - 10), border) if border == place.start else None
        if prefix or (text[max(0, border - 1) : border + 1].isalnum() and 0 < border < len(text)):
            start = prefix.start() if prefix else border
            end = border
            while start and text[start - 1].isalnum():
                start -= 1
            while end < len(text) and text[end].isalnum():
                end += 1
            yield Span(start, end)


def _find_denial(place: Place, quotation: Quotation, around: Surroundings) -> Omission | None:
    """A denial right before or behind the words that the draft around them does not say."""
    said = " ".join([*quotation.before.split()[-CARRIED:], "|", *quotation.after.split()[:CARRIED]])
    sentences = around.around(place.start, place.end)
    if not sentences or _DENIAL.search(said):
        return None
    text = place.article.text
    denied = _DENIED_BEFORE.search(text[sentences[0].start : place.start])
    behind = _DENIED_BEHIND.match(text, place.end, sentences[-1].end)
    if not denied and not behind:
        return None
    start = sentences[0].start + denied.start() if denied else place.start
    whole = Place(place.article, start, behind.end() if behind else place.end)
    return Omission(f"the article says “{_shorten(whole.text)}”", whole)


def _runs_on(place: Place, around: Surroundings) -> bool:
    """Whether the words begin in a quotation and end, sentences later, outside of it, or the other way around."""
    if len(around.numbers(place.start, place.end)) < 2:
        return False
    one, other = around.quotation(place.start), around.quotation(place.end - 1)
    return one != other and not (one and other and around.is_same_speech(one, other))


def _find_insertion(gap: LeftOut, around: Surroundings) -> str:
    """Words in brackets that deny, count or name what the article does not there, or that do not stand near."""
    if not gap.inserted:
        return ""
    replaced = around.article.text[gap.start : gap.end]
    shown = f"“[{_shorten(gap.inserted)}]”"
    if _DENIAL.search(gap.inserted) and not _DENIAL.search(replaced):
        return f"{shown} denies what the article does not"
    if any(gap.inserted[a:b] not in replaced for a, b in find_checkable(gap.inserted)):
        return f"{shown} is a figure that the article does not give there"
    leads = around.around(gap.start, gap.start + 1)
    instead = replaced or around.article.text[leads[0].start if leads else gap.start : gap.start]
    names, others = _find_names(gap.inserted), _find_names(instead)
    near = " ".join(sentence.text for sentence in around.around(gap.start, gap.end + 1, BEFORE, BEHIND))
    if others and names - others and not names & others:
        return f"{shown} stands for “{_shorten(' '.join(sorted(others)))}”"
    if set(stems(gap.inserted)) - set(stems(near)):
        return f"{shown} is not from the article's words around it"
    return ""


def _find_names(text: str) -> set[str]:
    return {name for name in _NAME.findall(text) if name.casefold() not in STOP_WORDS}


def _find_hidden(gap: LeftOut, around: Surroundings) -> str:
    """A denial or a doubt among the words left out of a sentence; of sentences left out as a whole none counts."""
    for start, end in _cut_sentences(gap, around):
        text = around.article.text[start:end]
        found = _DENIAL.search(text) or _HEDGE.search(text)
        if found and not re.search(rf"\b{re.escape(found[0])}\b", gap.inserted, re.IGNORECASE):
            return f"it leaves out “{found[0]}”"
    return ""


def _cut_sentences(gap: LeftOut, around: Surroundings) -> Iterator[tuple[int, int]]:
    """What is left out of the sentence that goes before, and of the one that goes on behind."""
    borders = [s.start for s in around.around(gap.start, gap.end + 1) if gap.start < s.start <= gap.end]
    if not borders:
        yield gap.start, gap.end
        return
    yield gap.start, borders[0]
    if borders[-1] < gap.end:
        yield borders[-1], gap.end


def _find_splice(gap: LeftOut, match: Match, around: Surroundings) -> str:
    """Whether a gap joins a denial to the end of another sentence, which it does not deny."""
    sentences = around.around(gap.start - 1, gap.start)
    if len([*_cut_sentences(gap, around)]) < 2 or not sentences:
        return ""
    kept = around.article.text[max(match.place.start, sentences[0].start) : gap.start]
    denial = _DENIAL.search(kept)
    return f"its gap makes “{denial[0]}” deny words of another sentence" if denial else ""


def _find_crossing(gap: LeftOut, around: Surroundings) -> str:
    """Whether the words before and behind a gap are a speaker's and another's, or a speaker's and the outlet's."""
    if gap.inserted or gap.end <= gap.start:
        return ""
    one, other = around.quotation(gap.start - 1), around.quotation(gap.end)
    if one == other:
        return ""
    if not one or not other:
        return "its gap leads from quoted words into the article's own, or from these into quoted ones"
    return "" if around.is_same_speech(one, other) else "its gap leads from one quotation into another"


def _shorten(text: str, most: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
