"""Who does what to whom: whether a sentence gives a question's names each other's parts.

"How many Kenyan companies work in India?" is not answered by a sentence on Indian companies in Kenya, though all of its
words are there.
"""

from __future__ import annotations

import re
from collections.abc import Set

from rag.nations import any_same_nation
from rag.parts import Name, Part, find_asked, find_names, find_parts, find_stems

_SYMMETRIC = re.compile(
    r"\b(?:with|between)\s(?:the\s)?(?!(?i:january|february|march|april|may|june|july|august|september|october|"
    r"november|december)\b)[A-Z]|\b(?i:how far|how long|distance|railway|railroad|road|pipeline|motorway|highway|"
    r"border|frontier)\b"
)
"""What a question has that asks for the same from either side."""

_INTRANSITIVE = re.compile(r"^\W*(?:and |but |so )?(?:when|where|why|how(?! many| much))\b|\bsell for\b", re.IGNORECASE)
"""Questions in which a verb without an object has none that was asked for: "When did the Louvre open?"."""

MOST_READ = 2_000
"""Characters of a question or sentence; parts are not plain in longer ones."""

_ASKED: Name = ("?",)
"""What the question asks for."""


def is_turned(question: str, sentence: str, names: Set[str] = frozenset()) -> bool:
    """Whether the sentence gives two of the question's names each other's parts, or one of them an opposite part.

    `names` are further ones (`find_names`), by which those of a question in lower case are known.
    """
    if len(question) > MOST_READ or len(sentence) > MOST_READ or _SYMMETRIC.search(question):
        return False
    names = find_names(question) | find_names(sentence) | frozenset(names)
    asked, found = find_parts(question, names), find_parts(sentence, names)
    words = find_stems(question)
    told = {
        one: frozenset(part for other in found if _is_same(one, other) for part in found[other] if part.tells_of(words))
        for one in asked
    }
    known = [one for one in asked if told[one]]
    owners = {one for one in asked for other in found if _is_same(one, other) and _owns_or_is_bare(found[other])}
    doers = {**{one: asked[one] for one in asked if one not in owners}, _ASKED: find_asked(question, names)}
    told[_ASKED] = frozenset()
    return (
        any(_exchanged(asked[x], asked[y], told[x], told[y]) for x in known for y in known if x < y)
        or any(_taken_over(doers[x], told[x], asked[y], told[y]) for x in doers for y in known if x != y)
        or any(_opposite(asked[x], told[x], bool(_INTRANSITIVE.search(question))) for x in known)
    )


def _owns_or_is_bare(parts: Set[Part]) -> bool:
    """Whether a name of the sentence owns something, be it by another word, or plays no plain part."""
    return not parts or any(part.role == "owner" for part in parts)


def _exchanged(one: Set[Part], other: Set[Part], one_told: Set[Part], other_told: Set[Part]) -> bool:
    """Whether each of two names is told to play the other's part, and not its own."""
    for kind in (_role_of, _side_of, _hand_of):
        a, b, a_told, b_told = ({kind(part) for part in parts} - {""} for parts in (one, other, one_told, other_told))
        if not a & b and a_told & b and b_told & a and not a_told & a and not b_told & b:
            return True
    return False


def _taken_over(asked: Set[Part], told: Set[Part], others: Set[Part], others_told: Set[Part]) -> bool:
    """Whether what one is asked to own or do is owned or done by another that the question names for something else."""
    if any(part.about & other.about for part in others for other in others_told if part.role == other.role):
        return False  # it is told to play its own part as well: "A beat B, who had beaten C"
    for role in ("owner", "doer"):
        own, owned, other, taken = (_about(parts, role) for parts in (asked, told, others, others_told))
        if (own & taken) - owned - other:
            return True
    return False


def _opposite(asked: Set[Part], told: Set[Part], intransitive: bool) -> bool:
    """Whether a name does what it is asked to undergo, or gives what it is asked to get, or the other way round.

    An `intransitive` question asks for what happens to a name alone: the Louvre opens, and somebody opens it.
    """
    for role, opposite in (("doer", "object"), ("object", "doer")):
        verbs = {word for p in asked if p.role == role and not (intransitive and p.alone) for word in p.about}
        if verbs & _about(told, opposite) and not verbs & _about(told, role):
            return True
    hands, hands_told = ({part.role for part in parts} & {"giver", "receiver", "thing"} for parts in (asked, told))
    return len(hands) == len(hands_told) == 1 and hands != hands_told


def _about(parts: Set[Part], role: str) -> set[str]:
    return {word for part in parts if part.role == role for word in part.about}


def _role_of(part: Part) -> str:
    return "" if part.role in ("giver", "receiver", "thing", "of") else part.role


def _side_of(part: Part) -> str:
    sides = {"object": "goal", "place": "goal", "to": "goal", "doer": "source", "owner": "source", "from": "source"}
    return sides.get(part.role, "")


def _hand_of(part: Part) -> str:
    hands = {"giver": "giver", "from": "giver", "receiver": "receiver", "to": "receiver", "thing": "thing"}
    return hands.get(part.role, "")


def _is_same(one: Name, other: Name) -> bool:
    """Whether all words of the shorter name stand in the longer one."""
    left, right = sorted((one, other), key=len)
    return all(any_same_nation(word, right) for word in left)
