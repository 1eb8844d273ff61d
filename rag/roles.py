"""Questions for who holds an office, and whom a sentence names as its holder: "Chinese President Xi Jinping"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.converse import Standalone
from rag.names import ROLES
from rag.nations import names_of_nation
from rag.words import STOP_WORDS, stem_word, stems

_ASKED = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay|then)\W+)?who(?P<be>[’']?s|\s+(?:is|was|are|were))\s+(?:now\s+|currently\s+)?(?P<office>[^?!,;:()]+?)\W*$",
    re.IGNORECASE,
)
_OF = re.compile(r"\s+(?:of|at|for|in)\s+", re.IGNORECASE)
_TOKEN = re.compile(r"\w+(?:[-.’'&]\w+)*(?:[’'](?=\s))?|[^\w\s]")
_POSSESSIVE = re.compile(r"[’'](?:s)?$")
_LINKS = frozenset("of at for the de al and".split())
_NO_OFFICE = frozenset(
    "mr mrs ms miss dr sir dame lord teacher doctor writer author historian scientist journalist expert analyst".split()
)
"""Of the roles those that no one holds for a country or a body."""


@dataclass(frozen=True, slots=True)
class Office:
    """An office as it is asked for: its last word, those before it ("prime"), and the stems of what it is held in.

    `now` says whether its holder of today is asked for.
    """

    head: str
    before: frozenset[str]
    of: tuple[str, ...]
    now: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """Where a sentence names who holds such an office (characters).

    `fits` says whether it is held in what was asked for; None where the sentence does not say in what.
    """

    start: int
    end: int
    fits: bool | None


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        return _POSSESSIVE.sub("", self.text).lower()

    @property
    def is_capital(self) -> bool:
        return self.text[0].isupper() and self.text.lower() not in STOP_WORDS


def find_office(question: Standalone) -> Office | None:
    """The office whose holder the question asks for; None where it asks for something else."""
    asked = _ASKED.match(question.question[question.focus :])
    if not asked:
        return None
    left, *right = _OF.split(asked["office"], maxsplit=1)
    tokens = [token.plain for token in _tokens(left)]
    words = [word for word in tokens if word not in STOP_WORDS]
    if not words or words[-1] not in ROLES - _NO_OFFICE or "to" in tokens:  # an assistant to the president is none
        return None
    before = frozenset(word for word in words[:-1] if word in ROLES or word == "first")
    owner = " ".join(word for word in words[:-1] if word not in before)
    now = asked["be"].strip().lower() not in ("was", "were")
    return Office(words[-1], before, stems(f"{owner} {' '.join(right)}"), now)


def find_holder(sentence: str, office: Office) -> Holder | None:
    """Whom the sentence gives as holder of such an office, the one that fits first; None where nobody."""
    holders = list(_find_holders(_tokens(sentence), office))
    return min(holders, key=lambda holder: {True: 0, None: 1, False: 2}[holder.fits], default=None)


def _find_holders(tokens: Sequence[_Token], office: Office) -> Iterator[Holder]:
    for place, token in enumerate(tokens):
        if token.plain != office.head:
            continue
        first = _first_of_phrase(tokens, place)
        words = [token.plain for token in tokens[first:place]]
        if {word for word in words if word in ROLES} != office.before:
            continue  # a deputy, a former one, another minister
        last, owner = _owner_behind(tokens, place, office)
        owner += [token for token in tokens[first:place] if token.is_capital and token.plain not in ROLES]
        name = _name_behind(tokens, last) or _name_before(tokens, first)
        if name:
            end = name[-1].start + len(_POSSESSIVE.sub("", name[-1].text))
            yield Holder(name[0].start, end, _fits(owner, office))


def _tokens(text: str) -> list[_Token]:
    return [_Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]


def _first_of_phrase(tokens: Sequence[_Token], place: int) -> int:
    """The first of the words before an office that belong to it: nationality, body, rank."""
    first = place
    while first and (tokens[first - 1].is_capital or tokens[first - 1].plain in ROLES):
        first -= 1
    return first


def _owner_behind(tokens: Sequence[_Token], place: int, office: Office) -> tuple[int, list[_Token]]:
    """The last token of "of the Republic of Azerbaijan" behind an office, and its capitalised words.

    A name may follow at once: it begins behind the last word that was asked for.
    """
    end = place + 1
    if end >= len(tokens) or tokens[end].plain not in ("of", "at", "for"):
        return place, []
    while end < len(tokens) and (tokens[end].is_capital or tokens[end].plain in _LINKS):
        end += 1
    run = [number for number in range(place + 1, end) if tokens[number].is_capital]
    met = [number for number in run if _is_of(tokens[number], office)]
    last = met[-1] if met else end - 1
    return last, [tokens[number] for number in run if number <= last]


def _name_behind(tokens: Sequence[_Token], last: int) -> Sequence[_Token]:
    """The capitalised words that follow, at once or behind a comma."""
    start = last + 1
    if start < len(tokens) and tokens[start].text == ",":
        start += 1
    return _capitals(tokens, start)


def _name_before(tokens: Sequence[_Token], first: int) -> Sequence[_Token]:
    """The name of "X, the …" and "X is the …"."""
    end = first
    while end and tokens[end - 1].plain in ("the", "a", "an", "its", "now", "current"):
        end -= 1
    if not end or tokens[end - 1].text not in (",", "–", "—", "is", "was", "became"):
        return ()
    start = end = end - 1
    while start and (tokens[start - 1].is_capital or tokens[start - 1].plain in ("de", "al", "van", "von")):
        start -= 1
    return _capitals(tokens, start) if start < end else ()


def _capitals(tokens: Sequence[_Token], start: int) -> Sequence[_Token]:
    end = start
    while end < len(tokens) and (tokens[end].is_capital or (end > start and tokens[end].plain in ("de", "al", "van"))):
        end += 1
    return tokens[start:end]


def _fits(owner: Sequence[_Token], office: Office) -> bool | None:
    if not owner or not office.of:
        return None
    return any(_is_of(token, office) for token in owner)


def _is_of(token: _Token, office: Office) -> bool:
    """Whether the word is one of those that the office is held in, or its adjective: "Chinese" of China."""
    word, kin = token.plain, {stem_word(name) for name in names_of_nation(token.plain)}
    return any(
        stem_word(word) == stem or (len(stem) >= 4 and word[:4] == stem[:4]) or stem in kin for stem in office.of
    )
