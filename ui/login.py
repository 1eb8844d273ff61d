"""Who is let in: the login of Gradio's page over the file of users, and the same for programs that speak MCP."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import CitewellError
from ui.limits import Buckets, find_client, refuse_for_now
from ui.routes import is_for_mcp
from ui.users import Users, check_password

FAILURES_A_MINUTE = 10
"""Of a client."""


def check_door(host: str, guarded: bool, insecure: bool) -> None:
    """Raises CitewellError where everyone who reaches the address could read the articles and nobody said so."""
    if not (is_loopback(host) or guarded or insecure):
        raise CitewellError(
            f"Everyone who reaches '{host}' could read the articles. Ask for a login: "
            "CITEWELL_AUTH=users.txt citewell ui --add-user NAME, then start with CITEWELL_AUTH=users.txt. "
            "Or start with --insecure."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; of names, that is "localhost" alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def make_login(users: Users) -> Callable[[str, str], Any]:
    """Gradio's `auth`, which it awaits, so that hashing does not hold up the other visitors."""

    async def log_in(name: str, password: str) -> bool:
        return await asyncio.to_thread(check_password, users, name, password)

    return log_in


def limit_logins(app: ASGIApp, attempts: Buckets) -> ASGIApp:
    """Answers 429 to a client whose logins failed too often; one that succeeds does not count."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        client = find_client(scope)

        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                attempts.give_back(client)
            await send(message)

        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].rstrip("/") != "/login":
            await app(scope, receive, send)
        elif wait := attempts.take(client):
            await refuse_for_now(wait)(scope, receive, send)
        else:
            await app(scope, receive, send_noting)

    return respond


def guard_tools(app: ASGIApp, users: Users, attempts: Buckets) -> ASGIApp:
    """Asks for name and password (HTTP Basic) where Gradio serves MCP, which its own login leaves open.

    Failures count as those of the page's login.
    """
    key, known = secrets.token_bytes(32), set[bytes]()  # hashing a password anew takes too long for each request
    denial = PlainTextResponse(
        "Name and password are missing or wrong. Send them as HTTP Basic authentication.\n",
        401,
        {"WWW-Authenticate": 'Basic realm="Citewell", charset="UTF-8"'},
    )

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_for_mcp(scope):
            await app(scope, receive, send)
            return
        client, credentials = find_client(scope), read_credentials(Headers(scope=scope).get("authorization", ""))
        print_of_these = hmac.digest(key, "\0".join(credentials).encode("utf-8", "surrogatepass"), "sha256")
        if print_of_these not in known and credentials != ("", ""):
            if wait := attempts.take(client):
                await refuse_for_now(wait)(scope, receive, send)
                return
            if await asyncio.to_thread(check_password, users, *credentials):
                attempts.give_back(client)
                known.add(print_of_these)
        await (app if print_of_these in known else denial)(scope, receive, send)

    return respond


def read_credentials(header: str) -> tuple[str, str]:
    """Name and password of an `Authorization: Basic …` header; two empty texts for any other."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
