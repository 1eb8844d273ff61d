"""`python -m eval.conflicts`: whether answers show the disagreements that articles have, and none that they have not.

Asks every case of eval/conflicts.jsonl about its own corpus: the seeds, copies of them with edits, or other articles.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eval.cases import SPLITS
from eval.corpora import write_articles
from eval.metrics import mean, with_interval
from rag.assistant import Assistant
from rag.config import Config
from rag.errors import CitewellError
from rag.schema import Answer

CONFLICTS = Path(__file__).with_name("conflicts.jsonl")


@dataclass(frozen=True, slots=True)
class ConflictCase:
    """A question about a corpus, and what each side of the articles' disagreement may say; no sides where they agree.

    `kind` is "conflict", "look_alike" or "plain"; `corpus` says whether it holds the seeds, with which edits, and which
    further articles.
    """

    id: str
    split: str
    kind: str
    type: str
    corpus: Mapping[str, Any]
    question: str
    sides: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case with its answer."""

    case: ConflictCase
    answer: Answer

    @property
    def shown(self) -> bool:
        return bool(self.answer.conflicts)

    @property
    def developed(self) -> bool:
        """Whether the answer shows that something has changed, and no disagreement."""
        return bool(self.answer.developments) and not self.shown

    @property
    def expected(self) -> bool:
        return self.case.kind == "conflict"

    @property
    def sides_found(self) -> int:
        """How many of the expected sides the answer gives, by their value or in one of their quotes."""
        given = [text for conflict in self.answer.conflicts for text in _side_texts(self.answer, conflict.sides)]
        return sum(any(_fold(value) in text for value in side for text in given) for side in self.case.sides)


def main() -> None:
    """Prints the figures, and with --failures the cases that went wrong."""
    parser = argparse.ArgumentParser(prog="python -m eval.conflicts", description=__doc__)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--cases", type=Path, default=CONFLICTS)
    parser.add_argument("--failures", action="store_true", help="print each case with a fault")
    options = parser.parse_args()
    try:
        outcomes = list(ask_cases(load_conflict_cases(options.cases, options.split)))
    except CitewellError as error:
        parser.error(str(error))
    console = Console()
    console.print(make_table(outcomes))
    for outcome in outcomes if options.failures else ():
        if outcome.shown != outcome.expected:
            console.print(f"{outcome.case.id}: {outcome.case.question}", describe(outcome), markup=False)


def load_conflict_cases(path: Path, split: str) -> list[ConflictCase]:
    """The cases of one split. Raises CitewellError for a file that cannot be read, or has none."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        cases = [ConflictCase(**line | {"sides": tuple(map(tuple, line["sides"]))}) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CitewellError(f"The cases in '{path}' cannot be read: {error}.") from error
    chosen = [case for case in cases if case.split == split]
    if not chosen:
        raise CitewellError(f"'{path}' has no cases in split '{split}'.")
    return chosen


def ask_cases(cases: Sequence[ConflictCase]) -> Iterator[Outcome]:
    """The answers, corpus by corpus."""
    by_corpus: dict[str, list[ConflictCase]] = defaultdict(list)
    for case in cases:
        by_corpus[json.dumps(case.corpus, sort_keys=True)].append(case)
    for group in by_corpus.values():
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder) / "articles"
            write_corpus(group[0].corpus, corpus)
            with Assistant.open(Config(corpus=corpus, index=Path(folder) / "index")) as assistant:
                yield from [Outcome(case, assistant.ask(case.question)) for case in group]


def write_corpus(corpus: Mapping[str, Any], folder: Path) -> None:
    """Writes the seeds with the edits, and the articles. Raises CitewellError where an edit fits not just one place."""
    folder.mkdir(parents=True)
    if corpus["seeds"]:
        shutil.copytree(Config().corpus, folder, dirs_exist_ok=True)
    for edit in corpus.get("edits", ()):
        file = folder / edit["source"]
        text = file.read_bytes().decode("utf-8")
        if text.count(edit["old"]) != 1:
            raise CitewellError(f"“{edit['old'][:60]}” stands {text.count(edit['old'])} times in '{edit['source']}'.")
        file.write_bytes(text.replace(edit["old"], edit["new"]).encode())
    if corpus.get("articles"):
        write_articles(corpus["articles"], folder)


def make_table(outcomes: Sequence[Outcome]) -> Table:
    """Precision, recall and F1 of showing a conflict, the sides shown of those there are, and false ones by kind.

    What is shown as a development in time is told apart: where a later figure supersedes one, that is what to show.
    """
    table = Table(box=SIMPLE_HEAD)
    table.add_column("metric")
    table.add_column("value")
    for name, metric in (("precision", precision), ("recall", recall), ("F1", f1), ("sides shown", sides_shown)):
        table.add_row(name, with_interval(outcomes, metric))
    for seeds, name in ((True, "the seeds and edited copies"), (False, "other articles")):
        own = [outcome for outcome in outcomes if bool(outcome.case.corpus.get("seeds")) == seeds]
        table.add_row(f"F1, {name} ({len(own)} cases)", with_interval(own, f1) if own else "")
    for kind in ("look_alike", "plain"):
        own = [outcome for outcome in outcomes if outcome.case.kind == kind]
        table.add_row(f"false conflicts, {kind}", f"{sum(outcome.shown for outcome in own)} of {len(own)}")
    for kind in ("conflict", "look_alike", "plain"):
        own = [outcome for outcome in outcomes if outcome.case.kind == kind]
        table.add_row(f"shown as a development, {kind}", f"{sum(outcome.developed for outcome in own)} of {len(own)}")
    return table


def precision(outcomes: Sequence[Outcome]) -> float | None:
    """Share of the conflicts shown that there are; None where none is shown."""
    return mean([outcome.expected for outcome in outcomes if outcome.shown])


def recall(outcomes: Sequence[Outcome]) -> float | None:
    """Share of the conflicts that are shown; None where there are none."""
    return mean([outcome.shown for outcome in outcomes if outcome.expected])


def f1(outcomes: Sequence[Outcome]) -> float | None:
    """Harmonic mean of precision and recall; None without conflicts."""
    right = sum(outcome.shown and outcome.expected for outcome in outcomes)
    total = sum(outcome.shown for outcome in outcomes) + sum(outcome.expected for outcome in outcomes)
    return 2 * right / total if total else None


def sides_shown(outcomes: Sequence[Outcome]) -> float | None:
    """Share of the sides of all conflicts that the answers show; None without conflicts."""
    total = sum(len(outcome.case.sides) for outcome in outcomes)
    return sum(outcome.sides_found for outcome in outcomes) / total if total else None


def describe(outcome: Outcome) -> str:
    """What was expected and what was shown, in a line."""
    shown = [[side.value for side in conflict.sides] for conflict in outcome.answer.conflicts]
    expected = [list(side) for side in outcome.case.sides]
    answered = "" if outcome.answer.answered else " (declined)"
    return f"expected {expected or 'no conflict'}, shown {shown or 'none'}{answered}"


def _side_texts(answer: Answer, sides: Sequence[Any]) -> list[str]:
    quotes = {citation.number: citation.quote for citation in answer.citations}
    return [_fold(" ".join([side.value, *(quotes[number] for number in side.citations)])) for side in sides]


def _fold(text: str) -> str:
    return " ".join(text.lower().split())


if __name__ == "__main__":
    main()
