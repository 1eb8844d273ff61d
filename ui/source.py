"""The source column's content: an article as it is on disk, whole or at a quote."""

from __future__ import annotations

import time

from rag.articles import find_entry, read_article, read_catalog, scan
from rag.config import Config
from rag.errors import CitewellError
from rag.jsonl import file_of
from rag.schema import Article, Citation
from ui.column import render_column, render_message
from ui.render import Turn


def show_first(config: Config, turn: Turn, number: int) -> str:
    """The source column at the turn's first passage, `number` being the turn's place."""
    return _show(config, turn, number, turn.passages[0], by="page")


def show_passage(config: Config, turns: tuple[Turn, ...], number: str, passage: str) -> str | None:
    """The source column at the passage whose marker was clicked; None for a marker that no turn has."""
    for place, turn in enumerate(turns):
        for citation in turn.passages:
            if (str(place), str(citation.number)) == (number, passage):
                return _show(config, turn, place, citation, by="reader")
    return None


def open_article(config: Config, source: str) -> str:
    """The source column with an article from the list, or a message when it is no longer there."""
    try:
        article = load_article(config, source)
    except CitewellError as error:
        return render_message(str(error))
    return render_column(article, by="reader", key=new_key())


def load_article(config: Config, source: str) -> Article:
    """The article as it is on disk. Raises CitewellError when the corpus holds no such article."""
    if file_of(source) not in {state.source for state in scan(config.corpus)}:
        raise CitewellError(f"'{source}' is no longer in '{config.corpus}'. Reload the page.")
    entry = find_entry(read_catalog(config.corpus), source)
    article = read_article(config.corpus, source, config.max_file_bytes, entry, config.index)
    if not isinstance(article, Article):
        raise CitewellError(f"'{source}' cannot be shown: {article.reason}.")
    return article


def new_key() -> str:
    """Another text each time, by which the page notices a second click on the same marker."""
    return str(time.monotonic_ns())


def _show(config: Config, turn: Turn, number: int, citation: Citation, by: str) -> str:
    try:
        article = load_article(config, citation.source)
    except CitewellError as error:
        return render_message(str(error))
    if (article.sha256, article.text_sha256) != (citation.sha256, citation.text_sha256):
        return render_message(f"'{citation.source}' has changed since it was quoted. Ask again to quote the new text.")
    return render_column(article, turn.passages, citation, turn=number, by=by, key=new_key())
