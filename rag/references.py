"""Who is meant by "he", "the president" or a surname: the person whom the sentences before name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.attribution import find_attributions
from rag.names import BODIES, ROLES, same_person
from rag.phrases import Token, find_leading_subject, is_opener, read_phrase, tokenize
from rag.schema import Sentence

NEAR, FAR = 6, 60
"""Sentences before one among which a pronoun's person, and a name or role, are looked for."""

_LEADERS = frozenset("leader president premier chancellor minister".split())
_GROUPS = frozenset(
    "company firm group bank union agency ministry institute party court board association bureau".split()
)
_LED_BY_NAME = frozenset("company firm group bank agency".split())


class Referents:
    """What the text up to a sentence says about who is who; looked up backwards from it."""

    def __init__(self, sentences: Sequence[Sentence], number: int) -> None:
        self._own = sentences[number].text
        self._texts = [sentence.text for sentence in sentences[max(0, number - FAR) : number]][::-1]

    @classmethod
    def of_text(cls, text: str) -> Referents:
        """The same for a text that is not split, such as the words before a quotation in a draft."""
        referents = cls.__new__(cls)
        referents._own, referents._texts = text[-1_500:], []
        return referents

    def resolve(self, speaker: str, place: int) -> str:
        """The person or body that the speaker's words mean at a place of the sentence; as they are where unknown."""
        if speaker in ("he", "she", "they"):
            person = self._find_person(speaker, place)
            return self._expand(person) if person else ""
        if speaker[:1].isupper() and " " not in speaker:
            return self._expand(speaker)
        role = _read_role(speaker)
        return (self._find_bearer(role, speaker, place) or speaker) if role else speaker

    def _before(self, place: int) -> Iterator[str]:
        yield self._own[:place]
        yield from self._texts

    def _find_person(self, pronoun: str, place: int) -> str:
        """The last person named before as one who speaks or whom a sentence is about."""
        for text in [*self._before(place)][: NEAR + 1]:
            named = [a.speaker for a in find_attributions(text) if not a.nested]
            leading = find_leading_subject(tokenize(text))
            for person in dict.fromkeys([*reversed(named), leading]):
                if _fits(pronoun, person) and not self._is_place(person):
                    return self.resolve(person, 0) if not person[0].isupper() else person
        return ""

    def _is_place(self, name: str) -> bool:
        """Whether somewhere near things happen in it, or it is a country's adjective."""
        if name.rsplit(maxsplit=1)[-1].lower() in BODIES or name.isupper():
            return True
        inside = re.compile(rf"\b(?:in|across|towards|from) (?:the )?{re.escape(name)}(?![’'\w])")
        return any(inside.search(text) for text in (self._own, *self._texts[:20]))

    def _expand(self, name: str) -> str:
        """The full name that a surname stands for, the nearest before it; the name itself where there is none."""
        if " " in name:
            return name
        for text in (self._own, *self._texts):
            for full in _names(text):
                if full != name and name in full.split() and same_person(name, full):
                    return full
        return name

    def _find_bearer(self, role: str, phrase: str, place: int) -> str:
        """The nearest person or body introduced with the role; "" where nobody is."""
        adjectives = [word for word in phrase.split()[1:] if word[0].isupper()]
        own = self._own.lower().rfind(phrase.lower(), 0, place)
        for text in self._before(own if own >= 0 else place):
            for bearer, around in _bearers(text, role):
                if not adjectives or _agrees(adjectives, around):
                    return self._expand(bearer)
        return ""


def _fits(pronoun: str, person: str) -> bool:
    if not person or person in ("he", "she", "they"):
        return False
    first, last = person.split(maxsplit=1)[0].lower(), person.rsplit(maxsplit=1)[-1].lower()
    plural = not person[0].isupper() and (last.endswith("s") or first in ("some", "many", "two", "three", "several"))
    if pronoun == "they":
        return plural or person[0].isupper()
    return not plural and (person[0].isupper() or last.strip("s") in ROLES or first in ("his", "her"))


