"""Hard negatives: passages of other questions that the project's own ranking puts first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rag.lexical import LexicalIndex
from rag.retrieve import BM25_WEIGHT
from rag.train.questions import Question
from rag.words import stems

Embed = Callable[[list[str]], NDArray[np.float32]]


def mine_passages(questions: Sequence[Question], embed: Embed, most: int = 6) -> list[tuple[int, ...]]:
    """For each question up to `most` other questions' numbers whose passages rank first but do not hold its answer.

    Cosine and BM25 of whole passages, min-max-scaled and summed as in `rag.retrieve`. A passage that holds one of the
    question's answering sentences, or its answer's words, is passed over.
    """
    passages = list(dict.fromkeys(q.sentences for q in questions))
    owner = {q.sentences: number for number, q in reversed(list(enumerate(questions)))}
    texts = [" ".join(passage) for passage in passages]
    lexical = LexicalIndex.build(texts)
    vectors = embed(texts)
    asked = embed([q.text for q in questions])
    mined = []
    for question, vector in zip(tqdm(questions, "Mining", unit=" questions"), asked, strict=True):
        score = (1 - BM25_WEIGHT) * _scaled(vectors @ vector) + BM25_WEIGHT * _scaled(
            lexical.scores(stems(question.text))
        )
        ranked = np.argpartition(-score, 4 * most)[: 4 * most]
        ranked = ranked[np.argsort(-score[ranked])]
        right = {question.sentences[number] for number in question.positive}
        answer = question.answer.lower()
        kept = [
            owner[passages[row]]
            for row in ranked.tolist()
            if passages[row] != question.sentences
            and not right.intersection(passages[row])
            and not (len(answer) > 2 and answer in texts[row].lower())
        ]
        mined.append(tuple(kept[:most]))
    return mined


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = values.min(), values.max()
    scaled: NDArray[np.float32] = (values - low) / (high - low) if high > low else values * 0
    return scaled
