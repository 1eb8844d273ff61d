"""`python -m eval.speed`: how fast it is, as ratios against the bare model measured in the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eval.cases import load_cases
from eval.metrics import percentile
from eval.scale import SIZES, Scale, against_bare, make_scale_table, measure_scale
from eval.workload import indexed_texts, read_sentences, write_corpus
from rag.assistant import Assistant
from rag.config import Config
from rag.converse import Standalone
from rag.embed import Embedder, find_model, load_embedder
from rag.errors import CitewellError
from rag.index import open_index, update_index
from rag.judge import make_windows
from rag.library import Library
from rag.model import load_reading_model
from rag.retrieve import retrieve

QUESTION = "How many Azerbaijani companies operate in Beijing?"
STAGES = ("refresh", "converse", "encode", "retrieve", "read", "cite", "total")
MIB = 1024 * 1024

_REPORT_PEAK = """
import json, resource
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"imported": imported - start, "done": time.perf_counter() - start, "peak": peak}))
"""

BARE = f"""
import sys, time
start = time.perf_counter()
from sentence_transformers import SentenceTransformer
imported = time.perf_counter()
SentenceTransformer(sys.argv[1]).encode(sys.argv[2])
{_REPORT_PEAK}"""
"""What nobody can do without: import, load the model, encode the question."""

ANSWER = f"""
import sys, time
start = time.perf_counter()
from rag import Config, answer
imported = time.perf_counter()
answer(sys.argv[1], config=Config(corpus=sys.argv[2], index=sys.argv[3]))
{_REPORT_PEAK}"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A line of the report; `met` is None where there is no target."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None


