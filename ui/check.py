"""The tab that checks a draft: paste it or open a file, see what holds, look at the article, take the result along."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import gradio as gr

from rag.annotate import annotate_markdown
from rag.articles import read_articles
from rag.config import Config
from rag.draft_file import read_draft
from rag.drafts import find_quotations, find_statements
from rag.errors import CitewellError
from rag.schema import Article, Citation
from rag.verification import Verification
from rag.verify import verify
from ui.column import render_column, render_message
from ui.download import keep_file
from ui.draft import TURN, Finding, find_findings, render_busy, render_findings, render_invitation, render_problem
from ui.source import load_article, new_key

MOST_CHARACTERS = 300_000
"""Of a draft on the page: what a browser still shows at once. The command line takes more."""

CHECKS_AT_ONCE = 2
"""Of all visitors together; the others wait."""


def add_check_tab(config: Config, column: gr.HTML, html: dict[str, Any], quiet: dict[str, Any]) -> None:
    """Puts the tab's parts where it is called; a finding's marker opens its article in the column."""
    found = gr.State(())
    with gr.Column(elem_id="checker"):
        box = gr.Textbox(
            label="Your draft",
            placeholder="Paste a text, or drop a .md or .txt file here…",
            show_label=False,
            container=False,
            lines=7,
            max_lines=14,
            elem_id="draft",
        )
        with gr.Row(elem_id="check-actions"):
            opened = gr.UploadButton("Open a file", file_types=[".md", ".txt"], elem_id="open-draft")
            save = gr.DownloadButton("Save result", elem_id="save-draft", visible=False)
            check = gr.Button("Check", variant="primary", elem_id="check")
        findings = gr.HTML(render_invitation(), elem_id="findings", **html)

    async def run(draft: str) -> AsyncIterator[tuple[Any, ...]]:
        async for change in check_draft(config, draft, save.GRADIO_CACHE):
            yield change

    def show(found: tuple[Finding, ...], event: gr.EventData) -> Any:
        return show_finding(config, found, str(event.number)) or gr.skip()

    changed = [findings, found, save]
    check.click(run, [box], changed, concurrency_limit=CHECKS_AT_ONCE, trigger_mode="once", **quiet)
    opened.upload(open_draft, [opened], [box], **quiet)
    findings.click(show, [found], [column], **quiet)


async def check_draft(config: Config, draft: str, cache: str) -> AsyncIterator[tuple[Any, ...]]:
    """First what is looked for, then the findings: values for findings, their state, and the download."""
    fault = find_fault(draft)
    if fault:
        gr.Warning(fault, title="Not checked")
        yield (gr.skip(),) * 3
        return
    quotations = await asyncio.to_thread(find_quotations, draft)
    sentences = await asyncio.to_thread(lambda: list(find_statements(draft, quotations)))
    yield render_busy(draft, len(quotations), len(sentences)), (), gr.DownloadButton(visible=False)
    try:
        verification = await check_in_time(config, partial(verify_draft, config, draft))
    except CitewellError as error:
        yield render_problem(str(error)), (), gr.skip()
        return
    annotated = annotate_markdown(draft, verification).encode("utf-8", "backslashreplace")
    file = keep_file(cache, "checked-draft.md", annotated)
    found = tuple(find_findings(verification))
    yield render_findings(draft, verification), found, gr.DownloadButton(value=file, visible=True)


def find_fault(draft: str) -> str:
    """Why a draft is not checked; "" where it can be."""
    if not draft.strip():
        return "The draft is empty. Paste a text or open a file."
    if len(draft) > MOST_CHARACTERS:
        return (
            f"The draft has {len(draft):,} characters; this page takes {MOST_CHARACTERS:,}. Check it in parts, or on "
            "the command line: citewell verify"
        )
    return ""


async def check_in_time(config: Config, check: Callable[[threading.Event], Verification]) -> Verification:
    """What the check finds in another thread. Raises CitewellError as it does, and after `answer_timeout` seconds.

    The event that it is given is set when it is to end.
    """
    stop, seconds = threading.Event(), config.answer_timeout
    try:
        return await asyncio.wait_for(asyncio.to_thread(check, stop), seconds)
    except TimeoutError as error:
        raise CitewellError(
            f"The check took longer than {seconds:g} seconds and was stopped. Check the draft in parts, or on the "
            "command line: citewell verify"
        ) from error
    finally:
        stop.set()


def verify_draft(config: Config, draft: str, stop: threading.Event) -> Verification:
    """What `citewell verify` finds. Raises CitewellError as `verify` and `read_articles` do."""
    return verify(draft, read_corpus(config, stop), stop)


def read_corpus(config: Config, stop: threading.Event) -> Iterator[Article]:
    """The articles that can be read, until `stop` is set. Raises CitewellError as `read_articles` does."""
    articles = read_articles(config.corpus, config.max_file_bytes, config.index)
    return (article for article in takewhile(lambda _: not stop.is_set(), articles) if isinstance(article, Article))


def open_draft(file: str) -> Any:
    """The text of an uploaded file, for the box; a warning where it is none, or too long. The upload is deleted."""
    path = Path(file)
    try:
        text, _ = read_draft(path)
    except CitewellError as error:
        gr.Warning(str(error).replace(str(path), path.name), title="Not opened")
        return gr.skip()
    finally:
        path.unlink(missing_ok=True)
    if len(text) > MOST_CHARACTERS:
        gr.Warning(find_fault(text), title="Not opened")
        return gr.skip()
    return text.removeprefix("\ufeff")  # a box shows none, and what is checked is what it holds


def show_finding(config: Config, found: tuple[Finding, ...], number: str) -> str | None:
    """The source column at the place that a finding was compared with; None for a finding that there is not."""
    finding = next((finding for finding in found if str(finding.number) == number and finding.checked.source), None)
    if not finding:
        return None
    checked = finding.checked
    try:
        article = load_article(config, checked.source)
    except CitewellError as error:
        return render_message(str(error))
    if article.text[checked.start : checked.end] != checked.nearest:
        return render_message(f"'{checked.source}' has changed since the draft was checked. Check it again.")
    place = Citation(
        number=finding.number,
        source=article.source,
        title=article.title,
        publisher=article.publisher,
        published=article.published,
        author=article.author,
        quote=checked.nearest,
        start=checked.start,
        end=checked.end,
        sha256=article.sha256,
        text_sha256=article.text_sha256,
    )
    return render_column(article, (place,), place, turn=TURN, by="reader", key=new_key())
