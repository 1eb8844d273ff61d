"""From a question and those before it to a question that can be read and stands on its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.schema import Message
from rag.words import find_words

MAX_QUESTION = 2_000
"""Characters."""

MAX_EARLIER = 500
"""Characters of the earlier questions that a follow-up can take up, the latest of them."""

_CONNECTIVE = re.compile(
    r"^\s*(?:and|but|or|so|then|also|what about|how about|what of|ok(?:ay)?|plus)\b[\s,]*", re.IGNORECASE
)
_REFERENCE = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|that|this|those|these|there|then|else|same|former|"
    r"latter|one|ones|such)\b",
    re.IGNORECASE,
)
_ELSE = re.compile(r"\b(?:else|other|others|another|more|further|besides|apart from|additional)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_NAME = re.compile(r"(?<!^)(?<![.?!]\s)\b[A-Z][\w’'-]*")
_NAMES = r"(?:the\s+)?[A-Z][\w’'-]*(?:[\s-]+[A-Z][\w’'-]*)*"
_PLACE = re.compile(rf"(in|on|at|for|from|with|by|to|between|under|about|against|via)\s+{_NAMES}")
_DETACHED = re.compile(r"\bthat\s+(?:the|a|an|[a-z]+ed|[a-z]+s)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question without references to earlier ones.

    What the user asked just now starts at the character `focus`; before it stands what was taken from earlier. `avoid`
    are replies whose quotes the answer should not repeat; `reply` is the last one where the question leans on it.
    """

    question: str
    focus: int = 0
    avoid: tuple[str, ...] = ()
    reply: str = ""


def make_standalone(question: str, history: Sequence[Message]) -> Standalone:
    """The question with what it leaves out taken from the user's questions before it.

    Each earlier question is resolved in turn, so that a chain of follow-ups leads back to its first. A question about
    who or what *else* is not answered again with what the last replies quoted.
    """
    resolved = ""
    for message in history:
        if message["role"] == "user" and message["content"].strip():
            resolved = _resolve(message["content"].strip()[-MAX_EARLIER:], resolved)[-MAX_EARLIER:]
    question = question.strip()
    standalone = _resolve(question, resolved)
    focus = len(standalone) - len(question) if standalone.endswith(question) else 0
    leaning = standalone != question
    replies = [message["content"] for message in history if message["role"] == "assistant"] if leaning else []
    avoid = tuple(replies) if _ELSE.search(question) else ()
    return Standalone(standalone, focus, avoid, replies[-1] if replies else "")


def _resolve(question: str, before: str) -> str:
    if not before or not is_follow_up(question):
        return question
    year, year_before = _YEAR.search(question), _YEAR.search(before)
    bare = _CONNECTIVE.sub("", question).strip(" ?.!")
    if year and year_before and len(bare.split()) <= 3:
        return _YEAR.sub(year[0], before)
    place = _PLACE.fullmatch(bare)
    same = re.search(rf"\b{place[1]}\s+{_NAMES}", before) if place else None
    if same:
        return f"{before[: same.start()]}{bare}{before[same.end() :]}"
    if year and len(bare.split()) <= 3:
        return f"{before.rstrip(' ?.!')} {bare if bare[:3].lower() == 'in ' else 'in ' + year[0]}?"
    return f"{before} {question}"


def is_follow_up(question: str) -> bool:
    """Whether the question leans on an earlier one: a connective, a reference without a name, or hardly any content."""
    words = list(find_words(question))
    if _CONNECTIVE.match(question) or len(words) <= 1:
        return True
    named = bool(_NAME.search(question))
    if _ELSE.search(question) and len(words) <= 3:
        return True
    if _REFERENCE.search(_DETACHED.sub("", question)):
        return not named or len(words) <= 3
    return len(words) <= 2 and not named


def check_question(question: str) -> None:
    """Raises ValueError for a question that is blank, too long or holds control characters."""
    if not isinstance(question, str) or not question.strip():
        raise ValueError("The question is empty. Ask something about the articles.")
    if len(question) > MAX_QUESTION:
        raise ValueError(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION:,} are read. Shorten it."
        )
    wrong = next((c for c in question if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t"), None)
    if wrong:
        raise ValueError(f"The question holds the control character U+{ord(wrong):04X}. Remove it.")


def check_history(history: Iterable[Message] | None) -> list[Message]:
    """The history's messages. Raises ValueError for what is not a list of messages with a role and a text."""
    if not isinstance(history, Iterable | None):
        raise ValueError("The history must be a list of messages, oldest first.")
    messages = list(history or ())
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ValueError('Each message of the history needs a \'role\': "user" or "assistant".')
        if not isinstance(message.get("content"), str):
            raise ValueError("Each message of the history needs a 'content' that is text.")
    return messages
