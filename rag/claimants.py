"""Values that one sentence gives in different people's words: "Police counted 4,000, the organisers 15,000"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.names import same_person
from rag.values import Value
from rag.words import find_words

_LINK = re.compile(r"(?:[,;:](?!\d)|\s[–—-])\s(?:(?:and|but|while|whereas|although|though|against)\s)?|\s(?=\()")
_UNDONE = re.compile(r"according\sto\s[^,;]*\Z", re.IGNORECASE)
"""What a part ends with whose claim follows: "according to the union, …"."""

_OPENING = r"^[“‘\"'(]*"
_WHO = r"(?:the\s|its\s|their\s)?(?P<who>[^\W\d_][\w’'-]*(?:\s[^\W\d_][\w’'-]*){0,3}?)"
_CLAIM = re.compile(
    rf"{_OPENING}(?:according\sto\s(?:the\s)?(?P<named>[^\W\d_][\w’'-]*(?:\s(?-i:[A-Z])[\w’'-]*)*)|{_WHO}\s(?:[a-z]+ly\s)?"
    r"(?:says?|said|puts?\s(?=.*\bat\b)|counts?|counted|claim(?:s|ed)?|estimate[sd]?|sp(?:eaks?|oke)\sof|talk(?:s|ed)?\sof|"
    r"report(?:s|ed)?|believe[sd]?|reckon(?:s|ed)?|insist(?:s|ed)?|maintain(?:s|ed)?|thinks?|thought)\b)",
    re.IGNORECASE,
)
_SHORTENED = re.compile(
    rf"{_OPENING}(?:the\s|its\s)?(?P<who>police|organi[sz]ers?|unions?|opposition|government|ministry|army|authorities|"
    r"officials|critics|opponents|supporters|witnesses|residents|rescuers|doctors|hospitals?|insurers?|experts)\s"
    r"(?:(?:at|of)\s)?(?=[$€£\d]|about\s|around\s|some\s|only\s|just\s)",
    re.IGNORECASE,
)
"""A part behind a claim that leaves the verb out: "police at 4,000"."""

_NOBODY = re.compile(
    r"(?:he|she|it|they|we|i|you|who|which|that|this|there|then|later|earlier|now|first|last|next|also|still|another)\b|"
    r"(?:on|in|at|by|after|before|since|until|during)\s",
    re.IGNORECASE,
)
"""Beginnings of what is no name of a claimant."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A value with who claims it, and the stems of the other words of its part of the sentence."""

    value: Value
    claimant: str
    words: frozenset[str]


def find_rival_claims(text: str, values: Sequence[Value], value: Value) -> list[Value]:
    """Those of the sentence's `values` that somebody else claims in the place of `value`; they do not agree with it.

    The later part of the sentence tells nothing but its value: "the opposition claims at least 40 did".
    """
    claims = _find_claims(text, [other for other in values if other.unit == value.unit])
    own = next((claim for claim in claims if claim.value.start == value.start), None)
    if own is None:
        return []
    rivals = [claim for claim in claims if not same_person(claim.claimant, own.claimant)]
    return [rival.value for rival in rivals if not rival.value.agrees(value) and _tells_no_more(rival, own)]


def _tells_no_more(one: Claim, other: Claim) -> bool:
    first, second = sorted((one, other), key=lambda claim: claim.value.start)
    return second.words <= first.words


def _find_claims(text: str, values: Sequence[Value]) -> list[Claim]:
    """The first value of each part of the sentence that names a claimant."""
    claims: list[Claim] = []
    for start, end in _find_parts(text):
        part = text[start:end]
        held = next((value for value in values if start <= value.start < end), None)
        claim = _CLAIM.match(part) or (_SHORTENED.match(part) if claims else None)
        if held and claim:
            named = claim.groupdict()
            who = named.get("named") or named["who"]
            told = [w for w in find_words(part[claim.end() :]) if not w.is_light]
            places = range(held.start - start - claim.end(), held.end - start - claim.end())
            words = frozenset(w.stem for w in told if w.start not in places)
            claims += [] if _NOBODY.match(who) else [Claim(held, who, words)]
    return claims


def _find_parts(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for link in _LINK.finditer(text):
        if not _UNDONE.search(text[start : link.start()]):
            yield start, link.start()
            start = link.end()
    yield start, len(text)
