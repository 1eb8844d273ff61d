"""A run as one page that needs nothing else: figures, plots, and each case beside what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined

from eval.report import COLUMNS, format_interval, format_value
from eval.run import CaseResult
from eval.runs import Run
from rag.errors import CitewellError

TEMPLATE = Path(__file__).with_name("report.html.j2")

_LEFT, _TOP, _WIDTH, _HEIGHT = 40, 10, 250, 180
"""The plots' drawing area, in the units of their view box."""


@dataclass(frozen=True, slots=True)
class Plot:
    """What the template draws: places in the view box, axis labels, words."""

    title: str
    caption: str
    x: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    curve: str = ""
    bars: tuple[tuple[float, float, float, float], ...] = ()
    dots: tuple[tuple[float, float, float], ...] = ()
    even: bool = False


def write_page(run: Run, file: Path) -> None:
    """Writes the page. Raises CitewellError when the file cannot be written."""
    evaluation = run.summarise()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=run.name,
        facts=_facts(run),
        total=evaluation.total,
        figures=[
            {"name": _in_words(f.name), "value": format_value(f.name, f.value), "interval": format_interval(f)}
            for f in evaluation.total.figures.values()
            if f.value is not None
        ],
        columns=list(map(_in_words, COLUMNS)),
        kinds=[
            {"kind": kind, "cases": s.cases, "values": [format_value(name, s.value(name)) for name in COLUMNS]}
            for kind, s in evaluation.kinds.items()
        ],
        plots=[plot_risk(run.results), plot_reliability(run.results), plot_latency(run.results)],
        results=sorted(run.results, key=lambda result: not result.faults),
        faults=sum(bool(result.faults) for result in run.results),
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CitewellError(f"'{file}' cannot be written: {error.strerror}. Choose another file: --out.") from error


def _in_words(metric: str) -> str:
    return metric.replace("_", " ")


def _facts(run: Run) -> list[tuple[str, str]]:
    setup = run.setup
    named = [("made", str(setup.get("created", ""))), ("commit", str(setup.get("git", "")))]
    named += [(name, str(setup.get(name, ""))[:12]) for name in ("corpus", "reader", "embedding")]
    named += [(f"prompt {name}", digest[:12]) for name, digest in dict(setup.get("prompts", {})).items()]
    model = dict(setup.get("settings", {})).get("llm")
    return [(name, value) for name, value in [*named, ("language model", model or "none")] if value]


def plot_risk(results: Sequence[CaseResult]) -> Plot:
    """Error rate among the most confident shares of the cases."""
    ranked = sorted(results, key=lambda result: -result.answer.confidence)
    wrong = np.cumsum([not result.top_passage_right for result in ranked]) / np.arange(1, len(ranked) + 1)
    points = [_place(number / len(ranked), value) for number, value in enumerate(wrong, 1)]
    return Plot(
        "Risk and coverage.",
        "Share of wrong first quotes among the most confident answers.",
        "share of the questions",
        _ticks_x(("0", "50%", "100%")),
        _ticks_y(("0", "50%", "100%")),
        curve="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points),
    )


def plot_reliability(results: Sequence[CaseResult], bins: int = 10) -> Plot:
    """How often the first quote is right, by the confidence; a dot's area is its number of cases."""
    values = np.asarray([result.answer.confidence for result in results])
    right = np.asarray([bool(result.top_passage_right) for result in results])
    numbers = np.minimum((values * bins).astype(int), bins - 1)
    dots = []
    for number in np.unique(numbers):
        inside = numbers == number
        x, y = _place(float(values[inside].mean()), float(right[inside].mean()))
        dots.append((x, y, 2 + 10 * float(np.sqrt(inside.mean()))))
    return Plot(
        "Reliability.",
        "Confidence against the share of right first quotes; on the dashed line it is what it says.",
        "confidence",
        _ticks_x(("0", "0.5", "1")),
        _ticks_y(("0", "50%", "100%")),
        dots=tuple(dots),
        even=True,
    )


def plot_latency(results: Sequence[CaseResult], bins: int = 25) -> Plot:
    """How many questions took how long."""
    times = 1_000 * np.asarray([result.seconds for result in results])
    most = float(np.percentile(times, 99)) or 1.0
    counts, _ = np.histogram(np.minimum(times, most), bins, (0, most))
    high = int(counts.max())
    width = _WIDTH / bins
    bars = tuple(
        (_LEFT + i * width, _TOP + _HEIGHT * (1 - count / high), width - 1, _HEIGHT * count / high)
        for i, count in enumerate(counts.tolist())
    )
    middle = f"{most / 2:.0f}"
    return Plot(
        "Latency.",
        "Milliseconds from question to answer, the slowest hundredth in the last bar.",
        "milliseconds",
        _ticks_x(("0", middle, f"{most:.0f}")),
        _ticks_y(("0", f"{high / 2:g}", str(high))),
        bars=bars,
    )


def _place(x: float, y: float) -> tuple[float, float]:
    return _LEFT + _WIDTH * x, _TOP + _HEIGHT * (1 - y)


def _ticks_x(labels: tuple[str, str, str]) -> tuple[tuple[float, str], ...]:
    return tuple((_place(share, 0)[0], label) for share, label in zip((0, 0.5, 1), labels, strict=True))


def _ticks_y(labels: tuple[str, str, str]) -> tuple[tuple[float, str], ...]:
    return tuple((_place(0, share)[1], label) for share, label in zip((0, 0.5, 1), labels, strict=True))
