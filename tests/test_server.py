"""Vectors on a real Chroma server on this machine."""

import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from chroma_server import Server

from rag.assistant import Assistant
from rag.config import Config
from rag.errors import CitewellError, IndexRefusedError
from rag.index import open_index, update_index
from rag.server import ServerError, explained, hash_content, new_prefix, opened_server

pytestmark = pytest.mark.slow

QUESTION = "How many Azerbaijani companies operate in Beijing?"
SEEDS = Path(__file__).resolve().parent.parent / "seeds"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("chroma"))
    yield server
    server.kill()


@pytest.fixture
def config(server, tmp_path):
    (tmp_path / "seeds").mkdir()
    shutil.copy(SEEDS / "001_04a1ac37c911923e.txt", tmp_path / "seeds")
    (tmp_path / "seeds" / "other.txt").write_text("Baku and Beijing traded wine, oil and tea. " * 60)
    return Config(corpus=tmp_path / "seeds", index=tmp_path / "index", chroma=server.address, device="cpu")


def collections(config):
    with opened_server(config.chroma, "") as store:
        return {collection.name for collection in store.client.list_collections()}


def edit(config, old, new):
    file = config.corpus / "001_04a1ac37c911923e.txt"
    file.write_bytes(file.read_bytes().replace(old.encode(), new.encode()))


def test_an_answer_is_the_same_as_with_vectors_in_a_folder(config, tmp_path):
    beside = config.model_copy(update={"chroma": None, "index": tmp_path / "beside"})
    with Assistant.open(config) as remote, Assistant.open(beside) as local:
        assert remote.ask(QUESTION).citations == local.ask(QUESTION).citations
    assert not (config.index / "gen-000001" / "chroma").exists()


def test_a_second_process_with_an_index_folder_of_its_own_embeds_nothing(config, tmp_path, embedder):
    update_index(config, embedder)
    other = config.model_copy(update={"index": tmp_path / "other"})
    assert update_index(other, embedder).embedded == 0
    index = open_index(other, embedder)
    assert index.sentences.count() == index.manifest.sentences > 60
    index.close()


def test_a_changed_article_alone_is_embedded_and_collections_of_old_generations_go(config, embedder):
    edit(config, "around 245", "around 244")
    whole = update_index(config, embedder).manifest
    names = [whole.vectors]
    for old, new in (("around 244", "around 246"), ("around 246", "around 247")):
        edit(config, old, new)
        report = update_index(config, embedder)
        names.append(report.manifest.vectors)
        assert 0 < report.embedded < whole.sentences - 30
    assert len(set(names)) == 3
    there = collections(config)
    assert [f"{name}sentences" in there for name in names] == [False, True, True]
    with Assistant.open(config) as assistant:
        assert "around 247" in assistant.ask(QUESTION).citations[0].quote


def test_what_a_killed_writer_has_stored_is_filled_up(config, embedder, monkeypatch):
    edit(config, "around 245", "around 951")
    whole, stored = "rag.vectors.Store.made", []

    def die(store, name):
        stored.append(name)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(whole, die)
        with pytest.raises(KeyboardInterrupt):
            update_index(config, embedder)
    assert stored == ["sentences"]
    assert open_index(config, embedder) is None
    update_index(config, embedder)
    with Assistant.open(config) as assistant:
        assert "around 951" in assistant.ask(QUESTION).citations[0].quote


def test_a_server_that_dies_in_mid_session_is_said_and_asked_again_when_it_is_back(config, server):
    with Assistant.open(config) as assistant:
        before = assistant.ask(QUESTION)
        server.kill()
        with pytest.raises(ServerError, match=rf"The Chroma server at {server.address} fails \(.+\)\. Start it"):
            assistant.ask(QUESTION)
        server.start()
        assert assistant.ask(QUESTION).citations == before.citations


def test_a_server_that_hangs_is_said_and_asked_again_when_it_goes_on(config, server, monkeypatch):
    monkeypatch.setattr("rag.server.TIMEOUT", 2.0)
    with Assistant.open(config) as assistant:
        before = assistant.ask(QUESTION)
        server.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(ServerError, match=r"fails \(.*timed out\)"):
                assistant.ask(QUESTION)
            with pytest.raises(ServerError, match=r"fails \(.*timed out\)"), opened_server(server.address, ""):
                pass
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert assistant.ask(QUESTION).citations == before.citations


