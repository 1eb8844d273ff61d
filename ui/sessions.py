"""Keeps visitors apart: a session belongs to whoever used its name first, and what comes for one has a sound form."""

from __future__ import annotations

import json
import re
import secrets
from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.draft_file import MOST_BYTES
from ui.limits import FORM, find_client, refuse_for_now
from ui.routes import API, NAME, find_token

COOKIE = "citewell-visitor"

MOST_SESSIONS = 20_000
"""Whose visitors are remembered."""

MOST_UNANSWERED = 32
"""Questions and clicks of a client that wait or are worked on; a load of the page has two."""

DEEPEST = 20
"""Brackets within brackets of a request."""

FIELDS = {"ask": "question", "verify": "draft"}
"""The one field of a request that calls a tool."""

JSON = re.compile(rf"{API}/(?:queue/join|cancel|reset|call/v2/(?P<tool>ask|verify))")
ASKS = re.compile(rf"{API}/(?:queue/join|call/v2/(?:ask|verify))")
STREAMS = re.compile(rf"{API}/(?:queue/data|call/(?:ask|verify)/{NAME})")
NAMED = re.compile(rf"{API}/(?:heartbeat|call/(?:ask|verify))/(?P<name>{NAME})")

NOT_YOURS = PlainTextResponse("This session belongs to another visitor. Reload the page.\n", 403)
NO_SESSION = PlainTextResponse("There is no such session. Reload the page.\n", 404)


class Owners:
    """Which visitor each name belongs to; the one not used for longest goes when there are too many."""

    def __init__(self) -> None:
        self._visitors: OrderedDict[str, str] = OrderedDict()

    def claim(self, name: str, visitor: str) -> bool:
        """Whether the name is the visitor's, to whom it belongs from the first use on."""
        owner = self._visitors.setdefault(name, visitor)
        self._visitors.move_to_end(name)
        if len(self._visitors) > MOST_SESSIONS:
            self._visitors.popitem(last=False)
        return owner == visitor


class UnsoundError(ValueError):
    """A request's body is none that the page would send; the message says what is wrong."""


def keep_apart(app: ASGIApp, owners: Owners) -> ASGIApp:
    """Answers 403 to whoever names another's session, 400 to an unsound body, and gives each browser a cookie."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        try:
            names = find_names(scope)
            if scope["method"] == "POST" and (route := JSON.fullmatch(scope["path"])):
                body, receive = await read_body(receive)
                if body is None:
                    return
                names += check_body(body, route["tool"], scope["app"].get_blocks())
        except UnsoundError as error:
            await PlainTextResponse(f"{error}\n", 400)(scope, receive, send)
            return
        visitor, greeting = find_visitor(scope)
        if not all(owners.claim(name, visitor) for name in names):
            await NOT_YOURS(scope, receive, send)
        elif STREAMS.fullmatch(scope["path"]) and not all(is_open(scope, name) for name in names):
            await NO_SESSION(scope, receive, send)
        elif ASKS.fullmatch(scope["path"]) and count_unanswered(scope) >= MOST_UNANSWERED:
            await refuse_for_now(1)(scope, receive, send)
        else:
            await app(scope, receive, greet(send, greeting) if greeting else send)

    return respond


def find_names(scope: Scope) -> list[str]:
    """The names of sessions and events that the request's address holds. Raises UnsoundError for odd ones."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given = query.get("session_hash", [])
    if not all(re.fullmatch(NAME, name) for name in given) or len(given) > 1:
        raise UnsoundError("The address names no session, or more than one.")
    named = NAMED.fullmatch(scope["path"])
    return [*given, *([named["name"]] if named else [])]


async def read_body(receive: Receive) -> tuple[bytes | None, Receive]:
    """The whole body, None where the client has gone, and what gives it once more.

    Raises UnsoundError for a body that is longer than any draft.
    """
    chunks, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None, receive
        chunks.append(message.get("body", b""))
        if sum(map(len, chunks)) > MOST_BYTES + FORM:
            raise UnsoundError("The body is too long.")
        more = message.get("more_body", False)
    body, given = b"".join(chunks), False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, receive_again


def check_body(body: bytes, tool: str | None, page: Any) -> list[str]:
    """The session that a body names, if it names one. Raises UnsoundError for what Gradio would stumble over."""
    try:
        fields = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        json.dumps(fields, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise UnsoundError("The body is no JSON in UTF-8.") from error
    if not isinstance(fields, dict):
        raise UnsoundError("The body is no JSON object.")
    check_values(fields, page.upload_file_set)
    if tool:
        if list(fields) != [FIELDS[tool]] or not isinstance(fields[FIELDS[tool]], str):
            raise UnsoundError(f'Send {{"{FIELDS[tool]}": "…"}} and nothing else.')
        return []
    function = fields.get("fn_index")
    if function is not None and (type(function) is not int or function not in page.fns):
        raise UnsoundError("The page has no such function. Reload it.")
    session = fields.get("session_hash")
    if session is not None and not (isinstance(session, str) and re.fullmatch(NAME, session)):
        raise UnsoundError("The body names no session.")
    return [session] if session else []


def check_values(fields: dict[str, Any], uploads: set[str]) -> None:
    """Raises UnsoundError for values nested too deep, and for a file that was not uploaded here.

    Gradio fetches files from the addresses that it is told.
    """
    level: list[Any] = [fields]
    for _ in range(DEEPEST):
        for value in level:
            if isinstance(value, dict) and "path" in value and str(value["path"]) not in uploads:
                raise UnsoundError("The file was not uploaded here.")
        lists = [value.values() if isinstance(value, dict) else value for value in level]
        level = [item for values in lists for item in values if isinstance(item, dict | list)]
        if not level:
            return
    raise UnsoundError(f"The body nests deeper than {DEEPEST} brackets.")


def find_visitor(scope: Scope) -> tuple[str, str]:
    """Who asks: by the login, the browser's cookie, or else the address; and a new cookie where a browser has none."""
    if token := find_token(scope):
        return f"login {token}", ""
    if cookie := HTTPConnection(scope).cookies.get(COOKIE):
        return f"cookie {cookie[:64]}", ""
    return f"client {find_client(scope)}", secrets.token_urlsafe(32) if scope["path"] == "/" else ""


def greet(send: Send, cookie: str) -> Send:
    """Adds the cookie to a response."""

    async def send_greeting(message: Message) -> None:
        if message["type"] == "http.response.start":
            value = f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax".encode()
            message = {**message, "headers": [*message.get("headers", []), (b"set-cookie", value)]}
        await send(message)

    return send_greeting


def is_open(scope: Scope, name: str) -> bool:
    """Whether Gradio has, or had, something to say to the session; it breaks off a stream to any other."""
    return name in scope["app"].get_blocks()._queue.pending_messages_per_session


def count_unanswered(scope: Scope) -> int:
    """The client's events that Gradio has not finished."""
    client, events = find_client(scope), scope["app"].get_blocks()._queue.event_ids_to_events
    return sum(find_client(event.request.scope) == client for event in list(events.values()))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
