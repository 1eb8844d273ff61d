"""Embedding on a real Ray of this machine, with two workers."""

import os
import shutil
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from chroma_server import Server

import rag.ray_pool
from rag.assistant import Assistant
from rag.config import Config
from rag.errors import CitewellError
from rag.fill import embed_here
from rag.index import open_index, update_index
from rag.ray_pool import check_models, embed_on_ray, joined

if not find_spec("ray"):
    pytest.skip("Ray is not installed", allow_module_level=True)
pytestmark = pytest.mark.slow

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
SETTINGS = {"ray": "local", "ray_workers": 2, "device": "cpu"}
CHUNKS = [[f"Wine number {number} was sold.", f"Trade with {number} countries rose."] for number in range(12)]


def test_a_single_chunk_does_not_start_ray(embedder, monkeypatch):
    monkeypatch.setattr(rag.ray_pool, "joined", None)
    config = Config(**SETTINGS)
    assert list(embed_on_ray(config, embedder)(iter(CHUNKS[:1]))) == list(
        embed_here(config, embedder)(iter(CHUNKS[:1]))
    )
    assert list(embed_on_ray(config, embedder)(iter([]))) == []


def test_where_no_cluster_runs_it_is_said_in_one_line(embedder, monkeypatch):
    config = Config(ray="auto", device="cpu")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Ray is imported here
    with pytest.raises(CitewellError, match=r"^Indexing on Ray at 'auto' fails \(.+\)\. The old index") as raised:
        list(embed_on_ray(config, embedder)(iter(CHUNKS)))
    assert "\n" not in str(raised.value)


def test_without_ray_it_is_said_how_to_install_it(embedder, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CitewellError, match=r"CITEWELL_RAY is 'local'.*pip install 'citewell\[ray\]'"):
        list(embed_on_ray(Config(**SETTINGS), embedder)(iter(CHUNKS)))


@pytest.fixture(scope="module")
def config():
    config = Config(**SETTINGS)
    with joined(config):
        yield config


def test_ray_on_this_machine_is_reached_from_this_machine_alone(config):
    import ray

    assert [node["NodeManagerAddress"] for node in ray.nodes()] == ["127.0.0.1"]


def kill(worker):
    import ray  # not above: it reads its settings when it is imported

    os.kill(ray.get(worker.__ray_call__.remote(lambda _: os.getpid())), signal.SIGKILL)


@pytest.fixture
def killed(monkeypatch):
    """The workers that were killed, which is the first of them once it has been given three chunks."""
    killed = []
    fan_out = rag.ray_pool._fan_out

    def kill_and_fan_out(chunks, workers):
        for number, vectors in enumerate(fan_out(chunks, workers)):
            if number == 3:
                kill(workers[0])
                killed.append(workers[0])
            yield vectors

    monkeypatch.setattr(rag.ray_pool, "_fan_out", kill_and_fan_out)
    return killed


def test_an_index_made_on_ray_where_a_worker_dies_holds_and_answers_the_same(
    config, killed, tmp_path, embedder, monkeypatch
):
    monkeypatch.setattr("rag.fill.CHUNK", 16)
    shutil.copytree(SEEDS, tmp_path / "seeds")
    server = Server(tmp_path / "chroma")
    folders = {"corpus": tmp_path / "seeds", "chroma": server.address}
    on_ray = config.model_copy(update=folders | {"index": tmp_path / "on-ray"})
    here = on_ray.model_copy(update={"ray": None, "chroma": None, "index": tmp_path / "here"})
    try:
        report = update_index(on_ray, embedder)
        assert report.embedded == update_index(here, embedder).embedded > 150
        assert len(killed) == 1
        assert contents(on_ray, embedder)[0] == contents(here, embedder)[0]
        for one, other in zip(contents(on_ray, embedder)[1:], contents(here, embedder)[1:], strict=True):
            assert one.keys() == other.keys()
            assert all(np.allclose(one[key], other[key], atol=1e-5) for key in one)
        with Assistant.open(on_ray) as theirs, Assistant.open(here) as ours:
            question = "How many Azerbaijani companies operate in Beijing?"
            assert theirs.ask(question).citations == ours.ask(question).citations
    finally:
        server.kill()


def contents(config, embedder):
    index = open_index(config, embedder)
    parts = [part.get(include=["embeddings"]) for part in (index.sentences, index.passages)]
    index.close()
    vectors = [dict(zip(part["ids"], part["embeddings"], strict=True)) for part in parts]
    return index.manifest.files, *vectors


def test_workers_that_keep_dying_are_said_in_one_line_and_leave_the_old_index(
    config, killed, embedder, write_corpus, monkeypatch
):
    settings = write_corpus({"a.txt": "There are 245 companies."}, ray="local", ray_workers=1)
    update_index(settings, embedder)
    (settings.corpus / "a.txt").write_text(" ".join(f"Wine number {number} was sold." for number in range(12)))
    monkeypatch.setattr("rag.fill.CHUNK", 2)
    monkeypatch.setattr(rag.ray_pool, "RESTARTS", 0)
    with pytest.raises(CitewellError, match=r"^Indexing on Ray at 'local' fails \(.+\)\. The old index") as raised:
        update_index(settings, embedder)
    assert "\n" not in str(raised.value)
    assert len(killed) == 1
    index = open_index(settings, embedder)
    assert index.manifest.sentences == index.sentences.count() == 1
    index.close()
    assert update_index(settings.model_copy(update={"ray": None}), embedder).embedded == 13


def test_a_worker_that_cannot_load_the_model_says_so_in_one_line(config, embedder):
    settings = config.model_copy(update={"embedding": "no-such-model", "ray_workers": 1})
    with pytest.raises(
        CitewellError, match=r"fails \(.*The embedding model 'no-such-model' cannot be loaded"
    ) as raised:
        list(embed_on_ray(settings, embedder)(iter(CHUNKS)))
    assert "\n" not in str(raised.value)


def test_a_worker_with_another_model_is_refused(embedder):
    check_models([embedder.fingerprint, embedder.fingerprint], embedder)
    with pytest.raises(CitewellError, match=r"fingerprint sha256:other, .* Install the same model on all machines"):
        check_models([embedder.fingerprint, "sha256:other"], embedder)
