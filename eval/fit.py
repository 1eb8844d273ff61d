"""`python -m eval.fit --data FOLDER`: fits the reader's weights, margins and threshold, never on what is reported.

On the dev half of the cases, and on the questions of the public sets that training kept for choosing. Signals that can
only speak for a sentence get weights of at least 0, those that can only speak against it at most 0: with so few cases
that knowledge is worth more than a better fit.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import rag.reader
from eval.cases import Case, load_cases
from eval.corpora import Corpus, load_corpora, write_articles
from eval.public import make_parser, write_corpus
from rag.config import Config
from rag.converse import make_standalone
from rag.embed import load_embedder
from rag.index import OpenIndex, open_index, update_index
from rag.library import Library
from rag.model import ReadingModel
from rag.reader import EVIDENCE, TrainedReader, Weights, find_evidence, score_sentences
from rag.retrieve import retrieve
from rag.schema import Candidate
from rag.signals import SIGNALS, weigh_question
from rag.spelling import correct_spelling
from rag.train.questions import Questions

FOR = {"cosine", "passage_cosine", "bm25", "maxsim", "context_maxsim", "weakest", "covered", "context_covered"}
FOR |= {"right_type", "year_met", "words", "near_cited", "model", "span", "support"}
PUBLIC = 0.3
"""What the public cases count together; the seeds' dev cases, of more kinds, count 1, and so do those elsewhere."""

PRECISION = 0.8
"""Share of the quotes that must state what was asked; the more are quoted, the fewer do."""

SCORE_PENALTY, EVIDENCE_PENALTY = 0.03, 0.003
"""Of the squared weights of standardised signals, per case."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """A case's signals (candidates, signals), which candidates match each fact (facts, candidates), and the evidence
    (candidates, evidence) if that candidate were the best.

    `share` is what the case counts in the fit.
    """

    case: Case
    signals: Array
    gold: NDArray[np.bool_]
    evidence: Array
    share: float = 1.0

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which candidates match any fact."""
        return np.asarray(self.gold.any(axis=0), bool)


def main() -> None:
    """Fits and writes rag/reader.json."""
    ours, public = measure_dev(make_parser("eval.fit", __doc__).parse_args().data)
    weights = fit(ours, public)
    counts = (
        f"{len(ours[0])} dev cases about the seeds, {len(ours[1])} about other articles and {len(public)} of SQuAD 2.0"
    )
    result = {
        "fitted": f"python -m eval.fit, on {counts}",
        "score": {name: round(value, 4) for name, value in weights.score.items() if value},
        "evidence": {name: round(value, 4) for name, value in weights.evidence.items()},
        "scale": round(weights.scale, 4),
        "shift": round(weights.shift, 4),
        "threshold": weights.threshold,
        "margin": weights.margin,
    }
    target = Path(rag.reader.__file__).with_name("reader.json")
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def fit(ours: Sequence[Sequence[Measured]], public: Sequence[Measured], without: Collection[str] = ()) -> Weights:
    """Weights of all signals and evidence but those named in `without`.

    All sets decide what counts and how much, each of `ours` as much as the others; margin and threshold are those of
    our kinds of question.
    """
    own = [case for cases in ours for case in cases]
    measured = [*(case for cases in ours for case in _shared_out(cases, 1.0)), *_shared_out(public, PUBLIC)]
    score = fit_score([m for m in measured if m.gold.any()], without)
    weights = Weights(score, {}, 1.0, 0.0, 0.5, fit_margin(own, score))
    shares = np.asarray([m.share for m in measured])
    evidence = np.asarray([m.evidence[int(np.argmax(score_sentences(m.signals, weights)))] for m in measured])
    answerable = np.asarray([m.case.answerable for m in measured], float)
    right = np.asarray([_first_right(m, weights) for m in measured], float)
    by_name, intercept = fit_evidence(evidence, answerable, shares, without)
    held_out = _held_out_totals(evidence, answerable, shares, without)
    scale, shift = _platt(held_out, right, shares)
    confidence = 1 / (1 + np.exp(-(scale * held_out + shift)))
    return Weights(
        score=score,
        evidence=by_name,
        scale=scale,
        shift=shift + scale * intercept,
        threshold=best_threshold(confidence[: len(own)], answerable[: len(own)] > 0),
        margin=weights.margin,
    )


