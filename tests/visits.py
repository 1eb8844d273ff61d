"""Visits to a page that is served on loopback, as a browser makes them."""

import json

import httpx
from gradio.routes import App

from ui.chat import build_page


def get(url, path, **options):
    return httpx.get(url + path, trust_env=False, timeout=30, **options)


class Visitor:
    """A browser's session: it fires an event of the page and reads what comes of it."""

    def __init__(self, url, session, **options):
        self.url, self.session = url, session
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=60, **options)
        self.client.get("/")
        self.config = self.client.get("/config").json()
        self.parts = {part["props"].get("elem_id"): part["id"] for part in self.config["components"]}

    def join(self, part, event, data, event_data=None):
        """Gradio's reply to an event of that part of the page."""
        target = [self.parts[part], event]
        function = next(one["id"] for one in self.config["dependencies"] if target in [list(t) for t in one["targets"]])
        body = {"data": data, "fn_index": function, "session_hash": self.session, "trigger_id": target[0]}
        return self.client.post("/gradio_api/queue/join", json=body | {"event_data": event_data})

    def fire(self, part, event, data, event_data=None):
        """All that comes of an event, as JSON."""
        joined = self.join(part, event, data, event_data)
        assert joined.status_code == 200, joined.text
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            events = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line]
        return json.dumps(events, ensure_ascii=False)

    def ask(self, question):
        return self.fire("ask", "click", [question, None, None, None, None])


def read_routes(assistant):
    """The OpenAPI description of all routes of Gradio's server, those that are closed among them."""
    page = build_page(assistant, tools=True)
    routes = App.create_app(page).openapi()
    page.close(verbose=False)
    return routes
