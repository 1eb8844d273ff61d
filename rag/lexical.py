"""BM25 over sentences, kept on disk with the index, with the document frequencies that the reader weighs words by."""

from __future__ import annotations

import json
import logging
import math
import re
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial, reduce
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.tokens import StemRows, TokenCollector, Tokens
from rag.words import Word, stem_word, stems

K1, B = 1.2, 0.75
"""BM25's constants: how soon more of a word counts no more, and how far a sentence's length counts against it."""


@dataclass(frozen=True, slots=True)
class Words:
    """How many sentences there are and hold each stem, the long forms of acronyms, and every word as written."""

    size: int
    frequencies: dict[str, int]
    acronyms: dict[str, list[str]]
    forms: list[str]


@dataclass(frozen=True, slots=True)
class Postings:
    """The rows that hold each stem, and how often: those of stem `s` lie from `starts[s]` to `starts[s + 1]`."""

    rows: NDArray[np.int32]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]


class Scored(Protocol):
    """Sentences as BM25 scores them for one question."""

    def best(self, top_k: int) -> NDArray[np.int64]:
        """The rows of the highest positive scores, at most `top_k`, in no order."""
        ...

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The scores of some rows."""
        ...


@dataclass(frozen=True, slots=True)
class AllScored:
    """The scores of all rows."""

    scores: NDArray[np.float32]

    def best(self, top_k: int) -> NDArray[np.int64]:
        top_k = min(top_k, len(self.scores))
        if not top_k:
            return np.empty(0, np.int64)
        rows = np.argpartition(-self.scores, top_k - 1)[:top_k]
        positive: NDArray[np.int64] = rows[self.scores[rows] > 0]
        return positive

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.scores[rows]


class Lexicon(ABC):
    """The words of all sentences, or of some: how many hold each, and how the articles write and shorten them."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def __len__(self) -> int:
        return self._words.size

    @abstractmethod
    def score(self, question: Sequence[str]) -> Scored:
        """The sentences as BM25 scores them for the question's stems."""

    @abstractmethod
    def within(self, kept: NDArray[np.bool_], sources: Sequence[str]) -> Lexicon:
        """The lexicon as if it knew the words of the kept rows alone, which are those of the files `sources`.

        The other rows score 0; spelling is that of all.
        """

    def idf(self, stem: str) -> float:
        """How rare a stem is, as `bm25_idf` gives it; highest for unknown stems."""
        return bm25_idf(len(self), self._frequency(stem))

    def expand(self, words: Sequence[str]) -> set[str]:
        """The stems, with those of an acronym's long form where it stands, and the acronym where all of those stand."""
        return set(_expanded(words, self._words.acronyms, self._by_first))

    def other_names(self, name: Sequence[str]) -> list[tuple[str, ...]]:
        """The long form's stems of an acronym's stem, and the acronyms' of a long form."""
        acronyms = self._words.acronyms
        long = acronyms.get(name[0]) if len(name) == 1 else None
        return [tuple(long)] if long else [(short,) for short, long in acronyms.items() if long == list(name)]

    def mentions(self, word: Word) -> bool:
        """Whether the articles use the word, or one that begins like it: "Indian" where they write "India"."""
        return self.knows(word.stem) or any(self.knows(stem) for stem in self._alike(word))

    @property
    def forms(self) -> Sequence[str]:
        """The articles' words as they are written, in lower case, sorted."""
        return self._words.forms

    def knows(self, stem: str) -> bool:
        return self._frequency(stem) > 0

    def _alike(self, word: Word) -> Iterator[str]:
        """The stems of the words that begin like it."""
        start = word.text.lower()[: max(4, len(word.text) - 2)]
        forms = self._words.forms
        following = (forms[place] for place in range(bisect_left(forms, start), len(forms)))
        return (stem_word(form) for form in takewhile(lambda form: form.startswith(start), following))

    @cached_property
    def _by_first(self) -> dict[str, list[str]]:
        return _by_first(self._words.acronyms)

    def _frequency(self, stem: str) -> int:
        """How many sentences hold the stem."""
        return self._words.frequencies.get(stem, 0)


