"""A language model through its provider's real client, against a server that misbehaves."""

import threading
import time

import pytest
from scripted import anthropic_reply, body, cut, hang, ollama_reply, reply, serve, status

import rag.llm
from rag.config import Config
from rag.errors import CitewellError, StoppedError
from rag.llm import MOST_CHARACTERS, LanguageModelError, load_language_model


def load(url, **settings):
    return load_language_model(Config(llm="openai-like/scripted", llm_url=url, **settings))


@pytest.fixture(scope="module", autouse=True)
def warm():
    """The first request imports the client, which takes seconds that are not the server's."""
    with serve(reply("Fine.")) as server:
        load(server.url).ask("", "?")


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr(rag.llm, "FIRST_WAIT", 0.01)


def test_a_reply_arrives_in_pieces_with_its_tokens():
    texts = []
    with serve(reply("- It rained. [S1]\n")) as server:
        got = load(server.url).ask("Be brief.", "What happened?", texts.append)
    assert got.text == texts[-1] == "- It rained. [S1]\n"
    assert texts[0] == "- It ra"
    assert (got.usage.calls, got.usage.prompt_tokens, got.usage.completion_tokens) == (1, 11, 5)
    assert got.complete
    (request,) = server.requests
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert request["temperature"] == 0.0


def test_a_reply_that_ran_into_its_limit_says_so():
    with serve(reply("- It rai", finish="length")) as server:
        assert not load(server.url).ask("", "?").complete


@pytest.mark.parametrize(
    "fault",
    [
        status(429),
        status(500),
        status(503, Retry_After="0"),
        cut("- It", clean=True),
        cut("- It", clean=False),
        reply(""),
        lambda handler: handler.connection.close(),
    ],
    ids=["429", "500", "503", "cut cleanly", "cut", "empty", "closed"],
)
def test_a_passing_fault_is_tried_again(fault):
    with serve(fault, reply("Fine.")) as server:
        got = load(server.url).ask("", "?")
    assert (got.text, got.usage.calls) == ("Fine.", 2)


@pytest.mark.parametrize(
    ("fault", "calls", "message"),
    [
        (status(429), 3, "too many requests"),
        (status(500), 3, "the server answered with status 500"),
        (status(401), 1, "the key was refused"),
        (status(404), 1, "no such model or address"),
        (status(400), 1, "status 400"),
        (reply("  "), 3, "answered with nothing"),
        (cut("- It", clean=True), 3, "broke off"),
        (body(b"<html>It works</html>", "text/html"), 3, "answered with nothing"),
        (body(b"{}"), 3, "answered with nothing"),
        (body(b""), 3, "answered with nothing"),
        (body(b"x" * 1_000_000), 3, "answered with nothing"),
        (body(b"data: {nonsense\n\n", "text/event-stream"), 1, "cannot be read"),
        (reply("x" * 1_000_000, pieces=10_000), 1, f"more than {MOST_CHARACTERS:,} characters"),
    ],
    ids=[
        "429",
        "500",
        "401",
        "404",
        "400",
        "blank",
        "cut",
        "html",
        "{}",
        "none",
        "1 MB body",
        "nonsense",
        "1 MB reply",
    ],
)
def test_a_lasting_fault_ends_after_few_attempts_with_its_reason(fault, calls, message):
    with serve(fault) as server, pytest.raises(LanguageModelError, match=message):
        load(server.url).ask("", "?")
    assert len(server.requests) == calls


def test_retry_after_is_waited_for_but_not_for_hours(monkeypatch):
    with serve(status(429, Retry_After="0.3"), reply("Fine.")) as server:
        start = time.monotonic()
        load(server.url).ask("", "?")
    assert time.monotonic() - start >= 0.3
    monkeypatch.setattr(rag.llm, "LONGEST_WAIT", 0.1)
    with serve(status(429, Retry_After="7200"), reply("Fine.")) as server:
        start = time.monotonic()
        load(server.url).ask("", "?")
    assert time.monotonic() - start < 5


def test_a_server_that_drips_is_given_up_after_the_time_limit():
    with serve(hang("- It")) as server:
        start = time.monotonic()
        with pytest.raises(LanguageModelError, match=r"did not answer within 0\.5 seconds"):
            load(server.url, llm_timeout=0.5, llm_retries=0).ask("", "?")
        assert time.monotonic() - start < 5
        assert server.hung_up.wait(5)


