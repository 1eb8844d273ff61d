"""Questions turned into near misses: one detail is another, so that the sentence that answered no longer does.

Each change takes a question and what it may use, and gives the changed question, or None where it does not apply. A
detail is only changed where the passage mentions it: only then does the passage say something about it.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.question import TYPED, YEAR
from rag.train.questions import Question
from rag.words import STOP_WORDS, find_words, stems

OPPOSITES = (
    "increase decrease|rise fall|grow shrink|import export|importer exporter|buy sell|win lose|open close|"
    "begin end|start finish|first last|largest smallest|biggest smallest|highest lowest|longest shortest|"
    "oldest youngest|earliest latest|best worst|most least|more fewer|before after|above below|north south|"
    "east west|northern southern|eastern western|male female|father mother|son daughter|brother sister|"
    "husband wife|king queen|man woman|support oppose|welcome criticize|praise condemn|accept reject|"
    "approve veto|allow ban|agree disagree|encourage warn|love hate|strong weak|rich poor|old new|ancient modern|"
    "public private|legal illegal|success failure|advantage disadvantage|strength weakness|benefit harm|"
    "arrive leave|enter exit|join quit|create destroy|build demolish|attack defend|ally enemy|friend rival|"
    "employer employee|teacher student|doctor patient|author reader|president minister|ambassador adviser|"
    "chairman secretary|founder successor|director spokesman|minimum maximum|short long|hot cold|early late|"
    "rural urban|domestic foreign|internal external|upper lower|majority minority|birth death|born died|"
    "marry divorce|appoint dismiss|hire fire|borrow lend|gain lose|expand reduce|raise lower|strengthen weaken|"
    "improve worsen|include exclude|earn spend|profit loss|supply demand|cause prevent|permit prohibit"
)
_SUFFIXES = ("", "s", "ed", "d", "ing", "es")

SAME_USE = 0.8
"""Least cosine between the uses of two words for one to take the other's place in a sentence."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

