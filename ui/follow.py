"""An answer on its way: each draft, then the answer, within the time that one may take."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from functools import partial

from rag.assistant import Assistant
from rag.errors import CitewellError
from rag.schema import Answer, Filters, Message
from ui.render import Turn


async def follow_answer(
    assistant: Assistant, question: str, messages: Sequence[Message], filters: Filters | None = None
) -> AsyncIterator[Turn]:
    """The question with each draft of its answer, then with the answer; whoever stops listening stops the model too.

    A broken set-up, and an answer that takes longer than `answer_timeout`, end with a notice.
    """
    loop, drafts, stop = asyncio.get_running_loop(), asyncio.Queue[str | None](), threading.Event()
    seconds = assistant.config.answer_timeout
    end = loop.time() + seconds

    def put(draft: str | None) -> None:
        loop.call_soon_threadsafe(drafts.put_nowait, draft)

    def finish(asked: asyncio.Task[Answer]) -> None:
        drafts.put_nowait(None)
        if not asked.cancelled():
            asked.exception()  # nobody may be listening any more: asyncio would call it lost

    ask = partial(assistant.ask, question, messages, filters=filters, on_draft=put, stop=stop)
    asked = asyncio.create_task(asyncio.to_thread(ask))
    asked.add_done_callback(finish)
    try:
        while (draft := await asyncio.wait_for(drafts.get(), end - loop.time())) is not None:
            yield Turn(question, draft=draft)
        yield Turn(question, await asked)
    except TimeoutError:
        yield Turn(question, notice=_late(seconds))
    except CitewellError as error:
        yield Turn(question, notice=str(error))
    finally:
        stop.set()


def _late(seconds: float) -> str:
    unit = "second" if seconds == 1 else "seconds"
    return f"The answer took longer than {seconds:g} {unit} and was stopped. Ask again, or a shorter question."
