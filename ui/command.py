"""`citewell ui`: opens the articles, then serves the chat page until Ctrl+C."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from rag.assistant import Assistant
from rag.cli import Corpus, Index, make_config

app = typer.Typer(help="The chat page in a browser.")


@app.callback(invoke_without_command=True)
def ui(
    host: Annotated[str, typer.Option(help="Address to serve on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; by default the first free one from 7860 on.")
    ] = None,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Serve the chat page: the conversation on the left, the cited article on the right."""
    # Gradio reads these when it is imported, and importing it takes seconds.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from ui.chat import build_page
    from ui.serve import LOOPBACK, find_port, serve

    find_port(host, port)  # a port that is taken is said before the index is built
    with Assistant.open(make_config(corpus, index)) as assistant:
        page = build_page(assistant)
        url = serve(page, host, port)
        typer.echo(f"Citewell is at {url}  (Ctrl+C stops it)")
        if host not in LOOPBACK:
            typer.echo("Everyone who reaches this address can read the articles.", err=True)
        page.block_thread()
