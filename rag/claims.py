"""What a language model wrote, as claims that the sentences they name bear out; the others are dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rag.figures import figure_places, lacks_figure
from rag.schema import Candidate, Dropped
from rag.signals import context_parts
from rag.words import LIGHT_WORDS, STOP_WORDS, Word, find_words, stems

NO_ANSWER = "NO ANSWER"

MOST_CLAIMS = 12
"""Of a reply; what comes behind them is dropped."""

LEAST_SHARED = 0.5
"""Share of a claim's words that its sentences, what is around them, or the question must hold."""

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•–—]|\d{1,2}[.)])\s+")
_NUMBERS = r"S?[0-9]+(?:\s*[-–—]\s*S?[0-9]+)?"
_MARKER = re.compile(
    rf"(?<!\w)[\[【(](?P<numbers>\s*{_NUMBERS}(?:\s*[,;&]?\s*{_NUMBERS})*\s*)[\]】)](?!\w)", re.IGNORECASE
)
"""Brackets with sentence numbers, ASCII digits only; in round ones only with an S."""

_ANY_MARKER = re.compile(r"[\[【][^\[\]【】]*[\]】]")
_RANGE = re.compile(r"S?([0-9]+)\s*[-–—]\s*S?([0-9]+)|S?([0-9]+)", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|denie[sd]|deny|refus\w+|reject\w+|fail\w*|"
    r"cancel\w*|halt\w*|suspend\w*)\b|n[’']t\b",
    re.IGNORECASE,
)

_QUOTED = re.compile(
    r"[“„«\"](?P<double>[^“”„«»\"]+)[”“»\"]|(?<!\w)[‘'](?P<single>[^‘]+?)[’'](?!\w)",
)
_WORDS = r"\w+(?:'\w+)*"
_GAP = re.compile(r"\s*(?:…|\.\.\.|\[[^\]]*\])\s*")

_MULTIPLES = frozenset(
    stems(
        "double doubled twice twofold triple tripled threefold quadruple quadrupled fourfold tenfold half halved third "
        "quarter dozens hundreds thousands millions billions"
    )
)
"""Figures that are no numbers: like these, they must stand in a claim's sentences."""

_OPPOSITES = tuple(
    (frozenset(stems(one)), frozenset(stems(other)))
    for one, other in (
        (
            "rise rose risen increase grow grew grown growth climb surge soar expand jump gain",
            "fall fell fallen decrease decline drop shrink shrank plunge reduce slump",
        ),
        ("export", "import"),
        ("strengthen", "weaken"),
        ("buy bought", "sell sold"),
        ("win won", "lose lost"),
        ("open", "close"),
    )
)

_OPENINGS = LIGHT_WORDS | frozenset(
    "according additionally although despite furthermore however instead meanwhile moreover overall recently "
    "reportedly similarly specifically therefore while".split()
)
"""Words that a claim may start with and that say nothing of the matter."""


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
    they do not deny nor says the opposite; and half of its words are theirs or the question's.
    """
    claims: list[CheckedClaim] = []
    dropped: list[Dropped] = []
    declined = False
    for line in split_lines(reply):
        if line.strip(" .*\"'`[]").upper() == NO_ANSWER:
            declined = True
            continue
        text, numbers, unknown = read_markers(line, len(candidates))
        dropped += [Dropped(line, f"there is no sentence {number}") for number in unknown]
        if not numbers:
            if not unknown:
                dropped.append(Dropped(line, "it names no sentence"))
            continue
        claim = CheckedClaim(text, numbers)
        fault = find_fault(claim, question, candidates)
        if fault:
            dropped.append(Dropped(line, fault))
        elif len(claims) == MOST_CLAIMS:
            dropped.append(Dropped(line, f"more than {MOST_CLAIMS} claims"))
        elif claim not in claims:
            claims.append(claim)
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
    """The reply's lines without what a model thought aloud, bullets and blanks; a claim each."""
    bare = _THOUGHT.sub("", reply).strip()
    if bare.startswith("{"):
        yield from _split_json(bare)
        return
    for line in bare.splitlines():
        bare = _BULLET.sub("", line).strip()
        if bare and set(bare) - set("-*_=`#>~"):
            yield bare


