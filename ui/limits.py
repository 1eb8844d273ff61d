"""What one client may ask of the page: requests a minute, and the size of each."""

from __future__ import annotations

import asyncio
import math
import stat
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.download import OLDEST

REQUESTS_A_MINUTE = 3_000
"""Of a client: fifty loads of the page, 59 requests each; an open page asks for nothing until it is used."""

POSTS_A_MINUTE = 300
"""Of these, those that make it work: a question, a click and a load of the page are one each."""

UPLOADS_A_MINUTE = 30
"""Of the posts, those that leave a file."""

MOST_OPEN = 64
"""Requests of a client that are being answered; an open page is one, two while it waits for an answer."""

MOST_KEPT = 1_000_000_000
"""Bytes of all files that visitors uploaded or are to take along."""

FORM = 2**16
"""Bytes of a request that a form puts around a file."""

MOST_CLIENTS = 10_000
"""That are kept in memory."""


class Buckets:
    """A bucket of tokens for each client, filled evenly; the one not used for longest goes when there are too many."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute = a_minute
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Takes a token and gives 0; where there is none, the seconds until there is."""
        now = self._clock()
        left, since = self._left.pop(client, (float(self.a_minute), now))
        left = min(self.a_minute, left + (now - since) * self.a_minute / 60)
        taken = left >= 1
        self._left[client] = (left - taken, now)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) * 60 / self.a_minute

    def give_back(self, client: str) -> None:
        """Undoes a `take`."""
        if client in self._left:
            left, since = self._left[client]
            self._left[client] = (left + 1, since)


def limit_requests(app: ASGIApp, requests: Buckets, posts: Buckets) -> ASGIApp:
    """Answers 429 to a client that asks too often."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = find_client(scope)
            wait = requests.take(client)
            if not wait and scope["method"] not in ("GET", "HEAD"):
                wait = posts.take(client)
            if wait:
                await refuse_for_now(wait)(scope, receive, send)
                return
        await app(scope, receive, send)

    return respond


def limit_open(app: ASGIApp, most: int) -> ASGIApp:
    """Answers 429 to a client of whom so many requests are open: streams of events, bodies that come in slowly."""
    opened = Counter[str]()

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        client = find_client(scope)
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif opened[client] >= most:
            await refuse_for_now(1)(scope, receive, send)
        else:
            opened[client] += 1
            try:
                await app(scope, receive, send)
            finally:
                opened[client] -= 1
                if not opened[client]:
                    del opened[client]

    return respond


def limit_uploads(app: ASGIApp, uploads: Buckets) -> ASGIApp:
    """Answers 429 to a client that uploads too often, and to all while the files that are kept take too much space.

    Answers 400 to a damaged form, which Gradio's parser meets with errors of any kind.
    """
    damaged = PlainTextResponse("The form is damaged.\n", 400)

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != "/gradio_api/upload":
            await app(scope, receive, send)
            return
        wait = uploads.take(find_client(scope))
        if not wait and await asyncio.to_thread(measure, Path(scope["app"].uploaded_file_dir)) > MOST_KEPT:
            wait = 60
        try:
            await (refuse_for_now(wait) if wait else app)(scope, receive, send)
        except OSError:
            raise
        except Exception:  # before anything was sent: the route sends its reply in one piece
            await damaged(scope, receive, send)

    return respond


def measure(folder: Path) -> int:
    """The bytes of the folder's files, after those have gone that were kept long enough."""
    size = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            state = file.stat()
            if stat.S_ISREG(state.st_mode) and time.time() - state.st_mtime > OLDEST:
                file.unlink()
            else:
                size += state.st_size
    return size


def limit_bodies(app: ASGIApp, most: int) -> ASGIApp:
    """Answers 413 to a body of more than so many bytes, whatever its header says, and reads no more of it."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = PlainTextResponse(f"A request may have {most:,} bytes at most. Send less at a time.\n", 413)
        read, refused = 0, False

        async def receive_counted() -> Message:
            nonlocal read, refused
            message = await receive()
            read += len(message.get("body", b""))
            if read > most and not refused:
                refused = True
                await refusal(scope, receive, send)
            return {"type": "http.disconnect"} if refused else message

        async def send_unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        if scope["type"] != "http":
            await app(scope, receive, send)
        elif _announced(scope) > most:
            await refusal(scope, receive, send)
        else:
            await app(scope, receive_counted, send_unless_refused)

    return respond


def refuse_for_now(wait: float) -> PlainTextResponse:
    """The reply to a client that has to wait so many seconds."""
    seconds = math.ceil(wait)
    unit = "second" if seconds == 1 else "seconds"
    return PlainTextResponse(f"Too many requests. Wait {seconds} {unit}.\n", 429, {"Retry-After": str(seconds)})


def find_client(scope: Scope) -> str:
    """The address of who asks; of IPv6 the network of 64 bits, which belongs to one customer as a whole."""
    host = str((scope.get("client") or ("unknown",))[0])[:64]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False).network_address)


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
