"""Which words of a text say whose words it gives: a verb of saying with its subject, "according to", a signature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.phrases import (
    SPOKEN,
    Token,
    find_leading_subject,
    find_owner,
    find_subject_before,
    find_subject_behind,
    is_quote,
    tokenize,
)

LONGEST = 20_000
"""Characters of a text that are read; a sentence has far fewer."""

_REGULAR = (
    "state add note warn claim argue declare stress suggest explain announce remark report answer respond counter "
    "retort insist emphasize emphasise underscore underline recall comment conclude describe call hail praise "
    "urge acknowledge admit confirm deny vow pledge promise accuse reject dismiss criticize criticise condemn "
    "complain object predict estimate ask demand propose caution concede contend assert maintain allege reveal "
    "disclose testify joke quip cry shout whisper exclaim credit refer reference thank express signal highlight "
    "reply reiterate lament boast tweet believe expect doubt fear hope remember recognize recognise consider "
    "agree decide"
)
_IRREGULAR = {
    "say": "says said saying",
    "tell": "tells told telling",
    "write": "writes wrote writing",
    "think": "thinks thought",
    "put": "puts put",
    "make": "makes made making",
    "point": "points pointed pointing",
    "find": "finds found",
}
_WEAK = frozenset(
    "believe expect doubt fear hope remember recognize recognise consider agree decide think find underscore "
    "underline signal highlight reveal respond".split()
)
"""Verbs that say something only where "that" or a quotation follows."""

_TRANSITIVE = frozenset(
    "tell describe call hail praise urge refer reference credit thank express accuse reject dismiss criticize "
    "criticise condemn reveal signal underscore underline highlight propose put make point find".split()
)
"""Verbs whose subject does not stand behind them."""

_NOUNS = frozenset(
    "state states report reports claim claims note notes call calls answer answers remark remarks comment "
    "comments demand demands promise promises estimate estimates doubt doubts fear fears hope hopes vow vows "
    "pledge pledges object objects reference references credit credits signal signals highlight highlights cry "
    "cries urge address shouts whispers jokes counter counters express stress thanks asks warning reporting "
    "saying calling".split()
)
"""Forms that are nouns as well: they need "that" or a quotation, or a name or pronoun before them."""

_MINDS = frozenset("believe expect doubt fear hope think".split())
"""Weak verbs that a person's name or a pronoun before them is enough for."""

_BE = frozenset("is are was were be been being".split())
_HELPERS = frozenset(
    "also has have had later then earlier once himself herself itself themselves who recently often again even "
    "still just first now already had would will repeatedly is are was were been being".split()
)
_BARE_FORBIDDEN = frozenset(
    "to will would can could may might must should did do does not cannot let n’t didn’t don’t doesn’t won’t".split()
)
_OWNED = {"his": "he", "her": "she", "their": "they"}
_INSIDE = frozenset("what which whom after although though when while because since before if unless until".split())
"""Words that open a clause inside of another."""

_DOCUMENTS = frozenset(
    "essay article report statement study interview paper survey letter post commentary book".split()
)


def _forms(verb: str) -> Iterator[str]:
    stem = (
        verb[:-1] if verb.endswith("e") else verb[:-1] + "i" if verb.endswith("y") and verb[-2] not in "aeiou" else verb
    )
    stem = {"refer": "referr", "admit": "admitt", "quip": "quipp"}.get(verb, stem)
    yield f"{stem}ed"
    yield f"{verb[:-1]}ies" if stem.endswith("i") else f"{verb}es" if verb.endswith(("s", "ch", "sh")) else f"{verb}s"
    yield f"{verb[:-1] if verb.endswith('e') else verb if stem.endswith('i') else stem}ing"


VERBS = {form: verb for verb in _REGULAR.split() for form in (verb, *_forms(verb))} | {
    form: verb for verb, forms in _IRREGULAR.items() for form in (verb, *forms.split())
}
"""Every form of a verb of saying, with the verb."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose words a text says they are, as it calls them, and where it says so (characters).

    `nested` marks one that holds for a part of the sentence only ("what it describes as").
    """

    speaker: str
    start: int
    end: int
    nested: bool = False


