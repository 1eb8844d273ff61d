"""An epoch's examples, drawn anew each time: windows with the sentences and spans that answer, or with none."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rag.train.near_misses import Vocabulary, add_given_year, change_passage, make_near_miss, paraphrase
from rag.train.questions import Question
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
}
"""How often a question of each set is drawn in an epoch, on average."""

MOST_SENTENCES, MOST_WORDS = 6, 150
"""Of a window."""

LENGTHS = (2, 10, 3, 2, 2, 1)
"""Odds of windows of one sentence, two, …; most are read as the reader reads them: a sentence and the one before."""

RIVALS = 0.5
"""Share of the questions that are also shown with another sentence of their passage, the one most alike."""


@dataclass(frozen=True, slots=True)
class Example:
    """A window and what is right about it: `positive` sentences, and `spans` (sentence, start, end) where known."""

    window: Window
    positive: tuple[int, ...]
    spans: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Pool:
    """The training questions, the mined negatives of each, and the vocabulary that near misses are made with.

    For the ablation the sets `without` are not drawn, and `near_misses` and `mined_negatives` turn these off.
    """

    questions: Sequence[Question]
    mined: Sequence[Sequence[int]]
    vocabulary: Vocabulary
    without: frozenset[str] = frozenset()
    near_misses: bool = True
    mined_negatives: bool = True
    by_passage: dict[tuple[str, ...], list[int]] = field(init=False, default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for number, question in enumerate(self.questions):
            self.by_passage[question.sentences].append(number)


def draw_epoch(pool: Pool, seed: int) -> Iterator[Example]:
    """One epoch, in random order: each drawn question with its passage, and again as one that is not answered."""
    draw = random.Random(seed)
    order = [
        number
        for number, question in enumerate(pool.questions)
        if question.source not in pool.without
        for _ in range(_times(WEIGHTS[question.source] * (1.5 if not question.positive else 1), draw))
    ]
    draw.shuffle(order)
    for number in order:
        yield from _draw_examples(pool, number, draw)


def _times(expected: float, draw: random.Random) -> int:
    return int(expected) + (draw.random() < expected % 1)


def _draw_examples(pool: Pool, number: int, draw: random.Random) -> Iterator[Example]:
    question = pool.questions[number]
    if not question.positive:
        yield _example(
            question.text, question, _run(question.sentences, draw.randrange(len(question.sentences)), draw), draw
        )
        return
    run = _run(question.sentences, draw.choice(question.positive), draw)
    yield _example(_reworded(pool, number, run, draw), question, run, draw)
    negative = _draw_negative(pool, number, run, draw)
    if negative:
        yield negative
    if draw.random() < RIVALS and (rival := _draw_rival(question, draw)):
        yield rival


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
        before = last == len(sentences) - 1 or (first > 0 and draw.random() < 0.7)
        nearest = first - 1 if before else last + 1
        if not 0 <= nearest < len(sentences):
            break
        words += len(sentences[nearest].split())
        if words > MOST_WORDS:
            break
        first, last = min(first, nearest), max(last, nearest)
    return range(first, last + 1)


def _example(text: str, question: Question, run: range, draw: random.Random) -> Example:
    positive = tuple(number - run.start for number in question.positive if number in run)
    spans = tuple((s - run.start, start, end) for s, start, end in question.spans if s in run)
    window = Window(text, _title(question, draw), question.sentences[run.start : run.stop])
    return Example(window, positive, spans)


def _title(question: Question, draw: random.Random) -> str:
    return question.title if draw.random() < 0.7 else ""


def _draw_negative(pool: Pool, number: int, run: range, draw: random.Random) -> Example | None:
    question = pool.questions[number]
    window = question.sentences[run.start : run.stop]
    kind = draw.random()
    if kind < 0.45 and pool.near_misses:
        changed = make_near_miss(question, window, pool.vocabulary, draw)
        if changed:
            return Example(Window(changed, _title(question, draw), window), (), ())
    if kind < 0.57 and pool.near_misses:
        other = change_passage(question, window, pool.vocabulary, draw)
        if other:
            return Example(Window(question.text, _title(question, draw), other), (), ())
    if kind < 0.85 and pool.mined_negatives and pool.mined[number]:
        mined = pool.questions[draw.choice(pool.mined[number])]
        nearest = _most_alike(question.text, mined.sentences, draw)
        run = _run(mined.sentences, nearest, draw)
        return Example(Window(question.text, _title(mined, draw), mined.sentences[run.start : run.stop]), (), ())
    return _without_answer(question, draw)


def _most_alike(question: str, sentences: Sequence[str], draw: random.Random) -> int:
    """Number of the sentence that shares most words with the question; ties are drawn."""
    asked = set(stems(question))
    return max(range(len(sentences)), key=lambda i: (len(asked & set(stems(sentences[i]))), draw.random()))


def _draw_rival(question: Question, draw: random.Random) -> Example | None:
    """A sentence of the passage that does not answer but shares many of the question's words, and the one before."""
    answer = question.answer.lower()
    others = [
        number
        for number, sentence in enumerate(question.sentences)
        if number not in question.positive
        and number - 1 not in question.positive
        and not (len(answer) > 2 and answer in sentence.lower())
    ]
    if not others:
        return None
    alike = _most_alike(question.text, [question.sentences[number] for number in others], draw)
    last = others[alike if draw.random() < 0.6 else draw.randrange(len(others))]
    window = question.sentences[max(0, last - 1) : last + 1]
    return Example(Window(question.text, _title(question, draw), window), (), ())


def _without_answer(question: Question, draw: random.Random) -> Example | None:
    """Sentences of the passage right before those that answer, or right behind them."""
    count = 1 + draw.choices(range(MOST_SENTENCES), LENGTHS)[0]
    before = question.sentences[max(0, question.positive[0] - count) : question.positive[0]]
    behind = question.sentences[question.positive[-1] + 1 : question.positive[-1] + 1 + count]
    window = draw.choice([part for part in (before, behind) if part] or [()])
    answer = question.answer.lower()
    if not window or (len(answer) > 2 and any(answer in sentence.lower() for sentence in window)):
        return None
    return Example(Window(question.text, _title(question, draw), window), (), ())
