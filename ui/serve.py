"""Serves the page on one address of this machine; neither the server nor the page asks anything of another machine."""

from __future__ import annotations

import os
import socket
from importlib.resources import files

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.draft_file import MOST_BYTES
from rag.errors import CitewellError
from ui.environment import close_environment
from ui.limits import (
    FORM,
    MOST_OPEN,
    POSTS_A_MINUTE,
    REQUESTS_A_MINUTE,
    UPLOADS_A_MINUTE,
    Buckets,
    limit_bodies,
    limit_open,
    limit_requests,
    limit_uploads,
)
from ui.login import FAILURES_A_MINUTE, guard_tools, is_loopback, limit_logins, make_login
from ui.routes import close_routes
from ui.sessions import Owners, keep_apart
from ui.users import Users

FIRST_PORT = 7860
PORTS_TRIED = 100
MOST_CONVERSATIONS = 1_000
"""That are kept in memory; the one not used for longest goes first."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""What a browser may load: nothing from elsewhere, whatever an article says (Gradio needs the two 'unsafe-…')."""


def serve(
    page: gr.Blocks,
    host: str,
    port: int | None,
    users: Users | None = None,
    mcp: bool = False,
    largest: int = MOST_BYTES,
) -> str:
    """Starts to serve the page in a thread and returns its URL; `page.block_thread()` waits for Ctrl+C.

    Without a port it takes the first free one from 7860 on; with users it asks for a login; with `mcp` it serves the
    page's tools over MCP; a file that is uploaded has at most `largest` bytes. Raises CitewellError when the host, the
    port or MCP cannot be had.
    """
    port = find_port(host, port)
    close_environment()
    # Gradio asks its own server for a sign of life; a proxy in the environment must not get to see that.
    os.environ["NO_PROXY"] = ",".join(filter(None, [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), host]))
    try:
        page.launch(
            server_name=f"[{host}]" if ":" in host else host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=mcp,
            auth=make_login(users) if users else None,
            footer_links=[],
            max_file_size=largest,
            state_session_capacity=MOST_CONVERSATIONS,
            theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            css=files("ui").joinpath("page.css").read_text(encoding="utf-8"),
            app_kwargs={
                "middleware": guards(host, users, mcp, largest),
                "docs_url": None,
                "redoc_url": None,
                "openapi_url": None,
            },
        )
    except OSError as error:
        raise CitewellError(f"Port {port} on {host} was taken meanwhile. Start it again.") from error
    if page.mcp_error:
        page.close(verbose=False)
        raise CitewellError(f"{page.mcp_error}. Install what it needs: python -m pip install 'citewell[mcp]'")
    return address(host, port)


def address(host: str, port: int) -> str:
    """The URL that a browser on this machine opens."""
    name = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def find_port(host: str, port: int | None) -> int:
    """The port if it is free, or without one the first free of 100 from 7860 on. Raises CitewellError otherwise."""
    for tried in [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        try:
            family = socket.getaddrinfo(host, tried, type=socket.SOCK_STREAM)[0][0]
        except OSError as error:
            raise CitewellError(f"'{host}' is not an address of this machine. Try --host 127.0.0.1.") from error
        try:
            with socket.create_server((host, tried), family=family):
                return tried
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
    wanted = f"Port {port}" if port else f"Ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1}"
    raise CitewellError(f"{wanted} on {host} cannot be used: {reason}. Name a free one: citewell ui --port 8000")


def guards(host: str, users: Users | None, tools: bool, largest: int) -> list[Middleware]:
    """Middleware that sets the policy, limits what a client may ask, guards the login, and keeps visitors apart.

    On a loopback address it refuses requests that name another host: that keeps a page elsewhere from reading the
    articles by pointing its own domain at 127.0.0.1.
    """
    names = [*LOOPBACK, "[::1]", host] if is_loopback(host) else ["*"]
    chain = [
        Middleware(TrustedHostMiddleware, allowed_hosts=names),
        Middleware(_with_policy),
        Middleware(limit_requests, requests=Buckets(REQUESTS_A_MINUTE), posts=Buckets(POSTS_A_MINUTE)),
        Middleware(limit_open, most=MOST_OPEN),
        Middleware(limit_bodies, most=largest + FORM),
    ]
    if users:
        attempts = Buckets(FAILURES_A_MINUTE)
        chain.append(Middleware(limit_logins, attempts=attempts))
        chain.append(Middleware(guard_tools, users=users, attempts=attempts))
    chain.append(Middleware(close_routes, locked=bool(users), tools=tools))
    chain.append(Middleware(limit_uploads, uploads=Buckets(UPLOADS_A_MINUTE)))
    chain.append(Middleware(keep_apart, owners=Owners()))
    return chain


def _with_policy(app: ASGIApp) -> ASGIApp:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await app(scope, receive, send_guarded if scope["type"] == "http" else send)

    return respond