def test_a_refused_connection_names_the_address():
    with serve(reply("")) as server:
        url = server.url
    with pytest.raises(LanguageModelError, match=f"cannot be reached at {url}"):
        load(url, llm_retries=0).ask("", "?")


def test_stop_ends_the_request():
    with serve(hang("- It")) as server:
        stop = threading.Event()
        start = time.monotonic()
        with pytest.raises(StoppedError):
            load(server.url).ask("", "?", lambda text: stop.set(), stop)
        assert time.monotonic() - start < 5
        assert server.hung_up.wait(5)


def test_what_the_listener_raises_ends_the_request_too():
    def listen(text):
        raise KeyError(text)

    with serve(hang("- It")) as server:
        with pytest.raises(KeyError):
            load(server.url).ask("", "?", listen)
        assert server.hung_up.wait(5)


def test_threads_share_a_model():
    with serve(reply("Fine.", pause=0.01)) as server:
        model = load(server.url)
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(model.ask("", "?").text)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert replies == ["Fine."] * 8


def test_no_model_is_made_unless_one_is_set():
    assert load_language_model(Config()) is None


@pytest.mark.parametrize("name", ["gpt", "openai", "openai/", "hal/9000", "/x"])
def test_a_name_that_is_no_model_is_refused(name):
    with pytest.raises(CitewellError, match=f"CITEWELL_LLM is '{name}', expected one of openai/MODEL"):
        load_language_model(Config(llm=name))


def test_a_missing_key_and_address_are_named(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(CitewellError, match=r"needs a key in OPENAI_API_KEY\. Set it: export OPENAI_API_KEY=…"):
        load_language_model(Config(llm="openai/gpt-4o-mini"))
    with pytest.raises(CitewellError, match="Set it: export CITEWELL_LLM_URL"):
        load_language_model(Config(llm="openai-like/x"))


@pytest.mark.parametrize("name", ["openai/claude-sonnet-4-5", "anthropic/gpt-4o"])
def test_a_model_that_its_provider_does_not_have_is_named(monkeypatch, name):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    provider, model = name.split("/")
    with pytest.raises(CitewellError, match=f"llama-index-llms-{provider} does not know the model '{model}'"):
        load_language_model(Config(llm=name))


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "llama_index.llms.ollama", None)
    with pytest.raises(CitewellError, match=r"pip install 'citewell\[ollama\]'"):
        load_language_model(Config(llm="ollama/qwen3:8b"))


OTHERS = [("anthropic/claude-sonnet-4-5", anthropic_reply, "max_tokens"), ("ollama/qwen3:8b", ollama_reply, "length")]


@pytest.mark.parametrize(("name", "answer", "limit"), OTHERS, ids=["anthropic", "ollama"])
def test_other_providers_are_read_through_their_own_clients(monkeypatch, name, answer, limit):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    texts = []
    with serve(answer("- It rained. [S1]\n"), answer("- It rai", end=limit), answer("- It", end="")) as server:
        model = load_language_model(Config(llm=name, llm_url=server.url.removesuffix("/v1")))
        got = model.ask("Be brief.", "What happened?", texts.append, schema={"type": "object"})
        cut_short = model.ask("", "?")
        with pytest.raises(LanguageModelError, match=f"The reply of {name} broke off"):
            model.ask("", "?")
    assert got.text == texts[-1] == "- It rained. [S1]\n"
    assert texts[0] == "- It ra"
    assert (got.usage.calls, got.usage.prompt_tokens, got.usage.completion_tokens) == (1, 11, 5)
    assert got.complete
    assert not cut_short.complete
    assert "Be brief." in str(server.requests[0])


@pytest.mark.parametrize(("name", "answer"), [other[:2] for other in OTHERS], ids=["anthropic", "ollama"])
def test_other_providers_are_asked_again_after_an_error(monkeypatch, name, answer):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    with serve(status(503), answer("Fine.")) as server:
        model = load_language_model(Config(llm=name, llm_url=server.url.removesuffix("/v1")))
        assert model.ask("", "?").usage.calls == 2
    with pytest.raises(LanguageModelError, match=f"{name} cannot be reached at http://127"):
        model.ask("", "?")


def test_openai_is_asked_for_json_where_there_is_a_schema(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with serve(reply("{}")) as server:
        model = load_language_model(Config(llm="openai/gpt-4o-mini", llm_url=server.url))
        model.ask("", "?", schema={"type": "object"})
        model.ask("", "?")
    first, second = server.requests
    assert first["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "response_format" not in second
