"""`python -m eval.speed --scale`: how indexing, asking and finding grow with the corpus, from a thousand sentences on.

Each step runs in a process of its own, so that its peak memory is its own. Up to `EMBEDDED` sentences are embedded; for
more, the vectors are perturbed copies of embedded ones, while everything else is done as ever.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.table import Table

from eval.cases import load_cases
from eval.metrics import percentile
from eval.workload import indexed_texts, read_sentences, write_archive
from rag.assistant import Assistant
from rag.config import Config
from rag.embed import Embedder, Vectors, load_embedder
from rag.errors import CitewellError
from rag.index import open_index, update_index

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

SIZES = (1_000, 10_000, 100_000, 1_000_000)

EMBEDDED = 100_000
"""Most sentences that are really embedded."""

NOISE = 0.3
"""Length of what is added to a unit vector: the copy's cosine to it is about 0.96."""

SAMPLE = 4_096
"""Texts that the bare model encodes, half of them before the indexing and half after it."""

QUESTIONS = 30
TOP_K = 50
PAGE = 5_000
STAGES = ("refresh", "encode", "retrieve", "read", "total")

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Built:
    """An index of an archive: `seconds` for all of it, and the bare model's texts a second (0.0 for copies)."""

    articles: int
    texts: int
    seconds: float
    bare: float
    disk: int
    peak: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds of each stage by question, and the process's peak memory in bytes."""

    milliseconds: Mapping[str, Sequence[float]]
    peak: int


@dataclass(frozen=True, slots=True)
class Scale:
    """All that was measured at one size; `again` is seconds to index it again with one article changed."""

    sentences: int
    built: Built
    again: float
    asked: Asked
    recall: float

    @property
    def p50(self) -> float:
        return percentile(self.asked.milliseconds["total"], 50) or 0.0


def measure_scale(config: Config, folder: Path, sizes: Sequence[int]) -> Iterator[Scale]:
    """Each size as it is measured, smallest first; archives and indexes are made in `folder` and stay there.

    The articles of `config` are what the archives are recombined from. Raises CitewellError where no size is small
    enough to be embedded.
    """
    if min(sizes) > EMBEDDED:
        raise CitewellError(f"The smallest size is over {EMBEDDED:,}, of which none is embedded. Add a smaller one.")
    copied: Path | None = None
    for size in sorted(sizes):
        own = config.model_copy(update={"corpus": folder / f"{size}", "index": folder / f"{size}-index"})
        articles = _in_process(write_archive, own.corpus, read_sentences(config.corpus, config.max_file_bytes), size)
        built = _in_process(build, own, articles, copied if size > EMBEDDED else None)
        asked, recall = _in_process(ask, own), _in_process(measure_recall, own)
        yield Scale(size, built, _in_process(index_again, own), asked, recall)
        if size <= EMBEDDED:
            copied = folder / "vectors.npy"
            _in_process(save_vectors, own, copied)


def _in_process(function: Callable[Given, Result], *arguments: Given.args, **options: Given.kwargs) -> Result:
    """What the function returns in a fresh process, which starts with no more memory than this one has."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **options).result()


def build(config: Config, articles: int, copied: Path | None) -> Built:
    """Indexes the archive; with `copied`, the vectors in that file are perturbed instead of texts embedded."""
    embedder = load_embedder(config.embedding, config.device)
    sample = list(islice(indexed_texts(config, embedder), 0 if copied else SAMPLE))
    halves = sample[: len(sample) // 2], sample[len(sample) // 2 :]
    before = _encode(embedder, halves[0], config.batch_size)
    start = time.perf_counter()
    report = update_index(config, CopyingEmbedder(embedder, copied) if copied else embedder)
    seconds = time.perf_counter() - start
    bare = before + _encode(embedder, halves[1], config.batch_size)
    disk = sum(path.stat().st_size for path in config.index.rglob("*") if path.is_file())
    return Built(articles, report.embedded, seconds, len(sample) / bare if sample else 0.0, disk, _peak())


def _encode(embedder: Embedder, texts: Sequence[str], batch_size: int) -> float:
    """Seconds of the bare model, which sorts the texts by length itself, after a first batch that does not count."""
    if not texts:
        return 0.0
    embedder.model.encode(list(texts[:batch_size]), batch_size=batch_size, show_progress_bar=False)
    start = time.perf_counter()
    embedder.model.encode(list(texts), batch_size=batch_size, show_progress_bar=False)
    return time.perf_counter() - start


class CopyingEmbedder(Embedder):
    """For indexing gives each text a perturbed copy of one of the vectors in a file; the text decides which, and how.

    Shape of the file's array: (vectors, dimensions), unit length, float32.
    """

    def __init__(self, embedder: Embedder, vectors: Path) -> None:
        super().__init__(embedder.name, embedder.fingerprint, embedder.model)
        self._vectors: Vectors = np.load(vectors, mmap_mode="r")

    def for_llama_index(self, batch_size: int) -> Any:
        return self

    def get_text_embedding_batch(self, texts: Sequence[str]) -> list[list[float]]:
        """What LlamaIndex's embedding of that name returns."""
        chances = [np.random.default_rng([*hashlib.sha256(text.encode()).digest()[:8]]) for text in texts]
        vectors = self._vectors[[chance.integers(len(self._vectors)) for chance in chances]]
        dims = vectors.shape[1]
        noise = np.stack([chance.standard_normal(dims, np.float32) for chance in chances])
        moved = vectors + noise * np.float32(NOISE / dims**0.5)
        rows: list[list[float]] = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).tolist()
        return rows


