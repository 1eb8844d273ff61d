"""What a language model is asked: to make a follow-up stand alone, and to write claims on the candidates."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.claims import SCHEMA, Claims, check_reply, clean
from rag.config import Config
from rag.converse import MAX_QUESTION, Standalone, make_standalone
from rag.llm import LanguageModel, Reply, find_room
from rag.schema import Candidate, Message
from rag.templates import Prompt

LAST_MESSAGES, MESSAGE_CHARACTERS = 6, 600
"""What the model sees of a conversation: the last messages, each cut."""

_BRACKETS = str.maketrans("[]【】", "()()")


@dataclass(frozen=True, slots=True)
class Written:
    """The checked claims, the candidates that they are numbered by, and the reply that they come from."""

    claims: Claims
    shown: tuple[Candidate, ...]
    reply: Reply


def condense(
    model: LanguageModel, prompt: Prompt, question: str, history: Sequence[Message], stop: threading.Event | None
) -> tuple[Standalone, Reply]:
    """The follow-up as a question that stands alone, in the model's words; in our own where its reply is no question.

    Raises LanguageModelError and StoppedError as `LanguageModel.ask` does.
    """
    turns = [
        f"{'User' if message['role'] == 'user' else 'Assistant'}: {clean(message['content'])[:MESSAGE_CHARACTERS]}"
        for message in history[-LAST_MESSAGES:]
    ]
    asked = clean(question)
    system, user = prompt.render(question=asked, history="\n".join(turns), fence=make_fence(*turns, asked))
    reply = model.ask(system, user, stop=stop)
    ours = make_standalone(question, history)
    lines = [line.strip(' "“”*') for line in reply.text.strip().splitlines() if line.strip()]
    fits = len(lines) == 1 and 0 < len(lines[0]) <= MAX_QUESTION and reply.complete
    return replace(ours, question=clean(lines[0]), focus=0) if fits else ours, reply


def write_claims(
    model: LanguageModel,
    prompt: Prompt,
    question: str,
    candidates: Sequence[Candidate],
    config: Config,
    on_claims: Callable[[Claims, Sequence[Candidate]], None] | None,
    stop: threading.Event | None,
) -> Written:
    """Claims on the first of the candidates, as many as the model's context holds; `on_claims` gets them as they come.

    Raises LanguageModelError and StoppedError as `LanguageModel.ask` does.
    """
    shown = fit(prompt, question, candidates[: config.llm_sentences], find_room(config))
    system, user = render_answer(prompt, question, shown)
    lines = 0

    def show(text: str) -> None:
        nonlocal lines
        whole = text if text.lstrip().startswith("{") else text[: text.rfind("\n") + 1]
        claims = check_reply(whole, question, shown)
        if on_claims and len(claims.claims) > lines:
            lines = len(claims.claims)
            on_claims(claims, shown)

    reply = model.ask(system, user, show if on_claims else None, stop, SCHEMA)
    text = reply.text if reply.complete else reply.text[: reply.text.rfind("\n") + 1]
    return Written(check_reply(text, question, shown), shown, reply)


def fit(prompt: Prompt, question: str, candidates: Sequence[Candidate], room: int) -> tuple[Candidate, ...]:
    """The first candidates whose prompt has at most `room` characters, at least one."""
    shown = list(candidates)
    while len(shown) > 1 and sum(map(len, render_answer(prompt, question, shown))) > room:
        shown.pop()
    return tuple(shown)


def render_answer(prompt: Prompt, question: str, candidates: Sequence[Candidate]) -> tuple[str, str]:
    """The system and the user message: each sentence on a line of its own with number, outlet, date and title."""
    lines = [f"S{number} | {describe(candidate)}" for number, candidate in enumerate(candidates, 1)]
    asked = clean(question)
    return prompt.render(question=asked, sentences="\n".join(lines), fence=make_fence(*lines, asked))


def describe(candidate: Candidate) -> str:
    """The candidate for the model: where it stands and what it says, in one line without brackets."""
    article = candidate.article
    origin = ", ".join(part for part in (article.publisher, article.published, article.label) if part)
    return f"{clean(origin)} | {clean(candidate.sentence.text)}".translate(_BRACKETS)


def make_fence(*texts: str) -> str:
    """A line that no text can hold: it is made of the hash of them all."""
    return f"=== {hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:16]} ==="