def _shared_out(measured: Sequence[Measured], together: float) -> list[Measured]:
    return [replace(m, share=together / len(measured)) for m in measured]


def measure_dev(questions: Questions) -> tuple[list[list[Measured]], list[Measured]]:
    """The dev cases about the seeds and those about other articles; the public ones."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "articles"
        public = write_corpus(questions.dev, corpus)
        seeds = measure_cases(load_cases(split="dev"), Config().corpus)
        return [seeds, measure_elsewhere("dev")], measure_cases(public, corpus)


def measure_elsewhere(split: str) -> list[Measured]:
    """The cases of one split about other articles than the seeds, each among those of its own corpus."""
    return [measured for corpus in load_corpora(split) for measured in _measure_corpus(corpus)]


def _measure_corpus(corpus: Corpus) -> Iterator[Measured]:
    with tempfile.TemporaryDirectory() as folder:
        articles = Path(folder) / "articles"
        write_articles(corpus.articles, articles)
        yield from measure_cases(corpus.cases, articles)


def measure_cases(cases: Sequence[Case], corpus: Path, model: ReadingModel | None = None) -> list[Measured]:
    """Every case's candidates, measured as a reader with the model, by default the shipped one, measures them."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(corpus=corpus, index=Path(folder) / "index")
        embedder = load_embedder(config.embedding, config.device)
        update_index(config, embedder)
        index = open_index(config, embedder)
        assert index is not None
        library = Library(config, index.manifest)
        reader = TrainedReader(embedder, config, model)
        measured = [_measure_case(case, config, index, library, reader) for case in cases]
        index.close()
    return measured


def _measure_case(case: Case, config: Config, index: OpenIndex, library: Library, reader: TrainedReader) -> Measured:
    embedder = load_embedder(config.embedding, config.device)
    standalone = make_standalone(case.question, case.history)
    standalone = correct_spelling(standalone, index.lexical, embedder.is_word)
    encoded = embedder.encode_question(standalone.question)
    candidates = retrieve(index, standalone.question, encoded, library.load, config.candidates)
    weighed = weigh_question(standalone, encoded, index.lexical)
    signals = reader.measure(weighed, candidates, reader.judge(standalone, candidates), index.lexical)
    gold = np.asarray(
        [
            [any(_holds(passage.source, passage.quote, c) for passage in alternatives) for c in candidates]
            for alternatives in case.gold
        ],
        bool,
    ).reshape(len(case.gold), len(candidates))
    evidence = [find_evidence(signals, row, weighed, index.lexical) for row in range(len(signals))]
    return Measured(case, signals, gold, np.asarray(evidence))


def _holds(source: str, quote: str, candidate: Candidate) -> bool:
    return candidate.article.source == source and (candidate.sentence.text in quote or quote in candidate.sentence.text)


def fit_score(cases: Sequence[Measured], without: Collection[str] = ()) -> dict[str, float]:
    """Weights that make the right sentences of each case likely: conditional logit over its candidates."""
    total_share = sum(m.share for m in cases)
    rows = np.concatenate([m.signals for m in cases])
    mean, deviation = rows.mean(0), rows.std(0) + 1e-9
    standardised = [((m.signals - mean) / deviation, m.right, m.share / total_share) for m in cases]

    def loss(weights: Array) -> tuple[float, Array]:
        total, gradient = 0.0, np.zeros_like(weights)
        for signals, right, share in standardised:
            scores = signals @ weights
            odds = np.exp(scores - scores.max())
            chances = odds / odds.sum()
            among_right = np.where(right, chances, 0) / chances[right].sum()
            total -= share * float(np.log(chances[right].sum()))
            gradient -= share * (signals.T @ (among_right - chances))
        penalty = SCORE_PENALTY * float(weights @ weights)
        return total + penalty, gradient + 2 * SCORE_PENALTY * weights

    bounds = [_bounds(name, without) for name in SIGNALS]
    fitted = minimize(loss, np.zeros(len(SIGNALS)), jac=True, method="L-BFGS-B", bounds=bounds).x / deviation
    return dict(zip(SIGNALS, fitted.tolist(), strict=True))


def _bounds(name: str, without: Collection[str]) -> tuple[float | None, float | None]:
    if name in without:
        return 0, 0
    return (0, None) if name in FOR else (None, 0)


