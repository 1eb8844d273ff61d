"""Files are parsed in a process of their own, which is ended when it takes too long, takes too much memory or crashes.

Parsers meet untrusted files, and none of them promises to come to an end. A process serves one file after the other,
since its start costs as much as many files, and sees of the environment only what Python needs to start, so no keys.
It is sent a line of JSON and the file's bytes, and answers with a line of JSON.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict
from math import ceil
from threading import Timer
from typing import IO, Any

from rag.formats import Extract, UnreadableError, extract

MOST_SECONDS = 30
"""For one file; the slowest page that the other limits let through took 20 s on one core."""

MOST_MEMORY = 2 << 30
"""Bytes of address space of the process, where the system bounds it."""

MOST_IDLE = 2
"""Processes that wait for the next file; more than these are run only at once."""

_PASSED_ON = frozenset(
    "HOME LANG LC_ALL PATH SYSTEMROOT TEMP TMP TMPDIR PYTHONHOME LD_LIBRARY_PATH DYLD_LIBRARY_PATH".split()
)
_idle: deque[ParserProcess] = deque()


def extract_apart(data: bytes, reader: str) -> Extract:
    """What `extract` returns, from another process. Raises UnreadableError as it does, and beyond the limits."""
    process = _take_idle() or ParserProcess()
    try:
        return process.parse(data, reader)
    finally:
        if process.usable and len(_idle) < MOST_IDLE:
            _idle.append(process)
        else:
            process.end()


def _take_idle() -> ParserProcess | None:
    with suppress(IndexError):
        while True:
            process = _idle.pop()
            if process.usable:
                return process
    return None


class ParserProcess:
    """A process that parses, as it runs: one file at a time. Raises UnreadableError where it cannot be started."""

    def __init__(self) -> None:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
            self._process = subprocess.Popen(
                [sys.executable or "python", "-P", "-m", "rag.parser_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**passed, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise UnreadableError(f"its reader cannot be started: {error.strerror}") from error
        self._owner = os.getpid()
        self._whole = True
        self._answered = 0
        self._late = False

    @property
    def usable(self) -> bool:
        """Whether another file may be sent: the last one was answered whole, by a process that runs and is ours.

        After a fork, parent and child would read each other's answers.
        """
        return self._whole and not self._late and self._owner == os.getpid() and self._process.poll() is None

    def parse(self, data: bytes, reader: str) -> Extract:
        """The file's words. Raises UnreadableError with the reason where there are none."""
        assert self._process.stdin
        assert self._process.stdout
        self._whole = False
        late = Timer(MOST_SECONDS, self._end_late)
        late.daemon = True
        late.start()
        try:
            with suppress(OSError):  # it ended: the missing answer tells
                limits = {"seconds": MOST_SECONDS, "memory": MOST_MEMORY}
                _send(self._process.stdin, {"reader": reader, "bytes": len(data), **limits}, data)
            line = self._process.stdout.readline()
        finally:
            late.cancel()
            late.join()  # it may have gone off, and must not end the process while that reads another file
        self._whole = line.endswith(b"\n")
        if not self._whole:
            raise UnreadableError(self._why_it_ended())
        self._answered += 1
        answer: dict[str, str] = json.loads(line)
        if "unreadable" in answer:
            raise UnreadableError(answer["unreadable"])
        return Extract(**answer)

    def _end_late(self) -> None:
        self._late = True
        self._process.kill()

    def _why_it_ended(self) -> str:
        cpu = self._process.wait() == -getattr(signal, "SIGXCPU", 0) != 0
        if self._late or cpu:
            return f"reading it takes more than {MOST_SECONDS} seconds"
        return "damaged: its reader crashed" if self._answered else "its reader crashed, or cannot be started"

    def end(self) -> None:
        """Ends the process, whatever it does, and closes its pipes."""
        self._process.kill()
        with suppress(OSError, ValueError):
            self._process.communicate()


@atexit.register
def _end_idle() -> None:
    while process := _take_idle():
        process.end()


def _send(stream: IO[bytes], line: dict[str, Any], data: bytes = b"") -> None:
    stream.write(json.dumps(line).encode("ascii") + b"\n" + data)
    stream.flush()


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Parses files until there are no more requests."""
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["bytes"])
        _bound(request["seconds"], request["memory"])
        try:
            answer = asdict(extract(data, request["reader"]))
        except UnreadableError as error:
            answer = {"unreadable": str(error)}
        _send(answers, answer)


def _bound(seconds: int, memory: int) -> None:
    """Bounds this process's address space, and its computing time should its parent be gone; Windows bounds neither."""
    try:
        import resource
    except ImportError:
        return
    for limit, most in (
        (resource.RLIMIT_CPU, ceil(time.process_time()) + seconds),
        (resource.RLIMIT_AS, memory),
    ):
        with suppress(OSError, ValueError):
            _, hard = resource.getrlimit(limit)
            resource.setrlimit(limit, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's matter
    own_output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no answer
    serve(sys.stdin.buffer, own_output)
