"""`citewell eval`: measure the answers, compare runs, guard against regressions, and write cases."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli import Corpus, Index, make_config

if TYPE_CHECKING:  # seconds to import: each command does it when it is called
    from eval.cases import Case
    from eval.runs import Run
    from rag.config import Config

app = typer.Typer(help="Measure the answers against cases with known answers.")

BASELINE = Path(__file__).with_name("baseline.json")


class Split(StrEnum):
    DEV = "dev"
    TEST = "test"
    ALL = "all"


ChosenSplit = Annotated[Split, typer.Option(help="Half of the cases; the reader was fitted on dev.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only cases of this kind; can be given several times.")]
CasesFile = Annotated[Path | None, typer.Option("--cases", help="JSON-lines file of cases  [default: those on seeds]")]
Prompts = Annotated[Path | None, typer.Option(help="Folder whose prompts replace the shipped ones.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask everything anew instead of taking kept answers.")]
Force = Annotated[bool, typer.Option("--force", help="Compare what the two share, over different articles or cases.")]


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    *,
    split: ChosenSplit = Split.TEST,
    kind: Kinds = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the results as JSON  [default: eval-results/<UTC time>.json]")
    ] = None,
    corpus: Corpus = None,
    index: Index = None,
    cases: CasesFile = None,
    thresholds: Annotated[
        Path | None, typer.Option(help="TOML file of least values; without it own --cases are not checked.")
    ] = None,
    failures: Annotated[bool, typer.Option("--failures", help="Print each case with a fault.")] = False,
) -> None:
    """Asks every case and reports the figures by kind; exits with 1 when one is below its threshold."""
    if context.invoked_subcommand:
        return
    from rich.console import Console

    from eval.cases import FACTS
    from eval.report import default_path, print_failures, print_report, write_report
    from eval.run import run_cases
    from eval.summary import summarise
    from eval.thresholds import THRESHOLDS, find_shortfalls, load_thresholds

    config = make_config(corpus, index)
    chosen = _choose(cases, split, kind)
    checked = thresholds or (None if cases else THRESHOLDS)
    minimums = load_thresholds(checked, split.value, kind or ()) if checked else ()
    evaluation = summarise(run_cases(chosen, config))

    path = out or default_path()
    setup = {"split": split.value, "kinds": kind, "cases": str(cases or FACTS)} | config.model_dump(mode="json")
    write_report(path, evaluation, setup)
    console = Console()
    if failures:
        print_failures(console, evaluation.results)
    print_report(console, evaluation)
    typer.echo(f"Every case with its answer: {path}")
    shortfalls = find_shortfalls(evaluation, minimums)
    for line in shortfalls:
        typer.echo(f"Below the threshold: {line}.", err=True)
    if shortfalls:
        raise typer.Exit(1)


@app.command()
def run(
    *,
    name: Annotated[str | None, typer.Option(help="What to call the run  [default: the UTC time]")] = None,
    prompts: Prompts = None,
    split: ChosenSplit = Split.ALL,
    kind: Kinds = None,
    corpus: Corpus = None,
    index: Index = None,
    cases: CasesFile = None,
    fresh: Fresh = False,
) -> None:
    """Asks every case and keeps the run, to compare it with others; answers that are known are not asked for again."""
    from rich.console import Console

    from eval.report import print_report
    from eval.runs import check_name, default_name, runs_folder, save_run

    config = _with_prompts(make_config(corpus, index), prompts)
    called = check_name(name or default_name())
    made = _make_run(called, _choose(cases, split, kind), config, fresh=fresh)
    place = save_run(runs_folder(config), made)
    print_report(Console(), made.summarise())
    typer.echo(f"Kept as '{called}' in {place}. Compare it: citewell eval compare OTHER {called}")


@app.command()
def compare(
    before: Annotated[str, typer.Argument(help="The earlier run: its name or folder.")],
    after: Annotated[str, typer.Argument(help="The later run.")],
    *,
    force: Force = False,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """What changed between two runs, metric by metric with its interval, and the cases won and lost."""
    from rich.console import Console

    from eval.compare import compare as compare_runs
    from eval.report import print_comparison
    from eval.runs import load_run

    config = make_config(corpus, index)
    comparison = compare_runs(load_run(before, config), load_run(after, config), force=force)
    if force:
        typer.echo(f"Only the {comparison.cases} cases that both runs have are compared.", err=True)
    print_comparison(Console(), comparison)


@app.command()
def gate(
    *,
    baseline: Annotated[Path, typer.Option(help="File with the outcomes that must not get worse.")] = BASELINE,
    update: Annotated[bool, typer.Option("--update", help="Make this run the baseline.")] = False,
    prompts: Prompts = None,
    corpus: Corpus = None,
    index: Index = None,
    cases: CasesFile = None,
    fresh: Fresh = False,
    force: Force = False,
) -> None:
    """Asks every case and exits with 1 when something got worse than the baseline, more than chance explains."""
    from eval.compare import find_regressions, load_baseline, make_baseline, save_baseline
    from eval.runs import runs_folder, save_run

    config = _with_prompts(make_config(corpus, index), prompts)
    known = None if update else load_baseline(baseline)
    made = _make_run("gate", _choose(cases, Split.ALL, None), config, fresh=fresh)
    save_run(runs_folder(config), made)
    if known is None:
        save_baseline(make_baseline(made), baseline)
        typer.echo(f"{len(made.results)} cases are the baseline now: {baseline}")
        return
    regressions = find_regressions(known, made, force=force)
    for regression in regressions:
        cases_lost = ", ".join(regression.lost[:8]) + (", …" if len(regression.lost) > 8 else "")
        typer.echo(
            f"Worse: {regression.outcome}, {regression.before:.3f} to {regression.after:.3f} (p = {regression.p:.2g}); "
            f"lost: {cases_lost}",
            err=True,
        )
    if regressions:
        raise typer.Exit(1)
    typer.echo(f"Nothing got worse over {len(made.results)} cases.")


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="The run: its name or folder.")],
    *,
    out: Annotated[Path | None, typer.Option(help="The page  [default: <name>.html]")] = None,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Writes one self-contained HTML page about a run."""
    from eval.html import write_page
    from eval.runs import load_run

    made = load_run(name, make_config(corpus, index))
    file = out or Path(f"{made.name}.html")
    write_page(made, file)
    typer.echo(f"Written: {file}")