def _split_json(reply: str) -> Iterator[str]:
    """The claims of a reply in `SCHEMA`, as lines with markers; of one that is still being written, the whole ones."""
    start = reply.find("[", reply.find('"claims"'))
    place, decoder = start + 1, json.JSONDecoder()
    found = 0
    while start >= 0:
        place += len(reply[place:]) - len(reply[place:].lstrip(" ,\r\n\t"))
        if reply[place : place + 1] != "{":
            break
        try:
            claim, place = decoder.raw_decode(reply, place)
        except ValueError:
            return
        found += 1
        text, numbers = claim.get("text"), claim.get("sentences")
        if isinstance(text, str) and isinstance(numbers, list):
            markers = [f"[S{n}]" if isinstance(n, int) and not isinstance(n, bool) else f"[{n}]" for n in numbers]
            yield " ".join([*_ANY_MARKER.sub("", text).split(), *markers])
    if not found and reply[place : place + 1] == "]":
        yield NO_ANSWER


def read_markers(line: str, count: int) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    """A claim's text without markers, the numbers from 0 of the `count` sentences that it names, and unknown ones.

    "[S2]", "[2]", "[S2, S4]" and "[S2-S4]" are read; a marker inside of a word is none. A range that reaches beyond
    the sentences is unknown as a whole.
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
    text = " ".join(_ANY_MARKER.sub("", bare).split())
    return re.sub(r"\s+([.,;:!?])", r"\1", text), tuple(dict.fromkeys(numbers)), tuple(dict.fromkeys(unknown))


def find_fault(claim: CheckedClaim, question: str, candidates: Sequence[Candidate]) -> str:
    """What of the claim its sentences do not bear out; "" where they bear it out."""
    cited = [candidates[number] for number in claim.sentences]
    own = " ".join(c.sentence.text for c in cited)
    said = " ".join(part for c in cited for part in (c.sentence.text, *context_parts(c), c.article.publisher))
    words = list(find_words(claim.text))
    if not words:
        return "it says nothing"
    missing = (
        lacks_figure(claim.text, f"{own} {' '.join(c.article.published for c in cited)}")
        or _lacks_quotation(claim.text, own)
        or _lacks_word(claim.text, words, question, said, candidates)
    )
    if missing:
        return f"“{missing}” stands in none of its sentences"
    known, claimed = set(stems(said)), {word.stem for word in words}
    if _NEGATION.search(claim.text) and not _NEGATION.search(said):
        return "it denies what none of its sentences denies"
    for one, other in (*_OPPOSITES, *(pair[::-1] for pair in _OPPOSITES)):
        if claimed & one and known & other and not known & one:
            return "it says the opposite of its sentences"
    weighty = [word for word in _without_figures(claim.text, words) if word.text.lower() not in _OPENINGS]
    shared = sum(word.stem in known or word.stem in set(stems(question)) for word in weighty)
    return "hardly any of its words stand in its sentences" if shared < LEAST_SHARED * len(weighty) else ""


def _lacks_quotation(claim: str, said: str) -> str:
    """The first words in quote marks that do not stand in the text as they are; gaps and brackets are left out."""
    plain = _plain(said)
    for quoted in _QUOTED.finditer(claim):
        for part in _GAP.split(quoted["double"] or quoted["single"]):
            if _plain(part) not in plain:
                return part
    return ""


def _plain(text: str) -> str:
    """The text's words between single blanks, whatever the case and the quote marks."""
    return f" {' '.join(re.findall(_WORDS, text.casefold().replace('’', chr(39))))} " if text.strip() else ""


def _lacks_word(claim: str, words: Sequence[Word], question: str, said: str, candidates: Sequence[Candidate]) -> str:
    """The claim's first name, or word for a multiple, that the text does not hold."""
    known, common = set(stems(said)), _find_common(question, candidates)
    for word in _without_figures(claim, words):
        first = not claim[: word.start].strip(" \"'“‘«(")
        is_name = word.text[0].isupper() and not (first and word.text.lower() in common)
        if (is_name or word.stem in _MULTIPLES) and word.stem not in known:
            return word.text
    return ""


def _without_figures(text: str, words: Sequence[Word]) -> list[Word]:
    figures = figure_places(text)
    return [word for word in words if not any(start <= word.start < end for start, end in figures)]


def _find_common(question: str, candidates: Sequence[Candidate]) -> set[str]:
    """Words that somebody wrote in lower case: at the start of a claim, these are no names."""
    texts = [question, *(candidate.sentence.text for candidate in candidates)]
    return (
        {word for text in texts for word in re.findall(r"\b[^\W\d_]+\b", text) if word.islower()}
        | STOP_WORDS
        | _OPENINGS
    )
