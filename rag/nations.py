"""Countries and their peoples: "China" and "Chinese", "the Netherlands" and "Dutch"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_ENDINGS = frozenset(["", *"a e n s an ans ian ians i is ese ish ia ey y ot stan istan".split()])
"""By which a country, its people and its adjective differ behind a common beginning of four letters or more."""

_ROWS = tuple(
    line.split()
    for line in (
        "france french|netherlands dutch holland|britain british briton britons|greece greek greeks|spain spanish "
        "spaniard spaniards|denmark danish dane danes|wales welsh|switzerland swiss|poland polish pole poles|finland "
        "finnish finn finns|sweden swedish swede swedes|ireland irish|iceland icelandic|germany german germans|norway "
        "norwegian norwegians|turkey turkish turk turks|england english|scotland scottish scots|thailand thai thais|"
        "philippines filipino filipina filipinos|portugal "
        "portuguese|morocco moroccan moroccans|congo congolese|myanmar burmese|slovakia slovak slovaks|"
        "serbia serb serbs|croatia croat croats|mali malian malians|peru peruvian peruvians|niger nigerien"
    ).split("|")
)
"""Countries that begin unlike their peoples, or with fewer letters in common."""


_UNLIKE = {word: frozenset(row) for row in _ROWS for word in row}
_COUNTRIES = {"holland", *(row[0] for row in _ROWS)}


def names_of_nation(word: str) -> frozenset[str]:
    """Words in lower case for a country whose people begins unlike it; the word alone where it is no such name."""
    return _UNLIKE.get(word, frozenset([word]))


_PEOPLE = re.compile(
    r".{2,}(?:ese|ish|(?<!st)an|stani|jani|qi|raeli|saudi|qatari|kuwaiti|omani|yemeni|emirati|bahraini|deshi|nepali)s?"
    r"|czech|somali|saudi|thai"
)
_NO_PEOPLE = frozenset(
    "azerbaijan japan iran sudan taiwan jordan oman bhutan milan wuhan sichuan yunnan durban busan isfahan dublin "
    "michigan manhattan vatican holland britain abidjan".split()
)


def is_people(word: str) -> bool:
    """Whether a word in lower case looks like the adjective or the people of a country: "Kenyan", "Dutch"."""
    if word in _UNLIKE:
        return word not in _COUNTRIES
    return word not in _NO_PEOPLE and bool(_PEOPLE.fullmatch(word))


def same_nation(one: str, other: str) -> bool:
    """Whether two words in lower case are the same, or one is the country, people or adjective of the other."""
    if one == other or other in names_of_nation(one):
        return True
    return one not in _UNLIKE and other not in _UNLIKE and _differ_by_ending(one, other)


def any_same_nation(word: str, others: Iterable[str]) -> bool:
    """Whether one of the others is, in that sense, the same."""
    return any(same_nation(word, other) for other in others)


@lru_cache(maxsize=20_000)
def _differ_by_ending(one: str, other: str) -> bool:
    if len(one) < 4 or len(other) < 4 or one[:4] != other[:4]:
        return False
    shared = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[shared:] in _ENDINGS and other[shared:] in _ENDINGS
