"""The index on disk: sentences and passages in Chroma, the lexical index beside them, and a manifest.

Texts stay in the articles: Chroma holds vectors and offsets. A sentence's row is its place in the order of the
manifest's files and of the sentences in each.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag.articles import CATALOG, FileState, scan
from rag.attempts import begin_attempt, drop_unused
from rag.before import Before, load_text_keys
from rag.config import Config
from rag.corpus import Corpus, read_corpus, splitter_version
from rag.embed import Embedder
from rag.errors import CitewellError
from rag.extractions import forget_refusals, sweep_extracts
from rag.fill import add_vectors, embed_here
from rag.generations import current_generation, make_current, new_generation, sweep, writing
from rag.lexical import LexicalIndex
from rag.library import StaleIndexError
from rag.manifest import FORMAT, Manifest, checksum_files, write_manifest
from rag.open_index import OpenIndex, open_index, opened_vectors
from rag.ray_pool import embed_on_ray
from rag.rows import Rows
from rag.schema import Skipped
from rag.server import find_complete, hash_content, made_sparse, mark_complete
from rag.tokens import load_tokens
from rag.vector_cache import VectorCache, remove_leftover
from rag.vectors import Store, copy_chroma, copy_vectors, has_sparse, is_worn, read_vectors, remove_vectors

LITTLE = 200
"""Files that change at once without Python's collector."""

__all__ = ["IndexReport", "OpenIndex", "open_index", "update_index"]


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


def update_index(config: Config, embedder: Embedder, *, rebuild: bool = False) -> IndexReport:
    """Brings the index up to date with the corpus: only new and changed files are embedded, deleted ones leave.

    Readers go on with the generation that they have, and an index that is up to date is not written to. With `rebuild`,
    nothing of the old index is used but the extracted texts. Raises CorpusError, IndexRefusedError (unless `rebuild`),
    or CitewellError when the folder cannot be written; the old index is intact after each of them.
    """
    with _collection_paused() as go_on, ExitStack() as opened:
        old = None if rebuild else _open_for(opened, config, embedder)
        look = None if rebuild else _look(config, old)
        if isinstance(look, IndexReport):
            remove_leftover(config.index)
            return look
        with writing(config.index, config.lock_timeout):
            if rebuild:
                forget_refusals(config.index)
            elif current_generation(config.index) != (old.generation if old else None):
                old = _open_for(opened, config, embedder)  # somebody has published meanwhile
                look = _look(config, old)
            look = look or _look(config, old, reading=True)
            if isinstance(look, IndexReport):
                return look
            assert look is not None
            if config.chroma or not _changes_little(old, look):  # what a server sends leaves much garbage in cycles
                go_on()
            return _publish(config, embedder, old, look, rebuild=rebuild)


@contextmanager
def _collection_paused() -> Iterator[Callable[[], None]]:
    """Leaves garbage in cycles for later: looking for it among a million objects takes a fifth of an update.

    Yields what ends the pause before its time.
    """
    paused = gc.isenabled()  # whoever pauses it first ends the pause, others do not

    def go_on() -> None:
        if paused:
            gc.enable()

    gc.disable()
    try:
        yield go_on
    finally:
        go_on()


def _changes_little(old: OpenIndex | None, look: _Look) -> bool:
    """Whether so few files are to be read that what they leave is no matter."""
    if old is None:
        return False
    before = {file.source: file.key for file in old.manifest.files}
    return sum(before.get(source) != key for source, key in look.corpus.keys.items()) <= LITTLE


def _open_for(opened: ExitStack, config: Config, embedder: Embedder) -> OpenIndex | None:
    """The current index, if any; closed with what else is opened."""
    index = open_index(config, embedder)
    if index:
        opened.callback(index.close)
    return index


@dataclass(frozen=True, slots=True)
class _Look:
    """The corpus as it was found, and the states of its files before it was read."""

    corpus: Corpus
    states: tuple[FileState, ...]


def _look(config: Config, old: OpenIndex | None, *, reading: bool = False) -> _Look | IndexReport | None:
    """What is to be indexed, or the report that nothing is; None where all is to be and `reading` is off."""
    states = scan(config.corpus)  # before reading: what is written meanwhile will be noticed the next time
    if old and old.manifest.states == states and old.manifest.splitter == splitter_version(config):
        return _report(old.manifest, old.manifest, embedded=0)
    if not reading and old is None and any(state.source != CATALOG for state in states):
        return None  # reading takes long for some formats, and under the lock what it finds can be kept
    corpus = read_corpus(config, states, old.manifest if old else None)
    if old and old.manifest.corpus_sha256 == corpus.sha256 and old.manifest.skipped == corpus.skipped:
        manifest = replace(old.manifest, states=states)
        with suppress(OSError):  # an index that cannot be written is as good, only slower to compare
            write_manifest(old.generation, manifest)
        return _report(old.manifest, manifest, embedded=0)
    return _Look(corpus, states)


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


