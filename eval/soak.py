"""`python -m eval.soak --minutes 30`: many clients ask while articles change; does all hold, is memory flat?"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from eval.cases import load_cases
from eval.metrics import percentile
from eval.workload import read_sentences, write_corpus
from rag.assistant import Assistant
from rag.config import Config
from rag.schema import Answer

MIB = 1024 * 1024

WARM_UP = 0.2
"""Share of the time that fills the caches: memory is compared from its end on."""

MOST_GROWTH = 0.05
"""Share by which memory may grow after the warm-up; what a client leaks adds up to far more over thousands of asks."""


REVISION = "\n\nRevision "
"""What begins the last sentence of an edited article, which each edit replaces."""


@dataclass
class Soak:
    """What happened so far; the threads add to it under `lock`."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    updates: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    """Every text that a file ever had, by its SHA-256."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def growth(self) -> float:
        """Share by which the last fifth's median memory exceeds that of the fifth after the warm-up; 0 if unknown."""
        kept = [size for at, size in self.memory if at >= WARM_UP]
        fifth = len(kept) // 5
        if not fifth:
            return 0.0
        first, last = (percentile(part, 50) or 0.0 for part in (kept[:fifth], kept[-fifth:]))
        return last / first - 1


def main(
    *,
    minutes: Annotated[float, typer.Option(min=0.05, help="How long to ask.")] = 30.0,
    clients: Annotated[int, typer.Option(min=1, help="Threads that ask one question after the other.")] = 16,
    articles: Annotated[int, typer.Option(min=0, help="Generated articles beside the seeds, 40 sentences each.")] = 20,
) -> None:
    """Asks, edits and indexes on a copy of the seeds; exits with 1 on an error, a wrong quote or growing memory."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    soak = run_soak(60 * minutes, clients, articles, typer.echo)
    for fault in soak.faults[:5]:
        typer.echo(fault, err=True)
    typer.echo(describe(soak))
    if soak.faults or soak.growth > MOST_GROWTH:
        raise typer.Exit(1)


def run_soak(seconds: float, clients: int, articles: int, report: Callable[[str], None]) -> Soak:
    """Clients ask and an editor edits for so many seconds; a line of progress about every tenth of them."""
    soak = Soak()
    with tempfile.TemporaryDirectory() as folder:
        config = Config(corpus=Path(folder) / "articles", index=Path(folder) / "index")
        _write_articles(config.corpus, articles)
        with Assistant.open(config) as assistant:
            end = time.monotonic() + seconds
            threads = [threading.Thread(target=_ask_on, args=(assistant, soak, end, seed)) for seed in range(clients)]
            threads.append(threading.Thread(target=_edit_on, args=(config.corpus, soak, end)))
            _remember(config.corpus, soak)
            for thread in threads:
                thread.start()
            _watch(soak, seconds, end, report)
            for thread in threads:
                thread.join()
    return soak


def describe(soak: Soak) -> str:
    """The outcome in a line."""
    p50, p95 = (percentile(soak.seconds, share) or 0.0 for share in (50, 95))
    sizes = [size for _, size in soak.memory] or [0]
    return (
        f"{len(soak.seconds):,} answers, {soak.updates} edits, {len(soak.faults)} faults; p50 {p50:.2f} s, "
        f"p95 {p95:.2f} s; memory {sizes[-1] / MIB:.0f} MiB at the end, {soak.growth:+.1%} since the warm-up"
    )


def find_fault(answer: Answer, versions: dict[str, str]) -> str:
    """Why a quote of the answer is none of a text that its file had; "" when all are."""
    for citation in (*answer.citations, *answer.nearest):
        text = versions.get(citation.sha256)
        if text is None:
            return f"“{answer.question}”: {citation.source} never hashed to {citation.sha256[:12]}…"
        if text[citation.start : citation.end] != citation.quote:
            return f"“{answer.question}”: {citation.source}[{citation.start}:{citation.end}] is not “{citation.quote}”"
    return ""


def _write_articles(corpus: Path, articles: int) -> None:
    seeds = Config().corpus
    shutil.copytree(seeds, corpus)
    if articles:
        write_corpus(corpus / "more", read_sentences(seeds, Config().max_file_bytes), articles)


def _remember(corpus: Path, soak: Soak) -> None:
    for file in corpus.rglob("*.txt"):
        _remember_text(file.read_bytes(), soak)


def _remember_text(data: bytes, soak: Soak) -> None:
    with soak.lock:
        soak.versions[hashlib.sha256(data).hexdigest()] = data.decode("utf-8")


def _ask_on(assistant: Assistant, soak: Soak, end: float, seed: int) -> None:
    chance = random.Random(seed)
    questions = [case.question for case in load_cases() if not case.history]
    while time.monotonic() < end:
        start = time.monotonic()
        question = chance.choice(questions)
        try:
            fault = find_fault(assistant.ask(question), soak.versions)
        except Exception as error:  # whatever it is, a client would have seen it
            fault = f"“{question}”: {error!r}"
        with soak.lock:
            soak.seconds.append(time.monotonic() - start)
            soak.faults += [fault] if fault else []


def _edit_on(corpus: Path, soak: Soak, end: float) -> None:
    """Gives an article another last sentence, replaces its file in one step, and waits a little, again and again."""
    chance = random.Random(0)
    files = sorted((corpus / "more").glob("*.txt")) or sorted(corpus.glob("*.txt"))
    while time.monotonic() < end:
        file = chance.choice(files)
        text = file.read_bytes().decode("utf-8").split(REVISION)[0]
        data = f"{text}{REVISION}{chance.randrange(10**9)} was published.".encode()
        _remember_text(data, soak)
        fresh = file.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(file)
        with soak.lock:
            soak.updates += 1
        time.sleep(max(0.0, min(chance.uniform(1, 5), end - time.monotonic())))


def _watch(soak: Soak, seconds: float, end: float, report: Callable[[str], None]) -> None:
    """Notes memory 100 times over the run."""
    for tick in range(1, 101):
        time.sleep(max(0.0, end - seconds * (1 - tick / 100) - time.monotonic()))
        soak.memory.append((tick / 100, read_memory()))
        if tick % 10 == 0:
            report(f"{tick}%  {describe(soak)}")


def read_memory() -> int:
    """Bytes of this process that lie in memory, on Linux; the peak where /proc does not say."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource  # not on Windows, where the soak does not run

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    typer.run(main)
