"""`citewell ui`: opens the articles, then serves the chat page until Ctrl+C."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from rag.assistant import Assistant
from rag.cli import Corpus, Index, make_config
from rag.config import Config
from rag.errors import CitewellError
from ui.environment import close_environment

app = typer.Typer(help="The chat page in a browser.")


@app.callback(invoke_without_command=True)
def ui(
    host: Annotated[str, typer.Option(help="Address to serve on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; by default the first free one from 7860 on.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Let everyone in who reaches the address.")] = False,
    mcp: Annotated[bool, typer.Option("--mcp", help="Offer `ask` and `verify` to programs that speak MCP.")] = False,
    new_user: Annotated[
        str | None,
        typer.Option("--add-user", metavar="NAME", help="Add a user to the file CITEWELL_AUTH, and serve nothing."),
    ] = None,
    corpus: Corpus = None,
    index: Index = None,
) -> None:
    """Serve the chat page: the conversation on the left, the cited article on the right."""
    config = make_config(corpus, index)
    if new_user is not None:
        _add_user(config, new_user)
        return
    close_environment()  # before Gradio is imported, which takes seconds
    from ui.login import check_door, is_loopback
    from ui.users import read_users

    check_door(host, config.auth is not None, insecure)
    users = read_users(config.auth) if config.auth else None
    from ui.chat import build_page
    from ui.serve import find_port, serve
    from ui.tools import check_extra
    from ui.upload import find_largest

    if mcp:
        check_extra()
    find_port(host, port)  # a port that is taken is said before the index is built
    with Assistant.open(config) as assistant:
        page = build_page(assistant, tools=mcp)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl+C does, and takes its files along
        url = serve(page, host, port, users, mcp, find_largest(config))
        typer.echo(f"Citewell is at {url}  (Ctrl+C stops it)")
        if not (users or is_loopback(host)):
            added = " and add others" if config.upload else ""
            typer.echo(f"Everyone who reaches this address can read the articles{added}.", err=True)
        page.block_thread()


def _add_user(config: Config, name: str) -> None:
    """Asks for the password without showing it, or reads it from standard input where that is no terminal."""
    from ui.users import add_user

    if not config.auth:
        raise CitewellError(f"No file of users is set. Name one: CITEWELL_AUTH=users.txt citewell ui --add-user {name}")
    if sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    known = add_user(config.auth, name, password)
    typer.echo(f"{'Changed the password of' if known else 'Added'} {name} in {config.auth}")
