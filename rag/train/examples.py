"""An epoch's examples, drawn anew each time: each question beside windows that answer it and windows that do not."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rag.train.near_misses import Vocabulary, add_given_year, change_passage, make_near_miss, paraphrase
from rag.train.questions import NEWSROOM, OWN, RIVALS, SETS, Question
from rag.windows import Window, join_earlier
from rag.words import find_words, stems

WEIGHTS = {
    "squad1-sentences": 1.0,
    "squad2-dev-half": 2.0,
    "qamr": 1.0,
    "fairytaleqa": 0.5,
    "selqa": 1.5,
    "policyqa": 0.3,
    "clapnq": 2.0,
    "covidqa": 0.7,
    NEWSROOM: 1.0,
    RIVALS: 1.0,
    SETS: 0.3,
}
"""How often a question of each set is drawn in an epoch, on average."""

MOST_SENTENCES, MOST_WORDS = 4, 150
"""Of a window."""

LENGTHS = (3, 14, 2, 1)
"""Odds of windows of one sentence, two, …; most are read as the reader reads them: a sentence and the one before."""

SECOND_RIVAL, MINED, CHANGED_QUESTION, CHANGED_PASSAGE = 0.3, 0.4, 0.45, 0.12
"""Shares of the answered questions that are also shown with a second rival sentence, a mined passage, …"""

Spans = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A window and what is right about it: `positive` sentences, and `spans` (sentence, start, end) where known."""

    window: Window
    positive: tuple[int, ...] = ()
    spans: Spans = ()


