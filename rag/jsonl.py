"""JSON Lines: one article a line, named `file.jsonl#<its id, or the number of its line>`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote as percent_encode

from rag.formats import Extract, UnreadableError, decode

SUFFIX = ".jsonl"
MOST_REPORTED = 20
"""Faulty lines of a file that are named; the others are counted."""

LONGEST_NAME = 200
_SOURCE = re.compile(r"(.+\.jsonl)#([^/\\#.]+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class LinedFile:
    """A file of lines; equal ones have the same hash."""

    sha256: str
    data: bytes = field(compare=False, repr=False)


def file_of(source: str) -> str:
    """The file of an article: of `news.jsonl#7` it is `news.jsonl`, and of others themselves."""
    match = _SOURCE.fullmatch(source)
    return match[1] if match else source


def read_lines(data: bytes) -> Iterator[tuple[str, Extract | UnreadableError]]:
    """Each line's article by the name of the line, or why it is none; blank lines are left out.

    Raises UnreadableError for a file that is not UTF-8 as a whole.
    """
    faults = 0
    seen: set[str] = set()
    for number, line in enumerate(decode(data).split("\n"), 1):
        if not line.strip("\ufeff \t\r"):
            continue
        name, found = _read_line(line, number)
        if name in seen:
            found = UnreadableError(f"a line before it is named {name}")
            name = f"line {number}"
        if isinstance(found, UnreadableError):
            faults += 1
            if faults > MOST_REPORTED:
                continue
        else:
            seen.add(name)
        yield name, found
    if faults > MOST_REPORTED:
        yield "", UnreadableError(f"{faults - MOST_REPORTED:,} more lines are no articles")


def find_line(file: LinedFile, name: str) -> Extract:
    """The article of that name. Raises UnreadableError where no line has it."""
    place = _find_places(file).get(name)
    if place is None:
        raise UnreadableError(f"no line of it is named {name}")
    found = _read_line(file.data[place[1] : place[2]].decode("utf-8"), place[0])[1]
    if isinstance(found, UnreadableError):
        raise found
    return found


@lru_cache(maxsize=2)
def _find_places(file: LinedFile) -> dict[str, tuple[int, int, int]]:
    """Each article's line number and the place of its bytes: a file is parsed once, not for each of its articles."""
    places: dict[str, tuple[int, int, int]] = {}
    start = 0
    for number, line in enumerate(file.data.split(b"\n"), 1):
        text = line.decode("utf-8")
        if text.strip("\ufeff \t\r"):
            name, found = _read_line(text, number)
            if isinstance(found, Extract):
                places.setdefault(name, (number, start, start + len(line)))
        start += len(line) + 1
    return places


def _read_line(line: str, number: int) -> tuple[str, Extract | UnreadableError]:
    """The line's name, and its article with the text as it is written there, or why it is none."""
    name = f"line {number}"
    try:
        fields = json.loads(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return name, UnreadableError("no JSON")
    text = fields.get("text") if isinstance(fields, dict) else None
    if not isinstance(text, str):
        return name, UnreadableError('no object with a "text" in quotation marks')
    if not text.removeprefix("\ufeff").strip():
        return name, UnreadableError("empty")
    if "\0" in text or text != text.encode("utf-8", "replace").decode("utf-8"):
        return name, UnreadableError("its text holds characters that are none")
    details = {}
    for key in ("title", "publisher", "published", "author"):
        value = fields.get(key)
        if value is not None and not isinstance(value, str | int):
            return name, UnreadableError(f"its {key} is no text")
        details[key] = "" if value is None else _line(str(value))
    return _name(fields.get("id"), number), Extract(text, **details)


def _line(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").split())[:300]


def _name(given: Any, number: int) -> str:
    """The id, percent-encoded so that no file's name can be the same, or the line's number."""
    if isinstance(given, str | int) and not isinstance(given, bool) and str(given).strip():
        name = percent_encode(str(given).strip(), safe=" :@+,=", errors="replace").replace(".", "%2E")
        if len(name) <= LONGEST_NAME:
            return name
    return str(number)
