"""Reads who a phrase names: tokens outside of quote marks, and the subject before or behind a verb."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.names import BODIES, ROLES
from rag.words import STOP_WORDS

LONGEST = 14
"""Tokens of a subject."""

FARTHEST = 200
"""Tokens before a verb among which its clause's subject is looked for."""

_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){1,4}(?!\w)|(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Sen|Rep|Gov|Jr|Sr)\.|n[’']t\b|"
    r"\w+(?:[-’'&/]\w+)*(?:[’'](?=\s))?|[^\w\s]"
)
_QUOTED = re.compile(
    r"“[^“”\"]*(?:[”\"]|\Z)|\"[^\"”]*(?:[\"”]|\Z)|«[^«»]*(?:»|\Z)|"
    r"(?<!\w)‘[^‘]*?(?:(?<!s)’(?!\w)|’(?=[,.;:!?]|\s*\Z))|(?<!\w)‘[^‘]*(?:’(?!\w)|\Z)|(?<!\w)'(?=\w)[^'\n]*'(?!\w)"
)
_CLOSED_ONLY = re.compile(r"[^“”\"«»‘]*(?:[”»]|[.,!?…]’(?!\w))")
"""What a quotation that opened in an earlier sentence leaves at the start of this one."""

_PRONOUNS = frozenset("he she they".split())
_DETERMINERS = frozenset(
    "a an the his her its their our some many several most few all both one two three four five six seven eight "
    "nine ten other another no each every".split()
)
_PREPOSITIONS = frozenset(
    "of in for from at by with on to near between among within inside outside across under over against behind "
    "about into through during before after since until upon without".split()
)
_BORDERS = frozenset(
    "that which who whom whose what while as when where because since after before if although though whether "
    "than and but or so yet nor is are was were be been has have had will would could can may might not".split()
)
_CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december".split()
)
_OPENERS = frozenset(
    "as for per like amid despite later earlier today yesterday tomorrow meanwhile still finally however moreover "
    "furthermore instead similarly last next late early two three four five six according speaking asked citing".split()
)
"""Words that open a sentence, capitalised there, and are no part of a name."""

