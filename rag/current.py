"""The index that answers are made from: open, and replaced once somebody has written to the corpus or the index."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rag.articles import FileState, scan
from rag.config import Config
from rag.embed import Embedder
from rag.errors import CitewellError
from rag.generations import current_generation
from rag.index import OpenIndex, open_index, update_index
from rag.library import Library

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Shelf:
    """An open index with its articles. The last user of a retired one closes it."""

    index: OpenIndex
    library: Library
    states: tuple[FileState, ...]
    users: int = 0
    retired: bool = False

    def close_when_unused(self) -> None:
        if self.retired and not self.users:
            self.index.close()


class CurrentIndex:
    """Lends the current shelf; safe to use from several threads, which go on with theirs while a new one is made."""

    def __init__(self, config: Config, embedder: Embedder) -> None:
        self._config = config
        self._embedder = embedder
        self._refreshing = threading.Lock()
        self._counting = threading.Lock()
        self._shelf: Shelf | None = None

    @contextmanager
    def borrow(self) -> Iterator[Shelf]:
        """The shelf as the corpus is now; brings the index up to date first where it has to.

        Raises CitewellError when that cannot be done.
        """
        shelf = self._take()
        try:
            yield shelf
        finally:
            with self._counting:
                shelf.users -= 1
                shelf.close_when_unused()

    def close(self) -> None:
        """Closes the index once nobody uses it; the next `borrow` opens it again."""
        with self._refreshing:
            self._retire()

    def _take(self) -> Shelf:
        with self._refreshing:
            states = scan(self._config.corpus)
            if self._shelf is None or not self._is_current(self._shelf, states):
                fresh = self._open(states)
                self._retire()
                self._shelf = fresh
            with self._counting:
                self._shelf.users += 1
            return self._shelf

    def _is_current(self, shelf: Shelf, states: tuple[FileState, ...]) -> bool:
        return shelf.states == states and current_generation(self._config.index) == shelf.index.generation

    def _open(self, states: tuple[FileState, ...]) -> Shelf:
        report = update_index(self._config, self._embedder)
        for file in report.skipped:
            log.warning("Skipped %r: %s.", file.source, file.reason)
        index = open_index(self._config, self._embedder)
        if index is None:
            raise CitewellError(f"The index in '{self._config.index}' vanished while it was opened. Ask again.")
        return Shelf(index, Library(self._config, index.manifest), states)

    def _retire(self) -> None:
        if self._shelf:
            with self._counting:
                self._shelf.retired = True
                self._shelf.close_when_unused()
            self._shelf = None
