"""Questions for what a named thing is or who somebody is, and the words of a sentence that say so.

The forms are those of Hearst (1992) for "X is a kind of Y", apposition, and what news adds to them: the role before a
person's name, and long names with their abbreviations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.converse import Standalone
from rag.lexical import Lexicon
from rag.names import ROLES
from rag.question import find_needs
from rag.words import STOP_WORDS, Word, find_words, stems

LONGEST_NAME = 7
"""Words of a name."""

LONGEST_ROLE = 6
"""Words of a role before a person's name."""

_ASKED = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay|then)\W+)?wh(?P<asks>at|o)(?:[’']?s|\s+(?:is|are|was|were))\s+(?:the\s+|an?\s+)?"
    r"(?P<name>[^?!,;:()]+?)\W*$",
    re.IGNORECASE,
)
_WORDS_BETWEEN = re.compile(r"[^\W\d_]+")
_ARTICLE = r"(?:(?:now|still|also|then|currently|formerly|once|perhaps)\s+)?(?:an?|the|one\s+of|another)\s+"
_OWNED = r"(?:(?:its|his|her|their|our)\s+|(?:the\s+)?[\w-]+[’']s\s+)"
_A_ROLE = rf"(?:[\w’'-]+\s+){{0,3}}?(?:{'|'.join(sorted(ROLES))})\b"
_BE = r"(?:is|are|was|were|remains?|became|becomes|(?:will|would)\s+be|ha[sd]\s+been)"
_IS = re.compile(rf"\s+{_BE}\s+(?={_ARTICLE})")
_APPOSED = re.compile(
    rf"(?:\s*[,(–—]\s*(?:\d{{1,3}}\s*,\s*)?|\s+-\s+)(?:wh(?:o|ich)\s+{_BE}\s+)?(?={_ARTICLE}|{_A_ROLE})"
)
_DOES = re.compile(
    r"\s*,\s*(?=wh(?:o|ich)\s+(?:chairs?|heads?|leads?|runs?|owns?|founded|manages?|edits?|teach(?:es)?|directs?|represents?|"
    r"coach(?:es)?|works?|advises?|studies|plays?|commands?|makes?|builds?|links?|connects?|brought)\b)|"
    r"\s+(?=of\s+(?:the\s+(?:[\w’'-]+\s+){0,3}|(?:[A-Z][\w’'-]*\s+){0,3}[A-Z])[\w’'-]+(?:[,.;]|$))"
)
_BRACKETS = re.compile(r"\s*\(\s*(?P<inside>[^()]+?)\s*\)")
_AFTER_PREPOSITION = re.compile(
    r"(?:^|[,;]\s)\W*(?:in|at|on|from|for|to|with|near|after|before|since|under|during|around|outside|inside)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^,;:–—()]*$")
_DETERMINER = re.compile(rf"\b(?:{_OWNED}|{_ARTICLE})", re.IGNORECASE)
_TIME = re.compile(r"\W*(?:after|before|during|on|at|since|until|for|with|despite|as|when|while|if)\s", re.IGNORECASE)
_KNOWN_AS = re.compile(
    r"(?P<said>.+?)\W+(?:(?:better|also|widely|commonly|formerly|otherwise|officially|locally)\s+)?"
    r"(?:known|called|named|dubbed|nicknamed|referred\s+to)\s+(?:as\s+)?(?:the\s+)?[“‘\"']?$"
)
_NAMED = re.compile(r"(?:[A-Z][\w’'-]*(?:\s+(?:(?:of|the|and|for|de|al)\s+)*)){1,8}[A-Z][\w’'-]*$|(?<!^)[A-Z][\w’'-]*$")
_KIND_OF_PLACE = re.compile(
    r"\b(?P<said>(?:the|an?)\s+(?:[\w-]+\s+)?(?:cit(?:y|ies)|towns?|villages?|ports?|regions?|districts?|provinces?|islands?|"
    r"count(?:y|ies)|states?|republic|rivers?|parish(?:es)?|valleys?|suburbs?|capital))\s+of\s+$",
    re.IGNORECASE,
)
_END = re.compile(
    r"\s*(?:[,;:()–—!?”\"]|\s-\s|\.(?=\W*(?:\s|$))|(?<=\s)(?:that|which|who|whom|whose|where|when|while|but|because|since|"
    r"and\s+(?:is|was|has|had|will))\b|(?<=\s)(?:[a-z]+(?:ed|ing)|built|run|led|held|set|born|made|won|known)\s+"
    r"(?:(?:by|in|on|at|for|from|to|with|under|near|outside|as|up|the|an?|its|his|their)\s|[A-Z0-9]))"
)
_CLOSED = re.compile(r"[\"”’']?(?:\W*$|\s*[,.;:)–—]|\s-\s)")
_VERB = re.compile(r"\b(?:said|says|told|tells|has|have|had|is|are|was|were|will|would|can|could|met|went|came)\b")
_ROLE_NOUN = re.compile(r"[a-z-]+(?:er|or|ist|ian|man|woman|eer|ess|ain)")
_NO_ROLE = frozenset("after under over however never former other another better later earlier whether for nor".split())
_HONORIFICS = frozenset("mr mrs ms miss dr sir dame lord prof professor".split())
_BESIDE_ROLE = frozenset(
    "opposition state junior chief interim outgoing incoming veteran human rights club team world".split()
)
_DOUBTS = frozenset(
    "alleged suspected accused purported supposed self-styled self-proclaimed so-called would-be".split()
)
_ADJECTIVE = re.compile(r"[a-z-]+(?:al|ic|ive|ian|ese|ish|ent|ior|ary)")
_NO_NOUN = re.compile(
    r"[a-z-]+(?:ed|ing|ful|ous|able|ible|est|ern|ly|less)|recent|new|old|big|small|late|young|great|main|same"
)


@dataclass(frozen=True, slots=True)
class Defined:
    """What is asked about: the stems of its names, that of the question first, and whether it is a person."""

    names: tuple[tuple[str, ...], ...]
    person: bool


def find_defined(question: Standalone, sentences: Sequence[str], lexical: Lexicon) -> Defined | None:
    """What the question wants to have explained; None unless it asks so and one of the sentences has it as a name.

    A name has capital letters in the sentence, whatever it has in the question, and holds no role: who asks for the
    president of a country wants a name, and not one explained. A person's name need not be in a sentence.
    """
    asked = _ASKED.match(question.question[question.focus :])
    if not asked or _goes_on(asked["name"]) or find_needs(question).asks not in ("any", "name"):
        return None
    words = [word for word in find_words(asked["name"]) if word.text.lower() not in _HONORIFICS]
    if not 0 < len(words) <= LONGEST_NAME or any(word.text.lower() in ROLES for word in words):
        return None
    own = tuple(word.stem for word in words)
    names = [own, *lexical.other_names(own)]
    person = asked["asks"].lower() == "o"
    named = any(len(name) > 1 or place[0] for name in names for text in sentences for place in _places(text, name))
    if not named and not (person and all(word.text[0].isupper() for word in words)):
        return None
    return Defined(tuple(dict.fromkeys([*names, own[-1:]] if person else names)), person)


def find_definition(sentence: str, defined: Defined) -> tuple[int, int] | None:
    """Where the sentence says what the name stands for (characters); None where it does not."""
    for name in defined.names:
        for start, end in _places(sentence, name):
            whole = _start_of_name(sentence, start) if defined.person else start
            found = (
                _find_long_form(sentence, start, end, defined)
                or _find_after(sentence, start, end)
                or _find_before(sentence, whole, end)
                or _find_role(sentence, start)
                or _find_beside(sentence, end, defined)
            )
            if found:
                return found
    return None


def _goes_on(name: str) -> bool:
    """Whether the question's words are no name by itself: "with Xi", "COP29 about"."""
    tokens = name.lower().split()
    return not tokens or tokens[0] in STOP_WORDS or tokens[-1] in STOP_WORDS


def _places(sentence: str, name: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the sentence has the words one after the other, each with a capital letter or a digit."""
    words = list(find_words(sentence))
    for first in range(len(words) - len(name) + 1):
        run = words[first : first + len(name)]
        if [word.stem for word in run] == [*name] and all(_is_capital(sentence, word) for word in run):
            between = " ".join(sentence[one.end : other.start] for one, other in pairwise(run))
            if all(word.lower() in STOP_WORDS for word in _WORDS_BETWEEN.findall(between)):
                yield run[0].start, run[-1].end


def _is_capital(sentence: str, word: Word) -> bool:
    """Whether the word has a capital letter or a digit, or a hyphen joins it to a word before."""
    return not word.text[0].islower() or sentence[max(0, word.start - 1)] == "-"


def _find_long_form(sentence: str, start: int, end: int, defined: Defined) -> tuple[int, int] | None:
    """Of an abbreviation the long form that stands before or behind it in brackets."""
    beside = _BRACKETS.match(sentence, end)
    inside = stems(beside["inside"]) if beside else ()
    if len(defined.names[0]) != 1 or beside is None:
        return None
    if stems(sentence[start:end]) == defined.names[0] and inside in defined.names:
        return beside.span("inside")
    return (start, end) if inside == defined.names[0] else None


def _find_after(sentence: str, start: int, end: int) -> tuple[int, int] | None:
    """What "X is a …" and "X, a …," say."""
    beside = _BRACKETS.match(sentence, end)
    if beside and beside["inside"].isupper():
        end = beside.end()
    if said := _IS.match(sentence, end):
        return _clip(sentence, said.end())
    said = _APPOSED.match(sentence, end)
    if not said or _AFTER_PREPOSITION.search(sentence[:start]):
        return None
    found = _clip(sentence, said.end())
    closed = _CLOSED.match(sentence, found[1]) or (found[1] < len(sentence) and sentence[found[1]] == " ")
    return found if closed and not _VERB.search(sentence[found[0] : found[1]]) else None


def _find_before(sentence: str, start: int, end: int) -> tuple[int, int] | None:
    """What "a …, X," and "…, better known as X" say, "the … is X", and "the city of X"."""
    before = sentence[:start].rstrip("“‘\"'") if start else ""
    if known := _KNOWN_AS.match(before):
        named = _NAMED.search(known["said"])
        return named.span() if named else _last_phrase(known["said"])
    if kind := _KIND_OF_PLACE.search(before):
        return kind.span("said")
    led = re.search(rf"(?:,|\s{_BE})\s+$", before)
    if not led or not _CLOSED.match(sentence, end):
        return None
    clause = _CLAUSE.search(before, 0, led.start())
    said = _last_phrase(before[: led.start()])
    if not said or clause is None or (_TIME.match(clause[0]) and led[0][0] == ","):
        return None
    return None if said[0] < clause.start() or _VERB.search(sentence[said[0] : said[1]]) else said


def _start_of_name(sentence: str, start: int) -> int:
    """Where a person's name begins that is asked for by its end, with what stands before first names: "Dr Ana"."""
    while before := re.search(r"(?:^|(?<=[\s“‘\"'(]))[A-Z][\w.’'-]*\s+$", sentence[:start]):
        start = before.start()
    return start


def _last_phrase(text: str) -> tuple[int, int] | None:
    """The noun phrase that ends the text, from its determiner on: "the chair of the parish council"."""
    found = None
    for determiner in reversed(list(_DETERMINER.finditer(text))):
        if found and not re.search(r"\bof\s+$", text[: found[0]]):
            break
        found = determiner.start(), len(text.rstrip())
    return found


def _find_role(sentence: str, start: int) -> tuple[int, int] | None:
    """The role directly before a name, with the words that belong to it; or the kind of thing, "the ferry Gudrun"."""
    tokens = list(re.finditer(r"\S+", sentence[:start]))
    while tokens and tokens[-1][0].isalpha() and tokens[-1][0][0].isupper() and not _is_role(tokens[-1]):
        tokens.pop()  # the first names of who is asked for by the last one
    if not tokens:
        return None
    if (kind := _find_kind(tokens)) or not _is_role(tokens[-1]):
        return kind
    first = len(tokens) - 1
    while first and len(tokens) - first < LONGEST_ROLE and _belongs_to_role(tokens, first - 1):
        first -= 1
    opening = len(tokens[first][0]) - len(tokens[first][0].lstrip("“‘\"'("))
    return tokens[first].start() + opening, tokens[-1].end()


def _belongs_to_role(tokens: Sequence[re.Match[str]], place: int) -> bool:
    """Whether the word says more of the role that follows: of which country or body, of what rank, how doubtful."""
    word = tokens[place][0].strip("“‘\"'(")
    lower = word.lower()
    if not re.fullmatch(r"[\w-]+(?:[’']s)?", word) or lower in STOP_WORDS:
        return False
    doubted = place > 0 and tokens[place - 1][0].lower() in _DOUBTS  # "alleged gang leader"
    known = lower in ROLES or lower in _BESIDE_ROLE or lower in _DOUBTS or bool(_ADJECTIVE.fullmatch(lower))
    return word[0].isupper() or known or doubted


def _find_kind(tokens: Sequence[re.Match[str]]) -> tuple[int, int] | None:
    """A determiner and a noun, with at most two words between them, at the end of the tokens."""
    noun = tokens[-1]
    if not re.fullmatch(r"[a-z-]{3,}", noun[0]) or noun[0] in STOP_WORDS or _NO_NOUN.fullmatch(noun[0]):
        return None
    for place in range(len(tokens) - 2, max(-1, len(tokens) - 5), -1):
        token = tokens[place]
        if token[0].lower() in ("a", "an", "the", "its", "his", "her", "their"):
            ends_clause = place and _TIME.match(f"{tokens[place - 1][0]} ")
            return None if ends_clause else (token.start(), noun.end())
        if not re.fullmatch(r"[\w-]+", token[0]) or token[0].lower() in STOP_WORDS:
            break
    return None


def _find_beside(sentence: str, end: int, defined: Defined) -> tuple[int, int] | None:
    """What a person does or belongs to: "X, who chairs …", "X of the union"."""
    said = _DOES.match(sentence, end) if defined.person else None
    return _clip(sentence, said.end()) if said else None


def _is_role(token: re.Match[str]) -> bool:
    word = token[0].lower()
    if word in ROLES:
        return word not in _HONORIFICS
    return (token[0].islower() or token.start() == 0) and word not in _NO_ROLE and bool(_ROLE_NOUN.fullmatch(word))


def _clip(sentence: str, start: int) -> tuple[int, int]:
    """The phrase that begins here: up to a comma or bracket, a relative clause or a participle with what follows it."""
    end = _END.search(sentence, start + 3)
    return start, end.start() if end else len(sentence.rstrip())
