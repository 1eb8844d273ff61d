"""What the chat page is told while an answer is on its way."""

import asyncio
from contextlib import aclosing

import pytest
from scripted import hang, reply, serve

from rag.assistant import Assistant
from rag.config import Config
from rag.errors import CitewellError
from ui.chat import follow_answer

QUESTION = "How many Azerbaijani companies operate in Beijing?"
CLAIMS = "- Azerbaijani companies operate in Beijing. [S1] [S2] [S3]\n"


@pytest.fixture
def open_assistant(seeds_config):
    opened = []

    def open_one(**settings):
        opened.append(Assistant.open(Config(**seeds_config.model_dump() | settings)))
        return opened[-1]

    yield open_one
    for assistant in opened:
        assistant.close()


def with_model(server):
    return {"llm": "openai-like/scripted", "llm_url": server.url}


async def collect(assistant):
    return [turn async for turn in follow_answer(assistant, QUESTION, [])]


def test_drafts_come_before_the_answer(open_assistant):
    with serve(reply(CLAIMS + "- Trust me.\n", pause=0.02)) as server:
        *drafts, last = asyncio.run(collect(open_assistant(**with_model(server))))
    assert drafts
    assert all(draft.answer is None and draft.draft.startswith("- Azerbaijani companies") for draft in drafts)
    assert last.answer.text.startswith("- Azerbaijani companies")
    assert len(last.answer.dropped) == 1


def test_without_a_model_the_answer_comes_at_once(open_assistant):
    (turn,) = asyncio.run(collect(open_assistant()))
    assert turn.answer.short == "245"


def test_who_stops_listening_stops_the_request(open_assistant):
    async def leave_after_the_first_draft(assistant):
        async with aclosing(follow_answer(assistant, QUESTION, [])) as turns:
            async for turn in turns:
                return turn

    with serve(hang(CLAIMS)) as server:
        turn = asyncio.run(leave_after_the_first_draft(open_assistant(**with_model(server))))
        assert turn.draft
        assert server.hung_up.wait(5)


def test_a_broken_set_up_becomes_a_notice(open_assistant, monkeypatch):
    def ask(*_, **__):
        raise CitewellError("Run citewell index.")

    assistant = open_assistant()
    monkeypatch.setattr(assistant, "ask", ask)
    (turn,) = asyncio.run(collect(assistant))
    assert (turn.notice, turn.answer) == ("Run citewell index.", None)
