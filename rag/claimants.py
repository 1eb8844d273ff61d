"""Values that one sentence gives in different people's words: "Police counted 4,000, the organisers 15,000"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.figures import MONTHS
from rag.names import same_person
from rag.values import Value
from rag.words import find_words

_LINK = re.compile(
    r"(?:[,;:](?!\d)|\s[–—-])\s(?P<on>(?:and|but|while|whereas|although|though|against)\s)?|\s(?=\()|"
    r"\s(?:and|but|while)\s(?=(?:at|as)\s|[$€£\d])"
)
_UNDONE = re.compile(r"\W*according\sto\s[^,;]*", re.IGNORECASE)
"""A part whose claim follows: "according to the union, …"."""

_NAME = r"[^\W\d_][\w’'-]*"
_OPENING = r"[“‘\"'(]*"
_ACCORDING = rf"according\sto\s(?:the\s)?(?P<named>{_NAME}(?:\s(?-i:[A-Z])[\w’'-]*)*)"
_WHO = rf"(?:the\s|its\s|their\s)?(?P<who>{_NAME}(?:\s{_NAME}){{0,3}}?)"
_VERB = (
    r"(?:says?|said|puts?\s(?=.*\bat\b)|counts?|counted|claim(?:s|ed)?|estimate[sd]?|sp(?:eaks?|oke)\sof|talk(?:s|ed)?\sof|"
    r"report(?:s|ed)?|believe[sd]?|reckon(?:s|ed)?|insist(?:s|ed)?|maintain(?:s|ed)?|thinks?|thought)\b"
)
_CLAIM = re.compile(rf"{_OPENING}(?:{_ACCORDING}|{_WHO}\s(?:[a-z]+ly\s)?{_VERB})", re.IGNORECASE)
_SHORTENED = re.compile(
    rf"{_OPENING}(?:the\s|its\s)?(?P<who>police|organi[sz]ers?|unions?|opposition|government|ministry|army|authorities|"
    r"officials|critics|opponents|supporters|witnesses|residents|rescuers|doctors|hospitals?|insurers?|experts)\s"
    r"(?:(?:at|of)\s)?(?=[$€£\d]|about\s|around\s|some\s|only\s|just\s)",
    re.IGNORECASE,
)
"""A part behind a claim that leaves the verb out: "police at 4,000"."""

_ASIDE = re.compile(
    rf"{_OPENING}(?:{_ACCORDING}|{_WHO}\s(?:says?|said|claim(?:s|ed)?|estimate[sd]?|report(?:s|ed)?)|"
    rf"(?:says?|said)\s(?:the\s)?(?P<after>{_NAME}(?:\s{_NAME}){{0,3}}))"
    r"(?:\s(?:on|late|early|yesterday|today|last|this)\b[^\d,;]{0,30})?\W*",
    re.IGNORECASE,
)
"""A part that only tells who claims what stands in the part before: "4,000 marched, police said"."""

_BEHIND = re.compile(rf"\b{_ACCORDING}\W*$", re.IGNORECASE)
_BY = re.compile(rf"\bby\s(?:the\s|its\s)?(?P<who>{_NAME}(?:\s{_NAME}){{0,2}})\W*$", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:put|estimated|reckoned|numbered)\s(?:at|as)\b", re.IGNORECASE)
"""What comes before a claim that ends with its claimant: "was put at 4,000 by police"."""

_NOBODY = re.compile(
    rf"(?:{'|'.join(MONTHS)}|he|she|it|they|we|i|you|who|which|that|this|there|then|later|earlier|now|first|last|next|also|still|another)\b|"
    r"(?:on|in|at|by|after|before|since|until|during)\s",
    re.IGNORECASE,
)
"""Beginnings of what is no name of a claimant."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A value with who claims it ("" for nobody), and the stems of the other words of its part of the sentence."""

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
    """The first value of each part of the sentence for which the part, or the next one, names a claimant."""
    claims: list[Claim] = []
    for start, end in _find_parts(text):
        held = next((value for value in values if start <= value.start < end), None)
        if held:
            claims.append(_read_claim(text, start, end, held, follows=any(claim.claimant for claim in claims)))
        elif claims and not claims[-1].claimant and (aside := _ASIDE.fullmatch(text, start, end)):
            claims[-1] = replace(claims[-1], claimant=_claimant(aside))
    return [claim for claim in claims if claim.claimant]


def _read_claim(text: str, start: int, end: int, value: Value, *, follows: bool) -> Claim:
    """What a part of the sentence claims; `follows` says that a part before it has a claimant."""
    part = text[start:end]
    ahead = _CLAIM.match(part) or (_SHORTENED.match(part) if follows else None)
    told, behind = part[ahead.end() if ahead else 0 :], None
    if not ahead:
        passive = _PASSIVE.search(text, 0, value.start)
        behind = _BEHIND.search(text, value.end, end) or (_BY.search(text, value.end, end) if passive else None)
        told = text[start : behind.start() if behind else end]
    offset = start + (ahead.end() if ahead else 0)
    words = (word for word in find_words(told) if not word.is_light)
    own = frozenset(w.stem for w in words if not value.start <= offset + w.start < value.end)
    found = ahead or behind
    return Claim(value, _claimant(found) if found else "", own)


def _claimant(match: re.Match[str]) -> str:
    """The name that was found; "" where it is none."""
    groups = match.groupdict()
    who: str = groups.get("named") or groups.get("who") or groups["after"]
    return "" if _NOBODY.match(who) else who


def _find_parts(text: str) -> Iterator[tuple[int, int]]:
    start, leads = 0, True
    for link in _LINK.finditer(text):
        if leads and _UNDONE.fullmatch(text, start, link.start()):
            continue
        yield start, link.start()
        start, leads = link.end(), bool(link["on"]) or link[0].startswith(";")
    yield start, len(text)
