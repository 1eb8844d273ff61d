"""Which candidate answers, how sure that is, what to quote and which words of it are the short answer."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.config import Config
from rag.conflict import find_disputes
from rag.converse import Standalone
from rag.direction import is_turned
from rag.embed import Embedder, EncodedText
from rag.forms import Forms, find_forms
from rag.judge import Judgement, judge_candidates
from rag.lexical import Lexicon
from rag.model import ReadingModel, load_reading_model
from rag.parts import find_common_names
from rag.schema import Candidate, Dispute, Reading, ScoredSentence
from rag.short import choose_short
from rag.signals import SIGNALS, WeighedQuestion, find_unmet, measure, weigh_question

EVIDENCE = (
    "cosine",
    "passage_cosine",
    "context_maxsim",
    "weakest",
    "gap",
    "right_type",
    "wrong_type",
    "year_unmet",
    "number_unmet",
    "name_unmet",
    "unknown",
    "words",
    "model",
    "span",
    "support",
    "far",
)
"""What the best sentence is judged by.

`unknown` is the share of the question's words that the articles never use, `words` the logarithm of their number: the
more words, the worse the least met one is by chance alone. `support` is the logarithm of the sum of the odds that the
model gives all candidates: what is answered is often answered more than once. `far` is how much the cosine lacks to
`RELATED`.
"""

RELATED = 0.3
"""Cosine below which a sentence is hardly about the question's matter."""

DISPUTED = 0.65
"""Log-odds that a question is answered, gained where articles answer it differently. Chosen on the dev cases of
eval/conflicts.jsonl and eval/facts.jsonl: it lets 26 more of 152 disagreements be shown, and one more of 53 questions
without an answer be answered.
"""

FORM, FORMED = 4.0, 1.5
"""Points of score and log-odds that a question is answered, each times the best sentence's points of `rag.forms`.
Chosen on the dev cases of eval/definitions.jsonl.
"""

TURNED, TURNED_ODDS = 6.0, 4.0
"""Points of score taken off a sentence that tells the reverse of what is asked (`rag.direction`), and log-odds that a
question is answered: all where such a sentence is best all the same, half where it would have been. Chosen on the dev
cases of eval/turned.jsonl.
"""

FEW_WORDS, MANY_WORDS = 4, 8
"""Questions with fewer or more words count as having so many."""

ROUNDING = 4
"""Decimals of a signal: batches of different make-up give vectors that differ in the seventh."""


class Reader(Protocol):
    """Scores candidates, chooses quotes and says whether they answer."""

    def read(
        self, question: Standalone, encoded: EncodedText, candidates: Sequence[Candidate], lexical: Lexicon
    ) -> Reading:
        """The candidates best first, those to quote, and how sure that they answer; nothing for no candidates."""
        ...


@dataclass(frozen=True, slots=True)
class Weights:
    """What `python -m eval.fit` has found: weights by name, and the margins of the decisions.

    `score` weighs the signals of a sentence. `evidence` weighs those of the best one; `scale` and `shift` make a
    probability of it. A sentence is quoted beside the best when its score is less than `margin` behind.
    """

    score: Mapping[str, float]
    evidence: Mapping[str, float]
    scale: float
    shift: float
    threshold: float
    margin: float


