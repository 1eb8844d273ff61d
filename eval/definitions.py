"""`python -m eval.definitions`: whether questions for what or who something is are answered with what says so.

Asks every case of eval/definitions.jsonl about its corpus: the seeds, or one of eval/elsewhere.jsonl.
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
from eval.corpora import load_corpora, write_articles
from eval.metrics import mean, with_interval
from eval.quoted import answered, declined, quoted_first, quotes_first
from rag.assistant import Assistant
from rag.config import Config
from rag.schema import Answer

DEFINITIONS = Path(__file__).with_name("definitions.jsonl")


@dataclass(frozen=True, slots=True)
class DefinitionCase:
    """A question for what a name stands for; the sentence that says so, and the short answers that are right.

    `kind` is the form in which it is said; or "undefined" where the articles do not say it, "absent" where they do not
    have the name, "wanted_name" where the question asks for a name instead.
    """

    id: str
    split: str
    corpus: str
    question: str
    quote: str
    short: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case with its answer."""

    case: DefinitionCase
    answer: Answer

    @property
    def quoted_first(self) -> bool:
        """Whether the first quote is the sentence that says it."""
        return quotes_first(self.answer, self.case.quote)

    @property
    def short_right(self) -> bool:
        """Whether the short answer is one of the right ones, or rightly missing."""
        given = _fold(self.answer.short or "")
        return given in {_fold(short) for short in self.case.short} if self.case.short else not given


def main() -> None:
    """Prints the figures, and with --failures the cases that went wrong."""
    parser = argparse.ArgumentParser(prog="python -m eval.definitions", description=__doc__)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--failures", action="store_true", help="print each case with a fault")
    options = parser.parse_args()
    outcomes = list(ask_cases(load_definition_cases(options.split)))
    console = Console()
    console.print(make_table(outcomes))
    for outcome in outcomes if options.failures else ():
        if not outcome.short_right or outcome.answer.conflicts:
            console.print(describe(outcome), markup=False)


def load_definition_cases(split: str, path: Path = DEFINITIONS) -> list[DefinitionCase]:
    """The cases of one split ("dev" or "test"), in the file's order."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    cases = [DefinitionCase(**line | {"short": tuple(line["short"])}) for line in lines]
    return [case for case in cases if case.split == split]


def ask_cases(cases: Sequence[DefinitionCase]) -> Iterator[Outcome]:
    """The answers, corpus by corpus."""
    by_corpus: dict[str, list[DefinitionCase]] = defaultdict(list)
    for case in cases:
        by_corpus[case.corpus].append(case)
    articles = {corpus.name: corpus.articles for split in SPLITS for corpus in load_corpora(split)}
    for name, group in by_corpus.items():
        with tempfile.TemporaryDirectory() as folder:
            config = Config(index=Path(folder) / "index")
            if name in articles:
                config = config.model_copy(update={"corpus": Path(folder) / "articles"})
                write_articles(articles[name], config.corpus)
            with Assistant.open(config) as assistant:
                yield from [Outcome(case, assistant.ask(case.question)) for case in group]


def make_table(outcomes: Sequence[Outcome]) -> Table:
    """One row a metric, with its interval over the cases."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column(f"metric over {len(outcomes)} cases")
    table.add_column("value")
    said = [outcome for outcome in outcomes if outcome.case.short and outcome.case.kind != "wanted_name"]
    rows = {
        "answered, of what the articles say": (said, answered),
        "first quote says it": (said, quoted_first),
        "short answer right": (said, _short_right),
        "short answer wrong": (said, _short_wrong),
        "no short answer, undefined": (_of_kind(outcomes, "undefined"), _short_right),
        "declined, absent": (_of_kind(outcomes, "absent"), declined),
        "name given where a name is asked for": (_of_kind(outcomes, "wanted_name"), _short_right),
        "conflicts shown (there are none)": (outcomes, _with_conflict),
    }
    for name, (own, metric) in rows.items():
        table.add_row(name, f"{with_interval(own, metric)} of {len(own)}")
    return table


def _of_kind(outcomes: Sequence[Outcome], kind: str) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.case.kind == kind]


def _short_right(outcomes: Sequence[Outcome]) -> float | None:
    return mean([outcome.short_right for outcome in outcomes])


def _short_wrong(outcomes: Sequence[Outcome]) -> float | None:
    return mean([bool(outcome.answer.short) and not outcome.short_right for outcome in outcomes])


def _with_conflict(outcomes: Sequence[Outcome]) -> float | None:
    return mean([bool(outcome.answer.conflicts) for outcome in outcomes])


def describe(outcome: Outcome) -> str:
    """What was expected and what was given, in a line."""
    answer, case = outcome.answer, outcome.case
    conflicts = [[side.value for side in conflict.sides] for conflict in answer.conflicts]
    first = next((citation.quote for citation in (*answer.citations, *answer.nearest)), "")
    return (
        f"{case.id} ({case.kind}): {case.question} expected {list(case.short)[:2] or 'none'}, given {answer.short!r} "
        f"({answer.confidence:.2f}{'' if answer.answered else ', declined'}) from “{first[:160]}”"
        + (f", conflicts {conflicts}" if conflicts else "")
    )


def _fold(text: str) -> str:
    return (
        " ".join(text.lower().split()).removeprefix("the ").removeprefix("a ").removeprefix("an ").strip("“”‘’\"'., ")
    )


if __name__ == "__main__":
    main()
