"""An article as its sentences and quotations, found by where something stands in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from rag.marks import find_marked
from rag.schema import Article, Sentence, Span
from rag.speakers import find_speaker_of, name_words, same_person
from rag.split import split_article

_NAME = re.compile(r"\b[A-Z][\w’'-]*")
_LISTENER = re.compile(r"\b(?:told|tells|to|in|on|at)(?:\sthe)?(?:\s[A-Z][\w’'-]*)+")


@dataclass(frozen=True)
class Surroundings:
    """An article's sentences, in order."""

    article: Article
    sentences: tuple[Sentence, ...]

    @cached_property
    def _starts(self) -> list[int]:
        return [sentence.start for sentence in self.sentences]

    @cached_property
    def _quoted(self) -> list[Span]:
        spans: list[Span] = []
        for _, group in groupby(self.sentences, key=lambda sentence: sentence.paragraph):
            paragraph = list(group)
            marked, unclosed = find_marked(self.article.text, paragraph[0].start, paragraph[-1].end)
            spans += [Span(*pair) for pair in marked]
            if unclosed >= 0 and (not marked or marked[-1][1] < unclosed):
                spans.append(Span(unclosed, paragraph[-1].end))
        return spans

    def numbers(self, start: int, end: int) -> range:
        """The numbers of the sentences that hold any of a stretch."""
        first = max(0, bisect_right(self._starts, start) - 1)
        last = bisect_right(self._starts, max(start, end - 1))
        return range(first + (self._is_behind(first, start)), last)

    def _is_behind(self, number: int, place: int) -> bool:
        return number < len(self.sentences) and self.sentences[number].end <= place

    def around(self, start: int, end: int, before: int = 0, behind: int = 0) -> tuple[Sentence, ...]:
        """The sentences that hold any of a stretch, with some before and behind."""
        numbers = self.numbers(start, end)
        return self.sentences[max(0, numbers.start - before) : numbers.stop + behind] if numbers else ()

    def speaker(self, start: int, end: int) -> str:
        """Whom the article gives a stretch to; "" where it names nobody."""
        numbers = self.numbers(start, end)
        return find_speaker_of(self.sentences, numbers[0], numbers[-1]) if numbers else ""

    def quotation(self, place: int) -> Span | None:
        """The words in quote marks that a place lies in; None where it is the article's own voice."""
        number = bisect_right(self._quoted, place, key=lambda span: span.start) - 1
        return self._quoted[number] if number >= 0 and place < self._quoted[number].end else None

    def is_same_speech(self, one: Span, other: Span) -> bool:
        """Whether the article gives two quotations to the same speaker, and names nobody else between them."""
        speaker, other_speaker = self.speaker(one.start, one.end), self.speaker(other.start, other.end)
        first, second = sorted((one, other), key=lambda span: span.start)
        between = _LISTENER.sub("", self.article.text[first.end : second.start])
        named = {word for name in _NAME.findall(between) for word in name_words(name)}
        same = bool(speaker and other_speaker) and same_person(speaker, other_speaker)
        return same and named <= name_words(speaker) | name_words(other_speaker)


def read_surroundings(article: Article) -> Surroundings:
    """The article's sentences and what they quote."""
    return Surroundings(article, split_article(article).sentences)
