"""What a language model wrote, as claims that the sentences they name bear out; the others are dropped."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rag.schema import Candidate, Dropped
from rag.support import find_fault

NO_ANSWER = "NO ANSWER"

MOST_CLAIMS = 12
"""Of a reply; what comes behind them is dropped."""

MOST_LINES, LONGEST_LINE = 200, 1_000
"""Lines of a reply that are looked at, and characters of one."""

_JSON = re.compile(r'\{\s*"claims"\s*:')
_NEXT = re.compile(r"[\s,]*\{")
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•–—]|\d{1,2}[.)])\s+")
_NUMBERS = r"S?\s?[0-9]{1,18}(?:\s?[-–—]\s?S?[0-9]{1,18})?"
_MARKER = re.compile(
    rf"(?<!\w)[\[【(]\s*(?P<numbers>{_NUMBERS}(?:(?:\s?(?:[,;&]|and\b)\s?|\s|(?=S)){_NUMBERS})*)\s*[\]】)](?!\w)",
    re.IGNORECASE,
)
"""Brackets with sentence numbers, ASCII digits only; in round ones only with an S."""

_ANY_MARKER = re.compile(r"[\[【][^\[\]【】]*[\]】]")
_NUMBERED = re.compile(r"[\[【]\W*S?[\W\d]*[\]】]", re.IGNORECASE)
_RANGE = re.compile(r"S?\s?([0-9]+)\s?[-–—]\s?S?([0-9]+)|S?\s?([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """One claim without its markers, and the numbers, from 0, of the sentences that carry it."""

    text: str
    sentences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """What is left of a reply; `declined` where the model said that the sentences do not answer."""

    claims: tuple[CheckedClaim, ...]
    dropped: tuple[Dropped, ...]
    declined: bool


def check_reply(reply: str, question: str, candidates: Sequence[Candidate]) -> Claims:
    """The claims of a reply that hold, in its order, and those that do not, with reasons.

    A claim holds when it names sentences that the model was shown; its figures, dates and quotations stand in these,
    its names in these or around them (the sentence before, the heading, the article's title); it neither denies what
    they do not deny nor says the opposite; and enough of its words are theirs.
    """
    claims: list[CheckedClaim] = []
    dropped: list[Dropped] = []
    declined = False
    lines = list(islice(dict.fromkeys(split_lines(reply)), MOST_LINES + 1))
    if len(lines) > MOST_LINES:
        dropped.append(Dropped(lines.pop(), f"more than {MOST_LINES} lines"))
    for line in lines:
        if line.strip(" .*\"'`[]").upper() == NO_ANSWER:
            declined = True
            continue
        if len(line) > LONGEST_LINE:
            dropped.append(Dropped(f"{line[:LONGEST_LINE]}…", "it is too long for a claim"))
            continue
        text, numbers, unknown = read_markers(line, len(candidates))
        dropped += [Dropped(line, f"there is no sentence {number}") for number in unknown]
        if numbers:
            claim = CheckedClaim(text, numbers)
            full = len(claims) == MOST_CLAIMS
            cited = [candidates[number] for number in numbers]
            fault = f"more than {MOST_CLAIMS} claims" if full else find_fault(text, question, cited, candidates)
            if fault:
                dropped.append(Dropped(line, fault))
            elif claim not in claims:
                claims.append(claim)
        elif not unknown:
            dropped.append(Dropped(line, "it names no sentence"))
    return Claims(tuple(claims), tuple(dropped), declined and not claims)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "claims": {
            "type": "array",
            "description": "Empty where the sentences do not answer.",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "description": "One claim, without numbers of sentences."},
                    "sentences": {"type": "array", "items": {"type": "integer"}},
                },
                "required": ["text", "sentences"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["claims"],
    "additionalProperties": False,
}
"""A reply as JSON, from providers that keep to a schema."""


def split_lines(reply: str) -> Iterator[str]:
    """The reply's lines without what a model thought aloud, bullets, blanks and invisible characters; a claim each."""
    bare = _THOUGHT.sub("", reply).strip()
    data = bare if bare.startswith("{") else bare[match.start() :] if (match := _JSON.search(bare)) else ""
    if data:
        yield from map(clean, _split_json(data))
        return
    for line in bare.splitlines():
        text = clean(_BULLET.sub("", line))
        if text and set(text) - set("-*_=`#>~"):
            yield text


def clean(text: str) -> str:
    """The text in one line, without control and invisible characters."""
    return " ".join("".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C").split())


def _split_json(reply: str) -> Iterator[str]:
    """The claims of a reply in `SCHEMA`, as lines with markers; of one that is still being written, the whole ones."""
    place, decoder = reply.find("[", reply.find('"claims"')) + 1, json.JSONDecoder()
    found = 0
    while place and (start := _NEXT.match(reply, place)):
        try:
            claim, place = decoder.raw_decode(reply, start.end() - 1)
        except (ValueError, RecursionError):
            return
        found += 1
        text, numbers = claim.get("text"), claim.get("sentences")
        numbers = [numbers] if isinstance(numbers, int) else numbers
        if isinstance(text, str) and isinstance(numbers, list):
            markers = [f"[S{n}]" if isinstance(n, int) and not isinstance(n, bool) else f"[{n}]" for n in numbers]
            yield " ".join([*_ANY_MARKER.sub("", text).split(), *markers])
    if not found and place and reply[place:].lstrip()[:1] == "]":
        yield NO_ANSWER


def read_markers(line: str, count: int) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    """A claim's text without markers, the numbers from 0 of the `count` sentences that it names, and unknown ones.

    "[S2]", "[2]", "[S2, S4]" and "[S2-S4]" are read; a marker inside of a word is none. A range that reaches beyond
    the sentences is unknown as a whole. Other words in brackets lose these only.
    """
    numbers: list[int] = []
    unknown: list[str] = []
    for marker in _MARKER.finditer(line):
        if marker[0][0] == "(" and "s" not in marker["numbers"].lower():
            continue
        for part in _RANGE.finditer(marker["numbers"]):
            first, last = int(part[1] or part[3]), int(part[2] or part[3])
            if 1 <= first <= last <= count:
                numbers += range(first - 1, last)
            else:
                unknown.append(part[0])
    bare = _MARKER.sub(lambda m: "" if m[0][0] != "(" or "s" in m["numbers"].lower() else m[0], line)
    unknown += [found[0] for found in _ANY_MARKER.finditer(bare)]
    text = " ".join(_ANY_MARKER.sub(lambda m: "" if _NUMBERED.fullmatch(m[0]) else f" {m[0][1:-1]} ", bare).split())
    return re.sub(r"\s+([.,;:!?])", r"\1", text), tuple(dict.fromkeys(numbers)), tuple(dict.fromkeys(unknown))
