"""`python -m eval.fit`: fits the reader's weights, margins and threshold on the dev half of the cases, never on test.

Signals that can only speak for a sentence get weights of at least 0, those that can only speak against it at most 0:
with so few cases that knowledge is worth more than a better fit.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import rag.reader
from eval.cases import Case, load_cases
from rag.config import Config
from rag.converse import make_standalone
from rag.embed import load_embedder
from rag.index import OpenIndex, open_index, update_index
from rag.library import Library
from rag.reader import EVIDENCE, SignalReader, Weights, find_evidence, score_sentences
from rag.retrieve import retrieve
from rag.schema import Candidate
from rag.signals import SIGNALS, weigh_question
from rag.spelling import correct_spelling

FOR = {"cosine", "passage_cosine", "bm25", "maxsim", "context_maxsim", "weakest", "covered", "context_covered"}
FOR |= {"right_type", "year_met", "words"}
SCORE_PENALTY, EVIDENCE_PENALTY = 0.03, 0.003
"""Of the squared weights of standardised signals, per case."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """A case's signals (candidates, signals), which candidates match each fact (facts, candidates), the evidence."""

    case: Case
    signals: Array
    gold: NDArray[np.bool_]
    evidence_of: Callable[[int], Array]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which candidates match any fact."""
        return np.asarray(self.gold.any(axis=0), bool)


def main() -> None:
    """Fits on the dev half and writes rag/reader.json."""
    measured = measure_cases(load_cases(split="dev"))
    score = fit_score([m for m in measured if m.gold.any()])
    weights = Weights(score, {}, 1.0, 0.0, 0.5, fit_margin(measured, score))
    evidence = np.asarray([m.evidence_of(int(np.argmax(score_sentences(m.signals, weights)))) for m in measured])
    answerable = np.asarray([m.case.answerable for m in measured], float)
    right = np.asarray([_first_right(m, weights) for m in measured], float)
    by_name, intercept = fit_evidence(evidence, answerable)
    held_out = _held_out_totals(evidence, answerable)
    scale, shift = _platt(held_out, right)
    weights = Weights(score, by_name, scale, shift + scale * intercept, 0.5, weights.margin)
    confidence = 1 / (1 + np.exp(-(scale * held_out + shift)))
    threshold = best_threshold(confidence, answerable > 0)
    result = {
        "fitted": f"python -m eval.fit, on the {len(measured)} dev cases of eval/facts.jsonl",
        "score": {name: round(value, 4) for name, value in score.items() if value},
        "evidence": {name: round(value, 4) for name, value in by_name.items()},
        "scale": round(weights.scale, 4),
        "shift": round(weights.shift, 4),
        "threshold": threshold,
        "margin": weights.margin,
    }
    target = Path(rag.reader.__file__).with_name("reader.json")
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def measure_cases(cases: Sequence[Case]) -> list[Measured]:
    """Every case's candidates, measured as the reader measures them."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(index=Path(folder) / "index")
        embedder = load_embedder(config.embedding, config.device)
        update_index(config, embedder)
        index = open_index(config, embedder)
        assert index is not None
        library = Library(config, index.manifest)
        reader = SignalReader(embedder, config)
        measured = [_measure_case(case, config, index, library, reader) for case in cases]
        index.close()
    return measured


def _measure_case(case: Case, config: Config, index: OpenIndex, library: Library, reader: SignalReader) -> Measured:
    embedder = load_embedder(config.embedding, config.device)
    standalone = make_standalone(case.question, case.history)
    standalone = correct_spelling(standalone, index.lexical, embedder.is_word)
    encoded = embedder.encode_question(standalone.question)
    candidates = retrieve(index, standalone.question, encoded, library.load, config.candidates)
    weighed = weigh_question(standalone, encoded, index.lexical)
    signals = reader.measure(weighed, candidates, index.lexical)
    gold = np.asarray(
        [
            [any(_holds(passage.source, passage.quote, c) for passage in alternatives) for c in candidates]
            for alternatives in case.gold
        ],
        bool,
    ).reshape(len(case.gold), len(candidates))
    return Measured(case, signals, gold, lambda row: find_evidence(signals[row], weighed, index.lexical))


def _holds(source: str, quote: str, candidate: Candidate) -> bool:
    return candidate.article.source == source and (candidate.sentence.text in quote or quote in candidate.sentence.text)


