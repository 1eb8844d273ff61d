"""How well a model reads: the right sentence first, the answer's words, and telling an answer from a near miss."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from rag.model import ReadingModel, WindowReading
from rag.train.questions import Question
from rag.windows import Window


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the answerable questions the share whose first sentence is right, their mean span F1 within it where it is
    right, and the area under the ROC curve of the best score for answerable against not; None where there is nothing.
    """

    first_sentence: float
    span_f1: float | None
    auroc: float | None


def measure_model(model: ReadingModel, questions: Sequence[Question]) -> Figures:
    """Reads every question's passage."""
    readings = read_passages(model, questions)
    right, f1, best = [], [], []
    for question, sentences in zip(questions, readings, strict=True):
        first = int(np.argmax([score for score, _ in sentences]))
        best.append(sentences[first][0])
        if question.positive:
            right.append(first in question.positive)
            golds = [question.sentences[s][a:b] for s, a, b in question.spans if s == first]
            if golds:
                f1.append(max(token_f1(sentences[first][1], gold) for gold in golds))
    answerable = np.asarray([bool(q.positive) for q in questions])
    return Figures(
        float(np.mean(right)),
        float(np.mean(f1)) if f1 else None,
        None if answerable.all() else float(roc_auc_score(answerable, best)),
    )


def read_passages(model: ReadingModel, questions: Sequence[Question]) -> list[list[tuple[float, str]]]:
    """Of each question's sentences the score and the best span's text, read as the reader reads its candidates."""
    windows = [
        Window(question.text, question.title, question.sentences[max(0, number - 1) : number + 1])
        for question in questions
        for number in range(len(question.sentences))
    ]
    readings = iter(model.read(windows))
    return [[_read_last(next(readings), sentence) for sentence in question.sentences] for question in questions]


def _read_last(reading: WindowReading, sentence: str) -> tuple[float, str]:
    last = len(reading.scores) - 1
    span = reading.best_span(last)
    return float(reading.scores[last]), sentence[span.start : span.end]


def token_f1(answer: str, gold: str) -> float:
    """F1 of the words two answers share, as SQuAD counts them (Rajpurkar et al., 2016)."""
    ours, theirs = _normal(answer), _normal(gold)
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs)) if common else float(ours == theirs)


def _normal(text: str) -> list[str]:
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()
