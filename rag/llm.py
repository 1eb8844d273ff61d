"""Language models, through LlamaIndex: one that the user has set, asked with a time limit and a few retries.

Requests run on an event loop in a thread of its own, so that a reply can be given up at any moment, also while nothing
arrives.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

from pydantic_core import to_jsonable_python

from rag.config import Config
from rag.errors import CitewellError, StoppedError
from rag.schema import Usage

MOST_CHARACTERS = 32_000
"""Of a reply; a longer one is given up."""

FIRST_WAIT = 0.5
"""Seconds before the second attempt where the server asks for none; twice as long before each further one."""

LONGEST_WAIT = 30.0
"""Seconds between two attempts, whatever the server asks for."""

OUTPUT_TOKENS = 1_000
"""Of a reply; six claims have some 300."""

CHARACTERS_A_TOKEN = 3.0
"""A cautious guess: English has four, names and figures less. The providers' own tokenizers need the network."""

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FINISHED = ("finish_reason", "stop_reason", "done_reason")


class LanguageModelError(CitewellError):
    """The model did not answer. `transient` where another attempt may help, after `wait` seconds."""

    def __init__(self, message: str, *, transient: bool = False, wait: float = 0.0) -> None:
        super().__init__(message)
        self.transient = transient
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider's models are made: the class, the extra that brings it, the variable with the key.

    `structured` where every model of it keeps to a JSON schema.
    """

    module: str
    name: str
    extra: str
    key: str
    make: Callable[[Any, str, Config], Any]
    structured: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote; `complete` unless it ran into its limit of tokens."""

    text: str
    usage: Usage
    complete: bool


