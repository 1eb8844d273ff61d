"""The index that answers are made from: open, and replaced once somebody has written to the corpus or the index."""

from __future__ import annotations

import logging
import threading
import time
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

SMALL = 0.05
"""Seconds of work for a look at the corpus that every question may cost."""

LOOKING = 0.1
"""Share of the time that looks at a large corpus may take: each is followed by a pause of ten times its length.

A look at 100,000 files takes 0.6 seconds, so a new article is found 6 seconds later at the latest. What is quoted is
compared with its file all the same.
"""

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
        self._looked = self._next_look = 0.0

    @contextmanager
    def borrow(self, *, look: bool = False) -> Iterator[Shelf]:
        """The shelf as the corpus is now; brings the index up to date first where it has to.

        A large corpus may have changed a few seconds ago without that being noticed, unless `look` is set. Raises
        CitewellError when the index cannot be brought up to date.
        """
        shelf = self._take(look)
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

    def _take(self, look: bool) -> Shelf:
        asked = time.monotonic()
        with self._refreshing:
            # Who has waited for somebody else's look has what it found: it began after the question was asked.
            if self._shelf is None or (self._looked < asked and (look or asked >= self._next_look)):
                self._look()
            assert self._shelf is not None
            with self._counting:
                self._shelf.users += 1
            return self._shelf

    def _look(self) -> None:
        start, worked = time.monotonic(), time.thread_time()
        states = scan(self._config.corpus)
        worked = time.thread_time() - worked
        if self._shelf is None or not self._is_current(self._shelf, states):
            fresh = self._open(states)
            self._retire()
            self._shelf = fresh
        self._looked = start
        self._next_look = time.monotonic() + worked / LOOKING if worked > SMALL else 0.0

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
