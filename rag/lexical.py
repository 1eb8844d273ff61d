"""BM25 over sentences, kept on disk with the index, with the document frequencies that the reader weighs words by."""

from __future__ import annotations

import json
import logging
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.tokens import StemRows, TokenCollector, Tokens
from rag.words import Word, stem_word, stems


@dataclass(frozen=True, slots=True)
class _Words:
    """How many sentences there are and hold each stem, the long forms of acronyms, and every word as written."""

    size: int
    frequencies: dict[str, int]
    acronyms: dict[str, list[str]]
    forms: list[str]


class LexicalIndex:
    """BM25 scores of every sentence, and how many sentences hold a stem."""

    def __init__(
        self, words: _Words, bm25: Any, tokens: Tokens | None = None, kept: NDArray[np.bool_] | None = None
    ) -> None:
        self._words = words
        self._bm25 = bm25
        self._tokens = tokens
        self._kept = kept

    def __len__(self) -> int:
        return self._words.size if self._kept is None else int(np.count_nonzero(self._kept))

    def within(self, kept: NDArray[np.bool_]) -> LexicalIndex:
        """The index as if it knew the words of the kept rows alone; the other rows score 0, spelling is that of all."""
        return LexicalIndex(self._words, self._bm25, kept=kept)

    @classmethod
    def build(cls, sentences: Sequence[str]) -> LexicalIndex:
        """Indexes the sentences in the order of their rows."""
        collector = TokenCollector(find_acronyms)
        collector.add(sentences)
        return cls.from_tokens(collector.finish())

    @classmethod
    def from_tokens(cls, tokens: Tokens) -> LexicalIndex:
        """Indexes sentences that are words already."""
        acronyms = {stem: long for of_article in tokens.acronyms.values() for stem, long in of_article.items()}
        numbers: dict[str, int] = {}
        stem_of = [numbers.setdefault(form.stem, len(numbers)) for form in tokens.forms]
        rows = StemRows(np.asarray(stem_of, np.int32)[tokens.numbers], tokens.ends)
        rows = _expand_rows(rows, numbers, acronyms)
        words = _Words(
            size=len(rows),
            frequencies=dict(zip(numbers, _count_rows(rows, len(numbers)), strict=True)),
            acronyms=acronyms,
            forms=sorted(form.text for form in tokens.forms if form.alpha),
        )
        return cls(words, _score(rows, numbers) if numbers else None, tokens)

    def save(self, folder: Path) -> None:
        """Writes the index into a new folder."""
        folder.mkdir(parents=True)
        (folder / "words.json").write_text(json.dumps(asdict(self._words), ensure_ascii=False), encoding="utf-8")
        if self._bm25 is not None:
            self._bm25.save(str(folder / "bm25"), show_progress=False)
        if self._tokens is not None:
            self._tokens.save(folder)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index from its folder; raises what json or bm25s raise on damaged files."""
        import bm25s

        words = _Words(**json.loads((folder / "words.json").read_text(encoding="utf-8")))
        bm25 = bm25s.BM25.load(str(folder / "bm25"), mmap=True, show_progress=False) if words.frequencies else None
        return cls(words, bm25)

    def scores(self, question: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every sentence for the question's stems, in the order of rows; zeros where no stem is known."""
        known = [stem for stem in question if stem in self._words.frequencies]
        if not known or self._bm25 is None:
            return np.zeros(self._words.size, np.float32)
        scores: NDArray[np.float32] = self._bm25.get_scores(known)
        return scores if self._kept is None else np.where(self._kept, scores, np.float32(0))

    def idf(self, stem: str) -> float:
        """ln(1 + (N - n + 0.5) / (n + 0.5)) as in BM25 (Robertson and Zaragoza, 2009); highest for unknown stems."""
        frequency = self._frequency(stem)
        return float(np.log1p((len(self) - frequency + 0.5) / (frequency + 0.5)))

    def expand(self, words: Sequence[str]) -> set[str]:
        """The stems, with those of an acronym's long form where it stands, and the acronym where all of those stand."""
        return set(_expanded(words, self._words.acronyms, self._by_first))

    def mentions(self, word: Word) -> bool:
        """Whether the articles use the word, or one that begins like it: "Indian" where they write "India"."""
        stem = word.text.lower()[: max(4, len(word.text) - 2)]
        forms = self._words.forms
        following = (forms[place] for place in range(bisect_left(forms, stem), len(forms)))
        alike = takewhile(lambda form: form.startswith(stem), following)
        return self.knows(word.stem) or any(self.knows(stem_word(form)) for form in alike)

    @property
    def forms(self) -> Sequence[str]:
        """The articles' words as they are written, in lower case, sorted."""
        return self._words.forms

    @cached_property
    def _by_first(self) -> dict[str, list[str]]:
        return _by_first(self._words.acronyms)

    def knows(self, stem: str) -> bool:
        return self._frequency(stem) > 0

    def _frequency(self, stem: str) -> int:
        """How many of the kept sentences hold the stem."""
        frequency = self._words.frequencies.get(stem, 0)
        return frequency if self._kept is None or not frequency else int(np.count_nonzero(self.scores([stem])))


