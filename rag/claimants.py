"""Values that one sentence gives in different people's words: "Police counted 4,000, the organisers 15,000"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.values import Value

MOST_WORDS = 4
"""Of who claims something."""

_PART = re.compile(r"(?:[,;:](?!\d)|\s[–—-])\s(?:(?:and|but|while|whereas|although|though|against)\s)?")
_OPENING = r"^[“‘\"'(]*(?:(?:and|but|while|whereas|although|though)\s)?"
_WHO = rf"(?:the\s|its\s|their\s)?(?P<who>[^\W\d_][\w’'-]*(?:\s[^\W\d_][\w’'-]*){{0,{MOST_WORDS - 1}}}?)"
_CLAIM = re.compile(
    rf"{_OPENING}(?:according\sto\s(?:the\s)?(?P<named>[^\W\d_][\w’'-]*(?:\s[A-Z][\w’'-]*)*)|{_WHO}\s(?:[a-z]+ly\s)?"
    r"(?:says?|said|puts?|counts?|counted|claim(?:s|ed)?|estimate[sd]?|sp(?:eaks?|oke)\sof|talk(?:s|ed)?\sof|"
    r"report(?:s|ed)?|gives?|gave|believe[sd]?|reckon(?:s|ed)?|insist(?:s|ed)?|maintain(?:s|ed)?|thinks?|thought)\b)",
    re.IGNORECASE,
)
_SHORTENED = re.compile(
    rf"{_OPENING}(?:the\s|its\s)?(?P<who>(?i:police|organi[sz]ers?|unions?|opposition|government|ministry|army|authorities|"
    r"officials|critics|opponents|supporters|witnesses|residents|rescuers|doctors|hospitals?|insurers?|experts)|"
    r"[A-Z][\w’'-]*(?:\s[A-Z][\w’'-]*)*)\s(?:at\s)?(?:[$€£]|about\s|some\s|only\s|just\s|\d)"
)
"""A part behind a claim that leaves the verb out: "police at 4,000"."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A value with who claims it, in lower case."""

    value: Value
    claimant: str


def find_rival_claims(text: str, values: Sequence[Value], value: Value) -> list[Value]:
    """Those of the sentence's `values` in the unit of `value` that do not agree with it and that others claim."""
    claims = _find_claims(text, [other for other in values if other.unit == value.unit])
    own = next((claim.claimant for claim in claims if claim.value.start == value.start), "")
    if not own:
        return []
    return [claim.value for claim in claims if claim.claimant != own and not claim.value.agrees(value)]


def _find_claims(text: str, values: Sequence[Value]) -> list[Claim]:
    """The first value of each part of the sentence that names a claimant."""
    starts = [0, *(link.end() for link in _PART.finditer(text))]
    claims: list[Claim] = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        held = [value for value in values if start <= value.start < end]
        claim = _CLAIM.match(text[start:end]) or (_SHORTENED.match(text[start:end]) if claims else None)
        if held and claim:
            named = claim.groupdict()
            claims.append(Claim(held[0], (named.get("named") or named["who"]).lower()))
    return claims
