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

FIRST_PORT = 7860
PORTS_TRIED = 100
LOOPBACK = ("127.0.0.1", "localhost", "::1")

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""What a browser may load: nothing from elsewhere, whatever an article says (Gradio needs the two 'unsafe-…')."""


def serve(page: gr.Blocks, host: str, port: int | None) -> str:
    """Starts to serve the page in a thread and returns its URL; `page.block_thread()` waits for Ctrl+C.

    Without a port it takes the first free one from 7860 on. Raises CitewellError when the host or the port cannot be
    had.
    """
    port = find_port(host, port)
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
            mcp_server=False,
            footer_links=[],
            max_file_size=MOST_BYTES,
            theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            css=files("ui").joinpath("page.css").read_text(encoding="utf-8"),
            app_kwargs={"middleware": guards(host), "docs_url": None, "redoc_url": None, "openapi_url": None},
        )
    except OSError as error:
        raise CitewellError(f"Port {port} on {host} was taken meanwhile. Start it again.") from error
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


def guards(host: str) -> list[Middleware]:
    """Middleware that sets the policy and, on a loopback address, refuses requests that name another host.

    The second keeps a page elsewhere from reading the articles by pointing its own domain at 127.0.0.1.
    """
    names = [*LOOPBACK, "[::1]"] if host in LOOPBACK else ["*"]
    return [Middleware(TrustedHostMiddleware, allowed_hosts=names), Middleware(_with_policy)]


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