def test_while_a_server_dies_and_comes_back_each_question_gets_the_right_answer_or_one_line(config, server):
    answers, faults, done = [], [], threading.Event()

    def ask(assistant):
        while not done.is_set():
            try:
                answers.append(assistant.ask(QUESTION).citations)
            except ServerError as error:
                faults.append(error)

    with Assistant.open(config) as assistant:
        before = assistant.ask(QUESTION).citations
        threads = [threading.Thread(target=ask, args=(assistant,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.7)
            seen = len(faults)
            server.kill()
            end = time.monotonic() + 60  # a question notices only when it searches, not while its candidates are read
            while len(faults) == seen and time.monotonic() < end:
                time.sleep(0.05)
            server.start()
        done.set()
        for thread in threads:
            thread.join()
        assert assistant.ask(QUESTION).citations == before
    assert len(faults) >= 3
    assert all(citations == before for citations in answers)


def test_lost_collections_are_said_and_rebuilt(config, embedder):
    edit(config, "around 245", "around 733")
    prefix = update_index(config, embedder).manifest.vectors
    with opened_server(config.chroma, prefix) as store:
        store.client.delete_collection(f"{prefix}passages")
    with pytest.raises(IndexRefusedError, match=r"has lost vectors of it\. Rebuild it: citewell index --rebuild"):
        update_index(config, embedder)
    assert update_index(config, embedder, rebuild=True).embedded > 0
    assert update_index(config, embedder).embedded == 0


def test_askers_are_undisturbed_while_another_process_indexes(config, tmp_path, embedder):
    writer = config.model_copy(update={"corpus": tmp_path / "theirs", "index": tmp_path / "their-index"})
    shutil.copytree(config.corpus, writer.corpus)
    faults, done = [], threading.Event()

    def ask(assistant):
        while not done.is_set():
            try:
                assert "around 245" in assistant.ask(QUESTION).citations[0].quote
            except Exception as error:
                faults.append(error)

    with Assistant.open(config) as assistant:
        threads = [threading.Thread(target=ask, args=(assistant,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in ("611", "612", "613"):
            edit(writer, "around 245", f"around {number}")
            update_index(writer, embedder)
            edit(writer, f"around {number}", "around 245")
        done.set()
        for thread in threads:
            thread.join()
    assert faults == []


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("localhost:8000", "expected http://host:8000"),
        ("http://127.0.0.1:9", "The Chroma server at http://127.0.0.1:9 fails"),
    ],
)
def test_an_address_without_a_server_is_an_error_in_one_line(write_corpus, embedder, address, message):
    config = write_corpus({"a.txt": "There are 245 companies."}, chroma=address)
    with pytest.raises(CitewellError, match=message) as raised:
        update_index(config, embedder)
    assert "\n" not in str(raised.value)


def test_an_index_with_its_vectors_elsewhere_is_refused(config, embedder):
    update_index(config, embedder)
    with pytest.raises(IndexRefusedError, match="keeps its vectors on a Chroma server, but CITEWELL_CHROMA is not set"):
        open_index(config.model_copy(update={"chroma": None}), embedder)


def test_what_is_no_fault_of_the_line_is_not_blamed_on_the_server(config, embedder, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    edit(config, "around 245", "around 502")
    monkeypatch.setattr("rag.index.add_vectors", fail)
    with pytest.raises(CitewellError, match=r"could not be written: .*No space left on device") as raised:
        update_index(config, embedder)
    assert not isinstance(raised.value, ServerError)


@pytest.mark.parametrize("error", [ConnectionRefusedError("refused"), ValueError("Could not connect to a server")])
def test_a_broken_line_is_blamed_on_the_server(error):
    with pytest.raises(ServerError, match="The Chroma server at http://host:8000 fails"), explained("http://host:8000"):
        raise error


def test_marks_depend_on_all_that_decides_the_vectors_and_names_on_nothing():
    assert hash_content("a", "b") == hash_content("a", "b") != hash_content("a", "c")
    assert "citewell-" < new_prefix() < new_prefix()
