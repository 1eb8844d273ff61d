"""The index on disk: sentences and passages in Chroma, the lexical index beside them, and a manifest.

Texts stay in the articles: Chroma holds vectors and offsets. A sentence's row is its place in the order of the
manifest's files and of the sentences in each.
"""

from __future__ import annotations

import os
import weakref
from bisect import bisect_right
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.articles import CATALOG, FileState, scan
from rag.config import Config
from rag.corpus import Corpus, read_corpus, splitter_version
from rag.embed import Embedder
from rag.errors import CitewellError, IndexRefusedError
from rag.extractions import sweep_extracts
from rag.generations import (
    current_generation,
    damaged,
    holding,
    make_current,
    new_generation,
    rebuild_command,
    sweep,
    writing,
)
from rag.lexical import LexicalIndex
from rag.library import StaleIndexError
from rag.manifest import FORMAT, IndexedFile, Manifest, checksum, checksum_files, read_manifest, write_manifest
from rag.rows import Before, Rows
from rag.schema import Skipped
from rag.server import (
    ServerError,
    copy_vectors,
    drop_collections,
    is_complete,
    mark_complete,
    name_collections,
    opened_server,
)
from rag.tokens import load_tokens
from rag.vector_cache import VectorCache, remove_leftover
from rag.vectors import Store, add_vectors, copy_chroma, opened_chroma, remove_vectors

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an update did: counts of files, and of the texts that were embedded."""

    added: int
    changed: int
    removed: int
    unchanged: int
    embedded: int
    manifest: Manifest

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return self.manifest.skipped


class OpenIndex:
    """One generation, open for reading; safe to use from several threads."""

    def __init__(self, generation: Path, manifest: Manifest, vectors: Store, server: str | None = None) -> None:
        self.generation = generation
        self.manifest = manifest
        self.vectors = vectors
        self.server = server
        self.sentences = vectors.collection("sentences")
        self.passages = vectors.collection("passages")
        self.lexical = LexicalIndex.load(generation / "lexical")
        self.passage_of: NDArray[np.int32] = np.load(generation / "passage_of.npy", mmap_mode="r")
        self._closing: Callable[[], object] = ExitStack().close

    def keep(self, resources: ExitStack) -> None:
        """Takes over what is to be closed with the index, which at the latest happens before Python ends."""
        self._closing = weakref.finalize(self, resources.close)

    def close(self) -> None:
        """Lets go of the generation; a second call does nothing."""
        self._closing()

    def locate(self, row: int) -> tuple[IndexedFile, int]:
        """The file of a sentence's row, and the sentence's number in it."""
        place = bisect_right(self._first_rows, row) - 1
        return self.manifest.files[place], row - self._first_rows[place]

    def row(self, source: str, number: int) -> int:
        """The row of a file's sentence; the inverse of `locate`."""
        return self._first_rows[self._places[source]] + number

    @cached_property
    def _first_rows(self) -> list[int]:
        return list(accumulate((file.sentences for file in self.manifest.files[:-1]), initial=0))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {file.source: place for place, file in enumerate(self.manifest.files)}


def open_index(config: Config, embedder: Embedder) -> OpenIndex | None:
    """The current generation for reading, or None where no index has been made yet.

    Raises IndexRefusedError for a foreign or damaged index, or one made with another model.
    """
    generation = current_generation(config.index)
    if generation is None:
        return None
    try:
        return _open_generation(generation, config, embedder)
    except CitewellError:
        if current_generation(config.index) == generation:
            raise
    return open_index(config, embedder)  # a writer has meanwhile published another one and swept this one away


