"""Questions whose form says what words answer them: what a name stands for, and who holds an office."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.converse import Standalone
from rag.definitions import find_defined, find_definition
from rag.judge import Judgement
from rag.lexical import Lexicon
from rag.question import YEAR
from rag.roles import Holder, Office, find_holder, find_office
from rag.schema import Candidate
from rag.short import MOST_WORDS

FITS, MAY_FIT, PAST, DOES_NOT_FIT = 1.0, 0.5, -1.0, -2.0
"""Points of a sentence that has the form, that has it but does not say of what, that tells of the past where the
present is asked for, and that has it of something else.
"""


@dataclass(frozen=True, slots=True)
class Forms:
    """What each candidate has of the asked form: the words that answer (characters) or None, and points (candidates,).

    `sides` says which candidates may disagree with each other about the answer. Where it `explains` a name, only those
    words are a short answer.
    """

    spans: tuple[tuple[int, int] | None, ...]
    points: NDArray[np.float64]
    sides: tuple[bool, ...]
    explains: bool

    def decides(self, place: int) -> bool:
        """Whether `short` is the short answer from that candidate, even if it is none."""
        return self.explains or self.spans[place] is not None

    def short(self, place: int, sentence: str) -> str | None:
        """The words of the candidate's sentence that answer; None where there are none, or too many."""
        span = self.spans[place]
        words = sentence[slice(*span)] if span else ""
        return words if 0 < len(words.split()) <= MOST_WORDS else None


def find_forms(
    question: Standalone, candidates: Sequence[Candidate], judgements: Sequence[Judgement], lexical: Lexicon
) -> Forms | None:
    """The forms; None for a question that asks for neither.

    Explanations of a name take no sides; holders of an office do where the sentence fits and the model marks the name.
    """
    texts = [candidate.sentence.text for candidate in candidates]
    if defined := find_defined(question, texts, lexical):
        spans = tuple(find_definition(text, defined) for text in texts)
        return Forms(
            spans, np.asarray([FITS * (span is not None) for span in spans]), (False,) * len(texts), explains=True
        )
    if not (office := find_office(question)):
        return None
    holders = [find_holder(text, office) for text in texts]
    latest = _latest_year(candidates) if office.now else ""
    points = [_points(holder, office, candidate, latest) for holder, candidate in zip(holders, candidates, strict=True)]
    spans = tuple((holder.start, holder.end) if holder else None for holder in holders)
    sides = tuple(
        point == FITS and span is not None and judgement.start < span[1] and span[0] < judgement.end
        for point, span, judgement in zip(points, spans, judgements, strict=True)
    )
    return Forms(spans, np.asarray(points), sides, explains=False)


def _points(holder: Holder | None, office: Office, candidate: Candidate, latest: str) -> float:
    if holder is None:
        return 0.0
    if holder.fits is False:
        return DOES_NOT_FIT
    if _tells_of_the_past(candidate.sentence.text, latest):
        return PAST
    text = candidate.article.text.lower()
    return FITS if holder.fits else MAY_FIT * all(stem in text for stem in office.of)


def _latest_year(candidates: Sequence[Candidate]) -> str:
    """The latest year in which an article was published, or that a sentence names; "" where there is none."""
    texts = (f"{candidate.article.published[:4]} {candidate.sentence.text}" for candidate in candidates)
    return max((year for text in texts for year in YEAR.findall(text)), default="")


def _tells_of_the_past(sentence: str, latest: str) -> bool:
    years = YEAR.findall(sentence)
    return bool(years) and max(years) < latest