_SWAPPED_WH = ("When", "Where", "Why", "How")
_WH = re.compile(
    r"^(when|where|why|how) (did|was|were|is|are|does|do|has|have|had|can|could|will|would)\b", re.IGNORECASE
)
_HINTS = {
    "when": TYPED["date"],
    "why": re.compile(
        r"\b(?:because|since|due|to|for|as|reason|so|caus\w+|result\w*|led|order|lead\w*)\b", re.IGNORECASE
    ),
    "where": re.compile(r"\b(?:in|at|near|on|from|to|into|across|through)\b", re.IGNORECASE),
    "how": re.compile(r"\b(?:by|through|with|via|using|when|as)\b|\d", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the pool's texts say about words: which are names, which are alike, the names that each topic has."""

    names: frozenset[str]
    alike: Mapping[str, tuple[str, ...]]
    opposites: Mapping[str, str]
    names_by_topic: Mapping[str, tuple[str, ...]]
    all_names: tuple[str, ...]


def make_vocabulary(questions: Sequence[Question], embed: Callable[[list[str]], NDArray[np.float32]]) -> Vocabulary:
    """Reads the pool. `embed` gives unit vectors of single words, by which words that are alike are found."""
    capital, small = Counter[str](), Counter[str]()
    by_topic: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for passage in dict.fromkeys((topic_of(q), q.sentences) for q in questions):
        topic, sentences = passage
        for sentence in sentences:
            for word in list(find_words(sentence)):
                if word.start and word.text[0].isalpha():
                    (capital if word.text[0].isupper() else small)[word.text.lower()] += 1
            by_topic[topic].update(word.text.lower() for word in find_words(sentence) if word.text.isalpha())
    names = frozenset(
        word for word, count in capital.items() if count >= 2 and count > 4 * small[word] and len(word) > 2
    )
    topics = {topic: tuple(word for word in sorted(words) if word in names) for topic, words in by_topic.items()}
    return Vocabulary(names, _find_alike(questions, names, embed), _opposites(), topics, tuple(sorted(names)))


def topic_of(question: Question) -> str:
    """Title where there is one, else the set's name."""
    return f"{question.source}/{question.title}"


def _opposites() -> dict[str, str]:
    pairs: dict[str, str] = {}
    for pair in OPPOSITES.split("|"):
        one, other = pair.split()
        for suffix in _SUFFIXES:
            if suffix not in {"ed", "d", "ing"} or not (one.endswith("st") or other.endswith("st")):
                pairs[one + suffix] = other + suffix
                pairs[other + suffix] = one + suffix
    return pairs


def _find_alike(
    questions: Sequence[Question], names: frozenset[str], embed: Callable[[list[str]], NDArray[np.float32]]
) -> dict[str, tuple[str, ...]]:
    """For each common word of the questions up to 12 that are about something near but do not mean the same."""
    counts = Counter(w.text.lower() for q in questions for w in find_words(q.text) if w.text.isalpha())
    words = sorted(word for word, count in counts.items() if count >= 4 and word not in names and len(word) > 2)
    if not words:
        return {}
    vectors = embed(words)
    uses = _find_uses(questions, words)
    alike = {}
    for number, word in enumerate(words):
        cosines = vectors @ vectors[number]
        fits = np.flatnonzero((cosines > 0.3) & (cosines < 0.62) & (uses @ uses[number] > SAME_USE))
        alike[word] = tuple(words[i] for i in fits[np.argsort(-cosines[fits])][:12])
    return alike


def _find_uses(questions: Sequence[Question], words: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors of how often each word stands behind and before each of the commonest words: its part of speech."""
    texts = dict.fromkeys([sentence for q in questions for sentence in q.sentences] + [q.text for q in questions])
    tokens = [["", *re.findall(r"[a-z]+|[^a-z\s]", text.lower()), ""] for text in texts]
    common = [word for word, _ in Counter(token for text in tokens for token in text).most_common(80)]
    column, row = {word: i for i, word in enumerate(common)}, {word: i for i, word in enumerate(words)}
    counts = np.ones((len(words), 2 * len(common)), np.float32)
    for text in tokens:
        for i, token in enumerate(text[1:-1], 1):
            if token in row:
                for side, neighbour in enumerate((text[i - 1], text[i + 1])):
                    if neighbour in column:
                        counts[row[token], side * len(common) + column[neighbour]] += 1
    usual = np.sqrt(counts)
    usual -= 0.5 * usual.mean(axis=0)
    unit: NDArray[np.float32] = usual / np.linalg.norm(usual, axis=1, keepdims=True)
    return unit


def make_near_miss(
    question: Question, window: Sequence[str], vocabulary: Vocabulary, draw: random.Random
) -> str | None:
    """The question with one detail changed that the window's sentences mention; None where none can be."""
    said = {stem for sentence in window for stem in stems(sentence)}
    changes: list[Callable[[], str | None]] = [
        lambda: _change_number(question.text, window, draw),
        lambda: _change_name(question, window, said, vocabulary, draw),
        lambda: _change_to_opposite(question.text, said, vocabulary),
        lambda: _change_word(question.text, said, vocabulary, draw),
        lambda: _change_word(question.text, said, vocabulary, draw),
        lambda: _change_asked(question.text, window, draw),
        lambda: _add_constraint(question, window, vocabulary, draw),
    ]
    draw.shuffle(changes)
    return next((changed for change in changes if (changed := change())), None)


def _change_number(question: str, window: Sequence[str], draw: random.Random) -> str | None:
    """Another year or number, half of the time one that the window holds too."""
    text = " ".join(window)
    numbers = [match for match in _NUMBER.finditer(question) if match[0] in text]
    if not numbers:
        return None
    match = draw.choice(numbers)
    held: list[str] = _NUMBER.findall(text)
    others = sorted({number for number in held if len(number) == len(match[0]) and number != match[0]})
    other = draw.choice(others) if others and draw.random() < 0.5 else _other_number(match[0], draw)
    return question[: match.start()] + other + question[match.end() :]


def _change_name(
    question: Question, window: Sequence[str], said: set[str], vocabulary: Vocabulary, draw: random.Random
) -> str | None:
    """Another name: of the window, of the same topic, or any."""
    words = list(find_words(question.text))
    named = [w for w in words if w.text.lower() in vocabulary.names and w.stem in said]
    if not named:
        return None
    word = draw.choice(named)
    asked = {w.text.lower() for w in words}
    near = [w.text.lower() for s in window for w in find_words(s) if w.text.lower() in vocabulary.names]
    pools = [near, vocabulary.names_by_topic.get(topic_of(question), ()), vocabulary.all_names]
    pool = [name for name in draw.choices(pools, weights=(3, 4, 2))[0] if name not in asked]
    if not pool:
        return None
    other = draw.choice(pool)
    other = other.capitalize() if word.text[0].isupper() else other
    return question.text[: word.start] + other + question.text[word.end :]


def _change_to_opposite(question: str, said: set[str], vocabulary: Vocabulary) -> str | None:
    for word in re.finditer(r"[A-Za-z]+", question):
        other = vocabulary.opposites.get(word[0].lower())
        if other and (word[0].lower() in STOP_WORDS or set(stems(word[0])) & said):
            return question[: word.start()] + other + question[word.end() :]
    return None


def _change_word(question: str, said: set[str], vocabulary: Vocabulary, draw: random.Random) -> str | None:
    """Another word of the same form that is about something near."""
    words = [w for w in find_words(question) if w.stem in said and vocabulary.alike.get(w.text.lower())]
    if not words:
        return None
    word = draw.choice(words)
    others = [other for other in vocabulary.alike[word.text.lower()] if not set(stems(other)) & said]
    return question[: word.start] + draw.choice(others) + question[word.end :] if others else None


def _change_asked(question: str, window: Sequence[str], draw: random.Random) -> str | None:
    """ "When was …" becomes "Why was …" where nothing in the window could answer that."""
    match = _WH.match(question)
    text = " ".join(window)
    if not match:
        return None
    fits = [wh for wh in _SWAPPED_WH if wh.lower() != match[1].lower() and not _HINTS[wh.lower()].search(text)]
    return draw.choice(fits) + question[match.end(1) :] if fits else None


def _add_constraint(
    question: Question, window: Sequence[str], vocabulary: Vocabulary, draw: random.Random
) -> str | None:
    """A year, or a name of the same topic, that the window's sentences do not mention, where they mention another."""
    text = " ".join(window)
    years = YEAR.findall(text)
    bare = question.text.rstrip(" ?.")
    if years and not YEAR.search(bare) and draw.random() < 0.6:
        year = str(int(draw.choice(years)) + draw.choice([-12, -7, -4, -2, -1, 1, 2, 3, 6]))
        return f"{bare} in {year}?" if year not in text else None
    present = {w.text.lower() for w in find_words(text)}
    pool = [name for name in vocabulary.names_by_topic.get(topic_of(question), ()) if name not in present]
    if draw.random() < 0.5 or not pool or not present & vocabulary.names:
        return None
    return f"{bare} {draw.choice(['in', 'by', 'for', 'with', 'of', 'under'])} {draw.choice(pool).capitalize()}?"


def add_given_year(question: Question, window: Sequence[str], positive: Sequence[int]) -> str | None:
    """The question with the one year of its answering sentence added: still answered, unlike with another year."""
    years = {year for number in positive for year in YEAR.findall(window[number])}
    if (
        len(years) != 1
        or YEAR.search(question.text + question.answer)
        or re.search("when|year|date", question.text, re.IGNORECASE)
    ):
        return None
    return f"{question.text.rstrip(' ?.')} in {years.pop()}?"


def change_passage(
    question: Question, window: Sequence[str], vocabulary: Vocabulary, draw: random.Random
) -> tuple[str, ...] | None:
    """The window with a name or number of the question replaced throughout, so that it is about something else."""
    details = [w for w in find_words(question.text) if w.text.lower() in vocabulary.names or w.text[0].isdigit()]
    details = [w for w in details if any(w.stem in stems(sentence) for sentence in window)]
    if not details:
        return None
    word = draw.choice(details)
    is_number = word.text[0].isdigit()
    other = _other_number(word.text, draw) if is_number else _another(word.text, vocabulary.all_names, draw)
    pattern = re.compile(rf"(?<!\w){re.escape(word.text)}(?!\w)", re.IGNORECASE)
    changed = tuple(pattern.sub(other, sentence) for sentence in window)
    return changed if changed != tuple(window) else None


def _another(name: str, names: Sequence[str], draw: random.Random) -> str:
    drawn = draw.sample(names, min(2, len(names)))
    return next(other for other in drawn if other != name.lower()).capitalize()


def _other_number(number: str, draw: random.Random) -> str:
    if YEAR.fullmatch(number):
        return str(int(number) + draw.choice([-15, -6, -3, -1, 1, 2, 5, 11]))
    return "".join(d if d in ".," else str((int(d) + draw.randint(1, 8)) % 10) for d in number)


def paraphrase(question: str, draw: random.Random) -> str:
    """The question as someone else would type it: an opening, a keyword style, a slip of the finger; same meaning."""
    kind = draw.random()
    if kind < 0.35:
        return f"{draw.choice(_OPENINGS)} {question[0].lower()}{question[1:]}"
    if kind < 0.6:
        words = [word for word in re.findall(r"\S+", question.rstrip(" ?")) if word.lower() not in _DROPPED]
        return " ".join(words) if len(words) >= 3 else question
    if kind < 0.8:
        words = list(re.finditer(r"[A-Za-z]{5,}", question))
        if not words:
            return question
        word = draw.choice(words)
        place = word.start() + draw.randint(1, len(word[0]) - 3)
        return question[:place] + question[place + 1] + question[place] + question[place + 2 :]
    return question.rstrip(" ?").lower()


_OPENINGS = (
    "Can you tell me",
    "Do the articles say",
    "I would like to know",
    "According to the articles,",
    "Please tell me",
    "What does the text say about",
    "Is it known",
    "Tell me",
)
_DROPPED = frozenset("the a an did does do is are was were of has have had that to in on at for by be been".split())