def _open_generation(generation: Path, config: Config, embedder: Embedder) -> OpenIndex:
    manifest = read_manifest(config.index, generation)
    if manifest.fingerprint != embedder.fingerprint:
        raise IndexRefusedError(
            f"The index in '{config.index}' was built with {manifest.model} but CITEWELL_EMBEDDING is "
            f"'{config.embedding}'. Rebuild it: {rebuild_command(config.index)}"
        )
    _check_place(config, manifest)
    with ExitStack() as resources:
        try:
            resources.enter_context(holding(generation))
            for name, expected_checksum in manifest.checksums.items():  # before Chroma, which a damaged file can crash
                if checksum(generation / name) != expected_checksum:
                    raise ValueError(f"'{name}' has changed")
            vectors = resources.enter_context(opened_vectors(generation, config, manifest.vectors))
            if config.chroma and not is_complete(vectors):
                raise ValueError(f"the Chroma server at {config.chroma} has lost vectors of it")
            opened = OpenIndex(generation, manifest, vectors, config.chroma)
            counts = _probe(opened.sentences), _probe(opened.passages), len(opened.passage_of), len(opened.lexical)
            expected = manifest.sentences, manifest.passages, manifest.sentences, manifest.sentences
            if counts != expected:
                raise ValueError(f"it holds {counts} entries where the manifest says {expected}")
        except ServerError:
            raise
        except Exception as error:  # Chroma, SQLite, NumPy and bm25s each fail in their own way on a damaged file
            if not os.access(generation, os.W_OK):
                raise CitewellError(
                    f"The index folder '{config.index}' cannot be written, which Chroma does even to read it. Make it "
                    "writable or use another: --index."
                ) from error
            raise damaged(config.index, str(error).splitlines()[0][:200] if str(error) else repr(error)) from error
        opened.keep(resources.pop_all())
    return opened


def _check_place(config: Config, manifest: Manifest) -> None:
    if bool(manifest.vectors) == bool(config.chroma):
        return
    kept = "on a Chroma server" if manifest.vectors else "in its own folder"
    setting = f"CITEWELL_CHROMA is '{config.chroma}'" if config.chroma else "CITEWELL_CHROMA is not set"
    raise IndexRefusedError(
        f"The index in '{config.index}' keeps its vectors {kept}, but {setting}. Correct the setting, or rebuild the "
        f"index: {rebuild_command(config.index)}"
    )


def opened_vectors(generation: Path, config: Config, prefix: str) -> AbstractContextManager[Store]:
    """The Chroma that keeps the generation's vectors: its own, or the server's collections with the prefix."""
    return opened_server(config.chroma, prefix) if config.chroma else opened_chroma(generation)


def _probe(collection: Collection) -> int:
    """How many vectors the collection holds, after searching it once."""
    vectors = collection.get(limit=1, include=["embeddings"])["embeddings"]
    if vectors is not None and len(vectors):
        collection.query(query_embeddings=vectors, n_results=1, include=[])
    return collection.count()


def update_index(config: Config, embedder: Embedder, *, rebuild: bool = False) -> IndexReport:
    """Brings the index up to date with the corpus: only new and changed files are embedded, deleted ones leave.

    Readers go on with the generation that they have, and an index that is up to date is not written to. With `rebuild`,
    nothing of the old index is used but the extracted texts. Raises CorpusError, IndexRefusedError (unless `rebuild`),
    or CitewellError when the folder cannot be written; the old index is intact after each of them.
    """
    if not rebuild:
        report = _update(config, embedder, write=False)
        if report:
            remove_leftover(config.index)
            return report
    with writing(config.index, config.lock_timeout):
        report = _update(config, embedder, write=True, rebuild=rebuild)
        assert report is not None
        return report


def _update(config: Config, embedder: Embedder, *, write: bool, rebuild: bool = False) -> IndexReport | None:
    """One look at corpus and index; None where there is something to write but `write` is off."""
    states = scan(config.corpus)  # before reading: what is written meanwhile will be noticed the next time
    old = None if rebuild else open_index(config, embedder)
    try:
        if old and old.manifest.states == states and old.manifest.splitter == splitter_version(config):
            return _report(old.manifest, old.manifest, embedded=0)
        if not write and old is None and any(state.source != CATALOG for state in states):
            return None  # reading takes long for some formats, and under the lock what it finds can be kept
        corpus = read_corpus(config, states, old.manifest if old else None)
        if old and old.manifest.corpus_sha256 == corpus.sha256 and old.manifest.skipped == corpus.skipped:
            manifest = replace(old.manifest, states=states)
            with suppress(OSError):  # an index that cannot be written is as good, only slower to compare
                write_manifest(old.generation, manifest)
            return _report(old.manifest, manifest, embedded=0)
        if not write:
            return None
        manifest, embedded = _publish(config, embedder, old, corpus, states, rebuild=rebuild)
        return _report(old.manifest if old else None, manifest, embedded)
    finally:
        if old:
            old.close()