def fit_score(cases: Sequence[Measured]) -> dict[str, float]:
    """Weights that make the right sentences of each case likely: conditional logit over its candidates."""
    rows = np.concatenate([m.signals for m in cases])
    mean, deviation = rows.mean(0), rows.std(0) + 1e-9
    standardised = [((m.signals - mean) / deviation, m.right) for m in cases]

    def loss(weights: Array) -> tuple[float, Array]:
        total, gradient = 0.0, np.zeros_like(weights)
        for signals, right in standardised:
            scores = signals @ weights
            odds = np.exp(scores - scores.max())
            chances = odds / odds.sum()
            among_right = np.where(right, chances, 0) / chances[right].sum()
            total -= float(np.log(chances[right].sum()))
            gradient -= signals.T @ (among_right - chances)
        count = len(standardised)
        penalty = SCORE_PENALTY * float(weights @ weights)
        return total / count + penalty, gradient / count + 2 * SCORE_PENALTY * weights

    bounds = [_bounds(name) for name in SIGNALS]
    fitted = minimize(loss, np.zeros(len(SIGNALS)), jac=True, method="L-BFGS-B", bounds=bounds).x / deviation
    return dict(zip(SIGNALS, fitted.tolist(), strict=True))


def _bounds(name: str) -> tuple[float | None, float | None]:
    return (0, None) if name in FOR else (None, 0)


def fit_margin(cases: Sequence[Measured], score: dict[str, float]) -> float:
    """The widest margin whose harmonic mean of facts covered and quotes right comes within 0.01 of the best."""
    grid = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
    weights = Weights(score, {}, 1.0, 0.0, 0.5, 0.0)
    answerable = [measured for measured in cases if measured.case.answerable]
    qualities = [_margin_quality(answerable, weights, margin) for margin in grid]
    return max(margin for margin, quality in zip(grid, qualities, strict=True) if quality >= max(qualities) - 0.01)


def _margin_quality(cases: Sequence[Measured], weights: Weights, margin: float) -> float:
    covered, right = [], []
    for measured in cases:
        scores = score_sentences(measured.signals, weights)
        chosen = [i for i in np.argsort(-scores, kind="stable")[:3] if scores.max() - scores[i] < margin]
        covered.append(measured.gold[:, chosen].any(1).all())
        right.append(measured.right[chosen].mean())
    return float(2 / (1 / np.mean(covered) + 1 / np.mean(right)))


def fit_evidence(evidence: Array, answerable: Array) -> tuple[dict[str, float], float]:
    """Logistic regression of whether the case is answerable; weights by name and the intercept."""
    mean, deviation = evidence.mean(0), evidence.std(0) + 1e-9
    rows = np.column_stack([(evidence - mean) / deviation, np.ones(len(evidence))])

    def loss(weights: Array) -> tuple[float, Array]:
        chances = 1 / (1 + np.exp(-rows @ weights))
        likelihood = answerable * np.log(chances + 1e-12) + (1 - answerable) * np.log(1 - chances + 1e-12)
        free = np.append(weights[:-1], 0)
        return (
            float(-likelihood.mean() + EVIDENCE_PENALTY * free @ free),
            rows.T @ (chances - answerable) / len(rows) + 2 * EVIDENCE_PENALTY * free,
        )

    bounds = [*(_bounds(name) for name in EVIDENCE), (None, None)]
    fitted = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = fitted[:-1] / deviation
    return dict(zip(EVIDENCE, weights.tolist(), strict=True)), float(fitted[-1] - weights @ mean)


def _held_out_totals(evidence: Array, answerable: Array, folds: int = 10) -> Array:
    """Each case's total by weights that were fitted without it: what is decided by them is not too sure of itself."""
    totals = np.empty(len(evidence))
    fold_of = np.random.default_rng(0).permutation(len(evidence)) % folds
    for fold in range(folds):
        by_name, intercept = fit_evidence(evidence[fold_of != fold], answerable[fold_of != fold])
        totals[fold_of == fold] = evidence[fold_of == fold] @ [by_name[name] for name in EVIDENCE] + intercept
    return totals


def _platt(total: Array, right: Array) -> tuple[float, float]:
    """Scale and shift that make the total a probability of being right."""

    def loss(parameters: Array) -> float:
        chances = 1 / (1 + np.exp(-(parameters[0] * total + parameters[1])))
        return float(-(right * np.log(chances + 1e-12) + (1 - right) * np.log(1 - chances + 1e-12)).mean())

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