def find_attributions(text: str) -> list[Attribution]:
    """The attributions of a text outside of its quote marks, in order; [] where it names nobody."""
    tokens = tokenize(text[:LONGEST])
    found: list[Attribution] = []
    for place, token in enumerate(tokens):
        if token.quoted:
            continue
        attribution = _read_relay(tokens, place) or _read_verb(tokens, place, found)
        if attribution:
            found.append(attribution)
    return found


def _read_relay(tokens: Sequence[Token], place: int) -> Attribution | None:
    """ "According to X", "in the words of X", "for X, “…”"."""
    words = [token.text.lower() for token in tokens[place : place + 4]] + [""] * 4
    start = 0
    if words[:2] == ["according", "to"]:
        start = place + 2
    elif words[:2] == ["in", "the"] and words[2] in ("words", "view", "opinion", "eyes") and words[3] == "of":
        start = place + 4
    elif _opens_relay(tokens, place):
        start = place + 1
    elif words[0] in SPOKEN and place and _says(tokens, place) and (owner := find_owner(tokens, place)):
        return Attribution(owner, tokens[place - 1].start, tokens[place].end, nested=_text(tokens, place - 2) != "in")
    elif words[0] == "in" and words[1] in _OWNED and words[2] in ("words", "view", "opinion"):
        return Attribution(_OWNED[words[1]], tokens[place].start, tokens[place + 2].end)
    speaker = find_subject_behind(tokens, start) if start else ""
    return Attribution(speaker, tokens[place].start, tokens[start].end) if speaker else None


def _opens_relay(tokens: Sequence[Token], place: int) -> bool:
    """Whether a name follows "per", or a name and a quotation follow "for"."""
    word = tokens[place].text.lower()
    if word == "for":
        return (place == 0 or not tokens[place - 1].word) and _quote_follows(tokens, place)
    return word == "per" and place + 1 < len(tokens) and tokens[place + 1].capital


def _quote_follows(tokens: Sequence[Token], place: int) -> bool:
    """Whether a comma and a quotation stand a few words on."""
    for token, following in zip(tokens[place + 1 : place + 7], tokens[place + 2 : place + 8], strict=False):
        if token.text in ",:":
            return is_quote(following)
    return False


def _read_verb(tokens: Sequence[Token], place: int, found: Sequence[Attribution]) -> Attribution | None:
    token = tokens[place]
    form = token.text.lower()
    published = form in ("published", "issued", "released") and any(
        t.text.lower() in _DOCUMENTS for t in tokens[place + 1 : place + 6]
    )
    if (form not in VERBS and not published) or (token.text[0].isupper() and place and tokens[place - 1].word):
        return None
    verb = VERBS.get(form, "say")
    end, helpers = _skip_helpers(tokens, place)
    follows = [t.text.lower() for t in tokens[place + 1 : place + 4]]
    says = _says(tokens, place)
    if (
        (verb == "put" and follows[:1] != ["it"])
        or (
            verb == "make"
            and not ("clear" in follows and "that" in [t.text.lower() for t in tokens[place : place + 5]])
        )
        or (verb == "point" and follows[:1] != ["out"])
        or (form == verb and helpers & _BARE_FORBIDDEN)
        or (form == verb and end >= 0 and tokens[end].text.lower() in _BARE_FORBIDDEN)
    ):
        return None
    if helpers & _BE and not form.endswith("ing"):
        return _read_passive(tokens, place)
    if _text(tokens, place + 1) == "by" and end >= 0 and tokens[end].word:
        passive = _read_passive(tokens, place)
        return replace(passive, nested=True) if passive else None
    speaker, inverted = _find_subject(tokens, place, end, found)
    says = says or inverted
    nested = bool(_open_word(tokens, end))
    named = speaker[:1].isupper() or speaker in ("he", "she", "they")
    weak = verb in _WEAK and not (named and verb in _MINDS and form != verb)
    if not speaker or ((weak or (form in _NOUNS and not named) or _is_noun(tokens, place)) and not says):
        return None
    return Attribution(speaker, token.start, token.end, nested)


