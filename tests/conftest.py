"""What all tests share: no network, no settings of the person who runs them, the real model loaded once."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", GRADIO_ANALYTICS_ENABLED="False")
for _name in [name for name in os.environ if name.startswith("CITEWELL_")]:
    del os.environ[_name]

from rag.assistant import Assistant  # noqa: E402
from rag.config import Config  # noqa: E402, the environment comes first
from rag.embed import Embedder, load_embedder  # noqa: E402
from rag.index import OpenIndex, open_index, update_index  # noqa: E402
from ui.users import Users  # noqa: E402

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
LOOPBACK = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", None)


class NetworkError(Exception):
    """A test reached for a machine other than this one."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection or name look-up that leaves this machine is an error."""
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _only_loopback(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if _plain(host) not in LOOPBACK:
            raise NetworkError(f"A test looked up {host!r}.")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def _only_loopback(connect: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: socket.socket, address: Any) -> Any:
        if self.family != getattr(socket, "AF_UNIX", None) and _plain(address[0]) not in LOOPBACK:
            raise NetworkError(f"A test connected to {address!r}.")
        return connect(self, address)

    return checked


def _plain(host: Any) -> Any:
    return host.decode() if isinstance(host, bytes) else host


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The real default model."""
    return load_embedder(Config().embedding, "cpu")


@pytest.fixture(scope="session")
def seeds_config(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Config:
    """A copy of the seeds and a built index of it, for tests that only read."""
    folder = tmp_path_factory.mktemp("seeds")
    shutil.copytree(SEEDS, folder / "seeds")
    config = Config(corpus=folder / "seeds", index=folder / "index", device="cpu")
    update_index(config, embedder)
    return config


@pytest.fixture(scope="session")
def seeds_index(seeds_config: Config, embedder: Embedder) -> Iterator[OpenIndex]:
    """The index of the seeds, open."""
    index = open_index(seeds_config, embedder)
    assert index is not None
    yield index
    index.close()


@pytest.fixture
def write_corpus(tmp_path: Path) -> Callable[..., Config]:
    """A function that writes files (name to text or bytes) into a corpus and gives its config."""

    def write(files: dict[str, str | bytes], **settings: Any) -> Config:
        for name, content in files.items():
            path = tmp_path / "corpus" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Config(corpus=tmp_path / "corpus", index=tmp_path / "index", device="cpu", **settings)

    return write


@pytest.fixture(scope="module")
def assistant(seeds_config: Config) -> Iterator[Assistant]:
    """An assistant over the copy of the seeds, for tests that only ask."""
    with Assistant.open(seeds_config) as assistant:
        yield assistant


@pytest.fixture(scope="module")
def start_page() -> Iterator[Callable[..., str]]:
    """A function that serves an assistant's page on loopback and gives its address."""
    from ui.chat import build_page
    from ui.serve import serve
    from ui.upload import find_largest

    pages = []

    def start(assistant: Assistant, users: Users | None = None, tools: bool = False) -> str:
        pages.append(build_page(assistant, tools))
        return serve(pages[-1], "127.0.0.1", None, users, tools, find_largest(assistant.config))

    yield start
    for page in pages:
        page.close(verbose=False)
