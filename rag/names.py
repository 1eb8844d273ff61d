"""Names of people and bodies: what of them tells one from another, and when two name the same person."""

from __future__ import annotations

import re
import unicodedata

from rag.words import STOP_WORDS

ROLES = frozenset(
    "president vice-president prime minister foreign finance interior defence ambassador envoy deputy chairman "
    "chairwoman chairperson chair head chief leader spokesman spokeswoman spokesperson secretary general mr mrs "
    "ms miss dr sir lord dame professor prof king queen prince princess sheikh emir imam rabbi "
    "commissioner editor director mayor governor senator congressman congresswoman representative chancellor "
    "judge justice colonel captain general lieutenant sergeant admiral economist analyst expert adviser "
    "advisor lawyer attorney journalist writer author historian scientist researcher teacher doctor activist "
    "politician diplomat official officer manager founder premier speaker lawmaker mp former acting executive "
    "engineer rapporteur".split()
)
"""Words beside a name that are no part of it, in lower case."""

BODIES = frozenset(
    "ministry institute institution bank university republic government bureau department council union academy "
    "centre center office association organisation organization federation house court board chamber party "
    "committee commission agency society school college church fund league state states kingdom administration "
    "authority statement declaration parliament assembly senate group company corporation foundation army forces "
    "police network service embassy report daily times news media post".split()
)
"""Words of which the names of bodies are made, in lower case; "of" and "for" behind them go on with the name."""

FAMILY_FIRST = frozenset(
    "xi li wang zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin he guo ma luo liang song zheng xie "
    "han tang feng yu dong xiao cheng cao yuan deng peng zeng ding jiang mao wen hua qin tian fan fang shi tan "
    "liao shao wei zou".split()
)
"""Family names that stand first: with them, the last word is no surname."""

EITHER_END = frozenset(
    "kim park choi jung kang cho yoon jang lim moon nguyen tran pham hoang phan dang bui duong".split()
)
"""Family names that stand first at home and last abroad."""

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_POSSESSIVE = re.compile(r"[’']s\b|(?<=s)[’'](?!\w)")
_PARTICLES = frozenset("al el de del la bin ibn bint von van der den da dos y e".split())
_KINDS = frozenset("news agency television tv channel website newspaper".split())
"""Words that stand beside a body's name or are left out."""


def name_words(name: str) -> set[str]:
    """The words of a name that tell it from others, in lower case: no titles, no articles, no "'s"."""
    return set(_key(name))


def is_name(words: str) -> bool:
    """Whether capitalised words hold more than titles and words that open a sentence."""
    return bool(name_words(words))


def same_person(one: str, other: str) -> bool:
    """Whether two names can be of one person or body: a surname alone can, two first names to one surname cannot.

    Titles, articles, accents and "'s" do not count; an initial stands for a name; a family name may stand first.
    """
    left, right = sorted((_key(one), _key(other)), key=len)
    if not left:
        return not right and _plain(one) == _plain(other) != ""
    if sorted(left) == sorted(right):
        return True
    left, right = (_without_kinds(words) for words in (left, right))
    if len(left) == 1 or len(right) == 1:
        left, right = sorted((left, right), key=len)
        return left == right or any(_alike(left[0], surname) for surname in _surnames(right))
    shared = any(_alike(a, b) for a in _surnames(left) for b in _surnames(right))
    return shared and all(any(_alike(word, other) for other in right) for word in left)


def _key(name: str) -> list[str]:
    """The words of a name in order, folded; "the president of Azerbaijan" has none, as it is a role."""
    words = [word.removeprefix("al-") for word in map(_fold, _WORD.findall(_POSSESSIVE.sub("", name)))]
    kept: list[str] = []
    place = 0
    while place < len(words):
        if words[place] in ROLES and words[place + 1 : place + 2] in (["of"], ["for"]):
            place += 3 if words[place + 2 : place + 3] != ["the"] else 4
            while words[place : place + 1] == ["of"]:
                place += 2
            continue
        if words[place] not in ROLES and words[place] not in STOP_WORDS and words[place] not in _PARTICLES:
            kept.append(words[place])
        place += 1
    return kept


def _fold(word: str) -> str:
    folded = unicodedata.normalize("NFKD", word.casefold().replace("ı", "i").replace("ə", "e"))
    return "".join(character for character in folded if not unicodedata.combining(character))


def _plain(name: str) -> str:
    return " ".join(word for word in map(_fold, _WORD.findall(_POSSESSIVE.sub("", name))) if word not in STOP_WORDS)


def _without_kinds(words: list[str]) -> list[str]:
    return [word for word in words if word not in _KINDS] or words


def _surnames(name: list[str]) -> list[str]:
    """What of a name can stand for it alone: the last word, the first of two surnames, a family name in front."""
    if len(name) < 2:
        return name
    if name[0] in FAMILY_FIRST and len(name) <= 3:
        return name[:1]
    surnames = name[-2:] if len(name) > 2 else name[-1:]
    return [*surnames, name[0]] if name[0] in EITHER_END else surnames


def _alike(one: str, other: str) -> bool:
    if len(one) == 1 or len(other) == 1:
        return one[0] == other[0]
    return one == other or one in other.split("-")[:1] or other in one.split("-")[:1]