SPOKEN = frozenset(
    "view views words opinion account telling statement remarks remark claim speech warning phrase".split()
)
_LINKS = frozenset("of and for the de del de la al el bin bint ibn van von der den da dos y di du le".split())
_EMPTY = frozenset(
    "it this that these those there what which one worth data evidence figures history nothing somebody someone "
    "i we you".split()
)
_WRITINGS = frozenset(
    "article study report survey poll essay paper statement analysis review story post letter statistics data "
    "figures account dispatch interview broadcast account".split()
)
_DEMONYM = re.compile(r"(?:ese|ian|ani|ish|can|rean|raeli|aqi|French|Dutch|Greek|German|Thai|Turkic|Kazakh|Uzbek)$")
_ALL_OPENERS = (_CALENDAR | _OPENERS | STOP_WORDS) - _DETERMINERS - _PRONOUNS
_HEAD_ENDS = _PREPOSITIONS | {"close", "who"}
_PASSED = _LINKS | _PREPOSITIONS | {"the"}
_BRACKETS = re.compile(r"\([^()“”‘’\"]{0,80}\)")
_AUXILIARIES = frozenset("is are was were has have had will would could".split())
_BEHIND = (
    _AUXILIARIES | _PREPOSITIONS - {"of", "for"} | {"who", "which", "that", "as", "when", "while", "and", "but", "if"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark and where it stands (characters); `quoted` where it stands for a whole quotation."""

    text: str
    start: int
    end: int
    quoted: bool = False

    @property
    def word(self) -> bool:
        return self.text[0].isalnum()

    @property
    def capital(self) -> bool:
        return is_capital(self.text)


def is_capital(word: str) -> bool:
    """Whether the word is written as a name is: "Falih", "al-Falih", "d’Arc"."""
    return word[:1].isupper() or bool(re.match(r"(?:[ae]l-|[dl][’'])[^\W\d_]", word) and word[2:4].lower() != word[2:4])


def is_opener(word: str) -> bool:
    """Whether the word, capitalised or not, is no part of a name or of the phrase that it stands before."""
    return word.lower() in _ALL_OPENERS


def is_quote(token: Token) -> bool:
    """Whether the token stands for a quotation."""
    return token.quoted


def tokenize(text: str) -> list[Token]:
    """The words and marks of a text, without brackets; each quotation is one token, also one that is open at an end."""
    text = _BRACKETS.sub(lambda match: " " * len(match[0]), text)
    closed = _CLOSED_ONLY.match(text)
    spans = [(0, closed.end())] if closed and closed.end() > 1 else []
    spans += [match.span() for match in _QUOTED.finditer(text, spans[0][1] if spans else 0)]
    tokens: list[Token] = []
    place = 0
    for start, end in [*spans, (len(text), len(text))]:
        tokens += [Token(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text, place, start)]
        if end > start:
            tokens.append(Token("“", start, end, quoted=True))
        place = end
    return tokens


def find_subject_before(tokens: Sequence[Token], last: int) -> str:
    """Whom the words that end with token `last` name, as the subject of a verb behind them; "" for nobody.

    What commas set apart ("Hazi, a deputy chair, …") is passed over; a name set apart is preferred to a role.
    """
    if last < 0 or tokens[last].quoted:
        return ""
    if tokens[last].text != ",":
        return _read_backwards(tokens, last)
    role, place = "", last - 1
    for _ in range(3):
        comma = _find_back(tokens, place)
        if comma < 1 or tokens[comma - 1].quoted:
            break
        subject = _read_backwards(tokens, comma - 1)
        if subject[:1].isupper():
            return subject
        inner = read_phrase(tokens[comma + 1 : place + 1])
        if subject and inner[:1].isupper() and place - comma <= 7:
            return inner
        role = role or subject
        place = comma - 1
    return role


def _find_back(tokens: Sequence[Token], place: int) -> int:
    """The comma before the place; -1 where another mark comes first."""
    for number in range(place, max(-1, place - 40), -1):
        if tokens[number].text == ",":
            return number
        if tokens[number].quoted or tokens[number].text in ".;:!?":
            return -1
    return -1


def _read_backwards(tokens: Sequence[Token], last: int) -> str:
    first = last
    while first >= 0 and last - first < LONGEST:
        token = tokens[first]
        linking = token.text.lower() == "and" and 0 < first < last and tokens[first - 1].capital
        if not token.word or token.quoted or (token.text.lower() in _BORDERS and not linking):
            break
        first -= 1
    phrase = list(tokens[first + 1 : last + 1])
    return read_phrase(_cut_front(phrase)) if phrase else ""


def _cut_front(phrase: list[Token]) -> list[Token]:
    """The noun phrase that ends a run of words: from its determiner or first capital on."""
    place = len(phrase) - 1
    while place > 0:
        word, before = phrase[place].text.lower(), phrase[place - 1].text.lower()
        if word in _DETERMINERS or (word in _PRONOUNS and place == len(phrase) - 1):
            if before not in _PREPOSITIONS or place < 2:
                break
        elif before in _CALENDAR or before.isdigit():
            break
        elif phrase[place].capital and not phrase[place - 1].capital and before not in _PASSED:
            if len(phrase) - place > 1 and any(not t.capital and t.text.lower() not in _LINKS for t in phrase[place:]):
                place -= 1
                continue
            break
        place -= 1
    return phrase[place:]


def find_subject_behind(tokens: Sequence[Token], first: int, *, inverted: bool = False) -> str:
    """Whom the words from token `first` on name; "" for nobody.

    With `inverted`, they must be the subject of a verb before them: nothing that goes on as a clause of its own.
    """
    last = first
    while last < len(tokens) and last - first < LONGEST:
        token = tokens[last]
        linking = token.text.lower() == "and" and last + 1 < len(tokens) and tokens[last + 1].capital and last > first
        if not token.word or token.quoted or (token.text.lower() in _BEHIND and not linking):
            break
        last += 1
    phrase = list(tokens[first:last])
    if not phrase:
        return ""
    if inverted and last < len(tokens) and tokens[last].text in _AUXILIARIES:
        return ""
    if inverted and not phrase[-1].capital and any(t.text.lower() in _BORDERS for t in phrase[1:]):
        return ""
    subject = read_phrase(phrase)
    if not subject[:1].isupper() and last + 1 < len(tokens) and tokens[last].text == ",":
        closing = last + 1
        while closing < len(tokens) and tokens[closing].capital:
            closing += 1
        name = read_phrase(tokens[last + 1 : closing])
        if closing - last > 2 and name:
            return name
    return subject if not inverted or subject[:1].isupper() or len(phrase) <= 8 else ""


def read_phrase(tokens: Sequence[Token]) -> str:
    """The name in a noun phrase, without titles; of a phrase without a name its words; "" for no person or body."""
    words = [token.text for token in tokens]
    while words and is_opener(words[0]) and (len(words) > 1 or words[0].lower() not in _DETERMINERS):
        del words[0]
    if not words or words[-1].lower() in _EMPTY or (len(words) == 1 and words[0].lower() in _DETERMINERS - {"some"}):
        return words[-1].lower() if words and words[-1].lower() in _PRONOUNS else ""
    if len(words) == 1 and words[0].lower() in _PRONOUNS:
        return words[0].lower()
    if (
        words[-1].lower() in SPOKEN
        and (owner := next((n for n, w in enumerate(words) if _is_owner(w)), None)) is not None
    ):
        return _find_name(words[: owner + 1])
    head = _find_head(words)
    name = _find_name(words[:head])
    if name:
        return name
    return _find_writer(words, head) or _lower_first(" ".join(words))


def _is_owner(word: str) -> bool:
    return is_capital(word) and word.endswith(("’s", "'s", "s’", "s'"))


def find_owner(tokens: Sequence[Token], place: int) -> str:
    """Whose the remark, claim or the like at a place is ("Xi’s statement"); "" where it says not."""
    first = place
    while first and tokens[first - 1].word and tokens[first - 1].capital and place - first < 6:
        first -= 1
    return read_phrase(tokens[first : place + 1]) if _is_owner(tokens[place - 1].text) and place > first else ""


def _find_head(words: Sequence[str]) -> int:
    """Where the noun phrase ends and what belongs to it begins: at its first preposition, unless a body's name."""
    for place, word in enumerate(words):
        if place and word in _HEAD_ENDS:
            before = words[place - 1]
            is_body = before[:1].isupper() and before.lower() in BODIES
            if not (is_body and word in ("of", "for")):
                return place
    return len(words)


def _find_name(words: Sequence[str]) -> str:
    """The capitalised words at the end without titles; "" where these are all, or a people's adjective."""
    start = len(words)
    while start:
        word = words[start - 1]
        linked = word.lower() in _LINKS and start < len(words) and any(is_capital(w) for w in words[: start - 1])
        if not (is_capital(word) or (word[:1].isdigit() and start < len(words)) or linked):
            break
        start -= 1
    run = list(words[start:])
    while run and (is_opener(run[0]) or run[0].lower() in _LINKS or run[0].lower() in _DETERMINERS):
        del run[0]
    titles = [n for n, word in enumerate(run) if word.lower().strip(".") in ROLES]
    if titles and run[titles[-1] + 1 : titles[-1] + 2] not in (["of"], ["for"]):
        run = run[titles[-1] + 1 :]
    elif titles:
        return ""
    return re.sub(r"[’']s?$", "", " ".join(run))


def _find_writer(words: Sequence[str], head: int) -> str:
    """Of "a recent China Daily article" or "a study by the Institute" the body; "" of other phrases."""
    writing = next((n for n, word in enumerate(words[:head]) if word.lower() in _WRITINGS), None)
    if writing is None:
        return ""
    place = writing
    while place and is_capital(words[place - 1]):
        place -= 1
    run = [word for word in words[place:writing] if word.lower() not in STOP_WORDS]
    if run and not (len(run) == 1 and _DEMONYM.search(run[0])):
        return re.sub(r"[’']s?$", "", " ".join(run))
    if words[head : head + 1] and words[head] in ("by", "from"):
        return _find_name(words[head + 1 :])
    return ""


def _lower_first(phrase: str) -> str:
    first = phrase.split(" ", 1)[0]
    plain = first.lower() in _DETERMINERS or (first[1:].islower() and " " in phrase) or phrase[1:].islower()
    return phrase[0].lower() + phrase[1:] if plain and not _DEMONYM.search(first) else phrase


def find_leading_subject(tokens: Sequence[Token], last: int = 10_000) -> str:
    """Whom the sentence's main clause is about, before token `last`: behind what opens the sentence; "" for nobody."""
    last = min(last, len(tokens))
    place = max(0, last - FARTHEST)
    while place < last:
        end = place
        while end < last and tokens[end].word and not tokens[end].quoted:
            end += 1
        words = [token.text for token in tokens[place:end]]
        if (
            words
            and words[0].lower() not in _PREPOSITIONS
            and words[0].lower() not in _BORDERS
            and not words[0].lower().endswith("ing")
        ):
            subject = _read_forwards(words)
            if subject:
                return subject
        place = end + 1
    return ""


def _read_forwards(words: Sequence[str]) -> str:
    while words and is_opener(words[0]):
        words = words[1:]
    if not words:
        return ""
    if words[0].lower() in _PRONOUNS:
        return words[0].lower()
    end = 0
    while end < len(words) and (is_capital(words[end]) or (words[end].lower() in _LINKS and end + 1 < len(words))):
        if words[end].lower() in _LINKS and not is_capital(words[end + 1]) and words[end + 1].lower() not in _LINKS:
            break
        end += 1
    name = _find_name(words[:end])
    if name and (end < len(words) or " " in name) and not (words[0].lower() in _DETERMINERS and _DEMONYM.search(name)):
        return name
    if words[0].lower() in _DETERMINERS:
        verb = next((n for n, w in enumerate(words) if n and (w.endswith("ed") or w.lower() in _BORDERS)), 0)
        return _lower_first(" ".join(words[:verb])) if 1 < verb <= 8 else ""
    return ""
