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


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: as written, where it stands (characters), and its stem in lower case."""

    text: str
    start: int
    end: int
    stem: str


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


def _stemmer() -> Any:
    """A Snowball stemmer of this thread's own: PyStemmer's are not safe to share."""
    if not hasattr(_stemmers, "english"):
        _stemmers.english = _stemmer_class()("english")
    return _stemmers.english


@cache
def _stemmer_class() -> Any:
    from Stemmer import Stemmer

    return Stemmer