class LexicalIndex(Lexicon):
    """BM25 scores of every sentence, from postings that lie beside the index or in memory."""

    def __init__(
        self, words: Words, bm25: Any, tokens: Tokens | None = None, kept: NDArray[np.bool_] | None = None
    ) -> None:
        super().__init__(words)
        self._bm25 = bm25
        self._tokens = tokens
        self._kept = kept

    def __len__(self) -> int:
        return self._words.size if self._kept is None else int(np.count_nonzero(self._kept))

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
        postings = _find_postings(rows, numbers, acronyms)
        words = Words(
            size=len(rows),
            frequencies=dict(zip(numbers, np.diff(postings.starts).tolist(), strict=True)),
            acronyms=acronyms,
            forms=sorted(form.text for form in tokens.forms if form.alpha),
        )
        return cls(words, _score(postings, numbers, len(rows)) if numbers else None, tokens)

    def save(self, folder: Path, *, postings: bool = True) -> None:
        """Writes the index into a new folder; without the postings where an engine holds them (rag/sparse.py)."""
        folder.mkdir(parents=True)
        words = {field.name: getattr(self._words, field.name) for field in fields(Words)}
        (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        if postings and self._bm25 is not None:
            self._bm25.save(str(folder / "bm25"), show_progress=False)
        if self._tokens is not None:
            self._tokens.save(folder)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index from its folder; raises what json or bm25s raise on damaged files."""
        import bm25s

        words = read_words(folder)
        bm25 = bm25s.BM25.load(str(folder / "bm25"), mmap=True, show_progress=False) if words.frequencies else None
        return cls(words, bm25)

    def within(self, kept: NDArray[np.bool_], sources: Sequence[str]) -> LexicalIndex:
        return LexicalIndex(self._words, self._bm25, kept=kept)

    def score(self, question: Sequence[str]) -> AllScored:
        return AllScored(self.scores(question))

    def scores(self, question: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every sentence for the question's stems, in the order of rows; zeros where no stem is known."""
        known = [stem for stem in question if stem in self._words.frequencies]
        if not known or self._bm25 is None:
            return np.zeros(self._words.size, np.float32)
        scores: NDArray[np.float32] = self._bm25.get_scores(known)
        return scores if self._kept is None else np.where(self._kept, scores, np.float32(0))

    def _frequency(self, stem: str) -> int:
        """How many of the kept sentences hold the stem."""
        frequency = super()._frequency(stem)
        return frequency if self._kept is None or not frequency else int(np.count_nonzero(self.scores([stem])))


def bm25_idf(size: int, frequency: int) -> float:
    """ln(1 + (N - n + 0.5) / (n + 0.5)) as in BM25 (Robertson and Zaragoza, 2009)."""
    return math.log1p((size - frequency + 0.5) / (frequency + 0.5))


def read_words(folder: Path) -> Words:
    """The words of a saved index; raises what json raises on a damaged file."""
    return Words(**json.loads((folder / "words.json").read_text(encoding="utf-8")))


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


def _find_postings(rows: StemRows, numbers: dict[str, int], acronyms: dict[str, list[str]]) -> Postings:
    """The postings of the rows as `_expanded` leaves each of them; adds stems that no row had to `numbers`."""
    size = np.int64(max(len(rows), 1))
    row_of = np.repeat(np.arange(len(rows)), np.diff(rows.ends, prepend=0))
    keys, counts = np.unique(rows.stems * size + row_of, return_counts=True)
    starts = np.searchsorted(keys, np.arange(len(numbers) + 1) * size)
    present = {stem: keys[starts[number] : starts[number + 1]] % size for stem, number in numbers.items()}
    more = [numbers.setdefault(stem, len(numbers)) * size + rows_of for stem, rows_of in _added_rows(acronyms, present)]
    added = np.unique(np.concatenate(more)) if more else keys[:0]
    order = np.argsort(keys := np.concatenate([keys, added]), kind="stable")
    stem_of, row_of = np.divmod(keys[order], size)
    counts = np.concatenate([counts, np.ones_like(added)])[order]
    return Postings(row_of.astype(np.int32), counts, np.searchsorted(stem_of, np.arange(len(numbers) + 1)))


def _added_rows(
    acronyms: dict[str, list[str]], present: dict[str, NDArray[np.int64]]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Stems that `_expanded` adds, with the rows that get them; `present` are the rows that hold a stem, ascending."""
    nowhere = np.empty(0, np.int64)
    for acronym, long in acronyms.items():
        short_rows = present.get(acronym, nowhere)
        long_rows = [present.get(stem, nowhere) for stem in dict.fromkeys(long)]
        for stem, rows_of in zip(dict.fromkeys(long), long_rows, strict=True):
            yield stem, np.setdiff1d(short_rows, rows_of, assume_unique=True)
        with_all = reduce(partial(np.intersect1d, assume_unique=True), long_rows)
        yield acronym, np.setdiff1d(with_all, short_rows, assume_unique=True)


def _score(postings: Postings, numbers: dict[str, int], size: int) -> Any:
    """BM25 of each posting, Lucene's variant (Kamphuis et al., 2020); bm25s itself goes through the rows one by one."""
    import bm25s

    class PostingsBM25(bm25s.BM25):  # type: ignore[misc]
        """Indexes as its base does, from postings."""

        nonoccurrence_array = None

        def build_index_from_ids(self, *_: object, **options: object) -> dict[str, Any]:
            frequencies = np.diff(postings.starts)
            idf = np.log1p((size - frequencies + 0.5) / (frequencies + 0.5))
            lengths = np.bincount(postings.rows, postings.counts, size)
            weights = self.k1 * (1 - self.b + self.b * lengths / lengths.mean())
            scores = np.repeat(idf, frequencies) * postings.counts / (postings.counts + weights[postings.rows])
            return {
                "data": scores.astype(self.dtype),
                "indices": postings.rows,
                "indptr": postings.starts,
                "num_docs": size,
            }

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
    bm25 = PostingsBM25(method="lucene", k1=K1, b=B)
    bm25.index(SimpleNamespace(ids=range(size), vocab=dict(numbers)), show_progress=False)
    return bm25
