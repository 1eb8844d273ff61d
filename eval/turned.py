"""`python -m eval.turned`: whether a question that turns round who does what is told from the one that is answered.

Asks every case of eval/turned.jsonl about its corpus, which no other evaluation uses. Of each group the questions share
their words: "How many Kenyan companies work in India?" and "How many Indian companies work in Kenya?".
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eval.cases import SPLITS
from eval.corpora import write_articles
from eval.metrics import auroc, mean, with_interval
from eval.quoted import answered, declined, quoted_first, quotes_first
from rag.assistant import Assistant
from rag.config import Config
from rag.schema import Answer

TURNED = Path(__file__).with_name("turned.jsonl")
"""Corpora as in eval/elsewhere.jsonl, and behind them the cases."""

SAME = ("plain", "reworded")
"""Kinds that ask for what the articles say; "turned" asks for the reverse, "turned_stated" where they say that too."""


@dataclass(frozen=True, slots=True)
class TurnedCase:
    """A question and the sentence that answers it, or that a careless reader would take for the answer."""

    id: str
    split: str
    corpus: str
    question: str
    quote: str
    answerable: bool
    kind: str
    group: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case with its answer."""

    case: TurnedCase
    answer: Answer

    @property
    def quoted_first(self) -> bool:
        """Whether the first quote is the case's sentence."""
        return quotes_first(self.answer, self.case.quote)


def main() -> None:
    """Prints the figures, and with --failures the cases that went wrong."""
    parser = argparse.ArgumentParser(prog="python -m eval.turned", description=__doc__)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--failures", action="store_true", help="print each case with a fault")
    options = parser.parse_args()
    outcomes = list(ask_cases(options.split))
    console = Console(soft_wrap=True)
    console.print(make_table(outcomes))
    for outcome in outcomes if options.failures else ():
        if outcome.answer.answered != outcome.case.answerable or (outcome.case.answerable and not outcome.quoted_first):
            console.print(describe(outcome), markup=False)


def ask_cases(split: str, path: Path = TURNED) -> Iterator[Outcome]:
    """The answers to the cases of one split ("dev" or "test"), corpus by corpus."""
    lines = [line for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()) if line["split"] == split]
    cases: dict[str, list[TurnedCase]] = defaultdict(list)
    for line in lines:
        if "articles" not in line:
            cases[line["corpus"]].append(TurnedCase(**line))
    for corpus in lines:
        if "articles" in corpus:
            with tempfile.TemporaryDirectory() as folder:
                config = Config(index=Path(folder) / "index", corpus=Path(folder) / "articles")
                write_articles(corpus["articles"], config.corpus)
                with Assistant.open(config) as assistant:
                    yield from [Outcome(case, assistant.ask(case.question)) for case in cases[corpus["corpus"]]]


def make_table(outcomes: Sequence[Outcome]) -> Table:
    """One row a metric, with its interval over the cases, and the AUROC of the confidence within all."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column(f"metric over {len(outcomes)} cases")
    table.add_column("value")
    kinds = {kind: [outcome for outcome in outcomes if outcome.case.kind == kind] for kind in (*SAME, "turned_stated")}
    for kind, own in kinds.items():
        table.add_row(f"answered, {kind}", f"{with_interval(own, answered)} of {len(own)}")
        table.add_row(f"first quote right, {kind}", f"{with_interval(own, quoted_first)} of {len(own)}")
    turned = [outcome for outcome in outcomes if not outcome.case.answerable]
    table.add_row("declined, turned", f"{with_interval(turned, declined)} of {len(turned)}")
    pairs = _pairs(outcomes)
    table.add_row("less sure of the turned than of the plain", f"{with_interval(pairs, mean)} of {len(pairs)} pairs")
    table.add_row("AUROC of the confidence", with_interval(outcomes, _auroc))
    return table


def _pairs(outcomes: Sequence[Outcome]) -> list[float | None]:
    """For each turned question without an answer whether its confidence is below that of its group's plain one."""
    plain = {outcome.case.group: outcome.answer.confidence for outcome in outcomes if outcome.case.kind == "plain"}
    turned = [outcome for outcome in outcomes if not outcome.case.answerable]
    return [float(outcome.answer.confidence < plain[outcome.case.group]) for outcome in turned]


def _auroc(outcomes: Sequence[Outcome]) -> float | None:
    return auroc([o.case.answerable for o in outcomes], [o.answer.confidence for o in outcomes])


def describe(outcome: Outcome) -> str:
    """What was expected and what was given, in a line."""
    answer, case = outcome.answer, outcome.case
    first = next((citation.quote for citation in (*answer.citations, *answer.nearest)), "")
    right = "" if outcome.quoted_first else f" instead of “{case.quote[:160]}”"
    return (
        f"{case.id} ({case.kind}): {case.question} {answer.confidence:.2f}{'' if answer.answered else ', declined'}: "
        f"{answer.short!r} from “{first[:160]}”{right}"
    )


if __name__ == "__main__":
    main()