def ask(config: Config) -> Asked:
    """Asks the evaluation's questions one by one, after five to warm up."""
    questions = [case.question for case in load_cases() if not case.history][: QUESTIONS + 5]
    with Assistant.open(config) as assistant:
        answers = [assistant.ask(question) for question in questions][5:]
    return Asked({stage: [1_000 * answer.timings[stage] for answer in answers] for stage in STAGES}, _peak())


def index_again(config: Config) -> float:
    """Seconds until the index knows of one changed article, without loading models: the median of three."""
    embedder = load_embedder(config.embedding, config.device)
    seconds = []
    for number in range(4):
        file = next(config.corpus.rglob(f"{number:06d}.txt"))
        file.write_text(f"{file.read_text(encoding='utf-8')} A revision was published.", encoding="utf-8")
        start = time.perf_counter()
        update_index(config, embedder)
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:])


def measure_recall(config: Config) -> float:
    """Share of the questions' `TOP_K` nearest sentences by exact search that Chroma's HNSW finds too."""
    embedder = load_embedder(config.embedding, config.device)
    questions = [case.question for case in load_cases() if not case.history][:QUESTIONS]
    vectors = np.stack([embedder.encode_question(question).vector for question in questions])
    index = open_index(config, embedder)
    assert index is not None
    exact = _search_exactly(index.sentences, vectors)
    found = index.sentences.query(query_embeddings=vectors, n_results=TOP_K, include=[])["ids"]
    index.close()
    return float(np.mean([len({*one} & {*other}) / len(other) for one, other in zip(found, exact, strict=True)]))


def _search_exactly(collection: Collection, vectors: Vectors) -> list[list[str]]:
    """The identifiers of each vector's `TOP_K` nearest."""
    best: list[list[tuple[float, str]]] = [[] for _ in vectors]
    for ids, stored in _pages(collection):
        for row, cosines in enumerate(vectors @ stored.T):
            places = np.argpartition(-cosines, min(TOP_K, len(ids)) - 1)[:TOP_K].tolist()
            best[row] = sorted([*best[row], *((-float(cosines[place]), ids[place]) for place in places)])[:TOP_K]
    return [[identifier for _, identifier in found] for found in best]


def _pages(collection: Collection) -> Iterator[tuple[list[str], Vectors]]:
    for offset in range(0, collection.count(), PAGE):
        page = collection.get(limit=PAGE, offset=offset, include=["embeddings"])
        yield page["ids"], np.asarray(page["embeddings"], np.float32)


def save_vectors(config: Config, file: Path) -> None:
    """Writes all vectors of the sentences as one array."""
    index = open_index(config, load_embedder(config.embedding, config.device))
    assert index is not None
    stored: NDArray[np.float32] = np.concatenate([vectors for _, vectors in _pages(index.sentences)])
    index.close()
    np.save(file, stored)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def make_scale_table(scales: Sequence[Scale]) -> Table:
    """One column a size, in Markdown."""
    table = Table("sentences", *(f"{scale.sentences:,}" for scale in scales), box=MARKDOWN)
    for name, tell in _LINES.items():
        table.add_row(name, *(tell(scale) for scale in scales))
    for stage in STAGES:
        times = [scale.asked.milliseconds[stage] for scale in scales]
        cells = (f"{percentile(own, 50) or 0:.1f} / {percentile(own, 95) or 0:.1f} ms" for own in times)
        table.add_row(f"{stage}, p50 / p95", *cells)
    return table


_LINES: dict[str, Callable[[Scale], str]] = {
    "articles": lambda scale: f"{scale.built.articles:,}",
    "texts in the index": lambda scale: f"{scale.built.texts:,}{'' if scale.built.bare else ', copied vectors'}",
    "indexing, texts/s": lambda scale: f"{scale.built.texts / scale.built.seconds:.0f}",
    "bare encode, texts/s": lambda scale: f"{scale.built.bare:.0f}" if scale.built.bare else "",
    "indexing against bare": lambda scale: f"{against_bare(scale):.2f} ×" if scale.built.bare else "",
    "one article changed": lambda scale: f"{scale.again:.2f} s",
    "disk a sentence": lambda scale: f"{scale.built.disk / scale.sentences / 1024:.1f} KiB",
    "peak memory, indexing": lambda scale: f"{scale.built.peak / 1024**2:.0f} MiB",
    "peak memory, asking": lambda scale: f"{scale.asked.peak / 1024**2:.0f} MiB",
    f"recall of HNSW at {TOP_K}": lambda scale: f"{scale.recall:.3f}",
}


def against_bare(scale: Scale) -> float:
    """Indexing's rate as a share of the bare model's."""
    return scale.built.texts / scale.built.seconds / scale.built.bare
