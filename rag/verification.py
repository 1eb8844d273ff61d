"""What a check of a draft finds: each quotation and each figure with what the articles say to it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["verbatim", "altered", "misattributed", "not_found"]


@dataclass(frozen=True, slots=True)
class CheckedQuotation:
    """A quotation, and what the articles say to it.

    `draft_start` and `draft_end` are its place in the draft. `source`, `start` and `end` are where its words stand, or
    the nearest ones, which are `nearest`; "" and 0 where there is nothing near. `speaker` is whom the article gives the
    words to; `diff` shows an altered quotation word by word; `reason` says what is wrong where the diff does not.
    """

    quote: str
    status: Status
    source: str
    start: int
    end: int
    nearest: str
    diff: str
    speaker: str
    reason: str
    draft_start: int
    draft_end: int


@dataclass(frozen=True, slots=True)
class CheckedFigure:
    """A figure in the draft's own words, with its sentence, and what the articles say to it; fields as above."""

    figure: str
    sentence: str
    status: Status
    source: str
    start: int
    end: int
    nearest: str
    reason: str
    draft_start: int
    draft_end: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked, in the order of the draft."""

    quotations: tuple[CheckedQuotation, ...]
    figures: tuple[CheckedFigure, ...]

    @property
    def holds(self) -> bool:
        """Whether everything is verbatim."""
        statuses = [*(q.status for q in self.quotations), *(f.status for f in self.figures)]
        return all(status == "verbatim" for status in statuses)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dicts that `json.dumps` takes."""
        return dataclasses.asdict(self)

    def to_json(self, indent: int | None = None) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)
