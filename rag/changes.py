"""Whether a percentage tells by how much something changed or what part it is of a whole: answers to two questions."""

from __future__ import annotations

import re

_VERBS = (
    r"(?:rose|risen|rises?|rising|gr[eo]w|grown|grows|growing|growth|increas\w+|jump\w*|climb\w*|surg\w+|soar\w*|gain\w*|"
    r"(?<!make )(?<!makes )(?<!made )(?<!making )up|"
    r"f[ae]ll|fallen|falls|falling|drop\w*|declin\w+|decreas\w+|down|shr[aiu]nk\w*|cut|reduc\w+|slump\w*|lower\w*|rais\w+)"
)
_PART = (
    r"(?:shares?|account\w*|represent\w*|(?:mak\w+|made) up|compris\w*|proportion|fraction|percentage of|per ?cent of)"
)
_FILLER = rf"(?:(?!{_VERBS}\b|{_PART}\b)[^\s\d.;:]+\s+){{0,5}}"
_NOT_TO = rf"(?:(?!to\b|for\b|{_VERBS}\b|{_PART}\b)[^\s\d.;:]+\s+){{0,5}}"
_CHANGED = re.compile(rf"\b{_VERBS},?\s+{_NOT_TO}$", re.IGNORECASE)
_CHANGES = re.compile(
    r"\s*(?:\S+\s+)?(?:increase|rise|growth|jump|surge|gain|drop|fall|decline|decrease|cut|reduction|more|less|fewer|"
    r"higher|lower|up|down)\b",
    re.IGNORECASE,
)
_IS_PART = re.compile(rf"\b{_PART}\s+{_FILLER}$", re.IGNORECASE)
_OF_WHOLE = re.compile(r"\s*of\b", re.IGNORECASE)
_ASKS_PART = re.compile(
    r"\b(?:(?:what|which|a) (?:[\w-]+ )?share|shares? of|proportion|fraction|percentage of|per ?cent of|"
    r"accounts? for|accounted for|represents?|makes? up)\b",
    re.IGNORECASE,
)
_ASKS_CHANGE = re.compile(rf"\b(?:what|which)\b.*\b{_VERBS}\b", re.IGNORECASE)
_ASKS_CHANGE_ALONE = re.compile(rf"\bby (?:how much|what)\b|\bhow much\b.*\b{_VERBS}\b", re.IGNORECASE)
"""Also of a share: "By how much did its share grow?"."""

_ASKS_LEVEL = re.compile(
    r"\bhow much (?!(?:did|do|does|ha[sd]|have|is|are|was|were|will|would|can|could|should|may|might|of|more|less|"
    r"\w+er)\b)\w",
    re.IGNORECASE,
)
"""How much there is of something: "How much cargo …?"."""


def fits_change(question: str, text: str, start: int, end: int) -> bool:
    """Whether the text's percentage from `start` to `end` (characters) may answer.

    A question for a part of a whole, or for how much there is of something, takes no change, one for a change no part;
    what the text leaves open fits all.
    """
    if _ASKS_CHANGE_ALONE.search(question):
        return not tells_part(text, start, end)
    if _ASKS_PART.search(question) or _ASKS_LEVEL.search(question):
        return not tells_change(text, start, end)
    return not (_ASKS_CHANGE.search(question) and tells_part(text, start, end))


def tells_change(text: str, start: int, end: int) -> bool:
    """Whether something rose or fell by the percentage: "grew by 4%", "a 4% rise"."""
    return bool(_CHANGED.search(text[:start]) or _CHANGES.match(text[end:]))


def tells_part(text: str, start: int, end: int) -> bool:
    """Whether the percentage is a part of something: "4% of exports", "accounts for 4%"."""
    if tells_change(text, start, end):
        return False
    return bool(_OF_WHOLE.match(text[end:]) or _IS_PART.search(text[:start]))
