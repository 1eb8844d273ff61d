"""The page as a stranger on the network meets it: a real server on loopback, with and without a login."""

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from visits import Visitor, get

from rag.assistant import Assistant
from rag.config import Config
from rag.draft_file import MOST_BYTES
from ui.limits import FORM
from ui.users import add_user, read_users

COMPANIES = "How many Azerbaijani companies operate in Beijing?"
EVILS = "What did Xi say about the three evil forces?"
NAME, PASSWORD = "ada", "engine no. 1"


@pytest.fixture(scope="module")
def users_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("auth") / "users.txt"
    add_user(file, NAME, PASSWORD)
    return file


@pytest.fixture(scope="module")
def assistant(seeds_config, users_file):
    with Assistant.open(Config(**seeds_config.model_dump(), auth=users_file)) as assistant:
        yield assistant


@pytest.fixture(scope="module")
def start(start_page, assistant):
    return lambda users=None: start_page(assistant, users)


@pytest.fixture(scope="module")
def url(start):
    return start()


@pytest.fixture(scope="module")
def locked(start, users_file):
    return start(read_users(users_file))


def log_in(client, password=PASSWORD):
    return client.post("/login", data={"username": NAME, "password": password})


def test_without_a_login_nothing_of_the_articles_is_served(locked):
    page = get(locked, "/")
    assert page.status_code == 200
    assert '"auth_required":true' in page.text.replace(" ", "")
    assert "companies" not in page.text
    for path in ("/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x", "/gradio_api/file=x"):
        assert get(locked, path).status_code == 401
    for path in ("/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/run/ask", "/gradio_api/call/ask"):
        assert httpx.post(locked + path, json={"data": []}, trust_env=False).status_code == 401


def test_a_user_logs_in_and_a_wrong_password_does_not(locked):
    with httpx.Client(base_url=locked, trust_env=False, timeout=30) as client:
        assert log_in(client, "engine no. 2").status_code == 400
        assert client.get("/config").status_code == 401
        assert log_in(client).status_code == 200
        assert client.get("/config").json()["title"] == "Citewell"


def test_the_eleventh_failed_login_of_a_minute_is_put_off(start, users_file, monkeypatch):
    locked = start(read_users(users_file))
    monkeypatch.setattr("ui.login.check_password", lambda users, name, password: password == PASSWORD)
    with httpx.Client(base_url=locked, trust_env=False, timeout=30) as client:
        assert [log_in(client).status_code for _ in range(12)] == [200] * 12
        assert [log_in(client, "wrong").status_code for _ in range(10)] == [400] * 10
        late = log_in(client)
        assert (late.status_code, late.headers["Retry-After"]) == (429, "6")
        assert late.text == "Too many requests. Wait 6 seconds.\n"
        assert client.post("/login/", data={"username": NAME, "password": "wrong"}).status_code == 429


def test_a_body_that_is_too_large_is_refused_announced_or_not(url):
    words = f"A request may have {MOST_BYTES + FORM:,} bytes at most. Send less at a time.\n"
    announced = httpx.post(url + "/gradio_api/upload", content=b"x" * (MOST_BYTES + FORM + 1), trust_env=False)
    chunked = httpx.post(
        url + "/gradio_api/queue/join", content=iter([b" " * 1_000_000] * 11), trust_env=False, timeout=30
    )
    for answer in (announced, chunked):
        assert (answer.status_code, answer.text) == (413, words)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_client_that_asks_too_often_is_put_off(start, monkeypatch):
    monkeypatch.setattr("ui.serve.REQUESTS_A_MINUTE", 30)
    monkeypatch.setattr("ui.serve.POSTS_A_MINUTE", 2)
    url = start()
    posts = [httpx.post(url + "/gradio_api/reset", json={}, trust_env=False).status_code for _ in range(3)]
    assert posts[2] == 429
    assert 429 not in posts[:2]
    codes = [get(url, "/robots.txt").status_code for _ in range(40)]
    assert codes[0] == 200
    assert codes[-1] == 429


@pytest.fixture(scope="module")
def secrets(seeds_config, users_file):
    article = next(seeds_config.corpus.glob("*.txt"))
    manifest = next(file for file in sorted(seeds_config.index.rglob("*")) if file.is_file())
    return [str(article), str(manifest), str(users_file), "/etc/passwd", "/proc/self/environ"]


def spellings(path):
    bare = path.lstrip("/")
    yield from (path, quote(path, safe=""), bare, f"//{bare}", f"../../../../../../{bare}", "..%2f" * 6 + bare)
    yield from (f"file://{path}", f"static/../../../../../../{bare}", f"%2e%2e/%2e%2e/%2e%2e/{bare}")


ROUTES = (
    "/gradio_api/file=",
    "/gradio_api/file/",
    "/file=",
    "/file/",
    "/static/",
    "/assets/",
    "/svelte/",
    "/gradio_api/proxy=",
    "/gradio_api/custom_component/x/client/component/",
    "/",
)


def test_no_route_gives_a_file_of_this_machine(url, secrets):
    held = [Path(path).read_bytes() for path in secrets]
    paths = [(route, spelt) for route in ROUTES for path in secrets for spelt in spellings(path)]
    with httpx.Client(trust_env=False, timeout=30) as client:
        for route, spelt in paths:
            answer = client.get(httpx.URL(url, raw_path=(route + spelt).encode()))
            assert answer.status_code in (307, 400, 403, 404, 405), (route, spelt)
            assert not any(secret and secret[:200] in answer.content for secret in held)


def test_a_visitor_sees_no_turn_of_another(url):
    one, other = Visitor(url, "one"), Visitor(url, "other")
    assert "around 245" in one.ask(COMPANIES)
    seen = other.ask(EVILS)
    assert "three evil forces" in seen
    assert COMPANIES not in seen
    assert "1 idle" in seen
    assert "2 idle" not in seen
    assert COMPANIES in one.ask("And in 2017?")
    assert "2 idle" not in other.fire("clear", "click", [])
    assert "3 idle" in one.ask(EVILS)


def test_a_question_that_is_too_long_is_not_asked(url):
    seen = Visitor(url, "long").ask("x" * 2_001)
    assert "The question has 2,001 characters; at most 2,000 are read. Shorten it." in seen
    assert "1 busy" not in seen


def test_a_file_that_was_not_uploaded_is_neither_opened_nor_fetched(url, secrets):
    for path in [*secrets[:3], f"{url}/robots.txt", "", None, [], {}]:  # a page that fell for this would delete it
        file = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "a.txt", "size": 1}
        joined = Visitor(url, "upload").join("open-draft", "upload", [file])
        assert (joined.status_code, joined.text) == (400, "The file was not uploaded here.\n")
    assert all(Path(path).read_bytes() for path in secrets[:3])
