"""What schemathesis makes up for each open route of the page's server: nothing breaks it and nothing of it leaks."""

import re
from contextlib import suppress

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from visits import Visitor, get, read_routes

from ui.routes import OPEN, PAGE, TOOLS, matches

COMPANIES = "How many Azerbaijani companies operate in Beijing?"
LEAKS = re.compile(r"Traceback \(most recent|File \"/|site-packages|\.py\b.{0,3}line \d")
FEW = settings(
    max_examples=6,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def url(start_page, assistant):
    pytest.importorskip("mcp")
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("REQUESTS_A_MINUTE", "POSTS_A_MINUTE", "UPLOADS_A_MINUTE"):
            patch.setattr(f"ui.serve.{limit}", 1_000_000)
        yield start_page(assistant, tools=True)


def send(url, case):
    """The status and the first words of the reply; streams that never end are not read to their end."""
    with requests.Session() as session:
        session.trust_env = False
        with session.request(**case.as_transport_kwargs(base_url=url), stream=True, timeout=20) as answer:
            streams = answer.headers.get("content-type", "").startswith("text/event-stream")
            words = next(answer.iter_content(4_096), b"") if streams else answer.content
            return answer.status_code, words.decode("utf-8", "replace")


def attack(url, operation, mode):
    @seed(7)
    @FEW
    @given(case=operation.as_strategy(generation_mode=mode))
    def send_one(case):
        status, words = send(url, case)
        assert status < 500, (status, case.as_curl_command())
        assert not LEAKS.search(words), case.as_curl_command()

    with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parameters
        send_one()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_open_route_breaks_or_tells_of_its_files(url, assistant, mode):
    for schema in (read_routes(assistant), get(url, "/gradio_api/openapi.json").json()):
        for found in schemathesis.openapi.from_dict(schema).get_all_operations():
            operation = found.ok()
            asked = {"method": operation.method.upper(), "path": re.sub("[{}]", "", operation.path)}
            if matches((*OPEN, *PAGE, *TOOLS), asked):  # the others are closed, which test_ui_sessions.py sees to
                attack(url, operation, mode)
    assert "around 245" in Visitor(url, f"after-{mode.value}").ask(COMPANIES)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def test_no_event_of_the_page_breaks_on_values_that_it_would_not_send(url):
    visitor = Visitor(url, "values")
    functions = [one["id"] for one in visitor.config["dependencies"]]

    @seed(7)
    @settings(FEW, max_examples=60)
    @given(st.sampled_from(functions), st.lists(VALUES, max_size=6), VALUES, st.none() | st.integers())
    def fire(function, data, event_data, trigger):
        body = {"fn_index": function, "data": data, "event_data": event_data, "trigger_id": trigger}
        joined = visitor.client.post("/gradio_api/queue/join", json=body | {"session_hash": "values"})
        assert joined.status_code < 500
        if joined.status_code == 200:
            address = "/gradio_api/queue/data?session_hash=values"
            with visitor.client.stream("GET", address) as stream:
                assert not LEAKS.search("".join(stream.iter_lines()))

    fire()
    assert "around 245" in Visitor(url, "afterwards").ask(COMPANIES)
