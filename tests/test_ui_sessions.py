"""What strangers and other visitors try on the routes of Gradio's server, over HTTP on loopback."""

import re
import threading
from contextlib import ExitStack
from types import SimpleNamespace

import httpx
import pytest
from visits import Visitor, get, read_routes

from ui.limits import measure
from ui.sessions import Owners, UnsoundError, check_body
from ui.users import add_user, read_users

COMPANIES = "How many Azerbaijani companies operate in Beijing?"


@pytest.fixture(scope="module")
def url(start_page, assistant):
    return start_page(assistant)


@pytest.fixture(scope="module")
def locked(start_page, assistant, tmp_path_factory):
    file = tmp_path_factory.mktemp("auth") / "users.txt"
    for name in ("ada", "grace"):
        add_user(file, name, "engine no. 1")
    return start_page(assistant, read_users(file))


@pytest.fixture(scope="module")
def routes(assistant):
    """Each method and path of Gradio's server."""
    paths = read_routes(assistant)["paths"]
    return [(method, re.sub("[{}]", "", path)) for path, methods in paths.items() for method in methods]


OPEN = {
    "/",
    "/svelte/path",
    "/static/path",
    "/assets/path",
    "/theme.css",
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/logout",
    "/login",
    "/login/",
    "/gradio_api/startup-events",
}
USED = {
    "/config",
    "/config/",
    "/gradio_api/info",
    "/gradio_api/openapi.json",
    "/gradio_api/login_check",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/heartbeat/session_hash",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/upload",
}


def test_a_stranger_gets_the_form_of_the_login_and_nothing_else(locked, routes):
    assert len(routes) > 60
    with httpx.Client(base_url=locked, trust_env=False, timeout=30) as client:
        for method, path in routes:
            assert (client.request(method, path).status_code == 401) == (path not in OPEN), (method, path)


def log_in(url, name):
    """The cookies of a user."""
    form = {"username": name, "password": "engine no. 1"}
    answer = httpx.post(f"{url}/login", data=form, trust_env=False, timeout=30)
    assert answer.status_code == 200
    return {"base_url": url, "cookies": answer.cookies, "trust_env": False, "timeout": 30}


def test_a_user_gets_what_the_page_uses_and_nothing_else(locked, routes):
    with httpx.Client(**log_in(locked, "ada")) as client:
        for method, path in routes:
            if path in OPEN or method == "head" or path == "/gradio_api/heartbeat/session_hash":
                continue
            words = "There is nothing here.\n"
            assert (client.request(method, path).text == words) == (path not in USED), (method, path)
        for path in (
            "/gradio_api/call/ask/x",
            "/gradio_api/queue/join%2f",
            "/config%00",
        ):
            assert client.get(path).status_code == 404
        assert client.get("/logout").status_code == 302
        assert client.get("/config").status_code == 401


def test_nobody_listens_to_cancels_or_ends_another_visitors_session(url, locked):
    mine, other = Visitor(url, "mine"), Visitor(url, "mine")
    assert mine.join("clear", "click", []).status_code == 200
    events = {"session_hash": "mine", "fn_index": 1, "event_id": "x"}
    for answer in (
        other.join("clear", "click", []),
        other.client.get("/gradio_api/queue/data", params={"session_hash": "mine"}),
        other.client.get("/gradio_api/heartbeat/mine"),
        other.client.post("/gradio_api/cancel", json=events),
        get(url, "/gradio_api/queue/data?session_hash=mine"),
    ):
        assert (answer.status_code, answer.text[:12]) == (403, "This session")
    assert mine.client.post("/gradio_api/cancel", json=events).status_code == 200
    with httpx.Client(**log_in(locked, "ada")) as ada, httpx.Client(**log_in(locked, "grace")) as grace:
        assert ada.post("/gradio_api/cancel", json=events).status_code == 200
        assert grace.post("/gradio_api/cancel", json=events).status_code == 403


def test_a_session_that_was_never_used_has_no_stream(url):
    for query in ("session_hash=never", "session_hash=a&session_hash=b", "session_hash=../x", "session_hash=", ""):
        assert get(url, f"/gradio_api/queue/data?{query}").status_code in (400, 404, 422)


def test_a_client_holds_so_many_streams_open_and_no_more(start_page, assistant, monkeypatch):
    monkeypatch.setattr("ui.serve.MOST_OPEN", 3)
    url = start_page(assistant)
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        with ExitStack() as opened:
            streams = [opened.enter_context(client.stream("GET", f"/gradio_api/heartbeat/s{n}")) for n in range(3)]
            assert [stream.status_code for stream in streams] == [200, 200, 200]
            assert client.get("/robots.txt").status_code == 429
        for _ in range(100):
            if client.get("/robots.txt").status_code == 200:
                break
        assert client.get("/robots.txt").status_code == 200


def test_a_client_has_so_many_questions_unanswered_and_no_more(url, assistant, monkeypatch):
    held = threading.Event()
    ask = assistant.ask
    monkeypatch.setattr(assistant, "ask", lambda *args, **options: held.wait(30) and ask(*args, **options))
    monkeypatch.setattr("ui.sessions.MOST_UNANSWERED", 2)
    visitors = [Visitor(url, f"waiting{number}") for number in range(3)]
    codes = [one.join("ask", "click", [COMPANIES, None, None, None, None]).status_code for one in visitors]
    held.set()
    assert codes == [200, 200, 429]
    with visitors[0].client.stream("GET", "/gradio_api/queue/data?session_hash=waiting0") as stream:
        assert "around 245" in "".join(stream.iter_lines())