def fit_margin(cases: Sequence[Measured], score: dict[str, float]) -> float:
    """The widest margin with which at least `PRECISION` of the quotes are right; the narrowest where none has it."""
    grid = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
    weights = Weights(score, {}, 1.0, 0.0, 0.5, 0.0)
    answerable = [measured for measured in cases if measured.case.answerable]
    return max((m for m in grid if _quote_precision(answerable, weights, m) >= PRECISION), default=grid[0])


def _quote_precision(cases: Sequence[Measured], weights: Weights, margin: float) -> float:
    right: list[bool] = []
    for measured in cases:
        scores = score_sentences(measured.signals, weights)
        chosen = [i for i in np.argsort(-scores, kind="stable")[:3] if scores.max() - scores[i] < margin]
        right += measured.right[chosen].tolist()
    return float(np.mean(right))


def fit_evidence(
    evidence: Array, answerable: Array, shares: Array, without: Collection[str] = ()
) -> tuple[dict[str, float], float]:
    """Logistic regression of whether the case is answerable; weights by name and the intercept."""
    mean, deviation = evidence.mean(0), evidence.std(0) + 1e-9
    rows = np.column_stack([(evidence - mean) / deviation, np.ones(len(evidence))])
    shares = shares / shares.sum()

    def loss(weights: Array) -> tuple[float, Array]:
        chances = 1 / (1 + np.exp(-rows @ weights))
        likelihood = answerable * np.log(chances + 1e-12) + (1 - answerable) * np.log(1 - chances + 1e-12)
        free = np.append(weights[:-1], 0)
        return (
            float(-shares @ likelihood + EVIDENCE_PENALTY * free @ free),
            rows.T @ (shares * (chances - answerable)) + 2 * EVIDENCE_PENALTY * free,
        )

    bounds = [*(_bounds(name, without) for name in EVIDENCE), (None, None)]
    fitted = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = fitted[:-1] / deviation
    return dict(zip(EVIDENCE, weights.tolist(), strict=True)), float(fitted[-1] - weights @ mean)


def _held_out_totals(
    evidence: Array, answerable: Array, shares: Array, without: Collection[str], folds: int = 10
) -> Array:
    """Each case's total by weights that were fitted without it: what is decided by them is not too sure of itself."""
    totals = np.empty(len(evidence))
    fold_of = np.random.default_rng(0).permutation(len(evidence)) % folds
    for fold in range(folds):
        rest = fold_of != fold
        by_name, intercept = fit_evidence(evidence[rest], answerable[rest], shares[rest], without)
        totals[fold_of == fold] = evidence[fold_of == fold] @ [by_name[name] for name in EVIDENCE] + intercept
    return totals


def _platt(total: Array, right: Array, shares: Array) -> tuple[float, float]:
    """Scale and shift that make the total a probability of being right."""
    shares = shares / shares.sum()

    def loss(parameters: Array) -> float:
        chances = 1 / (1 + np.exp(-(parameters[0] * total + parameters[1])))
        return float(-shares @ (right * np.log(chances + 1e-12) + (1 - right) * np.log(1 - chances + 1e-12)))

    scale, shift = minimize(loss, np.asarray([1.0, 0.0]), method="Nelder-Mead").x
    return float(scale), float(shift)


def _first_right(measured: Measured, weights: Weights) -> bool:
    if not measured.gold.size:
        return False
    return bool(measured.right[np.argmax(score_sentences(measured.signals, weights))])


def best_threshold(confidence: Array, answerable: NDArray[np.bool_], resamples: int = 200) -> float:
    """The mean, over bootstrap samples of the cases, of the threshold with the best balanced accuracy of declining.

    One sample's best threshold jumps with a single case; the mean of many does not.
    """
    grid = np.arange(0.05, 0.96, 0.005)
    random = np.random.default_rng(0)
    yes, no = confidence[answerable], confidence[~answerable]
    best = []
    for _ in range(resamples):
        answered = random.choice(yes, len(yes))[:, None] >= grid
        declined = random.choice(no, len(no))[:, None] < grid
        best.append(grid[np.argmax(answered.mean(0) + declined.mean(0))])
    return round(float(np.mean(best)), 3)


if __name__ == "__main__":
    main()
