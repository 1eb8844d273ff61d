"""A real OpenAI-compatible server on loopback whose replies, and misbehaviour, a test writes down."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]


class Server:
    """What the server was asked, and what it does next: an act a request, the last one again and again."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self.acts = list(acts)
        self.requests: list[dict[str, Any]] = []
        self.url = ""
        self.hung_up = threading.Event()

    def next_act(self) -> Act:
        return self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]

    @property
    def prompts(self) -> list[str]:
        """System and user message of each request."""
        return ["\n".join(message["content"] for message in request["messages"]) for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    """One request: it notes it down and does what the script says."""

    script: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.script.requests.append(json.loads(body))
        try:
            self.script.next_act()(self)
        except (BrokenPipeError, ConnectionResetError):
            self.script.hung_up.set()
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self, kind: str = "text/event-stream") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_event(self, data: str) -> None:
        self.send_chunk(f"data: {data}\n\n".encode())

    def send_chunk(self, payload: bytes) -> None:
        self.wfile.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
        self.wfile.flush()

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")


def chunk(content: str | None = None, finish: str | None = None, **more: Any) -> str:
    """A piece of a streamed reply as JSON."""
    delta = {"role": "assistant", "content": content} if content is not None else {}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    base = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": choices}
    return json.dumps(base | more)


def reply(text: str, finish: str = "stop", pieces: int = 7, pause: float = 0.0) -> Act:
    """The text in pieces of so many characters, the reason of the end, and the count of tokens."""

    def act(handler: Handler) -> None:
        handler.begin_stream()
        for start in range(0, len(text), pieces):
            handler.send_event(chunk(text[start : start + pieces]))
            time.sleep(pause)
        handler.send_event(chunk(finish=finish))
        handler.send_event(chunk(choices=[], usage={"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}))
        handler.send_event("[DONE]")
        handler.end_stream()

    return act


def anthropic_reply(text: str, end: str = "end_turn", pieces: int = 7) -> Act:
    """The same as `reply`, as Anthropic's messages; without an end, cut off in good order."""
    usage = {"input_tokens": 11, "output_tokens": 1}
    message = {"id": "x", "type": "message", "role": "assistant", "content": [], "model": "scripted"}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": usage}
    deltas = [{"type": "text_delta", "text": text[start : start + pieces]} for start in range(0, len(text), pieces)]
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    events += [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    if end:
        delta = {"stop_reason": end, "stop_sequence": None}
        events.append({"type": "content_block_stop", "index": 0})
        events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}})
        events.append({"type": "message_stop"})

    def act(handler: Handler) -> None:
        handler.begin_stream()
        for event in events:
            handler.send_chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        handler.end_stream()

    return act


def ollama_reply(text: str, end: str = "stop", pieces: int = 7) -> Act:
    """The same as `reply`, as Ollama's lines of JSON; without an end, cut off in good order."""

    def act(handler: Handler) -> None:
        handler.begin_stream("application/x-ndjson")
        lines: list[dict[str, Any]] = [
            {"message": {"role": "assistant", "content": text[start : start + pieces]}, "done": False}
            for start in range(0, len(text), pieces)
        ]
        if end:
            last = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": end}
            lines.append(last | {"prompt_eval_count": 11, "eval_count": 5})
        for line in lines:
            handler.send_chunk(
                json.dumps({"model": "scripted", "created_at": "2026-01-01T00:00:00Z"} | line).encode() + b"\n"
            )
        handler.end_stream()

    return act


def status(code: int, **headers: str) -> Act:
    """An error with this status."""
    return lambda handler: handler.send(code, b'{"error": {"message": "no", "type": "x"}}', **headers)


def body(data: bytes, kind: str = "application/json") -> Act:
    """A success with something else than a stream."""
    return lambda handler: handler.send(200, data, Content_Type=kind)


def cut(text: str, *, clean: bool) -> Act:
    """The text, then the end of the connection: in good order but without a reason, or in the middle of a chunk."""

    def act(handler: Handler) -> None:
        handler.begin_stream()
        handler.send_event(chunk(text))
        if clean:
            handler.end_stream()
        else:
            handler.wfile.write(b"40\r\ndata: {")
            handler.wfile.flush()
            handler.connection.close()

    return act


def hang(text: str = "", seconds: float = 20.0) -> Act:
    """The text and then nothing for a while; notes when the client hangs up."""

    def act(handler: Handler) -> None:
        handler.begin_stream()
        if text:
            handler.send_event(chunk(text))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            handler.send_event(chunk(""))
            time.sleep(0.05)

    return act


@contextmanager
def serve(*acts: Act) -> Iterator[Server]:
    """The server, running."""
    script = Server(acts)
    handler = type("Scripted", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