def main(
    *,
    corpus: Annotated[Path | None, typer.Option(help="Folder of articles  [default: seeds]")] = None,
    index: Annotated[Path | None, typer.Option(help="Folder of the index  [default: a temporary one]")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer runs, a smaller corpus: a rough look.")] = False,
    scale: Annotated[bool, typer.Option("--scale", help="How it grows up to a million sentences; hours.")] = False,
    size: Annotated[list[int] | None, typer.Option(min=100, help="With --scale: sentences; several times.")] = None,
) -> None:
    """Measures cold and warm answers, indexing and memory; exits with 1 when a target is missed.

    Works on Linux and macOS, where a process can say how much memory it took.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    measurements: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        given = Config() if corpus is None else Config(corpus=corpus)
        paths = {"corpus": given.corpus.resolve(), "index": (index or scratch / "index").resolve()}
        config = given.model_copy(update=paths)
        try:
            if scale:
                found = measure_growth(config, scratch, size or SIZES)
            else:
                found = measure(config, scratch, runs=2 if quick else 5, articles=15 if quick else 75)
            for measurement in found:
                measurements.append(measurement)
                typer.echo(f"{measurement.name}: {measurement.value}", err=True)
        except CitewellError as error:
            typer.echo(error, err=True)
            raise typer.Exit(2) from error
    Console().print(make_table(measurements))
    if any(measurement.met is False for measurement in measurements):
        raise typer.Exit(1)


def measure_growth(config: Config, scratch: Path, sizes: Sequence[int]) -> Iterator[Measurement]:
    """What has a target at each size; the table of all is printed after each."""
    scales: list[Scale] = []
    for scale in measure_scale(config, scratch, sizes):
        scales.append(scale)
        Console(width=200).print(make_scale_table(scales))
        name = f"{scale.sentences:,} sentences"
        if scale.built.bare:
            ratio = against_bare(scale)
            yield Measurement(f"indexing {name} against bare", f"{ratio:.2f} ×", "at least 0.85 ×", ratio >= 0.85)
        if scale.built.articles <= 10_000:
            again = f"one changed of {scale.built.articles:,} articles"
            yield Measurement(again, _seconds(scale.again), "under 5 s", scale.again < 5)
    by_size = {scale.sentences: scale.p50 for scale in scales}
    if {10_000, 1_000_000} <= by_size.keys():
        growth = by_size[1_000_000] / by_size[10_000]
        name = "warm answer p50 at 1,000,000 against 10,000 sentences"
        yield Measurement(name, f"{growth:.2f} ×", "under 2.5 ×", growth < 2.5)


def measure(config: Config, scratch: Path, runs: int, articles: int) -> Iterator[Measurement]:
    """Every measurement as it is made: `runs` repetitions, `articles` generated ones of 40 sentences for indexing."""
    # First, while this process is small: on Linux a child's peak memory is never below its parent's at the start.
    yield from measure_cold(config, runs)
    yield from measure_warm(config)
    embedder = load_embedder(config.embedding, config.device)
    sentences = read_sentences(config.corpus, config.max_file_bytes)
    write_corpus(scratch / "corpus", sentences, articles)
    generated = config.model_copy(update={"corpus": scratch / "corpus"})
    # What only the first indexing of a process does, the import of LlamaIndex above all, stays out of the rate.
    update_index(config.model_copy(update={"index": scratch / "warm"}), embedder)
    yield from measure_indexing(generated, embedder, scratch, runs // 2 + 1)


@dataclass(frozen=True, slots=True)
class _FreshRun:
    """A process of its own: seconds as it saw them itself, seconds with its start and end, peak memory in bytes."""

    imported: float
    done: float
    wall: float
    peak: int


def measure_cold(config: Config, runs: int) -> Iterator[Measurement]:
    """Fresh processes with an index that exists, in turn with the bare model's; medians of each and of the ratios.

    A first process that does not count builds the index and brings the files into memory.
    """
    model = str(find_model(config.embedding) or config.embedding)
    corpus, index = str(config.corpus), str(config.index)
    _run(["-c", ANSWER, QUESTION, corpus, index])
    bare, answers, commands = [], [], []
    for _ in range(runs):
        bare.append(_run_fresh(["-c", BARE, model, QUESTION]))
        answers.append(_run_fresh(["-c", ANSWER, QUESTION, corpus, index]))
        ask = ["-m", "rag.cli", "ask", QUESTION, "--json", "--corpus", corpus, "--index", index]
        commands.append(_timed(_run, ask))
    yield Measurement("import rag", _seconds(median(run.imported for run in answers)))
    yield Measurement("cold first answer, import included", _seconds(median(run.done for run in answers)))
    ratio = median(command / run.wall for command, run in zip(commands, bare, strict=True))
    yield Measurement("cold bare import, load, encode", _seconds(median(run.wall for run in bare)))
    yield Measurement(
        "cold `citewell ask` against bare",
        f"{_seconds(median(commands))} = {ratio:.2f} ×",
        "at most 1.3 ×",
        ratio <= 1.3,
    )
    peaks = median(run.peak for run in answers) / MIB, median(run.peak for run in bare) / MIB
    yield Measurement("peak memory of an answer, of bare", f"{peaks[0]:.0f}, {peaks[1]:.0f} MiB")


def _run_fresh(arguments: Sequence[str]) -> _FreshRun:
    start = time.perf_counter()
    output = _run(arguments)
    return _FreshRun(wall=time.perf_counter() - start, **json.loads(output.splitlines()[-1]))


def _run(arguments: Sequence[str]) -> str:
    """What the interpreter prints. Raises CitewellError when it fails; a refusal to answer is no failure."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise CitewellError(f"`python {arguments[0]} …` exited with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def measure_warm(config: Config, questions: int = 200) -> Iterator[Measurement]:
    """Milliseconds of each stage, over questions of the evaluation after ten to warm up."""
    texts = [case.question for case in load_cases() if not case.history][:questions]
    with Assistant.open(config) as assistant:
        for text in texts[:10]:
            assistant.ask(text)
        answers = [assistant.ask(text) for text in texts]
        bare = [1_000 * seconds for seconds in time_forward_passes(config, texts)]
    for stage in STAGES:
        times = [1_000 * answer.timings[stage] for answer in answers]
        yield Measurement(f"warm {stage}, p50 / p95 of {len(times)}", _percentiles(times))
    yield Measurement("the model's bare forward passes, p50 / p95", _percentiles(bare))
    total, alone = (percentile(times, 50) or 0.0 for times in (times, bare))
    yield Measurement("warm answer p50", f"{total:.0f} ms", "under 250 ms", total < 250)
    yield Measurement("warm answer p50 against bare", f"{total / alone:.2f} ×", "at most 1.25 ×", total <= 1.25 * alone)


def _percentiles(times: Sequence[float]) -> str:
    return f"{percentile(times, 50):.2f} / {percentile(times, 95):.2f} ms"


def time_forward_passes(config: Config, questions: Sequence[str]) -> list[float]:
    """Seconds that the reader's network takes for each question's candidates, as word pieces already."""
    embedder = load_embedder(config.embedding, config.device)
    model = load_reading_model(config.device)
    index = open_index(config, embedder)
    assert index is not None
    library = Library(config, index.manifest)
    seconds = []
    for text in questions:
        candidates = retrieve(index, text, embedder.encode_question(text), library.load, config.candidates)
        batches = model.encode(make_windows(Standalone(text), candidates[: config.read_candidates]))
        seconds.append(_timed(lambda batches=batches: [model.forward(batch) for batch in batches]))
    index.close()
    return seconds


def measure_indexing(config: Config, embedder: Embedder, scratch: Path, runs: int) -> Iterator[Measurement]:
    """First and repeated indexing, in turn with `model.encode` of the same texts; the best time of each.

    `model.encode` gets all texts at once, in the order of the files, and sorts them by length itself. The best times
    count, because whatever else the machine does can only slow a run down.
    """
    texts = list(indexed_texts(config, embedder))
    embedder.model.encode(texts[:64], show_progress_bar=False)
    bare, first, again = [], [], []
    for number in range(runs):
        fresh = config.model_copy(update={"index": scratch / f"index-{number}"})
        bare.append(_timed(embedder.model.encode, texts, batch_size=config.batch_size, show_progress_bar=False))
        first.append(_timed(update_index, fresh, embedder))
        again.append(_timed(update_index, fresh, embedder))
    speed, repeat = min(bare) / min(first), min(again) / min(first)
    yield Measurement(f"bare encode of {len(texts):,} texts", f"{len(texts) / min(bare):.0f} texts/s")
    yield Measurement(
        "indexing them against bare",
        f"{len(texts) / min(first):.0f} texts/s = {speed:.2f} ×",
        "at least 0.85 ×",
        speed >= 0.85,
    )
    yield Measurement(
        "indexing them again unchanged",
        f"{_seconds(min(again))} = 1/{1 / repeat:.0f}",
        "under 1/20",
        repeat < 1 / 20,
    )


def _timed(action: Callable[..., object], *arguments: object, **options: object) -> float:
    start = time.perf_counter()
    action(*arguments, **options)
    return time.perf_counter() - start


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{1_000 * value:.1f} ms"


def make_table(measurements: Sequence[Measurement]) -> Table:
    """The measurements as a table, each with its target and whether it is met."""
    table = Table("measured", "value", "target", "", box=SIMPLE_HEAD, show_edge=False)
    marks = {True: "✓", False: "✗", None: ""}
    for measurement in measurements:
        table.add_row(measurement.name, measurement.value, measurement.target, marks[measurement.met])
    return table


if __name__ == "__main__":
    typer.run(main)
