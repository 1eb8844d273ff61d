"""The measures, each a small pure function; None stands for "there is nothing to measure"."""

from __future__ import annotations

import hashlib
import math
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from eval.cases import Facts
from rag.articles import read_article
from rag.schema import Article, Citation

Item = TypeVar("Item")

MAX_EXTRA_WORDS = 5
"""Words that a short answer may have beyond the expected ones."""

_HEDGES = frozenset(
    [
        "a",
        "an",
        "the",
        "about",
        "almost",
        "approximately",
        "around",
        "at",
        "least",
        "more",
        "nearly",
        "over",
        "some",
        "than",
    ]
)
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[%$€£₼¥]")
_UNITS = {"bn": "billion", "mn": "million", "m": "million"}


class Placed(Protocol):
    """Anything that stands in a file at known offsets, such as a citation or a gold place."""

    @property
    def source(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def is_match(quote: Placed, gold: Placed) -> bool:
    """Whether both stand in the same file and share at least half of the characters of the shorter one.

    An empty stretch matches nothing.
    """
    shorter = min(quote.end - quote.start, gold.end - gold.start)
    shared = min(quote.end, gold.end) - max(quote.start, gold.start)
    return quote.source == gold.source and shorter > 0 and 2 * shared >= shorter


def facts_supported(quote: Placed, gold: Facts) -> tuple[int, ...]:
    """The numbers, from 0, of the facts that the quote states: it matches one of their places."""
    return tuple(number for number, places in enumerate(gold) if any(is_match(quote, place) for place in places))


def first_quote_right(quotes: Sequence[Placed], gold: Facts) -> bool | None:
    """Whether the first quote states any of the facts; False without quotes, None without gold."""
    return bool(quotes and facts_supported(quotes[0], gold)) if gold else None


def fact_recall(quotes: Sequence[Placed], gold: Facts) -> float | None:
    """Share of the facts that some quote states, 0..1; None without gold."""
    covered = {number for quote in quotes for number in facts_supported(quote, gold)}
    return len(covered) / len(gold) if gold else None


def all_facts_covered(quotes: Sequence[Placed], gold: Facts) -> bool | None:
    """Whether every fact is stated by some quote; None without gold."""
    recall = fact_recall(quotes, gold)
    return None if recall is None else recall == 1.0


def quote_precision(quotes: Sequence[Placed], gold: Facts) -> float | None:
    """Share of the quotes that state any of the facts, 0..1; None without quotes or without gold."""
    right = sum(bool(facts_supported(quote, gold)) for quote in quotes)
    return right / len(quotes) if quotes and gold else None


def first_rank(candidates: Sequence[Placed], gold: Facts) -> int | None:
    """The rank, from 1, of the first candidate that states any of the facts; None when none does."""
    return next((rank for rank, candidate in enumerate(candidates, 1) if facts_supported(candidate, gold)), None)


def find_relevant(candidates: Sequence[Placed], gold: Facts) -> list[bool]:
    """Of each candidate, in order, whether it states a fact that none before it states."""
    seen: set[int] = set()
    relevant = []
    for candidate in candidates:
        new = set(facts_supported(candidate, gold)) - seen
        relevant.append(bool(new))
        seen |= new
    return relevant


def is_verbatim(citation: Citation, corpus: Path) -> bool:
    """Whether the file, read anew from disk, has the citation's SHA-256 and its very words at its offsets.

    Where the text was extracted, it is extracted anew, and must have its SHA-256 too.
    """
    if citation.text_sha256:
        article = read_article(corpus, citation.source, sys.maxsize)
        if not isinstance(article, Article):
            return False
        same = (article.sha256, article.text_sha256) == (citation.sha256, citation.text_sha256)
        return same and article.text[citation.start : citation.end] == citation.quote != ""
    try:
        data = (corpus / citation.source).read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    same_file = hashlib.sha256(data).hexdigest() == citation.sha256
    return same_file and 0 <= citation.start < citation.end and text[citation.start : citation.end] == citation.quote


def short_right(given: str | None, expected: str | None) -> bool | None:
    """Whether the given answer is the expected one, or holds it as a run of words beside at most five others.

    Case, punctuation, articles and hedges such as "almost" do not count, and "bn" is "billion". False when nothing was
    given, None when nothing is expected.
    """
    if expected is None:
        return None
    words, needed = normalise(given or ""), normalise(expected)
    runs = (words[start : start + len(needed)] for start in range(len(words) - len(needed) + 1))
    return bool(needed) and len(words) <= len(needed) + MAX_EXTRA_WORDS and needed in runs


def normalise(text: str) -> list[str]:
    """The text's words in lower case and without hedges, figures without thousands separators, currency marks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = [re.sub(r",(?=\d{3}(?!\d))", "", match) for match in _WORD.findall(folded)]
    return [_UNITS.get(word, word) for word in words if word not in _HEDGES]


def mean(values: Sequence[float | None]) -> float | None:
    """The arithmetic mean of the values that are there; None when there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def balanced_accuracy(answerable: Sequence[bool], answered: Sequence[bool]) -> float | None:
    """Mean of the share of answerable questions that were answered and of the others that were declined.

    None unless there are both kinds. Brodersen et al., 2010.
    """
    pairs = list(zip(answerable, answered, strict=True))
    sensitivity = mean([did for can, did in pairs if can])
    specificity = mean([not did for can, did in pairs if not can])
    return None if sensitivity is None or specificity is None else (sensitivity + specificity) / 2


def auroc(positive: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Probability that a positive item scores above a negative one, ties counting half (Mann-Whitney U / (m n)).

    None unless there are both.
    """
    labels, values = np.asarray(positive, bool), np.asarray(scores, float)
    above, below = values[labels], values[~labels]
    if not len(above) or not len(below):
        return None
    differences = above[:, None] - below[None, :]
    return float(((differences > 0) + 0.5 * (differences == 0)).mean())


def calibration_error(right: Sequence[bool], confidences: Sequence[float], bins: int = 10) -> float | None:
    """Expected calibration error: sum over bins of n_b / n * |share right - mean confidence|; None without items.

    The bins are of equal width over 0..1, the upper border in the last one. Guo et al., 2017.
    """
    if not confidences:
        return None
    labels, values = np.asarray(right, float), np.asarray(confidences, float)
    numbers = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [abs(float((labels - values)[numbers == number].sum())) for number in np.unique(numbers)]
    return sum(gaps) / len(values)


def recall_at_k(ranks: Sequence[int | None], k: int) -> float | None:
    """Share of the questions with a gold sentence among the first `k`, from `first_rank`s; None without questions."""
    return mean([rank is not None and rank <= k for rank in ranks])


def mrr(ranks: Sequence[int | None], k: int) -> float | None:
    """Mean of 1 / rank of the first gold sentence, 0 for one beyond `k` or not found; None without questions."""
    return mean([1 / rank if rank is not None and rank <= k else 0.0 for rank in ranks])


def ndcg_at_k(relevant: Sequence[bool], total: int, k: int) -> float | None:
    """Discounted gain of the first `k` candidates over the best possible: sum of 1 / log2(rank + 1) over relevant ones.

    `relevant` says of each candidate, best first, whether it states a fact that none before it states; `total` is the
    number of facts. None without facts. Järvelin and Kekäläinen, 2002, with gains of 0 and 1.
    """
    if not total:
        return None
    gains = [1 / math.log2(rank + 1) for rank, hit in enumerate(relevant[:k], 1) if hit]
    return sum(gains) / sum(1 / math.log2(rank + 1) for rank in range(1, min(total, k) + 1))


def risk_coverage_area(right: Sequence[bool], confidences: Sequence[float]) -> float | None:
    """Mean error rate among the most confident 1, 2, … all items; 0 is best, None without items.

    Items of equal confidence count as one step, each with the error rate of all of them together. El-Yaniv and Wiener,
    2010; Geifman et al., 2019.
    """
    if not confidences:
        return None
    wrong, values = 1 - np.asarray(right, float), np.asarray(confidences, float)
    risks: list[float] = []
    for value in np.unique(values)[::-1]:
        risks += [float(wrong[values >= value].mean())] * int((values == value).sum())
    return sum(risks) / len(risks)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value below which `percent` of the values lie, interpolated linearly; None without values."""
    return float(np.percentile(values, percent)) if values else None


def bootstrap_interval(
    items: Sequence[Item],
    statistic: Callable[[Sequence[Item]], float | None],
    samples: int = 1_000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """The middle 95% of the statistic over resamples of the items with replacement (Efron, 1979); the seed fixes it.

    Resamples without a value do not count; None when no resample has one. A rate of exactly 0 or 1 gets an interval
    of no width, however few the items.
    """
    if not items:
        return None
    draws = np.random.default_rng(seed).integers(len(items), size=(samples, len(items)))
    values = [value for draw in draws if (value := statistic([items[i] for i in draw])) is not None]
    return (float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))) if values else None


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """Two-sided exact p-value for paired outcomes: the chance of so uneven a split of those that changed.

    1 where nothing changed. McNemar, 1947, with the binomial distribution instead of the normal one.
    """
    won = sum(new and not old for old, new in zip(before, after, strict=True))
    lost = sum(old and not new for old, new in zip(before, after, strict=True))
    changed, fewer = won + lost, min(won, lost)
    tail: float = sum(math.comb(changed, count) for count in range(fewer + 1)) / 2**changed
    return min(1.0, 2 * tail)


def paired_difference(
    before: Sequence[Item],
    after: Sequence[Item],
    statistic: Callable[[Sequence[Item]], float | None],
    samples: int = 1_000,
    seed: int = 0,
) -> tuple[float, tuple[float, float], float] | None:
    """Difference of the statistic, its 95% interval, and a two-sided p-value, all from resamples of the same pairs.

    The p-value is twice the share of resamples on the other side of 0, at least 1 / `samples`; 1 where no resample
    differs. None where the statistic has no value. Efron and Tibshirani, 1993, chapter 16.
    """
    old, new = statistic(before), statistic(after)
    if old is None or new is None:
        return None
    draws = np.random.default_rng(seed).integers(len(before), size=(samples, len(before)))
    pairs = ((statistic([before[i] for i in draw]), statistic([after[i] for i in draw])) for draw in draws)
    changes = np.asarray([two - one for one, two in pairs if one is not None and two is not None])
    if not len(changes) or not changes.any():
        return new - old, (0.0, 0.0), 1.0
    beyond = min((changes <= 0).mean(), (changes >= 0).mean())
    interval = (float(np.percentile(changes, 2.5)), float(np.percentile(changes, 97.5)))
    return new - old, interval, min(1.0, max(2 * float(beyond), 1 / samples))


def with_interval(items: Sequence[Item], statistic: Callable[[Sequence[Item]], float | None]) -> str:
    """The statistic with its bootstrap interval, as "0.816 (0.73–0.89)"; "" where it has no value."""
    value, interval = statistic(items), bootstrap_interval(items, statistic, samples=300)
    return "" if value is None or interval is None else f"{value:.3f} ({interval[0]:.2f}–{interval[1]:.2f})"
