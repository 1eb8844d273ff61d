"""Which parts a sentence's names play, read off the words beside them: who does, undergoes, owns, gives or gets what.

There is no parser. Where a part is not plain, a name has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from rag.nations import any_same_nation, is_people, names_of_nation
from rag.verbs import GET, GIVE, MUTUAL, TO_WHOM, base_of, is_participle
from rag.words import STOP_WORDS

Role = Literal["doer", "object", "owner", "of", "place", "from", "to", "giver", "receiver", "thing"]
Name = tuple[str, ...]
Parts = Mapping[Name, frozenset["Part"]]

_PREPOSITIONS: dict[str, Role] = {
    "in": "place",
    "at": "place",
    "inside": "place",
    "within": "place",
    "across": "place",
    "from": "from",
    "to": "to",
    "into": "to",
    "towards": "to",
    "by": "doer",
    "of": "of",
}
_LIGHT = STOP_WORDS - {"get", "got"}
_BE = frozenset("is are was were be been being am".split())
_DO = frozenset("did does do".split())
_AUXILIARIES = _BE | _DO | frozenset("has have had will would can could should may might must now also".split())
_NO_DOER = frozenset(
    "and or between with against for on about under after before than like as via through during among without".split()
)
"""Words before a name that is no doer of what follows: "relations between Kenya and India were begun"."""

_SKIPPED = frozenset("the a an its their our neighbouring nearby all both over up out off down".split())
"""Words between a name and the word before it that tells its part: articles, and particles of verbs."""

_TIMES = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday spring summer autumn winter".split()
)
_WHILES = frozenset("year month week day morning evening night today yesterday time".split())
"""Nouns that a doer may follow: "Last year Kenya bought …"."""

_FIGURE = re.compile(
    r"\d|^(?:a|an|some|about|around|almost|nearly|over|with|its|his|their|two|three|four|five|six|ten)$"
)

_TOKEN = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*|\d[\d.,]*|[^\w\s]")
_POSSESSIVE = re.compile(r"[’'](?:s)?$")
_COMPOUND = re.compile(r"-(?:based|owned|run|led|backed|made|controlled|funded|born|registered)$")
_LONGEST = 3
"""Words behind a name that it may tell of: "Kenyan tea export companies"."""


@dataclass(frozen=True, slots=True)
class Part:
    """A name's part: its role, and the stems of the words that it plays it for (none where that is all the same)."""

    role: Role
    about: frozenset[str] = frozenset()
    alone: bool = False
    """Whether its verb has no object behind it."""

    def tells_of(self, words: Set[str]) -> bool:
        """Whether it is played for one of these words, or for whatever it may be."""
        return not self.about or bool(self.about & words)


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    lower: str
    is_name: bool

    @property
    def is_possessive(self) -> bool:
        return self.is_name and bool(_POSSESSIVE.search(self.text))

    @property
    def is_compound(self) -> bool:
        return self.is_name and bool(_COMPOUND.search(self.lower))

    @property
    def is_word(self) -> bool:
        """Whether it is a word that says something, and no name."""
        return self.lower[:1].isalpha() and not self.is_name and self.lower not in _LIGHT

    @property
    def is_participle(self) -> bool:
        return is_participle(self.lower)


def find_names(text: str) -> frozenset[str]:
    """Words with a capital, in lower case; the first one only where it is written like a name."""
    tokens = _TOKEN.findall(text)
    found = []
    for place, word in enumerate(tokens):
        name = _COMPOUND.sub("", _POSSESSIVE.sub("", word).lower())
        if not word[0].isupper() or name in STOP_WORDS or name in _TIMES:
            continue
        followed = place + 1 < len(tokens) and tokens[place + 1][0].isupper()
        if place or followed or name != word.lower() or word in tokens[1:]:
            found.append(name)
    return frozenset(found)


def find_common_names(texts: Sequence[str]) -> frozenset[str]:
    """The names in all the texts that none of them writes in lower case: "Trade" in a heading is none."""
    small = {word for text in texts for word in _TOKEN.findall(text) if word.islower()}
    return frozenset[str]().union(*map(find_names, texts)) - small


@lru_cache(maxsize=2_000)
def find_parts(text: str, names: frozenset[str]) -> Parts:
    """The parts of each name, by its words in lower case."""
    tokens = read_tokens(text, names)
    parts: dict[Name, frozenset[Part]] = {}
    for start, end in _runs(tokens):
        name = tuple(sorted({_COMPOUND.sub("", token.lower) for token in tokens[start:end]}))
        parts[name] = parts.get(name, frozenset()) | frozenset(_with_hands(_parts_of(tokens, start, end)))
    return parts


def read_tokens(text: str, names: frozenset[str]) -> list[Token]:
    """The text's words and marks; in a text without capitals, names are told by `names` alone."""
    words = _TOKEN.findall(text)
    typed_small = not any(word[0].isupper() for word in words[1:])
    return [
        Token(word, _POSSESSIVE.sub("", word).lower(), (typed_small or word[0].isupper()) and _is_name(word, names))
        for word in words
    ]


