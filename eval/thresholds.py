"""The least that each metric may be, and what fell below."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.summary import METRICS, Evaluation
from rag.errors import CitewellError

THRESHOLDS = Path(__file__).with_name("thresholds.toml")
"""Those for the cases about the articles in `seeds`."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A metric's least value, over all cases or, where `kind` is not empty, over the cases of one kind."""

    kind: str
    metric: str
    minimum: float


def load_thresholds(path: Path, split: str, kinds: Collection[str] = ()) -> tuple[Threshold, ...]:
    """A split's thresholds; where `kinds` are given, only theirs, as the others hold for all cases.

    () for a split without a table. Raises CitewellError for an unreadable file, an unknown metric or a minimum that is
    no number.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CitewellError(f"The thresholds in '{path}' cannot be read: {error}. See eval/thresholds.toml.") from error
    thresholds = tuple(_parse(path, tables.get(split, {})))
    return tuple(threshold for threshold in thresholds if not kinds or threshold.kind in kinds)


def _parse(path: Path, table: Mapping[str, Any], kind: str = "") -> Iterator[Threshold]:
    for name, value in table.items():
        if isinstance(value, dict) and not kind:
            yield from _parse(path, value, kind=name)
        elif name not in METRICS:
            known = ", ".join(METRICS)
            raise CitewellError(f"'{path}' names the metric '{name}', but there are only {known}.")
        elif not isinstance(value, int | float):
            raise CitewellError(f"'{path}': the minimum of '{name}' is {value!r}, expected a number.")
        else:
            yield Threshold(kind, name, float(value))


def find_shortfalls(evaluation: Evaluation, thresholds: Iterable[Threshold]) -> tuple[str, ...]:
    """A line for each threshold that the evaluation does not reach; what was not measured has not reached it."""
    lines = []
    for threshold in thresholds:
        summary = evaluation.kinds.get(threshold.kind) if threshold.kind else evaluation.total
        value = summary.value(threshold.metric) if summary else None
        if value is None or value < threshold.minimum:
            name = f"{threshold.metric} of {threshold.kind}" if threshold.kind else threshold.metric
            measured = "was not measured" if value is None else f"is {value:.4f}"
            lines.append(f"{name} {measured}, expected at least {threshold.minimum:g}")
    return tuple(lines)