class TrainedReader:
    """Weighs what the trained model says beside the signals; safe to use from several threads.

    Without a model given it is the shipped one; raises ModelError when its file is missing or damaged.
    """

    def __init__(self, embedder: Embedder, config: Config, model: ReadingModel | None = None) -> None:
        self._config = config
        self._model = model or load_reading_model(config.device)
        self._weights = load_weights()
        self._encodings = _Encodings(embedder, config.cached_sentences)

    def read(
        self, question: Standalone, encoded: EncodedText, candidates: Sequence[Candidate], lexical: Lexicon
    ) -> Reading:
        """See `Reader.read`. The model reads the best candidates; the embedder those not in memory yet.

        A question of stop words alone ("What can you do?") asks nothing of the articles and is declined.
        """
        if not candidates:
            return Reading((), (), answered=False, confidence=0.0, short=None)
        weighed = weigh_question(question, encoded, lexical)
        judgements = self.judge(question, candidates)
        signals = self.measure(weighed, candidates, judgements, lexical)
        forms = find_forms(question, candidates, judgements, lexical)
        points = forms.points if forms else np.zeros(len(candidates))
        turned = _find_turned(question, candidates)
        scores = score_sentences(signals, self._weights) - _repetition(candidates, question.avoid)
        scores += FORM * points
        doubt = turned[np.argmax(scores)] / 2
        scores -= TURNED * turned
        order = np.argsort(-scores, kind="stable").tolist()
        best = order[0]
        evidence = find_evidence(signals, best, weighed, lexical)
        threshold = self._weights.threshold if self._config.threshold is None else self._config.threshold
        sentences = tuple(ScoredSentence(candidates[i], float(scores[i])) for i in order)
        sides = [place for place, i in enumerate(order) if not turned[i] and (not forms or forms.sides[i])]
        judged = [judgements[order[place]] for place in sides]
        disputes = find_disputes(question, [sentences[place] for place in sides], judged, self._similarity)
        disputed = any(dispute.kind != "development" for dispute in disputes)
        further = DISPUTED * disputed + FORMED * points[best] - TURNED_ODDS * max(turned[best], doubt)
        confidence = judge_evidence(evidence, self._weights, further) if weighed.words else 0.0
        short = _choose_short(candidates[best].sentence.text, best, judgements[best], weighed, forms)
        return Reading(
            sentences=sentences,
            chosen=self._choose(sentences, disputes),
            answered=confidence >= threshold,
            confidence=confidence,
            short=short,
            unmet=find_unmet(weighed, candidates[best], lexical),
            turned=bool(turned[best]),
            disputes=disputes,
        )

    def _choose(self, sentences: Sequence[ScoredSentence], disputes: Sequence[Dispute]) -> tuple[ScoredSentence, ...]:
        """The best sentence, those of each side of a dispute, and what is nearly as good.

        Every side has a quote, however many there are; what agrees with a side joins up to twice the usual number.
        """
        sides = [side.sentences[0] for dispute in disputes for side in dispute.sides]
        taken = [sentence for dispute in disputes for side in dispute.sides for sentence in side.sentences]
        others = choose_quotes(sentences, self._weights.margin, self._config.max_quotes)
        chosen = dict.fromkeys([*sentences[:1], *sides, *taken, *others])
        least = len(dict.fromkeys([*sentences[:1], *sides]))
        most = min(2 * self._config.max_quotes, len(dict.fromkeys([*sentences[:1], *sides, *taken])))
        return tuple(chosen)[: max(self._config.max_quotes, least, most)]

    def _similarity(self, one: str, other: str) -> float:
        known = self._encodings.find([one, other])
        return float(known[one].vector @ known[other].vector)

    def judge(self, question: Standalone, candidates: Sequence[Candidate]) -> list[Judgement]:
        """What the model says of the candidates."""
        return judge_candidates(self._model, question, candidates, self._config.read_candidates)

    def measure(
        self,
        question: WeighedQuestion,
        candidates: Sequence[Candidate],
        judgements: Sequence[Judgement],
        lexical: Lexicon,
    ) -> NDArray[np.float64]:
        """The candidates' signals (candidates, signals), rounded."""
        texts = [candidate.sentence.text for candidate in candidates]
        before = [candidate.previous.text if candidate.previous else "" for candidate in candidates]
        known = self._encodings.find([*texts, *filter(None, before)])
        encodings, previous = [known[text] for text in texts], [known.get(text) for text in before]
        signals = measure(question, candidates, encodings, previous, judgements, lexical)
        return signals.round(ROUNDING)


