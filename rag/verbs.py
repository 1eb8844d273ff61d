"""Verbs by their base: irregular forms, and those that tell who gives, who gets, and that both sides do the same."""

from __future__ import annotations

from rag.words import stem_word

_IRREGULAR = {
    form: base
    for base, *forms in (
        line.split()
        for line in (
            "sue sued suing sues|buy bought|sell sold|lend lent|send sent|teach taught|win won|lose lost|"
            "beat beaten|make made|give gave given|take took taken|lead led|hold held|pay paid|build built|"
            "run ran|write wrote written|drive drove driven|fly flew flown|see saw seen|meet met|feed fed|"
            "bring brought|catch caught|choose chose chosen|fight fought|find found|get got gotten|keep kept|"
            "know knew known|leave left|show showed shown|seek sought|shoot shot|spend spent|steal stole stolen|"
            "strike struck|tell told|think thought|throw threw thrown|say said|understand understood|"
            "undertake undertook undertaken|overtake overtook overtaken|draw drew drawn"
        ).split("|")
    )
    for form in forms
}
_UNCHANGED = frozenset(
    "hit cut shut set put hurt split read cast bid outbid overrun broadcast spread burst shed upset sung sunk rebuilt "
    "hung stuck swept torn worn sworn".split()
)
"""Participles that end in neither -ed nor -en; most are as their verbs."""


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem_word, words.split()))


GIVE = _stems("sell sale lend loan send give export supply transfer donate ship deliver provide grant")
GET = _stems("buy borrow get receive import purchase acquire obtain")
TO_WHOM = _stems("lend give grant")
"""Verbs whose object without "to" is who gets something."""

MUTUAL = _stems(
    "meet marry divorce date face play fight talk agree cooperate trade border sign join compete debate merge partner "
    "unite connect last establish"
)
"""Verbs that do not tell one side from the other."""


def base_of(word: str) -> str:
    """The stem of a word in lower case, of an irregular verb's form that of its base."""
    return stem_word(_IRREGULAR.get(word, word))


def is_participle(word: str) -> bool:
    """Whether a word in lower case has the form of one."""
    return word in _IRREGULAR or word in _UNCHANGED or word.endswith(("ed", "en"))