_ACRONYM = re.compile(r"((?:[^\W\d_][\w’'-]*[ \t\u00a0]+){2,9})\(([A-Z][A-Z0-9]{1,7})\)")
_LONG_FORM = re.compile(r"\b([A-Z][A-Z0-9]{1,7})[ \t\u00a0]+\(((?:[^\W\d_][\w’'-]*[ \t\u00a0]*){2,9})\)")


def find_acronyms(sentences: Sequence[str]) -> dict[str, list[str]]:
    """Acronyms that the sentences introduce, "Long Form (LF)" or "LF (Long Form)", by stem: the long form's stems.

    The long form's capital initials must spell the acronym, as in Schwartz and Hearst (2003) but stricter.
    """
    found: dict[str, list[str]] = {}
    for sentence in sentences:
        if "(" not in sentence:
            continue
        pairs = [(match[2], match[1]) for match in _ACRONYM.finditer(sentence)]
        pairs += [(match[1], match[2]) for match in _LONG_FORM.finditer(sentence)]
        for acronym, words in pairs:
            capitalised = [word for word in words.split() if word[0].isupper()][-len(acronym) :]
            short, long = stems(acronym), stems(" ".join(capitalised))
            if short and long and "".join(word[0] for word in capitalised) == acronym:  # "WHO" reads as a stop word
                found[short[0]] = list(long)
    return found


def _by_first(acronyms: dict[str, list[str]]) -> dict[str, list[str]]:
    """Acronyms by the first stem of their long form."""
    by_first: dict[str, list[str]] = {}
    for acronym, long in acronyms.items():
        by_first.setdefault(long[0], []).append(acronym)
    return by_first


def _expanded(words: Sequence[str], acronyms: dict[str, list[str]], by_first: dict[str, list[str]]) -> list[str]:
    present = set(words)
    more = [stem for word in words if word in acronyms for stem in acronyms[word] if stem not in present]
    more += [
        acronym
        for word in words
        for acronym in by_first.get(word, ())
        if acronym not in present and present.issuperset(acronyms[acronym])
    ]
    return [*words, *dict.fromkeys(more)]


def _expand_rows(rows: StemRows, numbers: dict[str, int], acronyms: dict[str, list[str]]) -> StemRows:
    """The rows as `_expanded` leaves them; adds stems that no row had to `numbers`."""
    by_first, names = _by_first(acronyms), list(numbers)
    telling = [numbers[stem] for stem in {*acronyms, *by_first} if stem in numbers]
    places = np.flatnonzero(np.isin(rows.stems, telling))
    at: list[int] = []
    more: list[int] = []
    lengths = np.diff(rows.ends, prepend=0)
    for row in np.unique(np.searchsorted(rows.ends, places, side="right")).tolist():
        end = int(rows.ends[row])
        words = [names[number] for number in rows.stems[end - lengths[row] : end].tolist()]
        added = _expanded(words, acronyms, by_first)[len(words) :]
        more += [numbers.setdefault(stem, len(numbers)) for stem in added]
        at += [end] * len(added)
        lengths[row] += len(added)
    return StemRows(np.insert(rows.stems, at, more), np.cumsum(lengths)) if more else rows


def _count_rows(rows: StemRows, stems: int) -> list[int]:
    """In how many rows each stem stands."""
    row_of = np.repeat(np.arange(len(rows)), np.diff(rows.ends, prepend=0))
    unique = np.unique(row_of * stems + rows.stems) if stems else np.empty(0, np.int64)
    counts: list[int] = np.bincount(unique % max(stems, 1), minlength=stems).tolist()
    return counts


def _score(rows: StemRows, numbers: dict[str, int]) -> Any:
    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
    bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    bm25.index(SimpleNamespace(ids=rows, vocab=dict(numbers)), show_progress=False)
    return bm25
