"""What a question is restricted to, and which part of the index that leaves."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from rag.errors import CitewellError
from rag.lexical import Lexicon
from rag.manifest import IndexedFile
from rag.open_index import OpenIndex
from rag.schema import Filters

MOST_NAMED = 8
"""Publishers or files that an error names."""

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIME = re.compile(r"[T ].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of an index that is searched: its files, of how many, their words, and which rows are theirs.

    `kept` is None where that is all of them.
    """

    files: tuple[IndexedFile, ...]
    articles: int
    lexical: Lexicon
    kept: NDArray[np.bool_] | None = None


def find_scope(index: OpenIndex, filters: Filters) -> Scope:
    """What the filters leave of the index, maybe nothing. Raises CitewellError as `choose_files` does."""
    everything = index.manifest.files
    if not filters:
        return Scope(everything, len(everything), index.lexical)
    files = choose_files(everything, filters)
    kept = np.zeros(index.manifest.sentences, np.bool_)
    for file in files:
        first = index.rows.row(file.source, 0)
        kept[first : first + file.sentences] = True
    return Scope(files, len(everything), index.lexical.within(kept, [file.source for file in files]), kept)


def check_filters(filters: Filters) -> None:
    """Raises CitewellError for a date that is none, a range that ends before it starts, and one text for a tuple."""
    for name in ("publishers", "sources"):
        if isinstance(getattr(filters, name), str):
            raise CitewellError(f"{name} is one text, not several. Write {name}=({getattr(filters, name)!r},).")
    since, until = _read_bound("since", filters.since), _read_bound("until", filters.until)
    if since and until and since[0] > until[1]:
        raise CitewellError(
            f"The dates exclude each other: since {filters.since} is later than until {filters.until}. Exchange them."
        )


def choose_files(files: Sequence[IndexedFile], filters: Filters) -> tuple[IndexedFile, ...]:
    """The files that fit all the filters, in their order.

    An article whose date names only a month or a year has to lie in the range as a whole. Raises CitewellError as
    `check_filters` does, for a publisher that no article has and for a glob that fits no file.
    """
    check_filters(filters)
    publishers = {_fold(name) for name in filters.publishers}
    _check_publishers(files, filters.publishers)
    for glob in filters.sources:
        if not any(_fits(file.source, glob) for file in files):
            raise CitewellError(
                f"No article fits the source '{glob}'. There are: {_name([file.source for file in files])}."
            )
    since, until = _read_bound("since", filters.since), _read_bound("until", filters.until)
    return tuple(
        file
        for file in files
        if not publishers or _fold(file.publisher) in publishers
        if not filters.sources or any(_fits(file.source, glob) for glob in filters.sources)
        if _lies_between(file.published, since and since[0], until and until[1])
    )


def list_publishers(publishers: Iterable[str]) -> list[str]:
    """Each publisher once, as it is written first, sorted without regard to case; empty ones are left out."""
    names: dict[str, str] = {}
    for publisher in filter(str.strip, publishers):
        names.setdefault(_fold(publisher), publisher)
    return sorted(names.values(), key=str.casefold)


def _read_bound(name: str, given: str | None) -> tuple[date, date] | None:
    if given is None:
        return None
    days = _read_days(given)
    if not days:
        raise CitewellError(f"{name} is {given!r}, which is no date. Write YYYY, YYYY-MM or YYYY-MM-DD.")
    return days


def _read_days(text: str) -> tuple[date, date] | None:
    """The first and the last day of an ISO date, month or year; None for anything else."""
    match = _DATE.fullmatch(text)
    if not match:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    try:
        first = date(year, month or 1, day or 1)
        last_month = month or 12
        return first, date(year, last_month, day or monthrange(year, last_month)[1])
    except ValueError:
        return None


def _lies_between(published: str, since: date | None, until: date | None) -> bool:
    if since is None and until is None:
        return True
    days = _read_days(_TIME.sub("", published.strip()))
    return days is not None and (since is None or days[0] >= since) and (until is None or days[1] <= until)


def _check_publishers(files: Sequence[IndexedFile], publishers: Sequence[str]) -> None:
    there = list_publishers(file.publisher for file in files)
    known = {_fold(name) for name in there}
    unknown = [name for name in publishers if _fold(name) not in known]
    if unknown and not there:
        raise CitewellError("No article says who published it. Leave the publisher out, or say it in catalog.toml.")
    if unknown:
        raise CitewellError(f"No article is published by '{unknown[0]}'. There are: {_name(there)}.")


def _fits(source: str, glob: str) -> bool:
    """Whether the file is the named one or fits the glob, whose "*" stays in its folder and "**" does not."""
    return source == glob or _fit_parts(source.split("/"), glob.split("/"))


def _fit_parts(parts: Sequence[str], globs: Sequence[str]) -> bool:
    if not globs or not parts:
        return not parts and all(glob == "**" for glob in globs)
    if globs[0] == "**":
        return _fit_parts(parts, globs[1:]) or _fit_parts(parts[1:], globs)
    return fnmatchcase(parts[0], globs[0]) and _fit_parts(parts[1:], globs[1:])


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def _name(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
