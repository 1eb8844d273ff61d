"""Words as BM25 and the reader see them: stemmed, without stop words, numbers in one piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import local
from typing import Any

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:[’'](?!s\b)[^\W\d_]+)*")
_APOSTROPHE = re.compile(r"[’']")
_stemmers = local()

STOP_WORDS = frozenset(
    (
        "a about after again all also am an and any are as at be because been before being between both but by can "
        "could did do does doing down during each either else few for from further get got had has have having he her "
        "here hers him his how however i if in into is it its itself just let like many may me might more most much "
        "must my no nor not now of off on once one only or other our out over own same say says said shall she should "
        "since so some such than that the their them then there these they this those through to too under until up "
        "upon us very was we were what when where whether which while who whom whose why will with within would yet "
        "you your please tell know s t there's what's who's isn't doesn't didn't don't"
    ).split()
)


LIGHT_WORDS = frozenset(
    (
        "run ran go goes went gone come came make made take took taken give gave given put set keep kept hold "
        "held play show shown become became happen happened occur start started begin began begun stop stopped "
        "lead led mean meant bring brought help helped need needed want wanted try tried use used call called ask "
        "asked work worked find found turn turned move moved seem seemed think thought feel felt look looked see "
        "saw seen consider considered describe described mention mentioned explain explained express expressed "
        "claim claimed argue argued believe believed stress stressed urge urged note noted add added state stated "
        "talk talked speak spoke spoken write wrote written name named involve involved include included contain "
        "contained cover covered deal dealt exist existed remain remained stay stayed concern regard regarding "
        "focus provide provided offer offered allow allowed enable enabled create created cause caused affect "
        "affected expect expected plan planned intend intended hope hoped aim aimed actually really currently "
        "exactly specific specifically main mainly different certain particular thing things way ways kind kinds "
        "sort type types part parts role reason reasons point points fact article articles text author number "
        "amount figure total place share percentage percent proportion fraction"
    ).split()
)
"""Words that a question can do without: verbs and nouns of any topic, for which an answer often uses others."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: as written, where it stands (characters), and its stem in lower case."""

    text: str
    start: int
    end: int
    stem: str

    @property
    def is_light(self) -> bool:
        return self.text.lower() in LIGHT_WORDS


def find_words(text: str) -> Iterator[Word]:
    """The words of a text that carry meaning, in order; stop words are left out."""
    stemmer = _stemmer()
    for match in _WORD.finditer(text):
        lower = match[0].lower()
        if lower.replace("’", "'") in STOP_WORDS:
            continue
        stem = lower.replace(",", "") if lower[0].isdigit() else stemmer.stemWord(_APOSTROPHE.sub("", lower))
        yield Word(match[0], match.start(), match.end(), stem)


@lru_cache(maxsize=20_000)
def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words, in order, repeated ones included."""
    return tuple(word.stem for word in find_words(text))


def stem_word(word: str) -> str:
    """The stem of a single word, stop word or not."""
    stem: str = _stemmer().stemWord(word.lower())
    return stem


def _stemmer() -> Any:
    """A Snowball stemmer of this thread's own: PyStemmer's are not safe to share."""
    if not hasattr(_stemmers, "english"):
        _stemmers.english = _stemmer_class()("english")
    return _stemmers.english


@cache
def _stemmer_class() -> Any:
    from Stemmer import Stemmer

    return Stemmer