class LanguageModel:
    """A model to send prompts to; may be asked from several threads."""

    def __init__(self, name: str, llm: Any, config: Config, *, structured: bool = False) -> None:
        self.name = name
        self._llm = llm
        self._config = config
        self._structured = structured

    def ask(
        self,
        system: str,
        user: str,
        on_text: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """The reply. `on_text` gets what there is of it so far, anew from the start after a failed attempt.

        With a schema it is JSON where the provider can promise that, else plain text.

        Raises LanguageModelError when no attempt brings a reply, StoppedError soon after `stop` is set.
        """
        texts: SimpleQueue[str | None] = SimpleQueue()
        reply = asyncio.run_coroutine_threadsafe(self._ask(system, user, texts.put, self._format(schema)), _loop())
        reply.add_done_callback(lambda _: texts.put(None))
        try:
            while (text := _take(texts, stop)) is not None:
                if on_text:
                    on_text(text)
            return reply.result()
        finally:
            reply.cancel()

    def _format(self, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        if not schema or not self._structured:
            return {}
        form = {"name": "reply", "strict": True, "schema": dict(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": form}}

    async def _ask(self, system: str, user: str, on_text: Callable[[str], None], form: dict[str, Any]) -> Reply:
        calls = 0
        while True:
            calls += 1
            try:
                async with asyncio.timeout(self._config.llm_timeout):
                    return await self._read_reply(system, user, on_text, form, calls)
            except Exception as error:  # each provider's client fails in its own ways; a message tells them apart
                fault = _describe(error, self.name, self._config)
                if not fault.transient or calls > self._config.llm_retries:
                    raise fault from error
                await asyncio.sleep(min(fault.wait or FIRST_WAIT * 2 ** (calls - 1), LONGEST_WAIT))

    async def _read_reply(
        self, system: str, user: str, on_text: Callable[[str], None], form: dict[str, Any], calls: int
    ) -> Reply:
        text, ended, tokens = "", "", (0, 0)
        chunks = await self._llm.astream_chat(_messages(system, user), **form)
        async for chunk in _closing(chunks):
            raw = to_jsonable_python(chunk.raw, serialize_unknown=True)
            ended = _find_end(raw) or ended
            tokens = _count_tokens(raw, tokens)
            if chunk.delta:
                text += chunk.delta
                if len(text) > MOST_CHARACTERS:
                    raise LanguageModelError(f"{self.name} wrote more than {MOST_CHARACTERS:,} characters.")
                on_text(text)
        if not text.strip():
            raise LanguageModelError(f"{self.name} answered with nothing.", transient=True)
        if not ended:
            raise LanguageModelError(f"The reply of {self.name} broke off.", transient=True)
        return Reply(text, Usage(calls, *tokens), complete=ended not in ("length", "max_tokens"))


def load_language_model(config: Config) -> LanguageModel | None:
    """The model that the settings name; None where they name none.

    Raises CitewellError for an unknown provider or model, a missing package or a missing key, with what mends it. No
    request is made.
    """
    if not config.llm:
        return None
    provider_name, _, model = config.llm.partition("/")
    provider = PROVIDERS.get(provider_name)
    if not provider or not model:
        known = ", ".join(f"{name}/MODEL" for name in PROVIDERS)
        raise CitewellError(f"CITEWELL_LLM is '{config.llm}', expected one of {known}.")
    if provider.key and not os.environ.get(provider.key):
        raise CitewellError(f"{config.llm} needs a key in {provider.key}. Set it: export {provider.key}=…")
    try:
        llm_class = getattr(importlib.import_module(provider.module), provider.name)
    except ImportError as error:
        raise CitewellError(
            f"{config.llm} needs the package of its provider. Install it: pip install 'citewell[{provider.extra}]'"
        ) from error
    llm = provider.make(llm_class, model, config)
    try:
        _ = llm.metadata  # where the integration looks the model up
    except ValueError as error:
        package = provider.module.replace("_", "-").replace(".", "-")
        raise CitewellError(
            f"{package} does not know the model '{model}'. Correct CITEWELL_LLM, or update it: pip install -U {package}"
        ) from error
    return LanguageModel(config.llm, llm, config, structured=provider.structured)


def find_room(config: Config) -> int:
    """Characters of a prompt that leave room for the reply in the model's context."""
    return int((config.llm_context - OUTPUT_TOKENS) * CHARACTERS_A_TOKEN)


def _make_openai(llm_class: Any, model: str, config: Config) -> Any:
    usage = {"stream_options": {"include_usage": True}}
    return llm_class(
        model=model,
        api_base=config.llm_url,
        temperature=0.0,
        max_tokens=OUTPUT_TOKENS,
        max_retries=0,
        timeout=config.llm_timeout,
        additional_kwargs=usage,
    )


def _make_openai_like(llm_class: Any, model: str, config: Config) -> Any:
    if not config.llm_url:
        raise CitewellError("openai-like/… needs the server's address. Set it: export CITEWELL_LLM_URL=http://…/v1")
    return llm_class(
        model=model,
        api_base=config.llm_url,
        api_key=os.environ.get("OPENAI_API_KEY") or "none",
        is_chat_model=True,
        context_window=config.llm_context,
        temperature=0.0,
        max_tokens=OUTPUT_TOKENS,
        max_retries=0,
        timeout=config.llm_timeout,
    )


def _make_ollama(llm_class: Any, model: str, config: Config) -> Any:
    address = {"base_url": config.llm_url} if config.llm_url else {}
    return llm_class(
        model=model,
        temperature=0.0,
        request_timeout=config.llm_timeout,
        context_window=config.llm_context,
        thinking=False,
        additional_kwargs={"num_predict": OUTPUT_TOKENS},
        **address,
    )


def _make_anthropic(llm_class: Any, model: str, config: Config) -> Any:
    address = {"base_url": config.llm_url} if config.llm_url else {}
    return llm_class(
        model=model, temperature=0.0, max_tokens=OUTPUT_TOKENS, max_retries=0, timeout=config.llm_timeout, **address
    )


PROVIDERS = {
    "openai": Provider("llama_index.llms.openai", "OpenAI", "openai", "OPENAI_API_KEY", _make_openai, structured=True),
    "openai-like": Provider("llama_index.llms.openai_like", "OpenAILike", "openai-like", "", _make_openai_like),
    "ollama": Provider("llama_index.llms.ollama", "Ollama", "ollama", "", _make_ollama),
    "anthropic": Provider("llama_index.llms.anthropic", "Anthropic", "anthropic", "ANTHROPIC_API_KEY", _make_anthropic),
}


def _messages(system: str, user: str) -> list[Any]:
    from llama_index.core.llms import ChatMessage, MessageRole

    return [
        ChatMessage(role=MessageRole.SYSTEM, content=system),
        ChatMessage(role=MessageRole.USER, content=user),
    ]


async def _closing(chunks: Any) -> AsyncIterator[Any]:
    """The chunks; the connection is closed whatever ends the reading."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await chunks.aclose()


def _find_end(raw: Any) -> str:
    """Why the reply ended, as the provider calls it; "" while it goes on."""
    if isinstance(raw, dict):
        for name, value in raw.items():
            if name in _FINISHED and isinstance(value, str):
                return value
            if found := _find_end(value):
                return found
        return "stop" if raw.get("done") is True else ""
    if isinstance(raw, list):
        return next((found for item in raw if (found := _find_end(item))), "")
    return ""


def _count_tokens(raw: Any, before: tuple[int, int]) -> tuple[int, int]:
    usage = raw.get("usage") or raw if isinstance(raw, dict) else {}
    names = (
        ("prompt_tokens", "input_tokens", "prompt_eval_count"),
        ("completion_tokens", "output_tokens", "eval_count"),
    )
    found = [next((usage[n] for n in group if isinstance(usage.get(n), int)), 0) for group in names]
    return max(found[0], before[0]), max(found[1], before[1])


def _describe(error: Exception, name: str, config: Config) -> LanguageModelError:
    """What happened, in one line, and whether to try again."""
    if isinstance(error, LanguageModelError):
        return error
    status = getattr(error, "status_code", None)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, TimeoutError) or kinds & {"APITimeoutError", "TimeoutException"}:
        return LanguageModelError(f"{name} did not answer within {config.llm_timeout:g} seconds.", transient=True)
    if isinstance(status, int) and status > 0:
        reasons = {401: "the key was refused", 403: "access was refused", 404: "there is no such model or address"}
        reasons |= {429: "too many requests, or the quota is used up"}
        reason = reasons.get(status, f"the server answered with status {status}")
        return LanguageModelError(
            f"{name} did not answer: {reason}.", transient=status in _TRANSIENT, wait=_find_wait(error)
        )
    if isinstance(error, ConnectionError) or kinds & {"APIConnectionError", "TransportError"}:
        place = config.llm_url or "its provider"
        return LanguageModelError(f"{name} cannot be reached at {place}.", transient=True)
    return LanguageModelError(f"{name} answered with something that cannot be read ({type(error).__name__}).")


def _find_wait(error: Exception) -> float:
    """Seconds that the server asks to wait; 0 where it says nothing or something else than seconds."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        return max(0.0, float(headers.get("retry-after", 0)))
    except ValueError:
        return 0.0


def _take(texts: SimpleQueue[str | None], stop: threading.Event | None) -> str | None:
    while True:
        if stop and stop.is_set():
            raise StoppedError("Stopped.")
        with suppress(Empty):
            return texts.get(timeout=0.1 if stop else None)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    started: Future[None] = Future()
    threading.Thread(target=_run, args=(loop, started), name="citewell-llm", daemon=True).start()
    started.result()
    return loop


def _run(loop: asyncio.AbstractEventLoop, started: Future[None]) -> None:
    asyncio.set_event_loop(loop)
    loop.call_soon(started.set_result, None)
    loop.run_forever()
