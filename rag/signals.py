"""What speaks for a sentence as an answer: one row of numbers a candidate, each of them explainable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.converse import Standalone
from rag.embed import EncodedText
from rag.judge import Judgement
from rag.lexical import Lexicon
from rag.question import YEAR, QuestionNeeds, find_needs, holds_type
from rag.schema import Candidate
from rag.words import Word, find_words, stems

SIGNALS = (
    "cosine",
    "passage_cosine",
    "bm25",
    "maxsim",
    "context_maxsim",
    "weakest",
    "gap",
    "covered",
    "context_covered",
    "right_type",
    "wrong_type",
    "year_met",
    "year_unmet",
    "number_unmet",
    "name_unmet",
    "is_question",
    "near_cited",
    "model",
    "span",
)

EARLIER = 0.5
"""Weight of a word that comes from an earlier question of the conversation."""

LIGHT = 0.2
"""Weight of a word that a question can do without."""

REACH = 3
"""Sentences between a quoted one and another that still counts as near it."""

QUOTED = 0.3
"""Share of a sentence's runs of four words that a reply must hold to count as quoting it: replies shorten quotes."""

_WORD = re.compile(r"\w+")

NEAR = 0.85
"""How well a word is met that stands not in the sentence but in the one before, its heading or the article's title."""


@dataclass(frozen=True, slots=True)
class WeighedQuestion:
    """A question's words, the rows of each one's word pieces, how needed each is, its weight, and the asked type.

    `needed` is 1, or less for a light word. A word weighs its IDF times that, less again when it comes from an earlier
    question.
    """

    question: Standalone
    encoded: EncodedText
    words: tuple[Word, ...]
    pieces: tuple[NDArray[np.int64], ...]
    needed: NDArray[np.float64]
    weights: NDArray[np.float64]
    needs: QuestionNeeds

    def share(self, values: Sequence[float] | NDArray[np.float64]) -> float:
        """The weighted mean of one value a word; 0 for a question without words."""
        total = float(self.weights.sum())
        return float(self.weights @ np.asarray(values, np.float64)) / total if total else 0.0


def weigh_question(question: Standalone, encoded: EncodedText, lexical: Lexicon) -> WeighedQuestion:
    """The question as the signals see it."""
    words = tuple(find_words(question.question))
    earlier = np.asarray([EARLIER if word.start < question.focus else 1.0 for word in words])
    needs = find_needs(question)
    compared = [any(start <= word.start < end for start, end in needs.bounds) for word in words]
    needed = np.asarray([LIGHT if word.is_light or bound else 1.0 for word, bound in zip(words, compared, strict=True)])
    weights = np.asarray([lexical.idf(word.stem) for word in words]) * earlier * needed
    starts, ends = encoded.spans[:, 0], encoded.spans[:, 1]
    pieces = tuple(np.flatnonzero((starts < word.end) & (ends > word.start)) for word in words)
    return WeighedQuestion(question, encoded, words, pieces, needed, weights, needs)


def measure(
    question: WeighedQuestion,
    candidates: Sequence[Candidate],
    encodings: Sequence[EncodedText],
    previous: Sequence[EncodedText | None],
    judgements: Sequence[Judgement],
    lexical: Lexicon,
) -> NDArray[np.float64]:
    """One row a candidate in its order, one column a name of `SIGNALS`.

    `model` and `span` are the log-odds of its judgement; the others are read off the texts. `weakest` is how well the
    question's least met word is met, `gap` the largest product of a word's weight with how far it is from being met.
    `encodings` are the candidates' sentences, `previous` the sentences before them.
    """
    rows = [
        [*_measure_one(question, candidate, encoding, before, lexical), judgement.score, judgement.span]
        for candidate, encoding, before, judgement in zip(candidates, encodings, previous, judgements, strict=True)
    ]
    return np.asarray(rows, np.float64).reshape(len(rows), len(SIGNALS))


