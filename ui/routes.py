"""What of Gradio's server a visitor reaches: the routes that the page uses, after the login where there is one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

API = "/gradio_api"
MCP = f"{API}/mcp"
NAME = "[A-Za-z0-9_-]{1,64}"
"""Of a session, an upload or an event, which the browser or Gradio makes up."""

READ, WRITE, BOTH = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST", "DELETE")

OPEN = (
    (READ, r"/|/(?:assets|static|svelte)/.*|/(?:theme\.css|favicon\.ico|robots\.txt|manifest\.json|logout)"),
    (READ, rf"{API}/startup-events"),  # which Gradio asks of itself
    (WRITE, "/login/?"),
)
"""What everyone may ask for: the form of the login and what it is drawn with."""

PAGE = (
    (READ, rf"/config/?|{API}/(?:info|openapi\.json|login_check|queue/data)|{API}/file=/.*"),
    (READ, rf"{API}/heartbeat/{NAME}"),
    (WRITE, rf"{API}/(?:queue/join|cancel|reset|upload)"),
)
"""What the page asks for."""

TOOLS = (
    (BOTH, rf"{MCP}(?:/.*)?"),
    (WRITE, rf"{API}/call/v2/(?:ask|verify)"),
    (READ, rf"{API}/call/(?:ask|verify)/{NAME}"),
)
"""What programs ask for, with `--mcp`."""

MISSING = PlainTextResponse("There is nothing here.\n", 404)
ELSEWHERE = PlainTextResponse("Another site may not ask this.\n", 403)
LOGGED_OUT = PlainTextResponse("Log in first.\n", 401)


def close_routes(app: ASGIApp, locked: bool, tools: bool) -> ASGIApp:
    """Answers 401 to who has not logged in where the page is locked, 403 to other sites, and 404 off the routes."""
    routes = (*OPEN, *PAGE, *(TOOLS if tools else ()))

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif is_from_elsewhere(scope):
            await ELSEWHERE(scope, receive, send)
        elif locked and not (matches(OPEN, scope) or is_for_mcp(scope) or find_token(scope)):
            await LOGGED_OUT(scope, receive, send)
        elif not matches(routes, scope) or not may_be_fetched(scope):
            await MISSING(scope, receive, send)
        else:
            await app(keep_known(scope), receive, send)

    return respond


def matches(routes: tuple[tuple[tuple[str, ...], str], ...], scope: Scope) -> bool:
    """Whether the request is for one of the routes."""
    return any(scope["method"] in methods and re.fullmatch(path, scope["path"], re.DOTALL) for methods, path in routes)


def is_for_mcp(scope: Scope) -> bool:
    """Whether `ui.login.guard_tools` guards the request."""
    return bool(re.fullmatch(rf"{MCP}(?:/.*)?", scope["path"], re.DOTALL))


def is_from_elsewhere(scope: Scope) -> bool:
    """Whether a browser says that another site's page makes the request; following a link to the page is no such.

    Gradio lets all sites read what it answers. Over plain HTTP browsers leave out `Sec-Fetch-Site`, but say `Origin`.
    """
    headers = Headers(scope=scope)
    if scope["method"] in READ and scope["path"] == "/" and "origin" not in headers:
        return False
    if said := headers.get("sec-fetch-site"):
        return said not in ("none", "same-origin")
    hosts = (headers.get("host"), headers.get("x-forwarded-host"))
    return "origin" in headers and headers["origin"].partition("://")[2] not in hosts


def find_token(scope: Scope) -> str:
    """What proves the login, which the page keeps in a cookie; "" where it proves none."""
    cookies, page = HTTPConnection(scope).cookies, scope["app"]
    for name in (f"access-token-{page.cookie_id}", f"access-token-unsecure-{page.cookie_id}"):
        if (token := cookies.get(name)) in page.tokens:
            return str(token)
    return ""


def keep_known(scope: Scope) -> Scope:
    """The request with nothing in its query but the session; on other fields Gradio breaks, or keeps them for good."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    known = urlencode([(name, value) for name, value in query if name == "session_hash"])
    return {**scope, "query_string": known.encode("ascii")}


def may_be_fetched(scope: Scope) -> bool:
    """Whether a file is one that a handler gave to take along; what was uploaded is given to nobody.

    Gradio itself would also fetch addresses on the internet, and stumbles over odd ranges.
    """
    prefix = f"{API}/file="
    if not scope["path"].startswith(prefix):
        return True
    path, page = scope["path"].removeprefix(prefix), scope["app"]
    if "\0" in path:
        return False
    headers = MutableHeaders(scope=scope)
    del headers["range"]
    real = os.path.realpath(path)
    return Path(real).is_relative_to(page.uploaded_file_dir) and real not in page.get_blocks().upload_file_set
