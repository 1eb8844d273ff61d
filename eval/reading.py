"""`python -m eval.reading --data FOLDER`: how well the model reads passages that training never saw.

On XQuAD and on the held-back titles of SQuAD 2.0, beside cosine, BM25 and the best mix of the two in the same run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eval.metrics import auroc, mean, with_interval
from eval.public import make_parser
from rag.config import Config
from rag.embed import Embedder, load_embedder
from rag.lexical import LexicalIndex
from rag.model import ReadingModel, load_reading_model
from rag.train.measure import read_passages, token_f1
from rag.train.questions import Question
from rag.words import stems

Scores = list[list[float]]
"""Of each question, a score for each of its sentences."""


def main() -> None:
    """Prints the table."""
    questions = make_parser("eval.reading", __doc__).parse_args().data
    embedder = load_embedder(Config().embedding, Config().device)
    table = Table(box=SIMPLE_HEAD)
    for column in ("set", "scored by", "first sentence right", "span F1", "near-miss AUROC"):
        table.add_column(column)
    for name, part in (("XQuAD", questions.xquad), ("SQuAD 2.0, held-back titles", questions.test)):
        for scored_by, scores, spans in score_all(part, embedder):
            table.add_row(name, scored_by, *describe(part, scores, spans))
    Console().print(table)


def score_all(questions: Sequence[Question], embedder: Embedder) -> list[tuple[str, Scores, list[list[str]] | None]]:
    """Each way of scoring with its scores, and the answers' words where it finds them."""
    cosine, bm25 = score_by_cosine(questions, embedder), score_by_bm25(questions)
    mixes = [[_mix(c, b, weight) for c, b in zip(cosine, bm25, strict=True)] for weight in (0.1, 0.25, 0.5, 0.75)]
    best = max(mixes, key=lambda mix: mean([bool(right) for right in rights(questions, mix)]) or 0)
    model, spans = score_by_model(questions, load_reading_model(Config().device))
    return [("cosine", cosine, None), ("BM25", bm25, None), ("best mix", best, None), ("model", model, spans)]


def score_by_model(questions: Sequence[Question], model: ReadingModel) -> tuple[Scores, list[list[str]]]:
    """The model's log-odds of each sentence, and the words it would answer with."""
    readings = read_passages(model, questions)
    return (
        [[score for score, _ in sentences] for sentences in readings],
        [[span for _, span in sentences] for sentences in readings],
    )


def score_by_cosine(questions: Sequence[Question], embedder: Embedder) -> Scores:
    """Cosines of the question with its passage's sentences."""
    texts = list(dict.fromkeys(text for q in questions for text in (q.text, *q.sentences)))
    rows = embedder.model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    vectors = dict(zip(texts, np.asarray(rows, np.float32), strict=True))
    return [[float(vectors[q.text] @ vectors[sentence]) for sentence in q.sentences] for q in questions]


def score_by_bm25(questions: Sequence[Question]) -> Scores:
    """BM25 with the document frequencies of all passages' sentences together."""
    sentences = list(dict.fromkeys(sentence for q in questions for sentence in q.sentences))
    rows = {sentence: row for row, sentence in enumerate(sentences)}
    lexical = LexicalIndex.build(sentences)
    scores = [lexical.scores(stems(q.text)) for q in questions]
    return [[float(s[rows[sentence]]) for sentence in q.sentences] for q, s in zip(questions, scores, strict=True)]


def _mix(cosine: Sequence[float], bm25: Sequence[float], weight: float) -> list[float]:
    return [(1 - weight) * c + weight * b / 20 for c, b in zip(cosine, bm25, strict=True)]


def rights(questions: Sequence[Question], scores: Scores) -> list[bool | None]:
    """Whether each question's best sentence answers it; None for one without an answer."""
    return [
        int(np.argmax(row)) in question.positive if question.positive else None
        for question, row in zip(questions, scores, strict=True)
    ]


def describe(questions: Sequence[Question], scores: Scores, spans: list[list[str]] | None) -> list[str]:
    """First sentence right, span F1 within it and near-miss AUROC, with intervals; "" for what cannot be measured."""
    answerable = [bool(question.positive) for question in questions]
    pairs = list(zip(answerable, [max(row) for row in scores], strict=True))
    near_miss = with_interval(pairs, lambda items: auroc(*zip(*items, strict=True)))
    f1 = with_interval(_span_scores(questions, scores, spans), mean) if spans else ""
    return [with_interval(rights(questions, scores), mean), f1, near_miss]


def _span_scores(questions: Sequence[Question], scores: Scores, spans: list[list[str]]) -> list[float]:
    found = []
    for question, row, texts in zip(questions, scores, spans, strict=True):
        first = int(np.argmax(row))
        golds = [question.sentences[s][start:end] for s, start, end in question.spans if s == first]
        if golds:
            found.append(max(token_f1(texts[first], gold) for gold in golds))
    return found


if __name__ == "__main__":
    main()
