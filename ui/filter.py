"""The part of the composer that restricts a question: two dates and the publishers."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from rag.assistant import Assistant
from rag.errors import CitewellError
from rag.filters import list_publishers
from rag.schema import Filters


def add_filter() -> tuple[gr.Textbox, gr.Textbox, gr.Dropdown]:
    """Puts the part, folded, where it is called: since, until, publishers."""
    with gr.Accordion("Filter", open=False, elem_id="filter"), gr.Row(elem_id="filter-fields"):
        since, until = (
            gr.Textbox(label=label, placeholder="YYYY-MM-DD", max_lines=1, container=True, elem_id=label.lower())
            for label in ("Since", "Until")
        )
        publishers = gr.Dropdown([], label="Publishers", multiselect=True, elem_id="publishers")
    return since, until, publishers


def offer_publishers(assistant: Assistant) -> gr.Dropdown:
    """The publishers as the articles name them now; none where these cannot be read."""
    try:
        names = list_publishers(article.publisher for article in assistant.articles())
    except CitewellError:
        names = []
    return gr.Dropdown(choices=names, interactive=bool(names))


def make_filters(since: str | None, until: str | None, publishers: Sequence[str] | None) -> Filters:
    """The filters that the fields say; blank ones restrict nothing, nor do those that were never unfolded (None)."""
    return Filters((since or "").strip() or None, (until or "").strip() or None, tuple(publishers or ()))
