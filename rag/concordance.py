"""Where the words of a draft stand in the articles: verbatim, or as near to it as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.atoms import Atom, Wording, clean, find_atoms, normalise, read_atoms, read_texts, read_wordings
from rag.differences import LONGEST, Near, Place, align
from rag.schema import Article, Span
from rag.words import stem_word

BETWEEN = 10_000
"""Atoms left free between two stretches of articles when what stands close together is counted."""

STRETCHES = 4
"""Of the articles that are compared with a draft's words, those with most of them."""

LEAST_WORDS = 3
"""Of a quotation with "…": with fewer, it would be found anywhere."""

MOST_PLACES, MOST_HITS = 500, 200_000
"""Places of a quote that are told apart, and of words that are weighed to find what is most like a text."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A stretch of an article's text that a quotation leaves out, and the words that it puts there."""

    start: int
    end: int
    inserted: str


@dataclass(frozen=True, slots=True)
class Match:
    """A place that holds a quotation, how the quotation is read there, and what it leaves out."""

    place: Place
    wording: Wording
    gaps: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of an article in its body or outside of it."""

    article: Article
    span: Span
    in_body: bool


class Concordance:
    """The articles with the places of all atoms that some texts hold, as numbers of atoms over all articles."""

    def __init__(self, articles: Iterable[Article], texts: Iterable[str]) -> None:
        self.articles = tuple(articles)
        self._segments = [segment for article in self.articles for segment in _cut(article)]
        wanted = {atom.key.casefold() for text in texts for reading in read_texts(text) for atom in read_atoms(reading)}
        wanted |= {f"{key}'s" for key in wanted}
        stems = {stem_word(key) for key in wanted}
        numbers: dict[str, int] = {}
        known: dict[str, int] = {}
        flat: list[int] = []
        starts = []
        for segment in self._segments:
            starts.append(len(flat))
            for match in find_atoms(segment.article.text, segment.span.start, segment.span.end):
                if match[0] not in known:
                    key = normalise(match[0]).casefold()
                    held = key in wanted or stem_word(key) in stems
                    known[match[0]] = numbers.setdefault(key, len(numbers)) if held else -1
                flat.append(known[match[0]])
            flat.append(-1)
        self._flat, self._starts = np.asarray(flat, np.int64), np.asarray(starts, np.int64)
        self._longest = int(np.diff([*starts, len(flat)]).max(initial=0))
        order = np.argsort(self._flat, kind="stable")
        borders = np.searchsorted(self._flat[order], np.arange(len(numbers) + 1))
        self._places = {key: order[borders[number] : borders[number + 1]] for key, number in numbers.items()}
        self._numbers = numbers
        self._stems: dict[str, list[str]] = {}
        for key in numbers:
            self._stems.setdefault(stem_word(key), []).append(key)
        self._in_body = np.asarray([segment.in_body for segment in self._segments], bool)
        self._spans = lru_cache(maxsize=256)(self._find_spans)

    def find(self, quote: str, *, in_body: bool = True) -> list[Match]:
        """The places in the articles' bodies, or outside of them, that hold the quote's words; at most `MOST_PLACES`.

        Quote marks, dashes, blanks and Markdown may differ, and so may the case of the first letter and the
        punctuation at the ends; "…" and words in square brackets stand for any few words of one article.
        """
        for wording in read_wordings(quote):
            count = sum(atom.is_word for part in wording.parts for atom in part)
            least = LEAST_WORDS if any(not gap.inserted for gap in wording.gaps) else 1
            if count >= least:
                found = [match for row in self._find_rows(wording, in_body) if (match := self._match(wording, row))]
                if found:
                    return found[:MOST_PLACES]
        return []

    def _find_rows(self, wording: Wording, in_body: bool) -> list[list[int]]:
        """Where each run of the wording may start, as numbers of atoms, a list for each place."""
        if max(map(len, wording.parts)) > self._longest:
            return []
        columns: list[Ints] = []
        ends, most = np.empty(0, np.int64), 0
        for number, part in enumerate(wording.parts):
            most += wording.gaps[number - 1].most if number else 0
            if not part:
                continue
            starts = self._find_run(part)
            if columns and len(starts):
                following = starts[np.minimum(np.searchsorted(starts, ends), len(starts) - 1)]
                fits = (following >= ends) & (following - ends <= most)
                fits &= self._segment_of(following) == self._segment_of(columns[0])
                columns, starts = [column[fits] for column in columns], following[fits]
            elif not columns:
                starts = starts[self._in_body[self._segment_of(starts)] == in_body]
            columns.append(starts)
            ends, most = starts + len(part), 0
            if not len(starts):
                return []
        _, last = np.unique(ends[::-1], return_index=True)
        rows = len(ends) - 1 - last  # of places with the same end the one that leaves out least
        found: list[list[int]] = np.stack(columns, axis=1)[rows][: 4 * MOST_PLACES].tolist()
        return found

    def _find_run(self, atoms: Sequence[Atom]) -> Ints:
        """Where the atoms stand in a row, whatever their case."""
        wanted = [
            (number, self._keys(atom, last=number == len(atoms) - 1))
            for number, atom in enumerate(atoms)
            if atom.match != "beginning"
        ]
        if not wanted:
            wanted = [(0, [key for key in self._numbers if atoms[0].equals(key)])]
        wanted.sort(key=lambda one: sum(len(self._places[key]) for key in one[1]))
        offset, keys = wanted[0]
        if not keys:
            return np.empty(0, np.int64)
        starts = np.sort(np.concatenate([self._places[key] for key in keys])) - offset
        starts = starts[(starts >= 0) & (starts + len(atoms) < len(self._flat))]
        for number, keys in wanted[1:]:
            fits = np.zeros(len(starts), bool)
            for key in keys:
                fits |= self._flat[starts + number] == self._numbers[key]
            starts = starts[fits]
            if not len(starts):
                break
        return starts

    def _keys(self, atom: Atom, *, last: bool) -> list[str]:
        """The atom as the articles have it; the last one of a run may be a name in the genitive there."""
        key = atom.key.casefold()
        return [one for one in ((key, f"{key}'s") if last else (key,)) if one in self._numbers]

    def _segment_of(self, places: Ints) -> Ints:
        numbers: Ints = np.searchsorted(self._starts, places, side="right") - 1
        return numbers

    def _match(self, wording: Wording, row: list[int]) -> Match | None:
        """The match whose runs start at these atoms; None where their case differs."""
        number = int(self._segment_of(np.asarray(row[:1]))[0])
        article, offset = self._segments[number].article, int(self._starts[number])
        spans: list[tuple[int, int]] = []
        places = iter(row)
        for part in wording.parts:
            if not part:
                spans.append((-1, -1))
                continue
            first = next(places) - offset
            own = self._spans(number)[first : first + len(part)]
            if len(own) < len(part):
                return None
            keys = [normalise(article.text[start:end]) for start, end in own]
            end = own[-1][1]
            if not part[-1].equals(keys[-1]) and keys[-1].casefold().endswith("'s"):
                keys[-1], end = keys[-1][:-2], end - 2
            if not all(atom.equals(key) for atom, key in zip(part, keys, strict=True)):
                return None
            spans.append((own[0][0], end))
        held = [span for span in spans if span[0] >= 0]
        start, end = held[0][0], held[-1][1]
        gaps = []
        place = start
        for gap, (first, _), before in zip(wording.gaps, spans[1:], spans, strict=False):
            place = max(place, before[1])
            gaps.append(LeftOut(place, first if first >= 0 else place, gap.inserted))
        return Match(Place(article, start, end), wording, tuple(gaps))

    def find_near(self, text: str) -> list[Near]:
        """The stretches of bodies most like the text, the best first; [] where they have none of its words."""
        atoms = read_atoms(clean(text))
        near = [
            near
            for number, first, last in self._find_dense(atoms)
            if (near := align(atoms, self._segments[number].article, self._spans(number)[first:last]))
        ]
        return sorted(near, key=lambda one: (-one.common, -one.similarity))

    def find_dense(self, text: str) -> list[Place]:
        """The stretches of bodies that hold most of the text's words, without regard to their order."""
        found = []
        for number, first, last in self._find_dense(read_atoms(clean(text))):
            spans = self._spans(number)[first:last]
            found.append(Place(self._segments[number].article, spans[0][0], spans[-1][1]))
        return found

    def _find_dense(self, atoms: Sequence[Atom]) -> Iterator[tuple[int, int, int]]:
        """Segment, first and last atom of the stretches with most of the words, rare ones counting more; of common
        ones none is looked at where there are rarer ones.
        """
        words = [atom.key.casefold() for atom in atoms if atom.is_word]
        held = [places for stem in {stem_word(word) for word in words} if len(places := self._find_stem(stem))]
        held.sort(key=len)
        totals = np.cumsum([len(places) for places in held])
        held = held[: max(1, int(np.searchsorted(totals, MOST_HITS, side="right")))]
        if not held:
            return
        weights = [float(np.log(2 + 2 * len(self.articles) / len(places))) for places in held]
        places, worth = np.concatenate(held), np.repeat(weights, [len(one) for one in held])
        order = np.argsort(places, kind="stable")
        places, sums = places[order], np.concatenate([[0.0], np.cumsum(worth[order])])
        apart = places + BETWEEN * self._segment_of(places)
        width = min(LONGEST, int(1.3 * len(atoms)) + 8)
        scores = sums[np.searchsorted(apart, apart + width, side="right")] - sums[:-1]
        chosen: list[int] = []
        for row in np.argsort(-scores, kind="stable")[: 50 * STRETCHES].tolist():
            if all(abs(apart[row] - apart[other]) > width // 2 for other in chosen):
                chosen.append(row)
                number = int(self._segment_of(places[row : row + 1])[0])
                first = int(places[row] - self._starts[number])
                yield number, max(0, first - width // 2), first + width + width // 2
            if len(chosen) == STRETCHES:
                break

    def _find_stem(self, stem: str) -> Ints:
        """Where words with a stem stand in the articles' bodies."""
        places = np.concatenate([np.empty(0, np.int64), *(self._places[key] for key in self._stems.get(stem, ()))])
        in_body: Ints = places[self._in_body[self._segment_of(places)]]
        return in_body

    def _find_spans(self, number: int) -> list[tuple[int, int]]:
        segment = self._segments[number]
        found = find_atoms(segment.article.text, segment.span.start, segment.span.end)
        return [match.span() for match in found]


def _cut(article: Article) -> Iterator[_Segment]:
    """The article's body, and what lies between its spans."""
    place = 0
    for span in (*sorted(article.body, key=lambda span: span.start), Span(len(article.text), len(article.text))):
        for stretch, in_body in ((Span(place, span.start), False), (span, True)):
            if stretch.end > stretch.start:
                yield _Segment(article, stretch, in_body)
        place = span.end