@app.command()
def perturb(
    *,
    kind: Annotated[list[str] | None, typer.Option(help="Only this perturbation; can be given several times.")] = None,
    prompts: Prompts = None,
    split: ChosenSplit = Split.TEST,
    corpus: Corpus = None,
    index: Index = None,
    cases: CasesFile = None,
    fresh: Fresh = False,
) -> None:
    """Asks variants of the cases: articles left out, facts changed, noise, distractors, poisoned articles."""
    from rich.console import Console

    from eval.perturb import MAKERS, judge, make_variants
    from eval.report import print_outcomes
    from eval.runs import runs_folder
    from rag.errors import CitewellError

    config = _with_prompts(make_config(corpus, index), prompts)
    chosen = _choose(cases, split, None)
    unknown = sorted(set(kind or ()) - MAKERS.keys())
    if unknown:
        raise CitewellError(f"There is no perturbation '{unknown[0]}'; there are {', '.join(MAKERS)}.")
    before = _make_run("unchanged", chosen, config, fresh=fresh).results
    outcomes = []
    for name in kind or MAKERS:
        variants = make_variants(name, chosen, config.corpus, runs_folder(config) / ".perturbed")
        results = [
            result
            for variant in variants
            for result in _make_run(name, variant.cases, _moved(config, variant.corpus), fresh=fresh).results
        ]
        if variants:
            outcomes.append(judge(variants, results, before))
    print_outcomes(Console(), outcomes)


@app.command()
def new(
    *,
    out: Annotated[Path, typer.Option(help="File that the accepted cases are added to.")] = Path("cases.jsonl"),
    seed: Annotated[int, typer.Option(help="Another seed, other proposals.")] = 0,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Proposes cases from the articles, one after another: accept, change or skip each."""
    from eval.cases import load_cases
    from eval.propose import append_case, propose_cases

    config = make_config(corpus, index)
    taken = {case.id for case in load_cases(out)} if out.is_file() and out.stat().st_size else set()
    for case in propose_cases(config, seed):
        if case.id in taken:
            continue
        ((passage,),) = case.gold
        typer.echo(f"\n{passage.source}: {passage.quote}\nQuestion: {case.question}\nShort:    {case.short}")
        choice = typer.prompt("[a]ccept, [e]dit, [s]kip or [q]uit", default="s").strip().lower()[:1]
        if choice == "q":
            break
        if choice in ("a", "e"):
            append_case(_edit(case, config.corpus) if choice == "e" else case, out)
            taken.add(case.id)
    typer.echo(f"{len(taken)} cases in {out}. Ask them: citewell eval run --cases {out}")


def _edit(case: Case, corpus: Path) -> Case:
    """The case as the person wants it; its quote must stand in the article."""
    from eval.propose import find_quote

    ((passage,),) = case.gold
    question = typer.prompt("Question", default=case.question)
    short = typer.prompt("Short answer, '-' for none", default=case.short)
    quote = typer.prompt("Quote", default=passage.quote)
    while not find_quote(quote, passage.source, corpus):
        typer.echo(f"'{passage.source}' does not hold these words.")
        quote = typer.prompt("Quote", default=passage.quote)
    gold = ((replace(passage, quote=quote),),)
    return replace(case, question=question, short=None if short == "-" else short, gold=gold)


def _choose(cases: Path | None, split: Split, kinds: list[str] | None) -> tuple[Case, ...]:
    from eval.cases import FACTS, load_cases

    return load_cases(cases or FACTS, None if split is Split.ALL else split.value, kinds)


def _with_prompts(config: Config, prompts: Path | None) -> Config:
    return config.model_copy(update={"prompts": prompts}) if prompts else config


def _moved(config: Config, corpus: Path) -> Config:
    """The settings for a variant's articles, with an index of their own beside them."""
    return config.model_copy(update={"corpus": corpus, "index": corpus.with_name(f"{corpus.name}.index")})


def _make_run(name: str, cases: tuple[Case, ...], config: Config, *, fresh: bool) -> Run:
    from datetime import UTC, datetime

    from eval.cache import AnswerCache, describe_setup
    from eval.run import run_cases
    from eval.runs import Run, describe_git, hash_cases, runs_folder

    setup: dict[str, Any] = describe_setup(config)
    cache = None if fresh else AnswerCache(runs_folder(config) / ".answers", setup)
    results = run_cases(cases, config, cache=cache)
    made = {"cases": hash_cases(cases), "created": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "git": describe_git()}
    return Run(name, setup | made, results)
