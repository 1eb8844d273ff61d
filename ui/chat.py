"""The chat page: a few handlers over an open assistant. What a session has asked lives in that session's state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

import gradio as gr
from gradio.components import Component

from rag.assistant import Assistant
from rag.config import Config
from rag.converse import check_question
from rag.errors import CitewellError
from rag.export import file_name, zip_answer
from rag.filters import check_filters
from rag.schema import Article, Filters, Message
from ui.check import add_check_tab
from ui.column import render_contents, render_empty_column, render_message
from ui.download import OLDEST, keep_file
from ui.environment import close_environment
from ui.filter import add_filter, make_filters, offer_publishers
from ui.follow import follow_answer
from ui.render import Turn, render_transcript
from ui.source import open_article, show_first, show_passage
from ui.tools import add_tools
from ui.upload import add_upload_button

Turns = tuple[Turn, ...]
Draw = Callable[[Turns], str]

EXAMPLES = (
    ("How many Azerbaijani companies operate in Beijing?", "001_04a1ac37c911923e.txt"),
    ("What was the volume of trade between China and Azerbaijan in 2007?", "004_61376625041b5dca.txt"),
    ("By how much did trade with China rise in 2024?", "003_cda45b7a5b13a20a.txt"),
    ("What did Xi say about the three evil forces?", "000_1cb42ba240766532.txt"),
)
"""Questions on the articles that come with Citewell, each with the file that has to be there for it."""

MOST_WAITING = 200
"""Questions and clicks, of all visitors together; further ones are told that the queue is full."""

MOST_TURNS = 100
"""Of a conversation, which is shown and kept as a whole."""

BUG = "That is a bug in Citewell; the terminal shows its details. You can go on asking."

HEADER = '<header class="mast"><h1>Citewell</h1><p>Answers made of verbatim quotes.</p></header>'

DOWNLOAD = "() => setTimeout(() => document.querySelector('#evidence').click(), 50)"
"""Fetches what the hidden button has been given, once the page shows it."""


def build_page(assistant: Assistant, tools: bool = False) -> gr.Blocks:
    """The page over an open assistant: chat on the left, the articles and the cited source on the right.

    With `tools` it also offers what `ui.tools` adds for programs.
    """
    close_environment()
    draw: Draw = partial(render_transcript, examples=choose_examples(assistant.articles()))
    script = files("ui").joinpath("page.js").read_text(encoding="utf-8")
    html: dict[str, Any] = {"apply_default_css": False, "js_on_load": script}
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    page = gr.Blocks(title="Citewell", analytics_enabled=False, fill_width=True, delete_cache=(OLDEST, OLDEST))
    with page:
        turns = gr.State(())
        with gr.Row(elem_id="shell"):
            with gr.Column(elem_id="chat"):
                gr.HTML(HEADER, elem_id="masthead", apply_default_css=False)
                with gr.Tabs(elem_id="tabs"):
                    with gr.Tab("Ask", elem_id="asking"):
                        transcript = gr.HTML(draw(()), elem_id="transcript", **html)
                        box, ask, stop, clear, fields = _composer()
                        evidence = gr.DownloadButton("Evidence", elem_id="evidence", visible="hidden")
                    checking = gr.Tab("Check a draft", elem_id="checking")
            with gr.Column(elem_id="source"):
                contents = gr.HTML(list_articles(assistant), elem_id="contents", **html)
                if assistant.config.upload:
                    add_upload_button(assistant, contents, lambda: list_articles(assistant), quiet)
                column = gr.HTML(render_empty_column(), elem_id="column", **html)
        with checking:
            add_check_tab(assistant.config, column, html, quiet)

        async def respond(
            typed: str, turns: Turns, since: str, until: str, publishers: list[str], event: gr.EventData
        ) -> AsyncIterator[tuple[Any, ...]]:
            question = str(event.question) if event.target is transcript else typed
            filters = make_filters(since, until, publishers)
            async for change in answer_question(assistant, draw, question, turns, filters):
                yield change

        def show(turns: Turns, event: gr.EventData) -> str | dict[str, Any]:
            return show_passage(assistant.config, turns, str(event.turn), str(event.number)) or gr.skip()

        def save(turns: Turns, event: gr.EventData) -> str | None:
            return save_evidence(assistant.config, turns, str(event.turn), evidence.GRADIO_CACHE)

        def open_listed(event: gr.EventData) -> str:
            return open_article(assistant.config, str(event.source))

        changed = [turns, transcript, column, box, stop]
        asked = gr.on([box.submit, ask.click, transcript.submit], respond, [box, turns, *fields], changed, **quiet)
        asked.failure(partial(recover, draw), [turns, box], changed, **quiet)
        stop.click(partial(abandon, draw), [turns, box], changed, cancels=[asked], **quiet)
        clear.click(lambda: _empty(draw), None, changed, cancels=[asked], **quiet)
        gr.on([transcript.click, column.click], show, [turns], [column], **quiet)
        page.load(lambda: list_articles(assistant), None, [contents], **quiet)
        contents.select(open_listed, None, [column], **quiet)
        transcript.select(save, [turns], [evidence], **quiet).success(None, js=DOWNLOAD, **quiet)
        page.load(lambda: offer_publishers(assistant), None, [fields[-1]], **quiet)
        if tools:
            add_tools(assistant)
        page.queue(default_concurrency_limit=16, max_size=MOST_WAITING)
    return page


def choose_examples(articles: Sequence[Article]) -> list[str]:
    """Questions to start with: those on the articles that come with Citewell, or else one on each of three titles."""
    sources = {article.source for article in articles}
    known = [question for question, source in EXAMPLES if source in sources]
    return known or [f"What is said about “{article.title}”?" for article in articles if article.title][:3]


async def answer_question(
    assistant: Assistant, draw: Draw, question: str, turns: Turns, filters: Filters
) -> AsyncIterator[tuple[Any, ...]]:
    """First the busy page, then the page with the answer: values for turns, transcript, column, box and stop.

    A question that cannot be asked becomes a warning and stays in the box; a broken set-up becomes a notice.
    """
    try:
        check_question(question)
        check_filters(filters)
        if len(turns) >= MOST_TURNS:
            raise CitewellError(f"This conversation has {len(turns)} questions. Clear it to go on.")
    except (ValueError, CitewellError) as error:
        gr.Warning(str(error), title="Not asked")
        yield (gr.skip(),) * 5
        return
    turns = _settled(turns)
    asking = (*turns, Turn(question))
    yield asking, draw(asking), gr.skip(), "", gr.Button(interactive=True)
    try:
        async for turn in follow_answer(assistant, question, history(turns), filters):
            shown = (*turns, turn)
            column = show_first(assistant.config, turn, len(turns)) if turn.passages else gr.skip()
            yield shown, draw(shown), column, gr.skip(), gr.Button(interactive=turn.pending)
    except Exception:
        broken = (*turns, Turn(question, notice=BUG))  # `recover` knows by it that there was a fault
        yield broken, draw(broken), gr.skip(), gr.skip(), gr.Button(interactive=False)
        raise


def history(turns: Turns) -> list[Message]:
    """The turns that got an answer as OpenAI-style messages, oldest first."""
    messages: list[Message] = []
    for turn in turns:
        if turn.answer:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer.text})
    return messages


def abandon(draw: Draw, turns: Turns, typed: str) -> tuple[Any, ...]:
    """The page without the question that is being answered, which goes back to the box if that is empty."""
    pending = [turn.question for turn in turns if turn.pending]
    kept = _settled(turns)
    return kept, draw(kept), gr.skip(), typed or "".join(pending), gr.Button(interactive=False)


def recover(draw: Draw, turns: Turns, typed: str) -> tuple[Any, ...]:
    """As `abandon`, with a warning, after an error that nobody foresaw; nothing changes where there was none.

    Gradio also calls what follows a failure when a question is cancelled.
    """
    if not turns or turns[-1].notice != BUG:
        return (gr.skip(),) * 5
    gr.Warning(BUG, title="Not answered")
    return abandon(draw, (*turns[:-1], Turn(turns[-1].question)), typed)


def save_evidence(config: Config, turns: Turns, number: str, cache: str) -> str | None:
    """The evidence pack of a turn of this session as a file to fetch; None, with a warning, where there is none."""
    answers = [turn.answer for place, turn in enumerate(turns) if str(place) == number]
    if not answers or not answers[0]:
        return None
    try:
        return keep_file(cache, file_name(answers[0]), zip_answer(answers[0], config))
    except CitewellError as error:
        gr.Warning(str(error), title="Not saved")
        return None


def list_articles(assistant: Assistant) -> str:
    """The list of articles as it is now, or the reason why there is none."""
    try:
        return render_contents(assistant.articles())
    except CitewellError as error:
        return render_message(str(error))


def _composer() -> tuple[gr.Textbox, gr.Button, gr.Button, gr.Button, Sequence[Component]]:
    with gr.Column(elem_id="composer"):
        box = gr.Textbox(
            label="Your question",
            placeholder="Ask about the articles…",
            show_label=False,
            container=False,
            max_lines=6,
            elem_id="question",
        )
        with gr.Row(elem_id="actions"):
            stop = gr.Button("Stop", elem_id="stop", interactive=False)
            clear = gr.Button("Clear", elem_id="clear")
            ask = gr.Button("Ask", variant="primary", elem_id="ask")
        fields = add_filter()
    return box, ask, stop, clear, fields


def _empty(draw: Draw) -> tuple[Any, ...]:
    return (), draw(()), render_empty_column(), "", gr.Button(interactive=False)


def _settled(turns: Turns) -> Turns:
    return tuple(turn for turn in turns if not turn.pending)
