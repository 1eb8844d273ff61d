"""Sentences as numbers of words, in the order of rows: what the lexical index is made of, and made anew from."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.words import find_words

Numbers = NDArray[np.int32]
Acronyms = dict[str, list[str]]
"""Acronyms' stems with the stems of their long forms."""


@dataclass(frozen=True, slots=True)
class Form:
    """A word in lower case, its stem, and whether it is all letters."""

    text: str
    stem: str
    alpha: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """All sentences' words: the words of row `r` are `forms[n] for n in numbers[ends[r - 1] : ends[r]]`.

    `acronyms` holds those that an article introduces by the article's first row.
    """

    forms: tuple[Form, ...]
    numbers: Numbers
    ends: NDArray[np.int64]
    acronyms: dict[int, Acronyms]

    def __len__(self) -> int:
        return len(self.ends)

    def save(self, folder: Path) -> None:
        """Writes them into a folder that exists."""
        np.save(folder / "tokens.npy", self.numbers)
        np.save(folder / "ends.npy", self.ends)
        vocabulary = {
            "forms": [[form.text, form.stem, form.alpha] for form in self.forms],
            "acronyms": list(self.acronyms.items()),
        }
        (folder / "forms.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")


def load_tokens(folder: Path) -> Tokens | None:
    """The tokens from an index's folder, numbers memory-mapped; None where an earlier version made it without them."""
    if not (folder / "forms.json").exists():
        return None
    vocabulary = json.loads((folder / "forms.json").read_text(encoding="utf-8"))
    return Tokens(
        forms=tuple(Form(*form) for form in vocabulary["forms"]),
        # As plain arrays over the same files: each slice of a memmap costs 20 µs.
        numbers=np.load(folder / "tokens.npy", mmap_mode="r").view(np.ndarray),
        ends=np.load(folder / "ends.npy", mmap_mode="r").view(np.ndarray),
        acronyms={row: dict(acronyms) for row, acronyms in vocabulary["acronyms"]},
    )


class TokenCollector:
    """Takes sentences article by article, or an unchanged article's tokens from the index before."""

    def __init__(self, find_acronyms: Callable[[Sequence[str]], Acronyms], before: Tokens | None = None) -> None:
        self._find_acronyms = find_acronyms
        self._before = before
        self._forms = list(before.forms) if before else []
        self._number_of = {form.text: number for number, form in enumerate(self._forms)}
        self._numbers = array("i")
        self._lengths = array("i")
        self._acronyms: dict[int, Acronyms] = {}

    def add(self, sentences: Sequence[str]) -> None:
        """Appends an article's sentences."""
        if acronyms := self._find_acronyms(sentences):
            self._acronyms[len(self._lengths)] = acronyms
        for sentence in sentences:
            numbers = [self._number(word.text, word.stem) for word in find_words(sentence)]
            self._numbers.extend(numbers)
            self._lengths.append(len(numbers))

    def carry(self, first: int, count: int) -> None:
        """Appends an article's rows from the index before."""
        before = self._before
        assert before is not None
        if acronyms := before.acronyms.get(first):
            self._acronyms[len(self._lengths)] = acronyms
        if count:
            starts = np.concatenate(
                [before.ends[first - 1 : first] if first else [0], before.ends[first : first + count]]
            )
            self._numbers.frombytes(before.numbers[starts[0] : starts[-1]].astype(np.intc).tobytes())
            self._lengths.frombytes(np.diff(starts).astype(np.intc).tobytes())

    def finish(self) -> Tokens:
        """The tokens, with no word that no sentence has."""
        numbers = np.frombuffer(self._numbers, np.intc)
        used, compact = np.unique(numbers, return_inverse=True)
        return Tokens(
            forms=tuple(self._forms[number] for number in used.tolist()),
            numbers=compact.astype(np.int32),
            ends=np.cumsum(np.frombuffer(self._lengths, np.intc), dtype=np.int64),
            acronyms=self._acronyms,
        )

    def _number(self, word: str, stem: str) -> int:
        lower = word.lower()
        if lower not in self._number_of:
            self._number_of[lower] = len(self._forms)
            self._forms.append(Form(lower, stem, word.isalpha()))
        return self._number_of[lower]


@dataclass(frozen=True, slots=True)
class StemRows:
    """Each row's stems as numbers: those of row `r` are `stems[ends[r - 1] : ends[r]]`."""

    stems: Numbers
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)