@cache
def load_weights() -> Weights:
    """The fitted weights that come with the package."""
    data: dict[str, Any] = json.loads((Path(__file__).parent / "reader.json").read_text(encoding="utf-8"))
    return Weights(**{name: data[name] for name in Weights.__dataclass_fields__})


def score_sentences(signals: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """The weighted sum of each row's signals."""
    scores: NDArray[np.float64] = signals @ np.asarray([weights.score.get(name, 0.0) for name in SIGNALS])
    return scores


def find_evidence(
    signals: NDArray[np.float64], best: int, question: WeighedQuestion, lexical: Lexicon
) -> NDArray[np.float64]:
    """The values of `EVIDENCE` for the sentence in row `best` of the candidates' signals."""
    unknown = [not lexical.knows(word.stem) for word in question.words]
    values = dict(zip(SIGNALS, signals[best].tolist(), strict=True))
    values["support"] = float(np.logaddexp.reduce(signals[:, SIGNALS.index("model")]))
    values["far"] = max(0.0, RELATED - values["cosine"])
    values["unknown"] = sum(unknown) / len(unknown) if unknown else 1.0
    values["words"] = math.log1p(min(max(len(unknown), FEW_WORDS), MANY_WORDS))
    return np.asarray([values[name] for name in EVIDENCE])


def judge_evidence(evidence: NDArray[np.float64], weights: Weights, further: float = 0.0) -> float:
    """The calibrated probability, 0..1 to three decimals, that the sentence answers (Platt, 1999).

    `further` are log-odds of what the weights were not fitted with.
    """
    total = float(evidence @ np.asarray([weights.evidence[name] for name in EVIDENCE]))
    return round(1 / (1 + math.exp(-(weights.scale * total + weights.shift + further))), 3)


def choose_quotes(sentences: Sequence[ScoredSentence], margin: float, most: int) -> tuple[ScoredSentence, ...]:
    """The best sentence and those less than `margin` behind it, at most `most`; the same words are quoted once."""
    chosen: list[ScoredSentence] = []
    for scored in sentences:
        if len(chosen) == most or sentences[0].score - scored.score >= margin:
            break
        if all(scored.candidate.sentence.text != other.candidate.sentence.text for other in chosen):
            chosen.append(scored)
    return tuple(chosen)


def _choose_short(
    sentence: str, best: int, judgement: Judgement, weighed: WeighedQuestion, forms: Forms | None
) -> str | None:
    if forms and forms.decides(best):
        return forms.short(best, sentence)
    return choose_short(sentence, judgement, weighed.question, weighed.needs)


def _find_turned(question: Standalone, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """1 for each sentence that tells the reverse of what is asked, else 0."""
    asked = question.question[question.focus :]
    texts = [candidate.sentence.text for candidate in candidates]
    names = find_common_names(texts)
    return np.asarray([float(is_turned(asked, text, names)) for text in texts])


def _repetition(candidates: Sequence[Candidate], replies: Sequence[str]) -> NDArray[np.float64]:
    """What is taken off a sentence that one of the replies has quoted: enough to put it behind all others."""
    said = "\n".join(replies).replace("\\", "")
    return np.asarray([100.0 * (candidate.sentence.text in said) for candidate in candidates])


class _Encodings:
    """Sentences' word-piece vectors; the last used ones stay in memory."""

    def __init__(self, embedder: Embedder, most: int) -> None:
        self._embedder = embedder
        self._most = most
        self._kept: OrderedDict[str, EncodedText] = OrderedDict()
        self._lock = Lock()

    def find(self, texts: Sequence[str]) -> dict[str, EncodedText]:
        """Every text's encoding, by text."""
        wanted = dict.fromkeys(texts)
        with self._lock:
            known = {text: self._kept[text] for text in wanted if text in self._kept}
        missing = [text for text in wanted if text not in known]
        known |= dict(zip(missing, self._embedder.encode_sentences(missing), strict=True))
        with self._lock:
            for text in wanted:
                self._kept[text] = known[text]
                self._kept.move_to_end(text)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return known
