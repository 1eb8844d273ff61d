"""What the page offers to programs over MCP: to ask, and to check a draft. Both give JSON."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from importlib.util import find_spec

import gradio as gr
from gradio.events import api

from rag.assistant import Assistant
from rag.converse import check_question
from rag.draft_file import read_object
from rag.errors import CitewellError
from rag.schema import Answer
from rag.verification import Verification
from rag.verify import verify_answer
from ui.check import CHECKS_AT_ONCE, check_in_time, find_fault, read_corpus, verify_draft
from ui.follow import follow_answer

ASK = (
    "Answers a question about the articles with verbatim quotes, each with outlet, date, file and offsets, or says "
    "that they do not answer it. Gives JSON: `answered`, `text`, `citations`, `conflicts`, and `nearest` for a refusal."
)
VERIFY = (
    "Checks each quotation and figure of a draft against the articles: verbatim, altered, misattributed or not found. "
    "Takes a text, or the JSON that `ask` gave. Gives JSON."
)


def check_extra() -> None:
    """Raises CitewellError where the package is missing that speaks MCP."""
    if not find_spec("mcp"):
        raise CitewellError("--mcp needs another package. Install it: python -m pip install 'citewell[mcp]'")


def add_tools(assistant: Assistant) -> None:
    """Adds both to the page that is being built; errors reach the caller as the words that say what to do."""
    checking = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def ask(question: str) -> str:
        """Answers a question.

        Parameters:
            question: one question, 2,000 characters at most.
        """
        try:
            return (await ask_alone(assistant, question)).to_json()
        except (CitewellError, ValueError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    async def verify(draft: str) -> str:
        """Checks a draft.

        Parameters:
            draft: the text or the JSON, 300,000 characters at most.
        """
        try:
            async with checking:
                return (await check_in_time(assistant.config, partial(verify_alone, assistant, draft))).to_json()
        except (CitewellError, ValueError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    # Off the queue, Gradio calls them directly and not through its own login.
    api(ask, api_description=ASK, queue=False)
    api(verify, api_description=VERIFY, queue=False)


async def ask_alone(assistant: Assistant, question: str) -> Answer:
    """The answer to a question without history. Raises as `Assistant.ask`, and CitewellError when it takes too long."""
    check_question(question)
    async for turn in follow_answer(assistant, question, []):
        if turn.answer:
            return turn.answer
        if turn.notice:
            raise CitewellError(turn.notice)
    raise CitewellError("The answer was stopped. Ask again.")


def verify_alone(assistant: Assistant, draft: str, stop: threading.Event) -> Verification:
    """What `citewell verify` finds in a text or an answer's JSON. Raises CitewellError for a draft that is too long."""
    if fault := find_fault(draft):
        raise CitewellError(fault)
    answer = read_object(draft)
    if answer is None:
        return verify_draft(assistant.config, draft, stop)
    return verify_answer(answer, read_corpus(assistant.config, stop), stop)
