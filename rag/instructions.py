"""Sentences that speak to a program instead of to a reader: they are neither quoted nor shown to a language model."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rag.schema import Candidate

_ORDER = r"ignore|disregard|forget|override|skip"
_ABOUT = r"above|previous|prior|earlier|preceding|instructions?|rules|prompts?|sentences|context"
_SECRET = r"(?:system|your|the) (?:prompt|instructions|rules)"
_PATTERNS = re.compile(
    "|".join(
        [
            rf"\b(?:{_ORDER})\b[^.!?]{{0,60}}\b(?:{_ABOUT})\b",
            r"^\W*(?:system|assistant|developer|user|human)\s*(?:prompt|message|note|instructions?)?\s*[:>\]]",
            r"<\|?\s*/?(?:im_start|im_end|system|assistant|user|endoftext|inst)\b",
            r"\[/?(?:inst|system)\]|<<sys>>|###\s*(?:system|instruction)",
            r"^\W*\[?S\d{1,3}\]?\s*[|:]",
            r"\byou are (?:now |a |an |only )*(?:ai|assistant|language model|chatbot|llm)\b",
            rf"\b(?:reveal|print|repeat|output|show|leak|write out)\b[^.!?]{{0,40}}\b{_SECRET}\b",
            r"\b(?:answer|respond to|reply to)\b[^.!?]{0,20}\bquestions?\b[^!]{0,300}\b(?:with|by saying|say)\b",
            r"\b(?:ai|language) (?:model|assistant)s?\b[^.!?]{0,40}\b(?:must|should|shall|have to)\b",
            r"\bas an ai\b|\bnew instructions?\b",
        ]
    ),
    re.IGNORECASE,
)


def is_suspicious(candidate: Candidate) -> bool:
    """Whether the sentence, or another of its paragraph, is an instruction: an order may be spread over several."""
    split, paragraph = candidate.split, candidate.sentence.paragraph
    return any(is_instruction(other.text) for other in split.sentences if other.paragraph == paragraph)


@lru_cache(maxsize=50_000)
def is_instruction(text: str) -> bool:
    """Whether a sentence is written for a program: it gives orders about prompts and answers, or poses as a message.

    Invisible characters inside of words do not hide it. A sentence of an article about such attacks may be one too.
    """
    return bool(_PATTERNS.search("".join(c for c in unicodedata.normalize("NFKC", text) if _is_visible(c))))


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cf", "Cc") or character.isspace()