def test_gradios_variables_open_nothing(start_page, assistant, tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("a secret")
    monkeypatch.setenv("GRADIO_ALLOWED_PATHS", str(tmp_path))
    monkeypatch.setenv("GRADIO_MCP_SERVER", "true")
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/elsewhere")
    url = start_page(assistant)
    assert get(url, f"/gradio_api/file={tmp_path}/secret.txt").status_code == 404
    assert get(url, "/gradio_api/mcp/schema").status_code == 404
    assert "elsewhere" not in get(url, "/").text


def test_the_server_fetches_nothing_from_an_address_that_it_is_told(url):
    for address in ("http://127.0.0.1:9/x", "https://example.org/x", "//example.org/x"):
        for route in ("file=", "file/", "proxy="):
            assert get(url, f"/gradio_api/{route}{address}").status_code == 404


def test_a_page_of_another_site_reads_and_sends_nothing(url):
    for said in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
    ):
        assert get(url, "/config", headers=said).status_code == 403
        assert httpx.post(f"{url}/gradio_api/upload", headers=said, trust_env=False).status_code == 403
        assert get(url, "/", headers=said).status_code == (403 if "Origin" in said else 200)
    for said in ({"Origin": url}, {"Origin": "https://example.org", "Sec-Fetch-Site": "same-origin"}, {}):
        assert get(url, "/config", headers=said).status_code == 200


def test_what_one_visitor_uploads_is_served_to_nobody(url):
    one, other = Visitor(url, "one"), Visitor(url, "other")
    files = {"files": ("draft.md", b"a draft of mine")}
    (path,) = one.client.post("/gradio_api/upload", files=files).json()
    folder = path.rsplit("/", 2)[0]
    for spelt in (
        path,
        f"{folder}/../{path.split('/', 3)[-1]}",
        path.replace("/draft", "//draft"),
        folder,
        f"{folder}/",
    ):
        for visitor in (one, other):
            assert visitor.client.get(f"/gradio_api/file={spelt}").status_code in (403, 404)
    file = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "draft.md", "size": 1}
    assert "a draft of mine" in one.fire("open-draft", "upload", [file])


def test_a_client_that_uploads_too_often_or_too_much_is_put_off(start_page, assistant, monkeypatch, url):
    monkeypatch.setattr("ui.serve.UPLOADS_A_MINUTE", 2)
    files = {"files": ("a.md", b"words")}
    crowded = start_page(assistant)
    codes = [httpx.post(f"{crowded}/gradio_api/upload", files=files, trust_env=False).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    damaged = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b"--x\r\n\r\nx\r\n--x--", b"x" * 1_000):
        answer = httpx.post(f"{url}/gradio_api/upload", content=body, headers=damaged, trust_env=False)
        assert answer.status_code in (200, 400)
    monkeypatch.setattr("ui.limits.MOST_KEPT", 0)
    assert httpx.post(f"{url}/gradio_api/upload", files=files, trust_env=False).status_code == 429


def test_files_that_were_kept_long_enough_go(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.md").write_bytes(b"words")
    assert measure(tmp_path) >= 5
    monkeypatch.setattr("ui.limits.OLDEST", -1)
    measure(tmp_path)
    assert [file.name for file in tmp_path.rglob("*")] == ["folder"]


PAGE = SimpleNamespace(upload_file_set={"kept/a.md"}, fns={0: None, 7: None})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON in UTF-8"),
        (b"\xff{}", "no JSON in UTF-8"),
        ("{}".encode("utf-16"), "no JSON in UTF-8"),
        (b'{"data": NaN}', "no JSON in UTF-8"),
        (b'{"data": "\\ud800"}', "no JSON in UTF-8"),
        (b"[" * 100_000, "no JSON in UTF-8"),
        (b'{"data": ' + b"[" * 50 + b"]" * 50 + b"}", "nests deeper than 20"),
        (b"[]", "no JSON object"),
        (b'{"fn_index": 1}', "no such function"),
        (b'{"fn_index": true}', "no such function"),
        (b'{"session_hash": "../x"}', "names no session"),
        (b'{"session_hash": 7}', "names no session"),
        (b'{"data": [{"path": "kept/b.md"}]}', "not uploaded"),
        (b'{"data": [[{"path": ["kept/a.md"]}]]}', "not uploaded"),
    ],
)
def test_a_body_that_the_page_would_not_send_is_refused(body, words):
    with pytest.raises(UnsoundError, match=words):
        check_body(body, None, PAGE)


def test_a_sound_body_says_whose_session_it_is_for():
    assert check_body(b'{"session_hash": "a-1", "fn_index": 7, "data": [{"path": "kept/a.md"}]}', None, PAGE) == ["a-1"]
    assert check_body(b'{"data": []}', None, PAGE) == []


def test_a_tool_takes_its_one_field_as_text():
    assert check_body(b'{"question": "Who?"}', "ask", PAGE) == []
    for body in (b"{}", b'{"question": 7}', b'{"draft": "x"}', b'{"question": "x", "draft": "x"}'):
        with pytest.raises(UnsoundError, match='"question": "…"'):
            check_body(body, "ask", PAGE)


def test_a_name_belongs_to_whoever_used_it_first(monkeypatch):
    monkeypatch.setattr("ui.sessions.MOST_SESSIONS", 2)
    owners = Owners()
    assert [owners.claim("a", "ada"), owners.claim("a", "eve"), owners.claim("a", "ada")] == [True, False, True]
    owners.claim("b", "ada")
    owners.claim("a", "ada")
    owners.claim("c", "ada")
    assert [owners.claim("a", "eve"), owners.claim("b", "eve")] == [False, True]