def _report(before: Manifest | None, now: Manifest, embedded: int) -> IndexReport:
    keys_before = {file.source: file.key for file in before.files} if before else {}
    keys = {file.source: file.key for file in now.files}
    unchanged = sum(keys_before.get(source) == key for source, key in keys.items())
    return IndexReport(
        added=len(keys.keys() - keys_before.keys()),
        changed=len(keys.keys() & keys_before.keys()) - unchanged,
        removed=len(keys_before.keys() - keys.keys()),
        unchanged=unchanged,
        embedded=embedded,
        manifest=now,
    )


def _publish(
    config: Config,
    embedder: Embedder,
    old: OpenIndex | None,
    corpus: Corpus,
    states: tuple[FileState, ...],
    *,
    rebuild: bool,
) -> tuple[Manifest, int]:
    """Writes a generation and makes it current; on any failure it is removed, the old one and the cache stay."""
    try:
        before = _named_collections(config)
        generation = new_generation(config.index)
        if rebuild:
            _drop_collections(config, generation, before)
        with closing(VectorCache(config.index, embedder.fingerprint)) as cache:
            result = _write_generation(generation, config, embedder, old, corpus, states, cache)
            make_current(config.index, generation)
            cache.remove()
        _drop_collections(config, generation, before - _named_collections(config))
        kept = result[0].files + (old.manifest.files if old else ())
        sweep_extracts(config.index, {file.sha256 for file in kept if file.text_sha256})
    except Exception as error:
        sweep(config.index)
        if isinstance(error, OSError) or type(error).__module__.startswith("chromadb"):
            raise CitewellError(
                f"The index in '{config.index}' could not be written: {error}. The old one, if any, is intact; make "
                "room, or use another folder: --index."
            ) from error
        raise
    return result


def _named_collections(config: Config) -> set[str]:
    """What the names of all generations' collections on the server begin with; none without a server."""
    names: set[str] = set()
    for file in config.index.glob("gen-*/manifest.json") if config.chroma else ():
        with suppress(IndexRefusedError):  # of a damaged generation nobody knows
            names.add(read_manifest(config.index, file.parent).vectors)
    return names - {""}


def _drop_collections(config: Config, generation: Path, prefixes: set[str]) -> None:
    for prefix in prefixes:
        with opened_vectors(generation, config, prefix) as store:
            drop_collections(store)


def _write_generation(
    generation: Path,
    config: Config,
    embedder: Embedder,
    old: OpenIndex | None,
    corpus: Corpus,
    states: tuple[FileState, ...],
    cache: VectorCache,
) -> tuple[Manifest, int]:
    before = _take_over(old, corpus)
    rows = Rows(config, corpus, states, before)
    prefix = name_collections(corpus.sha256, embedder.fingerprint) if config.chroma else ""
    if old and before and not config.chroma:
        copy_chroma(old.generation, generation)
    with opened_vectors(generation, config, prefix) as store:
        articles = rows.read(embedder)
        if config.chroma and is_complete(store):
            embedded = sum(0 for _ in articles)
        else:
            if config.chroma and old and before:
                copy_vectors(old.vectors, store, before.sources)
            elif before:
                remove_vectors(store, before.gone)
            embedded = add_vectors(store, articles, embedder, config, cache, rows.share)
        if config.chroma:
            _complete(store, rows, corpus)
    LexicalIndex.from_tokens(rows.tokens.finish()).save(generation / "lexical")
    np.save(generation / "passage_of.npy", rows.passage_of())
    manifest = Manifest(
        format=FORMAT,
        corpus_sha256=rows.sha256,
        model=embedder.name,
        fingerprint=embedder.fingerprint,
        splitter=splitter_version(config),
        files=tuple(rows.files),
        skipped=tuple(rows.skipped),
        states=states,
        checksums=checksum_files(generation),
        vectors=prefix,
    )
    write_manifest(generation, manifest)
    return manifest, embedded


def _complete(store: Store, rows: Rows, corpus: Corpus) -> None:
    """Lets other processes use the collections. Raises StaleIndexError where their name does not say what they hold."""
    if rows.sha256 != corpus.sha256:
        drop_collections(store)
        raise StaleIndexError("Articles changed while they were indexed. Try again.")
    mark_complete(store)


def _take_over(old: OpenIndex | None, corpus: Corpus) -> Before | None:
    """What can stay of the old index; None where that is nothing, or its words were not kept by an earlier version."""
    tokens = load_tokens(old.generation / "lexical") if old else None
    if not old or not tokens:
        return None
    before = Before(old.manifest, tokens, old.passage_of, corpus.keys)
    return before if len(before) else None
