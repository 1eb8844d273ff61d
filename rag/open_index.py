"""A generation of the index, opened for reading: checked against its manifest, and held until it is closed."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.config import Config
from rag.embed import Embedder
from rag.errors import CitewellError, IndexRefusedError
from rag.generations import current_generation, damaged, holding, rebuild_command
from rag.lexical import LexicalIndex, Lexicon, read_words
from rag.manifest import Manifest, RowMap, checksum, read_manifest
from rag.server import ServerError, is_complete, opened_server
from rag.sparse import Engine, EngineLexicon
from rag.vectors import Store, has_sparse, opened_chroma, passage_id, sentence_id


class OpenIndex:
    """One generation, open for reading; safe to use from several threads."""

    def __init__(self, generation: Path, manifest: Manifest, vectors: Store, server: str | None = None) -> None:
        self.generation = generation
        self.manifest = manifest
        self.vectors = vectors
        self.server = server
        self.sentences = vectors.collection("sentences")
        self.passages = vectors.collection("passages")
        self.rows = RowMap(manifest.files)
        self.lexical = self._open_lexical()
        self.passage_of: NDArray[np.int32] = np.load(generation / "passage_of.npy", mmap_mode="r").view(np.ndarray)
        self._closing: Callable[[], object] = ExitStack().close

    def keep(self, resources: ExitStack) -> None:
        """Takes over what is to be closed with the index, which at the latest happens before Python ends."""
        self._closing = weakref.finalize(self, resources.close)

    def close(self) -> None:
        """Lets go of the generation; a second call does nothing."""
        self._closing()

    def _open_lexical(self) -> Lexicon:
        folder = self.generation / "lexical"
        if self.server is None or not has_sparse(self.sentences):
            return LexicalIndex.load(folder)
        return EngineLexicon(read_words(folder), Engine(self.sentences, self.rows, self.server, self.vectors.limits))


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
            counts = (
                opened.sentences.count(),
                opened.passages.count(),
                len(opened.passage_of),
                len(opened.lexical),
            )
            expected = manifest.sentences, manifest.passages, manifest.sentences, manifest.sentences
            if counts != expected:
                raise ValueError(f"it holds {counts} entries where the manifest says {expected}")
            _search_once(opened)
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


def _search_once(index: OpenIndex) -> None:
    """Searches each collection for its first vector. Raises what Chroma raises, or ValueError where that is missing."""
    source = next((file.source for file in index.manifest.files if file.sentences), None)
    if source is None:
        return
    for collection, name in ((index.sentences, sentence_id(source, 0)), (index.passages, passage_id(source, 0))):
        # By name: to give any one vector, Chroma goes through all.
        vectors = collection.get(ids=[name], include=["embeddings"])["embeddings"]
        if vectors is None or not len(vectors):
            raise ValueError(f"it lacks the vector '{name}'")
        collection.query(query_embeddings=vectors, n_results=1, include=[])
