"""What programs get over MCP from a real server on loopback."""

import asyncio
import json
from threading import Event

import httpx
import pytest

from rag.assistant import Assistant
from rag.config import Config
from rag.errors import CitewellError
from ui.tools import ask_alone, check_extra, verify_alone
from ui.users import add_user, read_users

COMPANIES = "How many Azerbaijani companies operate in Beijing?"
DRAFT = "They wrote of “around 245 Azerbaijani companies operating in Beijing” and a “zebra council”."


@pytest.fixture(scope="module")
def start(start_page, assistant):
    pytest.importorskip("mcp")
    return lambda users=None: start_page(assistant, users, tools=True)


@pytest.fixture(scope="module")
def url(start):
    return start()


def converse(url, talk, auth=None):
    """What `talk` gives, called with an open MCP session."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def run():
        async with (
            httpx.AsyncClient(auth=auth, trust_env=False, timeout=30) as client,
            streamable_http_client(f"{url}/gradio_api/mcp/", http_client=client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await talk(session)

    return asyncio.run(run())


def call(url, name, arguments, auth=None):
    result = converse(url, lambda session: session.call_tool(name, arguments), auth)
    return result.isError, result.content[0].text


def test_two_tools_are_offered_and_nothing_else_of_the_page(url):
    tools = converse(url, lambda session: session.list_tools()).tools
    assert [tool.name for tool in tools] == ["ask", "verify"]
    assert [list(tool.inputSchema["properties"]) for tool in tools] == [["question"], ["draft"]]
    assert tools[0].description.startswith("Answers a question about the articles with verbatim quotes")
    info = httpx.get(f"{url}/gradio_api/info", trust_env=False).json()
    assert list(info["named_endpoints"]) == ["/ask", "/verify"]
    assert info["unnamed_endpoints"] == {}
    assert converse(url, lambda session: session.list_resources()).resources == []
    assert converse(url, lambda session: session.list_prompts()).prompts == []


def test_ask_gives_the_answer_as_json(url, assistant):
    failed, text = call(url, "ask", {"question": COMPANIES})
    answer, expected = json.loads(text), assistant.ask(COMPANIES).to_dict()
    assert not failed
    assert answer | {"timings": {}} == json.loads(json.dumps(expected)) | {"timings": {}}
    assert answer["short"] == "around 245"


def test_verify_gives_what_the_command_line_gives(url, assistant):
    failed, text = call(url, "verify", {"draft": DRAFT})
    assert not failed
    assert [one["status"] for one in json.loads(text)["quotations"]] == ["verbatim", "not_found"]
    failed, text = call(url, "verify", {"draft": assistant.ask(COMPANIES).to_json()})
    assert not failed
    assert [one["status"] for one in json.loads(text)["quotations"]] == ["verbatim"]


def test_the_openapi_page_describes_calls_that_work_for_whoever_made_them(url):
    described = httpx.get(f"{url}/gradio_api/openapi.json", trust_env=False).json()["paths"]
    assert sorted(described) == [
        "/gradio_api/call/ask/{event_id}",
        "/gradio_api/call/v2/ask",
        "/gradio_api/call/v2/verify",
        "/gradio_api/call/verify/{event_id}",
        "/gradio_api/upload",
    ]
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        assert client.post("/gradio_api/call/v2/ask", json={"question": COMPANIES, "more": 1}).status_code == 400
        event = client.post("/gradio_api/call/v2/ask", json={"question": COMPANIES}).json()["event_id"]
        assert "around 245" in client.get(f"/gradio_api/call/ask/{event}").text
        client.get("/")
        assert client.get(f"/gradio_api/call/ask/{event}").status_code == 403
        assert client.get(f"/gradio_api/call/ask/{'0' * 32}").status_code == 404
        for path in ("run/ask", "api/ask", "call/ask", "call/v2/lambda"):
            assert client.post(f"/gradio_api/{path}", json={"data": [COMPANIES]}).status_code == 404


def test_what_cannot_be_done_is_said(url):
    assert call(url, "ask", {"question": " "})[0]
    failed, text = call(url, "ask", {"question": "x" * 2_001})
    assert failed
    assert "The question has 2,001 characters; at most 2,000 are read. Shorten it." in text
    failed, text = call(url, "verify", {"draft": " "})
    assert failed
    assert "The draft is empty." in text


def test_with_a_login_programs_send_name_and_password(start, tmp_path, monkeypatch):
    add_user(tmp_path / "users.txt", "ada", "engine no. 1")
    url = start(read_users(tmp_path / "users.txt"))
    assert json.loads(call(url, "ask", {"question": COMPANIES}, ("ada", "engine no. 1"))[1])["short"] == "around 245"
    for path in ("", "/", "/http", "/sse", "/schema", "/messages/"):
        denied = httpx.get(f"{url}/gradio_api/mcp{path}", trust_env=False)
        assert (denied.status_code, denied.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    monkeypatch.setattr("ui.login.check_password", lambda *_: False)
    with httpx.Client(base_url=url, auth=("ada", "engine no. 2"), trust_env=False) as client:
        wrong = [client.post("/gradio_api/mcp/", json={}).status_code for _ in range(11)]
    assert wrong == [401] * 10 + [429]
    assert json.loads(call(url, "ask", {"question": COMPANIES}, ("ada", "engine no. 1"))[1])["answered"]


def test_without_the_extra_the_command_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("ui.tools.find_spec", lambda name: None)
    with pytest.raises(CitewellError, match=r"^--mcp needs another package. Install it: .*citewell\[mcp\]'$"):
        check_extra()


def test_an_answer_that_takes_too_long_is_an_error(seeds_config):
    config = Config(**seeds_config.model_dump(), answer_timeout=1e-6)
    with Assistant.open(config) as assistant, pytest.raises(CitewellError, match="took longer than 1e-06 seconds"):
        asyncio.run(ask_alone(assistant, COMPANIES))


def test_the_json_of_an_answer_is_verified_as_one(assistant):
    assert verify_alone(assistant, assistant.ask(COMPANIES).to_json(), Event()).holds
    assert not verify_alone(assistant, DRAFT, Event()).holds
    with pytest.raises(CitewellError, match="The draft is empty"):
        verify_alone(assistant, "", Event())