def _read_role(phrase: str) -> str:
    """The role in "the deputy chair", "the Azerbaijani leader" or "the President of Azerbaijan"; "" for others."""
    words = phrase.split()
    if len(words) < 2 or words[0].lower() not in ("the", "this"):
        return ""
    end = next((n for n, word in enumerate(words) if word in ("of", "for", "in", "at")), len(words))
    head = words[end - 1].lower()
    return head if head in ROLES or head in _GROUPS or head in ("official", "source") else ""


def _names(text: str) -> Iterator[str]:
    """The names of two or more words in a text, without titles."""
    run: list[str] = []
    for token in [*tokenize(re.sub('[‘’“”«»"]', " ", text.replace("’s", " "))), None]:
        if token and token.capital and token.text.lower() not in ROLES and not (is_opener(token.text) and not run):
            run.append(token.text)
            continue
        if 2 <= len(run) <= 4:
            yield " ".join(run)
        run = []


def _bearers(text: str, role: str) -> Iterator[tuple[str, str]]:
    """Names introduced with the role in a text, with the words that introduce them, last first."""
    tokens = [token for token in tokenize(text.replace("’s", "  ")) if not token.quoted]
    for place in range(len(tokens) - 1, -1, -1):
        if tokens[place].text.lower() in (_LEADERS if role == "leader" else {role}):
            start, end = _widen(tokens, place)
            name = _read_body(tokens, start, place) if role in _GROUPS else _read_titled(tokens, place, end)
            if name := name or _find_apposed(tokens, place):
                yield name, " ".join(token.text for token in tokens[start:end])
    if role in _LED_BY_NAME:
        leading = find_leading_subject(tokenize(text))
        if leading[:1].isupper():
            yield leading, leading
    elif role in ("official", "source"):
        yield from ((a.speaker, "") for a in find_attributions(text) if a.speaker.endswith(role))


def _widen(tokens: Sequence[Token], place: int) -> tuple[int, int]:
    """The capitalised words around a role: "Azerbaijani [President] Ilham Aliyev"."""
    start, end = place, place + 1
    while start and tokens[start - 1].capital and place - start < 9:
        start -= 1
    while end < len(tokens) and (tokens[end].capital or tokens[end].text in ("of", "the")) and end - place < 9:
        end += 1
    return start, end


def _read_body(tokens: Sequence[Token], start: int, place: int) -> str:
    """The name that ends with the word, such as "World [Bank]"; "" where it is no name."""
    return read_phrase(tokens[start : place + 1]) if start < place and tokens[place].capital else ""


def _read_titled(tokens: Sequence[Token], place: int, end: int) -> str:
    """The name behind a title: its last two words behind "President of the Republic of Azerbaijan"."""
    run = [token for token in tokens[place + 1 : end] if token.capital]
    of_place = place + 1 < end and tokens[place + 1].text == "of"
    if of_place:
        return read_phrase(run[-2:]) if len(run) >= 3 else ""
    return read_phrase(run) if run else ""


def _find_apposed(tokens: Sequence[Token], place: int) -> str:
    """The name before a comma that the role explains: "Hazi, a deputy chair of …"."""
    for number in range(place - 1, max(-1, place - 6), -1):
        if tokens[number].text == ",":
            first = number
            while first and tokens[first - 1].capital:
                first -= 1
            inside = first and tokens[first - 1].text.lower() in ("in", "to", "from", "at", "of", "with")
            return read_phrase(tokens[first:number]) if number > first and not inside else ""
        if not tokens[number].word:
            return ""
    return ""


def _agrees(adjectives: Sequence[str], around: str) -> bool:
    """Whether the words that introduce somebody name the same country, or none."""
    others = [word for word in around.split() if word[0].isupper() and word.lower() not in ROLES]
    return any(a[:4] == other[:4] for a in adjectives for other in others) or (
        len(others) <= 2 and not any(re.search(r"(?:ese|ian|ani|ish|can)$", other) for other in others)
    )
