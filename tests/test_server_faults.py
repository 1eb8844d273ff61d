"""Writers that are killed while their vectors go to a real Chroma server, and a server that dies under a writer."""

import threading

import numpy as np
import pytest
from chroma_server import Server
from writers import FAKE, kill_writer

from rag.index import open_index, update_index
from rag.server import ServerError, opened_server

pytestmark = pytest.mark.slow

OLD, NEW = "There are 245 companies. Trade rose.", "There are 312 companies. Trade fell. Wine sold."


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("chroma"))
    yield server
    server.kill()


@pytest.fixture
def server(shared_server):
    """The server, without collections."""
    with opened_server(shared_server.address, "") as store:
        for collection in store.client.list_collections():
            store.client.delete_collection(collection.name)
    return shared_server


@pytest.fixture
def config(write_corpus, server):
    config = write_corpus({"a.txt": OLD, "b.txt": "Unchanged."}, chroma=server.address)
    update_index(config, FAKE)
    return config


def collections(config):
    with opened_server(config.chroma, "") as store:
        return {collection.name for collection in store.client.list_collections()}


def check_whole(config):
    """Every row's vector is that of its sentence in the article as it is on disk; returns how many a.txt has."""
    index = open_index(config, FAKE)
    for row in range(index.manifest.sentences):
        file, number = index.rows.locate(row)
        stored = index.sentences.get(ids=[f"{file.source}#s{number}"], include=["metadatas", "embeddings"])
        place = stored["metadatas"][0]
        text = (config.corpus / file.source).read_text()[place["start"] : place["end"]]
        assert np.allclose(stored["embeddings"][0], FAKE.get_text_embedding_batch([text])[0])
    assert index.sentences.count() == index.manifest.sentences == len(index.lexical)
    index.close()
    return index.manifest.files[0].sentences


REBUILD = "update = rag.index.update_index\nrag.index.update_index = lambda *a: update(*a, rebuild=True)\n"


@pytest.mark.parametrize(
    "hook",
    [
        "kill_at(rag.index, 'add_vectors', 'before')",
        "kill_at(rag.index, 'mark_complete', 'before')",
        "kill_at(rag.index, 'make_current', 'before')",
        "kill_at(rag.index, 'drop_unused', 'before')",
    ],
)
def test_a_rebuild_that_is_killed_leaves_a_whole_index(config, hook):
    kill_writer(config, REBUILD + hook)
    assert check_whole(config) == 2
    assert update_index(config, FAKE, rebuild=True).embedded == 5
    assert check_whole(config) == 2
    assert len(collections(config)) == 3 * len(list(config.index.glob("gen-*")))


CHANGE = """
inner = rag.index.read_corpus
def read_and_change(*args):
    corpus = inner(*args)
    (Path(sys.argv[1]) / "a.txt").write_text("It is 9 degrees. Ice. Snow. Hail.")
    return corpus
rag.index.read_corpus = read_and_change
"""


@pytest.mark.parametrize("step", ["add_vectors", "make_current"])
def test_vectors_of_articles_that_changed_under_a_killed_writer_are_nobody_elses(config, step):
    (config.corpus / "a.txt").write_text(NEW)
    kill_writer(config, f"{CHANGE}kill_at(rag.index, '{step}', 'before' if 'make' in '{step}' else 'after')")
    (config.corpus / "a.txt").write_text(NEW)
    update_index(config, FAKE)
    assert check_whole(config) == 3
    assert len(collections(config)) == 6


@pytest.mark.parametrize(
    "hook",
    [
        "kill_at(rag.index, 'begin_attempt', 'after')",
        "kill_at(rag.index, 'add_vectors', 'after')",
        "kill_at(rag.index, 'mark_complete', 'after')",
        "kill_at(rag.attempts, 'drop_collections', 'after')",
    ],
)
def test_a_writer_that_is_killed_leaves_nothing_wrong_and_nothing_behind(config, hook):
    for text in (NEW, OLD):  # so that there is something to drop
        (config.corpus / "a.txt").write_text(text + " Tea.")
        update_index(config, FAKE)
    (config.corpus / "a.txt").write_text(NEW)
    kill_writer(config, hook.replace("rag.attempts", "__import__('rag.attempts').attempts"))
    index = open_index(config, FAKE)
    assert index.sentences.count() == index.manifest.sentences
    index.close()
    update_index(config, FAKE)
    assert check_whole(config) == 3
    (config.corpus / "a.txt").write_text(OLD)
    update_index(config, FAKE)
    assert check_whole(config) == 2
    assert len(collections(config)) == 6
    assert not list(config.index.glob("*.tmp"))


def test_a_server_that_dies_under_a_writer_leaves_the_old_index(config, server, monkeypatch):
    (config.corpus / "a.txt").write_text(NEW)

    def die(*args):
        server.kill()
        return add_vectors(*args)

    with monkeypatch.context() as patch:
        add_vectors = __import__("rag.index").index.add_vectors
        patch.setattr("rag.index.add_vectors", die)
        with pytest.raises(ServerError, match=r"The Chroma server at .* fails"):
            update_index(config, FAKE)
    server.start()
    index = open_index(config, FAKE)
    assert index.sentences.count() == index.manifest.sentences == 3
    index.close()
    update_index(config, FAKE)
    assert check_whole(config) == 3


def test_what_another_index_folder_uses_is_not_deleted(config, tmp_path):
    other = config.model_copy(update={"index": tmp_path / "other"})
    assert update_index(other, FAKE).embedded == 0
    for text in (NEW, OLD + " Tea.", NEW + " Tea."):
        (other.corpus / "a.txt").write_text(text)
        update_index(other, FAKE)
    (config.corpus / "a.txt").write_text(OLD)
    assert check_whole(config) == 2


def test_two_index_folders_written_at_once_are_both_whole(config, tmp_path):
    (config.corpus / "a.txt").write_text(NEW)
    folders = [config.model_copy(update={"index": tmp_path / name}) for name in ("one", "two", "three")]
    threads = [threading.Thread(target=update_index, args=(folder, FAKE)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [check_whole(folder) for folder in folders] == [3, 3, 3]
