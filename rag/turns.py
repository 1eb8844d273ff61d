"""The models' work, one piece after the other in a thread of its own.

PyTorch spreads one forward pass over all cores: several at once only hold each other up. And of what a pass frees,
glibc gives little back to the system and keeps the rest for the thread that freed it: with 16 asking threads, 900 MB
after ten minutes that nothing used. Now it is told to give it back.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

GIVE_BACK = 3.0
"""Seconds at least from one time that freed memory is given back to the next; each takes 20 to 30 ms."""

HEAPS = 4
"""Heaps that glibc may keep for threads; by default eight a core, each of which grows to what its threads ever need."""

_ARENA_MAX = -8  # of glibc's malloc.h


def in_turn(function: Callable[Given, Result], *arguments: Given.args, **options: Given.kwargs) -> Result:
    """What the function returns, or raises, once all that was handed in before it is done.

    Must not be called from within itself. A caller that is interrupted stops waiting; the function goes on to its end.
    """

    def work() -> Result:
        try:
            return function(*arguments, **options)
        finally:
            _heap.give_back()

    return _worker().submit(work).result()


class _Heap:
    """The C library's memory, of which only the worker's thread takes care; nothing is done where it is not glibc."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._trim = getattr(library, "malloc_trim", None)
        self._given_back = time.monotonic()
        if self._trim and "MALLOC_ARENA_MAX" not in os.environ:
            ctypes.CDLL(None).mallopt(_ARENA_MAX, HEAPS)

    def give_back(self) -> None:
        """Returns what is free to the system, where some time has passed."""
        if self._trim and time.monotonic() - self._given_back > GIVE_BACK:
            self._trim(0)
            self._given_back = time.monotonic()


_heap = _Heap()  # at once: glibc fixes the number of heaps when threads have taken some


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="citewell-model")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_worker.cache_clear)  # a forked process has the executor without its thread
