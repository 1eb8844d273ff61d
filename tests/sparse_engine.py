"""Distributed Chroma's sparse vectors in front of a client-server Chroma, which has none.

A proxy on loopback: what the real client sends goes on to a real `chroma run`, all but sparse vectors, which it
refuses. Those are kept here, and `search` is answered as distributed Chroma's documentation and source say: 1 less the
product, the lowest first, of the sentences that the filter leaves. Like it, it takes at most 1,000 vectors at once, and
like Chroma Cloud a filter that names at most 8 files.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import numpy as np

COLLECTION = re.compile(
    r"(?P<base>/api/v2/tenants/[^/]+/databases/[^/]+/collections)(?:/(?P<id>[^/?]+))?(?:/(?P<verb>\w+))?"
)


class SparseEngine:
    """The proxy; `searches` are those that it was asked for, `largest` the most vectors that a request or reply held.

    `schemas` says what becomes of them: "kept", "passed over" as before Chroma 1.3, or "failed" as up to 1.3.5.
    """

    def __init__(self, upstream, schemas="kept"):
        self.makes, self.batch = schemas, 1_000
        self.upstream = upstream
        self.client = httpx.Client(base_url=upstream, timeout=60)
        self.schemas, self.vectors = {}, {}
        self.searches, self.largest = [], 0
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, content = engine.answer(self.command, self.path, json.loads(body) if body else None)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 (http.server's names)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.client.close()

    def answer(self, method, path, body):
        place = COLLECTION.match(path)
        verb = place and place["verb"]
        if verb == "search":
            return 200, json.dumps(self.search(place, body)).encode()
        if path.endswith("/pre-flight-checks"):
            return 200, json.dumps({"max_batch_size": self.batch, "supports_base64_encoding": False}).encode()
        schema = body.get("schema") if place and not place["id"] and method == "POST" else None
        if schema and self.makes == "failed":
            return 500, b'{"error": "InternalError", "message": "Sparse vector indexing is not enabled in local"}'
        if schema and self.makes == "passed over":
            schema = body.pop("schema") and None
        if schema:
            dense = {key: of_key for key, of_key in schema["keys"].items() if "sparse_vector" not in of_key}
            body["schema"] = schema | {"keys": dense}
        if verb in ("add", "upsert", "update"):
            self.keep_vectors(place["id"], body)
        response = self.client.request(method, path, json=body)
        if place:
            self.largest = max(self.largest, count_ids(body), count_ids(response.json()))
        if not response.is_success or not place:
            return response.status_code, response.content
        return response.status_code, json.dumps(self.complete(place, response.json(), schema)).encode()

    def keep_vectors(self, collection, body):
        for place, (name, metadata) in enumerate(zip(body["ids"], body.get("metadatas") or (), strict=False)):
            sparse = {key: value for key, value in metadata.items() if isinstance(value, dict)}
            if sparse:
                assert self.schemas[collection]["keys"].keys() >= sparse.keys()  # others it would not find
                self.vectors.setdefault(collection, {}).setdefault(name, {}).update(sparse)
                body["metadatas"][place] = {k: v for k, v in metadata.items() if k not in sparse} or None

    def complete(self, place, reply, schema):
        """What the server said, with the schemas and vectors that it knows nothing of."""
        if isinstance(reply, dict) and "name" in reply:
            if schema:
                self.schemas[reply["id"]] = schema
            return reply | {"schema": self.schemas.get(reply["id"], reply.get("schema"))}
        if place["verb"] == "get" and reply.get("metadatas"):
            kept = self.vectors.get(place["id"], {})
            pairs = zip(reply["ids"], reply["metadatas"], strict=True)
            return reply | {"metadatas": [(metadata or {}) | kept.get(name, {}) for name, metadata in pairs]}
        return reply

    def search(self, place, body):
        found = [self.search_once(place, search) for search in body["searches"]]
        self.searches += body["searches"]
        self.largest = max(self.largest, *(search["limit"]["limit"] for search in body["searches"]))
        names = [[name for _, name in rows] for rows in found]
        scores = [[score for score, _ in rows] for rows in found]
        nothing = [None] * len(found)
        return {
            "ids": names,
            "scores": scores,
            "documents": nothing,
            "embeddings": nothing,
            "metadatas": nothing,
            "select": [search["select"]["keys"] for search in body["searches"]],
        }

    def search_once(self, place, search):
        nearest = search["rank"]["$knn"]
        assert nearest["key"] in self.schemas[place["id"]]["keys"]
        asked = dict(zip(nearest["query"]["indices"], nearest["query"]["values"], strict=True))
        assert len(search["filter"].get("source", {}).get("$in", ())) <= 8 if search["filter"] else True
        got = {"include": ["metadatas"]} | ({"where": search["filter"]} if search["filter"] else {})
        there = self.client.post(f"{place['base']}/{place['id']}/get", json=got).json()["ids"]
        rows = []
        for name in there:
            sparse = self.vectors.get(place["id"], {}).get(name, {}).get(nearest["key"])
            if sparse:
                pairs = zip(sparse["indices"], sparse["values"], strict=True)
                rows.append((float(np.float32(1 - sum(asked.get(index, 0) * value for index, value in pairs))), name))
        return sorted(rows)[: min(nearest["limit"], search["limit"]["limit"])]


def count_ids(content):
    """How many records a request or a reply names."""
    ids = content.get("ids") if isinstance(content, dict) else None
    return len(ids[0]) if ids and isinstance(ids[0], list) else len(ids or ())
