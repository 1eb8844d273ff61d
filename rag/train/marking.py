"""Answers that the model marks itself, where people marked only the sentence that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.model import ReadingModel
from rag.train.questions import Question
from rag.windows import Window

LEAST_SHARE = 0.5
"""Least probability, among the spans of the right sentence, of an answer that is taken for right."""


def mark_spans(model: ReadingModel, questions: Sequence[Question]) -> Mapping[int, tuple[tuple[int, int, int], ...]]:
    """By the question's number, the spans of right sentences that the model is sure of (self-training).

    Only of questions whose answer's words nobody marked. The model knows which sentence is right, and that helps.
    """
    asked = [
        (number, sentence)
        for number, question in enumerate(questions)
        if not question.spans
        for sentence in question.positive
    ]
    windows = [
        Window(q.text, q.title, q.sentences[max(0, sentence - 1) : sentence + 1])
        for q, sentence in ((questions[number], sentence) for number, sentence in asked)
    ]
    marked: dict[int, tuple[tuple[int, int, int], ...]] = {}
    was_training = model.network.training
    model.network.eval()
    for (number, sentence), reading in zip(asked, model.read(windows), strict=True):
        span = reading.best_span(len(reading.scores) - 1)
        if span.share >= LEAST_SHARE:
            marked[number] = (*marked.get(number, ()), (sentence, span.start, span.end))
    model.network.train(was_training)
    return marked
