"""What evaluations of single answers count: was it answered or declined, and does the first quote say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from eval.metrics import mean
from rag.schema import Answer


class Asked(Protocol):
    """A case that was asked: its answer, and whether the first quote is the sentence that says it."""

    @property
    def answer(self) -> Answer: ...
    @property
    def quoted_first(self) -> bool: ...


def quotes_first(answer: Answer, quote: str) -> bool:
    """Whether the answer's first quote, or the nearest passage of a refusal, holds the quote or is held by it."""
    quotes = [citation.quote for citation in (*answer.citations, *answer.nearest)]
    return bool(quotes) and (quote in quotes[0] or quotes[0] in quote)


def answered(asked: Sequence[Asked]) -> float | None:
    """Share of the answers that are no refusals; None without any."""
    return mean([one.answer.answered for one in asked])


def declined(asked: Sequence[Asked]) -> float | None:
    """Share of the answers that are refusals; None without any."""
    return mean([not one.answer.answered for one in asked])


def quoted_first(asked: Sequence[Asked]) -> float | None:
    """Share of the answers whose first quote says it; None without any."""
    return mean([one.quoted_first for one in asked])