def _publish(config: Config, embedder: Embedder, old: OpenIndex | None, look: _Look, *, rebuild: bool) -> IndexReport:
    """Writes a generation and makes it current; on any failure it is removed, the old one and the cache stay."""
    try:
        generation = new_generation(config.index)
        with closing(VectorCache(config.index, embedder.fingerprint)) as cache:
            manifest, embedded = _write_generation(generation, config, embedder, old, look, cache, share=not rebuild)
            make_current(config.index, generation)
            cache.remove()
        kept = manifest.files + (old.manifest.files if old else ())
        sweep_extracts(config.index, {file.sha256 for file in kept if file.text_sha256})
    except Exception as error:
        sweep(config.index)
        if isinstance(error, OSError) or type(error).__module__.startswith("chromadb"):
            raise CitewellError(
                f"The index in '{config.index}' could not be written: {error}. The old one, if any, is intact; make "
                "room, or use another folder: --index."
            ) from error
        raise
    finally:
        if config.chroma:
            with suppress(CitewellError, OSError):  # the next writer tries again
                drop_unused(config.index, config.chroma)
    return _report(old.manifest if old else None, manifest, embedded)


def _write_generation(
    generation: Path,
    config: Config,
    embedder: Embedder,
    old: OpenIndex | None,
    look: _Look,
    cache: VectorCache,
    *,
    share: bool,
) -> tuple[Manifest, int]:
    """The manifest and how many texts were embedded; with `share`, what is complete on a server already is used."""
    before = _take_over(old, look.corpus)
    rows = Rows(config, look.corpus, look.states, before)
    prefix, theirs = _choose_prefix(config, embedder, look.corpus, share=share)
    if old and before and not theirs:
        _offer_vectors(old, before, cache, config.index_window)
    afresh = bool(config.chroma) or (
        old is not None and is_worn(old.generation, old.manifest.sentences + old.manifest.passages)
    )
    if old and before and not afresh:
        copy_chroma(old.generation, generation)
    with opened_vectors(generation, config, prefix) as store:
        if theirs:
            embedded = _pass_through(rows, embedder, look.corpus)
        else:
            embedded = _fill(store, config, embedder, old if afresh else None, rows, cache)
        in_engine = has_sparse(store.collection("sentences"))
    LexicalIndex.from_tokens(rows.tokens.finish()).save(generation / "lexical", postings=not in_engine)
    np.save(generation / "passage_of.npy", rows.passage_of())
    rows.text_keys().save(generation)
    manifest = Manifest(
        format=FORMAT,
        corpus_sha256=rows.sha256,
        model=embedder.name,
        fingerprint=embedder.fingerprint,
        splitter=splitter_version(config),
        files=tuple(rows.files),
        skipped=tuple(rows.skipped),
        states=look.states,
        checksums=checksum_files(generation),
        vectors=prefix,
    )
    write_manifest(generation, manifest)
    return manifest, embedded


def _fill(
    store: Store, config: Config, embedder: Embedder, origin: OpenIndex | None, rows: Rows, cache: VectorCache
) -> int:
    """Brings the store to what the rows say and returns how many texts were embedded.

    The store holds what the index before held; or it is empty, and what stays comes from that index, the `origin`.
    """
    before = rows.before
    if config.chroma and not (origin and before and not has_sparse(origin.sentences)):
        store = made_sparse(store)  # what was begun without sparse vectors goes on without
    if origin and before:
        copy_vectors(origin.vectors, store, {file.source for file in before.files})
    elif before:
        remove_vectors(store, before.gone)
    embed = embed_on_ray(config, embedder) if config.ray else embed_here(config, embedder)
    embedded = add_vectors(store, rows.read(embedder), embed, config, cache, rows.share)
    if before:
        remove_vectors(store, rows.vanished(before))
    if config.chroma:
        mark_complete(store, hash_content(rows.sha256, embedder.fingerprint))
    return embedded


def _offer_vectors(old: OpenIndex, before: Before, cache: VectorCache, most: int) -> None:
    """Takes from the old index the vectors of files that have changed or moved: most of their texts are as they were.

    At most `most`, which then lie in memory.
    """
    for name, all_identifiers, keys in before.gone_texts():
        if most <= 0:
            break
        identifiers = all_identifiers[:most]
        vectors = read_vectors(old.vectors, name, identifiers)
        known = [place for place, identifier in enumerate(identifiers) if identifier in vectors]
        if known:
            cache.offer(keys[known], np.stack([vectors[identifiers[place]] for place in known]))
        most -= len(known)


def _choose_prefix(config: Config, embedder: Embedder, corpus: Corpus, *, share: bool) -> tuple[str, bool]:
    """What the names of the collections begin with, and whether they are on the server already, full."""
    if not config.chroma:
        return "", False
    found = find_complete(config.chroma, hash_content(corpus.sha256, embedder.fingerprint)) if share else None
    return found or begin_attempt(config.index, config.chroma), found is not None


def _pass_through(rows: Rows, embedder: Embedder, corpus: Corpus) -> int:
    """Collects rows whose vectors are stored already; returns how many texts were embedded, which is none.

    Raises StaleIndexError where an article has changed since the vectors were looked for.
    """
    for _ in rows.read(embedder):
        pass
    if rows.sha256 != corpus.sha256:
        raise StaleIndexError("Articles changed while they were indexed. Try again.")
    return 0


def _take_over(old: OpenIndex | None, corpus: Corpus) -> Before | None:
    """What can stay of the old index; None where that is nothing, or its words were not kept by an earlier version."""
    tokens = load_tokens(old.generation / "lexical") if old else None
    if not old or not tokens:
        return None
    text_keys = load_text_keys(old.generation, old.manifest)
    before = Before(old.manifest, tokens, old.passage_of, text_keys, corpus.keys)
    return before if len(before) else None