@dataclass(frozen=True)
class Pool:
    """The training questions, the mined negatives of each, and the vocabulary that near misses are made with.

    For the ablation the sets `without` are not drawn, and `near_misses` and `mined_negatives` turn these off. Of the
    public sets the share `replay` is drawn.
    """

    questions: Sequence[Question]
    mined: Sequence[Sequence[int]]
    vocabulary: Vocabulary
    without: frozenset[str] = frozenset()
    near_misses: bool = True
    mined_negatives: bool = True
    replay: float = 1.0
    by_passage: dict[tuple[str, ...], list[int]] = field(init=False, default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for number, question in enumerate(self.questions):
            self.by_passage[question.sentences].append(number)


def draw_epoch(pool: Pool, seed: int, marked: Mapping[int, Spans]) -> Iterator[tuple[Example, ...]]:
    """One epoch, in random order: groups of windows of one question, of which some, one or none answer it.

    `marked` are the answer's words, by the question's number in the pool, where people marked only its sentence.
    """
    draw = random.Random(seed)
    order = [
        number
        for number, question in enumerate(pool.questions)
        if question.source not in pool.without
        for _ in range(_times(_weigh(question, pool.replay), draw))
    ]
    draw.shuffle(order)
    for number in order:
        yield from _draw_groups(pool, number, marked.get(number, ()), draw)


def _weigh(question: Question, replay: float) -> float:
    """How often the question is drawn in an epoch, on average; of our own articles each as often as its counterpart.

    Of pairs of articles few only seem to answer, so these are drawn twice as often.
    """
    if question.source in OWN:
        return WEIGHTS[question.source] * (2 if question.source == RIVALS and not question.positive else 1)
    return replay * WEIGHTS[question.source] * (1 if question.positive else 1.5)


def _times(expected: float, draw: random.Random) -> int:
    return int(expected) + (draw.random() < expected % 1)


def _draw_groups(pool: Pool, number: int, marked: Spans, draw: random.Random) -> Iterator[tuple[Example, ...]]:
    question = pool.questions[number]
    if not question.positive:
        rivals = tuple(_draw_rivals(question, question.text, draw))
        if rivals:
            yield rivals
        return
    run = _run(question.sentences, draw.choice(question.positive), draw)
    text = _reworded(pool, number, run, draw)
    group = [_make_right(question, text, question.spans or marked, run, draw), *_draw_rivals(question, text, draw)]
    if draw.random() < MINED and pool.mined_negatives and pool.mined[number]:
        group.append(_draw_mined(pool.questions[draw.choice(pool.mined[number])], text, draw))
    window = question.sentences[run.start : run.stop]
    if draw.random() < CHANGED_PASSAGE and pool.near_misses:
        other = change_passage(question, window, pool.vocabulary, draw)
        group += [Example(Window(text, _title(question, draw), other))] if other else []
    yield tuple(group)
    if draw.random() < CHANGED_QUESTION and pool.near_misses:
        changed = make_near_miss(question, window, pool.vocabulary, draw)
        if changed:
            yield (Example(Window(changed, _title(question, draw), window)),)


def _reworded(pool: Pool, number: int, run: range, draw: random.Random) -> str:
    """The question, now and then as someone else would put it, or as a follow-up; what answers it stays the same."""
    question, kind = pool.questions[number], draw.random()
    if kind > 0.8 and pool.near_misses:
        return add_given_year(question, question.sentences, [i for i in question.positive if i in run]) or question.text
    if kind < 0.15:
        return paraphrase(question.text, draw)
    others = pool.by_passage[question.sentences]
    if kind < 0.27 and len(others) > 1:
        earlier = pool.questions[draw.choice([other for other in others if other != number])].text
        return join_earlier(_lean_on(question.text, earlier, draw), earlier)
    return question.text


def _lean_on(question: str, earlier: str, draw: random.Random) -> str:
    """The question with a word that it shares with the earlier one left out or made a pronoun, as in a follow-up."""
    asked = set(stems(earlier))
    shared = [word for word in find_words(question) if word.stem in asked and word.start > 5]
    if not shared:
        return f"And {question[0].lower()}{question[1:]}" if draw.random() < 0.3 else question
    word = draw.choice(shared)
    pronoun = draw.choice(["it", "they", "this", "that", "he", "there", ""])
    return " ".join(f"{question[: word.start]}{pronoun}{question[word.end :]}".split())


def _run(sentences: Sequence[str], held: int, draw: random.Random) -> range:
    """Neighbouring sentences around the held one: as many as drawn, as long as they stay short together."""
    first = last = held
    words = len(sentences[held].split())
    for _ in range(draw.choices(range(MOST_SENTENCES), LENGTHS)[0]):
        before = last == len(sentences) - 1 or (first > 0 and draw.random() < 0.85)
        nearest = first - 1 if before else last + 1
        if not 0 <= nearest < len(sentences):
            break
        words += len(sentences[nearest].split())
        if words > MOST_WORDS:
            break
        first, last = min(first, nearest), max(last, nearest)
    return range(first, last + 1)


def _make_right(question: Question, text: str, spans: Spans, run: range, draw: random.Random) -> Example:
    positive = tuple(number - run.start for number in question.positive if number in run)
    inside = tuple((s - run.start, start, end) for s, start, end in spans if s in run)
    return Example(Window(text, _title(question, draw), question.sentences[run.start : run.stop]), positive, inside)


def _title(question: Question, draw: random.Random) -> str:
    return question.title if draw.random() < 0.7 else ""


def _draw_mined(other: Question, text: str, draw: random.Random) -> Example:
    """Of another question's passage the sentence that is most like this question."""
    run = _run(other.sentences, _most_alike(text, other.sentences, draw), draw)
    return Example(Window(text, _title(other, draw), other.sentences[run.start : run.stop]))


def _most_alike(question: str, sentences: Sequence[str], draw: random.Random) -> int:
    """Number of the sentence that shares most words with the question; ties are drawn."""
    asked = set(stems(question))
    return max(range(len(sentences)), key=lambda i: (len(asked & set(stems(sentences[i]))), draw.random()))


def _draw_rivals(question: Question, text: str, draw: random.Random) -> Iterator[Example]:
    """One or two sentences of the passage that do not answer, each with the one before it.

    The first is mostly the one that was marked as near, or else shares most words with the question.
    """
    answer = question.answer.lower()
    others = [
        number
        for number, sentence in enumerate(question.sentences)
        if number not in question.positive
        and number - 1 not in question.positive
        and not (question.positive and len(answer) > 2 and answer in sentence.lower())
    ]
    for _ in range(1 + (draw.random() < SECOND_RIVAL)):
        if not others:
            return
        alike = (
            others.index(question.near)
            if question.near in others
            else _most_alike(text, [question.sentences[number] for number in others], draw)
        )
        last = others.pop(alike if draw.random() < 0.7 else draw.randrange(len(others)))
        window = question.sentences[max(0, last - 1) : last + 1]
        yield Example(Window(text, _title(question, draw), window))