def _measure_one(
    question: WeighedQuestion,
    candidate: Candidate,
    encoding: EncodedText,
    before: EncodedText | None,
    lexical: Lexicon,
) -> list[float]:
    text, needs = candidate.sentence.text, question.needs
    own = lexical.expand(stems(text))
    context = own | lexical.expand([stem for part in context_parts(candidate) for stem in stems(part)])
    said = [float(word.stem in own) for word in question.words]
    met = word_similarities(question, encoding)
    met_before = word_similarities(question, before) if before else np.zeros(len(met))
    near = [float(word.stem in context) for word in question.words]
    known = np.maximum(np.maximum(met, said), NEAR * np.asarray(near))
    fits = holds_type(text, question.question.question, needs)
    years, asked = set(YEAR.findall(text)), set(needs.years)
    years_before = set(YEAR.findall(" ".join(context_parts(candidate))))
    return [
        candidate.cosine,
        candidate.passage_cosine,
        candidate.bm25 / (2.2 * (float(question.weights.sum()) or 1.0)),
        question.share(met),
        question.share(0.75 * met + 0.25 * met_before),
        float((1 - (1 - known) * question.needed).min()) if said else 0.0,
        float(((1 - known) * question.weights).max()) if said else 0.0,
        question.share(said),
        question.share(near),
        float(fits is True),
        float(fits is False),
        float(bool(asked) and asked <= years),
        float(bool(asked) and not asked <= years and (bool(years) or not asked <= years_before)),
        float(any(number not in context for number in needs.numbers)),
        sum(name not in context for name in needs.names) / len(needs.names) if needs.names else 0.0,
        float(text.rstrip("’”\"' ").endswith("?")),
        find_nearness(candidate, question.question.reply),
    ]


def find_unmet(question: WeighedQuestion, candidate: Candidate, lexical: Lexicon) -> tuple[str, ...]:
    """The question's years, numbers and names, as written, that neither the sentence nor what is around it mentions.

    Around it are the sentence before, its heading, and the article's title and date.
    """
    needs = question.needs
    details = {*needs.years, *needs.numbers, *needs.names}
    texts = (candidate.sentence.text, *context_parts(candidate))
    context = lexical.expand([stem for text in texts for stem in stems(text)])
    unmet = {word.stem: word.text for word in question.words if word.stem in details and word.stem not in context}
    return tuple(unmet.values())


def find_nearness(candidate: Candidate, reply: str) -> float:
    """How near the sentence is to one that the last reply quoted: 1 beside it, less farther off, 0 beyond `REACH`.

    The quoted sentence itself counts as one that is two away: it has been said already.
    """
    if not reply:
        return 0.0
    said = _runs_of_words(reply)
    sentences = candidate.split.sentences
    quoted = [
        abs(number - candidate.number) or 2
        for number in range(max(0, candidate.number - REACH), min(len(sentences), candidate.number + REACH + 1))
        if (own := _runs_of_words(sentences[number].text)) and len(own & said) >= QUOTED * len(own)
    ]
    return 1 / min(quoted) if quoted else 0.0


def _runs_of_words(text: str, length: int = 4) -> set[tuple[str, ...]]:
    words = _WORD.findall(text)
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def context_parts(candidate: Candidate) -> tuple[str, ...]:
    """What one has in mind at the sentence: the sentence before it, its heading, the article's title and date."""
    before = candidate.previous.text if candidate.previous else ""
    article = candidate.article
    return before, candidate.sentence.heading, article.title, article.published.replace("-", " ")


def word_similarities(question: WeighedQuestion, sentence: EncodedText) -> NDArray[np.float64]:
    """For each word of the question how well the sentence's word pieces match it at best: cosines, 0 for no pieces.

    The late interaction of ColBERT (Khattab and Zaharia, 2020), by word instead of by word piece.
    """
    if not len(question.encoded.tokens) or not len(sentence.tokens):
        return np.zeros(len(question.words))
    best = (question.encoded.tokens @ sentence.tokens.T).max(axis=1)
    return np.asarray([best[rows].sum() / max(len(rows), 1) for rows in question.pieces])