def _runs(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where names begin and end; a possessive or a compound ends one."""
    start = 0
    while start < len(tokens):
        end = start
        while end < len(tokens) and tokens[end].is_name:
            end += 1
            if tokens[end - 1].is_possessive or tokens[end - 1].is_compound:
                break
        if end > start:
            yield start, end
        start = max(end, start + 1)


def _parts_of(tokens: Sequence[Token], start: int, end: int) -> Iterator[Part]:
    last, behind = tokens[end - 1], _words(tokens, end)
    owns = last.is_possessive or last.is_compound or bool(behind and is_people(last.lower))
    if owns:
        yield Part("owner", behind)
    place = start - 1
    while place >= max(0, start - _LONGEST) and (
        tokens[place].lower in _SKIPPED or tokens[place].is_compound or tokens[place].is_possessive
    ):
        place -= 1
    before = tokens[place] if place >= 0 else None
    noun = tokens[place - 1] if place > 0 and tokens[place - 1].is_word else None
    if before and before.lower in _PREPOSITIONS:
        role = _PREPOSITIONS[before.lower]
        about = frozenset([base_of(noun.lower)]) if noun else frozenset()
        if about and before.lower == "from" and not about & (GIVE | GET):
            yield Part("owner", about)  # "companies from Kenya", but "to import from Kenya"
        yield Part(role, about if role in ("doer", "of") else frozenset())
        return
    if before and before.lower in _NO_DOER:
        return
    if before and before.is_word and not owns and not behind:
        yield from _undergone(tokens, end, before)
    if not owns and not (before and before.is_word and before.lower not in _WHILES):
        yield from _doing(tokens, end, before)


def _undergone(tokens: Sequence[Token], end: int, before: Token) -> Iterator[Part]:
    """What is done to a name by the verb before it; of a verb of giving, to whom where a figure follows."""
    verb = base_of(before.lower)
    following = tokens[end].lower if end < len(tokens) else ""
    yield Part("object", frozenset([verb]))
    if verb in TO_WHOM or (verb in GIVE and _FIGURE.search(following)):
        yield Part("receiver")
    elif verb in GET or (verb in GIVE and following == "to"):
        yield Part("thing")


def _doing(tokens: Sequence[Token], end: int, before: Token | None) -> Iterator[Part]:
    """What a name does, or what is done to it, by the verb behind it."""
    place = end
    if place < len(tokens) and tokens[place].text == ",":
        place += 1
    if place < len(tokens) and tokens[place].lower in ("who", "which", "that"):
        end = place + 1
        before = None
    passive = bool(before and before.lower in _BE)
    place = end
    while place < len(tokens) and tokens[place].lower in _AUXILIARIES:
        passive = tokens[place].lower in _BE
        place += 1
    while place < len(tokens) and tokens[place].lower.endswith("ly"):
        place += 1
    if place < len(tokens) and tokens[place].is_word:
        by = any(token.lower == "by" for token in tokens[place + 1 : place + 6])
        passive = passive and (by or tokens[place].is_participle)
        verbs = [tokens[place], *tokens[place + 2 : place + 3]] if _goes_on(tokens, place) else [tokens[place]]
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        alone = following is None or not (following.is_word or following.is_name or following.lower in _SKIPPED)
        yield Part("object" if passive else "doer", frozenset(base_of(verb.lower) for verb in verbs), alone)
        if passive and base_of(tokens[place].lower) in GIVE and following and following.lower == "to":
            yield Part("thing")


def _goes_on(tokens: Sequence[Token], place: int) -> bool:
    """Whether another verb follows: "has agreed to lend"."""
    following = tokens[place + 1 : place + 3]
    return len(following) == 2 and following[0].lower == "to" and following[1].is_word


def _with_hands(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts without what is mutual, and who gives or gets where that shows."""
    for part in filter(None, map(_without_mutual, parts)):
        yield part
        gives, gets = bool(part.about & GIVE), bool(part.about & GET)
        if part.role == "doer" and gives != gets:
            yield Part("giver" if gives else "receiver")
        if part.role == "owner" and gives and not gets:  # "Chinese imports" may be those from China
            yield Part("giver")


def _without_mutual(part: Part) -> Part | None:
    if part.role not in ("doer", "object"):
        return part
    about = part.about - MUTUAL
    return replace(part, about=about) if about or not part.about else None


def find_asked(question: str, names: frozenset[str]) -> frozenset[Part]:
    """That what is asked for is who does something: "Who has bought …?", "Which company sued …?"."""
    tokens = read_tokens(question, names)
    place = next((n for n, token in enumerate(tokens) if token.lower in ("who", "which", "what")), None)
    if place is None or any(token.is_name for token in tokens[:place]):
        return frozenset()
    words: list[Token] = []
    for token in tokens[place + 1 :]:
        if token.lower in _DO or (token.lower in _BE and words):
            return frozenset()
        if token.is_word:
            words.append(token)
        elif token.lower not in _AUXILIARIES:
            break
    return frozenset([Part("doer", frozenset(base_of(token.lower) for token in words))])


def _words(tokens: Sequence[Token], start: int) -> frozenset[str]:
    """The stems of the words that follow one another from there on."""
    found = []
    for token in tokens[start : start + _LONGEST]:
        if not token.is_word:
            break
        found.append(base_of(token.lower))
    return frozenset(found)


def _is_name(word: str, names: frozenset[str]) -> bool:
    own = _COMPOUND.sub("", _POSSESSIVE.sub("", word).lower())
    if not own[:1].isalpha() or own in STOP_WORDS or own in _TIMES:
        return False
    return own in names or any_same_nation(own, _by_beginning(names).get(own[:4], ())) or own in _peoples(names)


@lru_cache(maxsize=200)
def _by_beginning(names: frozenset[str]) -> Mapping[str, Sequence[str]]:
    """The names by their first four letters, all that a country and its people need to share."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name[:4], []).append(name)
    return found


@lru_cache(maxsize=200)
def _peoples(names: frozenset[str]) -> frozenset[str]:
    """The other words for the names' nations that begin otherwise."""
    return frozenset[str]().union(*map(names_of_nation, names))


def find_stems(text: str) -> frozenset[str]:
    """The stems of all words of a text, verbs by their base."""
    return frozenset(base_of(token) for token in _TOKEN.findall(text.lower()))