def _find_subject(tokens: Sequence[Token], place: int, end: int, found: Sequence[Attribution]) -> tuple[str, bool]:
    """Whose verb it is, and whether the subject stands behind it; "" for nobody.

    A verb that joins another one ("arrived and said", "…, adding") has that one's subject.
    """
    form = tokens[place].text.lower()
    apart = end < 0 or not tokens[end].word or tokens[end].quoted or tokens[end].text.lower() in ("and", "but", "then")
    if apart and end == place - 1 and not form.endswith("ing") and VERBS.get(form) not in _TRANSITIVE:
        behind = find_subject_behind(tokens, place + 1, inverted=True)
        quoted_before = end >= 0 and (
            tokens[end].quoted
            or (
                tokens[end].text in ",!?" and _closes(tokens, place, behind) and not _may_be_noun(tokens, place, behind)
            )
        )
        if behind and quoted_before:
            return behind, True
    if not (end >= 0 and tokens[end].text.lower() in ("and", "but", "then")) and not form.endswith("ing"):
        before = find_subject_before(tokens, end)
        if before or not apart:
            return before, False
    elif form.endswith("ing") and not apart:
        return (find_subject_before(tokens, end) if end < place - 1 else ""), False
    if not apart or end < 0:
        return "", False
    return (found[-1].speaker if found else find_leading_subject(tokens, place)), False


def _may_be_noun(tokens: Sequence[Token], place: int, behind: str) -> bool:
    """Whether a form like "state" may belong to the words behind it ("As they met, state media counted …")."""
    quoted_before = place > 1 and (tokens[place - 2].quoted or is_quote(tokens[place - 2]))
    return tokens[place].text.lower() in _NOUNS and not behind[:1].isupper() and not quoted_before


def _closes(tokens: Sequence[Token], place: int, subject: str) -> bool:
    """Whether the subject behind the verb is followed by a mark, a preposition or nothing."""
    number = place + 1 + len(subject.split())
    return (
        number >= len(tokens)
        or not tokens[number].word
        or tokens[number].text in ("of", "on", "in", "at", "after", "who")
    )


def _is_noun(tokens: Sequence[Token], place: int) -> bool:
    """Whether a form like "states" stands as a noun: behind an adjective of place, or before "of"."""
    form, before = tokens[place].text.lower(), tokens[place - 1].text if place else ""
    return form in _NOUNS and (before.endswith(("an", "ese", "’s", "'s", "ish")) or _text(tokens, place + 1) == "of")


def _text(tokens: Sequence[Token], place: int) -> str:
    return tokens[place].text.lower() if 0 <= place < len(tokens) else ""


def _says(tokens: Sequence[Token], place: int) -> bool:
    """Whether "that", a colon or a quotation follows the verb, or a quotation and the subject come before its end."""
    for token in tokens[place + 1 : place + 4]:
        if token.text.lower() in ("that", "how", "why", "whether", ":") or is_quote(token):
            return True
    behind = _text(tokens, place + 1)
    return behind in ("", ".") and any(is_quote(token) for token in tokens[max(0, place - 6) : place])


def _skip_helpers(tokens: Sequence[Token], place: int) -> tuple[int, set[str]]:
    """The place before the verb's auxiliaries and adverbs, and these."""
    saying = tokens[place].text.lower() == "saying"
    place -= 1
    if saying and _text(tokens, place) == "as":
        place -= 2 if _text(tokens, place - 1) == "quoted" else 1
    skipped: set[str] = set()
    while place >= 0 and tokens[place].word and not tokens[place].quoted:
        word = tokens[place].text.lower()
        if word not in _HELPERS and not (word.endswith("ly") and tokens[place].text.islower()):
            break
        skipped.add(word)
        place -= 1
    return place, skipped


def _open_word(tokens: Sequence[Token], end: int) -> str:
    """ "what", "which" or the like where the words before the verb are a clause inside of another."""
    for token in reversed(tokens[max(0, end - 6) : end + 1]):
        if not token.word or token.quoted:
            return ""
        if token.text.lower() in _INSIDE:
            return token.text
    return ""


def _read_passive(tokens: Sequence[Token], place: int) -> Attribution | None:
    """ "X was quoted as saying" is X's; of "reported by Y" and "was told by Y" the words are Y's."""
    for number in range(place + 1, min(place + 4, len(tokens))):
        if _text(tokens, number) == "by":
            speaker = find_subject_behind(tokens, number + 1)
            return Attribution(speaker, tokens[place].start, tokens[number].end) if speaker else None
    return None
