import json
import os
import shutil
import subprocess
import threading
from dataclasses import replace

import chromadb
import numpy as np
import pytest
from indexed import check_rows, counts

from rag.config import Config
from rag.corpus import read_corpus
from rag.embed import Embedder
from rag.errors import CitewellError, CorpusError, IndexRefusedError
from rag.index import open_index, update_index
from rag.manifest import checksum_files

FILES = {
    "a.txt": "Trade with China rose to $3.7 billion. It had been lower before.",
    "b.txt": "Wine exports fell in 2023.",
    "sub/c.md": "# Ports\nThe port of Anaklia is funded by Beijing. Work began late.",
}


@pytest.fixture
def config(write_corpus, embedder):
    config = write_corpus(FILES)
    report = update_index(config, embedder)
    assert (report.added, report.changed, report.removed, report.unchanged, report.embedded) == (3, 0, 0, 0, 8)
    return config


def snapshot(folder):
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.name != "length.bin"
    }


def test_an_unchanged_corpus_costs_nothing_and_writes_nothing(config, embedder):
    before = snapshot(config.index)
    assert counts(update_index(config, embedder)) == (0, 0, 0, 3, 0)
    assert {name: time for name, time in snapshot(config.index).items() if "chroma" not in name} == {
        name: time for name, time in before.items() if "chroma" not in name
    }


def test_a_touched_file_is_not_embedded_again(config, embedder):
    pointer = (config.index / "CURRENT").stat().st_mtime_ns
    (config.corpus / "a.txt").touch()
    assert counts(update_index(config, embedder)) == (0, 0, 0, 3, 0)
    assert (config.index / "CURRENT").stat().st_mtime_ns == pointer


def test_only_new_and_changed_files_are_embedded_and_deleted_ones_leave(config, embedder):
    (config.corpus / "a.txt").write_text("Trade fell. It rose. It fell.")
    (config.corpus / "b.txt").unlink()
    (config.corpus / "d.txt").write_text("Rice is grown here.")
    report = update_index(config, embedder)
    assert counts(report) == (1, 1, 1, 1, 4 + 2)
    assert [file.source for file in report.manifest.files] == ["a.txt", "d.txt", "sub/c.md"]
    check_rows(config, embedder)


def test_a_file_that_is_deleted_while_it_is_indexed_leaves_nothing_behind(config, embedder, monkeypatch):
    (config.corpus / "b.txt").write_text("Wine exports rose.")

    def read_and_delete(*args):
        corpus = read_corpus(*args)
        (config.corpus / "a.txt").unlink()
        return corpus

    with monkeypatch.context() as patch:
        patch.setattr("rag.index.read_corpus", read_and_delete)
        update_index(config, embedder)
    assert counts(update_index(config, embedder)) == (0, 0, 1, 2, 0)
    check_rows(config, embedder)


def test_a_renamed_file_is_one_removed_and_one_added(config, embedder):
    (config.corpus / "b.txt").rename(config.corpus / "z.txt")
    assert counts(update_index(config, embedder)) == (1, 0, 1, 2, 2)
    check_rows(config, embedder)


def test_a_change_in_the_catalog_changes_its_file_only(config, embedder):
    (config.corpus / "catalog.toml").write_text('[[article]]\nfile = "b.txt"\npublished = "2024"\nbody_after = "Wine"')
    assert counts(update_index(config, embedder)) == (0, 1, 0, 2, 2)
    check_rows(config, embedder)


def test_another_passage_length_changes_everything(config, embedder):
    assert counts(update_index(config.model_copy(update={"passage_tokens": 16}), embedder))[:4] == (0, 3, 0, 0)


def test_a_duplicate_takes_over_when_the_first_file_goes(config, embedder):
    (config.corpus / "b2.txt").write_text(FILES["b.txt"])
    report = update_index(config, embedder)
    assert [(file.source, file.reason) for file in report.skipped] == [("b2.txt", "same text as b.txt")]
    assert report.embedded == 0
    (config.corpus / "b.txt").unlink()
    assert counts(update_index(config, embedder)) == (1, 0, 1, 2, 2)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no article files"),
        ({"page.rtf": "Text."}, "no article files"),
        ({"page.html": "Text."}, "page.html: no HTML: it holds no tags of a page"),
        ({"a.txt": "", "b.txt": b"\xff"}, "a.txt: empty; b.txt: not UTF-8: byte 0xff at position 0"),
    ],
)
def test_a_folder_without_articles_is_an_error_in_one_line(write_corpus, embedder, files, message):
    config = write_corpus({"other/x": "", **files})
    with pytest.raises(
        CorpusError, match=r"^No articles were found in '.*corpus' \(.*\)\. Name another folder"
    ) as error:
        update_index(config, embedder)
    assert message in str(error.value)
    assert not (config.index / "CURRENT").exists()


def test_the_last_article_cannot_be_removed_unnoticed(config, embedder):
    for name in FILES:
        (config.corpus / name).unlink()
    with pytest.raises(CorpusError, match="No articles were found"):
        update_index(config, embedder)


def test_files_that_cannot_be_read_are_reported_and_the_others_indexed(write_corpus, embedder):
    config = write_corpus({"a.txt": "Fine.", "b.txt": b"\xff", "empty.md": b"", "heading.md": "# Only a heading"})
    report = update_index(config, embedder)
    assert [file.source for file in report.skipped] == ["b.txt", "empty.md"]
    assert [(file.source, file.sentences) for file in report.manifest.files] == [("a.txt", 1), ("heading.md", 0)]
    check_rows(config, embedder)
    assert counts(update_index(config, embedder)) == (0, 0, 0, 2, 0)


def test_articles_without_a_sentence_make_an_index_that_opens(write_corpus, embedder):
    config = write_corpus({"a.md": "# Only a heading"})
    assert counts(update_index(config, embedder)) == (1, 0, 0, 0, 0)
    (config.corpus / "b.txt").write_text("A fact.")
    assert counts(update_index(config, embedder)) == (1, 0, 0, 1, 2)
    check_rows(config, embedder)


def test_a_file_name_that_is_not_utf8_does_not_stop_indexing(config, embedder):
    with open(os.fsencode(config.corpus) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"Text.")
    assert [file.reason for file in update_index(config, embedder).skipped] == ["its name is not UTF-8"]
    assert counts(update_index(config, embedder)) == (0, 0, 0, 3, 0)


def test_an_index_of_another_model_is_refused_with_the_command_that_rebuilds_it(config, embedder):
    other = Embedder("bge-small", "sha256:other", embedder.model)
    settings = config.model_copy(update={"embedding": "bge-small"})
    before = snapshot(config.index)
    with pytest.raises(IndexRefusedError) as error:
        update_index(settings, other)
    assert str(error.value) == (
        f"The index in '{config.index}' was built with sentence-transformers/all-MiniLM-L6-v2 but CITEWELL_EMBEDDING "
        f"is 'bge-small'. Rebuild it: citewell index --rebuild --index '{config.index}'"
    )
    assert snapshot(config.index) == before
    assert update_index(settings, other, rebuild=True).embedded == 8
    with pytest.raises(IndexRefusedError):
        update_index(config, embedder)


def test_rebuild_embeds_everything_anew(config, embedder):
    assert update_index(config, embedder, rebuild=True).embedded == 8
    check_rows(config, embedder)


def test_a_folder_of_other_things_is_refused_and_left_alone(write_corpus, embedder):
    config = write_corpus(FILES)
    config.index.mkdir()
    (config.index / "thesis.doc").write_text("mine")
    for _ in range(2):
        with pytest.raises(IndexRefusedError, match=r"is not a Citewell index: it holds 'thesis.doc'.*index --rebuild"):
            update_index(config, embedder)
        assert [path.name for path in config.index.iterdir()] == ["thesis.doc"]
    update_index(config, embedder, rebuild=True)
    assert (config.index / "thesis.doc").read_text() == "mine"
    assert counts(update_index(config, embedder)) == (0, 0, 0, 3, 0)


class RandomEmbedder:
    """Vectors of no meaning, in no time."""

    name, fingerprint = "random", "random"

    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]

    def for_llama_index(self, batch_size):
        return self

    def get_text_embedding_batch(self, texts):
        return np.random.default_rng(len(texts)).random((len(texts), 8)).tolist()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The config of an index of so many sentences that Chroma keeps their graph on disk, and its embedder."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "a.txt").write_text(" ".join(f"Fact {number} holds." for number in range(1_100)))
    config = Config(corpus=folder / "corpus", index=folder / "index")
    assert update_index(config, RandomEmbedder()).manifest.sentences == 1_100
    return config


DAMAGE = {
    "CURRENT": b"{",
    "manifest.json": b'{"format": 2}',
    "chroma.sqlite3": b"not a database",
    "index_metadata.pickle": b"",
    "data_level0.bin": b"",
    "header.bin": b"\xff" * 100,
    "words.json": b'{"size": 4, "fr',
    "indices.csc.index.npy": b"\x93NUMPY",
    "passage_of.npy": b"",
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("gone", [False, True], ids=["overwritten", "missing"])
def test_a_damaged_index_is_refused_with_the_command_that_rebuilds_it(large, tmp_path, name, gone):
    config = large.model_copy(update={"index": tmp_path / "index"})
    shutil.copytree(large.index, config.index)
    path = find_graph_file(config.index, name)
    if gone:
        path.unlink()
        if name == "CURRENT":
            assert open_index(config, RandomEmbedder()) is None
            return
    else:
        path.write_bytes(DAMAGE[name])
    for use in (open_index, update_index):
        with pytest.raises(IndexRefusedError) as error:
            use(config, RandomEmbedder())
        assert f"The index in '{config.index}' is damaged: " in str(error.value)
        assert f"Rebuild it: citewell index --rebuild --index '{config.index}'" in str(error.value)
    assert gone or path.read_bytes()[: len(DAMAGE[name])] == DAMAGE[name]


def find_graph_file(index, name):
    found = sorted(index.rglob(name))
    return next((path for path in found if (path.parent / "index_metadata.pickle").exists()), found[0])


def test_one_wrong_bit_in_a_vector_file_is_noticed(large, tmp_path):
    config = large.model_copy(update={"index": tmp_path / "index"})
    shutil.copytree(large.index, config.index)
    path = find_graph_file(config.index, "data_level0.bin")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexRefusedError, match=r"data_level0\.bin' has changed"):
        open_index(config, RandomEmbedder())


def test_a_large_index_opens_again_and_again_and_after_an_update(large, tmp_path):
    config = large.model_copy(update={"index": tmp_path / "index", "corpus": tmp_path / "corpus"})
    shutil.copytree(large.index, config.index)
    shutil.copytree(large.corpus, config.corpus)
    (config.corpus / "b.txt").write_text("One more.")
    assert counts(update_index(config, RandomEmbedder())) == (1, 0, 0, 1, 2)
    for _ in range(3):
        index = open_index(config, RandomEmbedder())
        assert index.sentences.count() == 1_101
        index.close()


def test_a_damaged_index_can_be_rebuilt(config, embedder):
    next(config.index.rglob("chroma.sqlite3")).write_bytes(b"not a database")
    with pytest.raises(IndexRefusedError):
        update_index(config, embedder)
    update_index(config, embedder, rebuild=True)
    check_rows(config, embedder)


def test_an_index_of_another_format_is_refused(config, embedder):
    path = next(config.index.rglob("manifest.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(IndexRefusedError, match=r"has format 99, this version reads 2\. Rebuild it"):
        update_index(config, embedder)


def test_an_index_with_fewer_vectors_than_its_manifest_says_is_refused(config, embedder):
    folder = next(config.index.rglob("chroma.sqlite3")).parent
    client = chromadb.PersistentClient(str(folder), chromadb.config.Settings(anonymized_telemetry=False))
    client.get_collection("sentences", embedding_function=None).delete(ids=["a.txt#s0"])
    client.close()
    with pytest.raises(
        IndexRefusedError, match=r"it holds \(4, 3, 5, 5\) entries where the manifest says \(5, 3, 5, 5\)"
    ):
        open_index(config, embedder)


def test_an_index_that_was_copied_elsewhere_works_and_can_be_updated(config, embedder, tmp_path):
    moved = Config(corpus=tmp_path / "corpus2", index=tmp_path / "elsewhere", device="cpu")
    shutil.copytree(config.corpus, moved.corpus)
    shutil.copytree(config.index, moved.index)
    shutil.rmtree(config.index)
    assert counts(update_index(moved, embedder)) == (0, 0, 0, 3, 0)
    (moved.corpus / "b.txt").unlink()
    assert counts(update_index(moved, embedder)) == (0, 0, 1, 2, 0)
    check_rows(moved, embedder)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_where_the_index_folder_should_be_is_refused(write_corpus, embedder, tmp_path, below):
    config = write_corpus(FILES)
    config.index.write_text("mine")
    with pytest.raises(CitewellError, match=r"is a file\. Name a folder|cannot be written: "):
        update_index(config.model_copy(update={"index": config.index / below if below else config.index}), embedder)
    assert config.index.read_text() == "mine"


@pytest.mark.parametrize("broken", ["add_vectors", "write_manifest", "make_current"])
def test_an_update_that_fails_leaves_the_old_index_and_no_remains(config, embedder, monkeypatch, broken):
    before = open_index(config, embedder)
    generation, manifest = before.generation, before.manifest
    before.close()
    (config.corpus / "b.txt").write_text("Changed.")

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"rag.index.{broken}", fail)
        with pytest.raises(
            CitewellError, match=r"could not be written: .*No space left.*The old one, if any, is intact"
        ):
            update_index(config, embedder)
    index = open_index(config, embedder)
    assert (index.generation, replace(index.manifest, states=())) == (generation, replace(manifest, states=()))
    index.close()
    assert [path.name for path in config.index.glob("gen-*")] == [generation.name]
    assert counts(update_index(config, embedder)) == (0, 1, 0, 2, 2)


def test_a_failure_after_the_new_index_became_current_does_not_remove_it(config, embedder, monkeypatch):
    (config.corpus / "b.txt").write_text("Changed.")
    synced = __import__("rag.generations", fromlist=["_sync"])._sync

    def sync(path):
        if path == config.index:
            raise OSError(22, "Invalid argument")
        synced(path)

    with monkeypatch.context() as patch:
        patch.setattr("rag.generations._sync", sync)
        with pytest.raises(CitewellError, match="Invalid argument"):
            update_index(config, embedder)
    check_rows(config, embedder)
    assert counts(update_index(config, embedder)) == (0, 0, 0, 3, 0)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False, capture_output=True
    ).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_and_leaves_the_old_index(write_corpus, embedder, small_disk):
    config = write_corpus({"a.txt": "A fact."}).model_copy(update={"index": small_disk / "index"})
    update_index(config, embedder)
    (config.corpus / "a.txt").write_text("Another fact.")
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"x" * (free - 200_000))
    with pytest.raises(CitewellError, match=r"could not be written: .*The old one, if any, is intact; make room"):
        update_index(config, embedder)
    index = open_index(config, embedder)
    assert index.manifest.sentences == 1
    index.close()
    (small_disk / "ballast").unlink()
    assert counts(update_index(config, embedder)) == (0, 1, 0, 0, 2)


def test_an_index_on_a_read_only_disk_is_said_to_be_so_and_not_damaged(write_corpus, embedder, small_disk):
    config = write_corpus({"a.txt": "A fact."}).model_copy(update={"index": small_disk / "index"})
    update_index(config, embedder)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(CitewellError, match=r"cannot be written.*Make it writable or use another: --index"):
        update_index(config, embedder)


def test_a_manifest_that_several_write_at_once_is_always_whole(config, embedder):
    errors = []

    def touch_and_update():
        for _ in range(8):
            (config.corpus / "a.txt").touch()
            try:
                assert update_index(config, embedder).embedded == 0
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=touch_and_update) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_checksums_stay_the_same_however_often_the_index_is_opened(config, embedder):
    generation = next(config.index.glob("gen-*"))
    before = checksum_files(generation)
    for _ in range(3):
        index = open_index(config, embedder)
        index.close()
        index.close()
    assert checksum_files(generation) == before


def contents(config, embedder):
    """All that an index holds, with vectors rounded to what batches of other lengths leave equal."""
    index = open_index(config, embedder)
    parts = [part.get(include=["embeddings", "metadatas"]) for part in (index.sentences, index.passages)]
    stored = [
        {name: (place, vector.round(4).tolist()) for name, place, vector in zip(*columns, strict=True)}
        for columns in ((part["ids"], part["metadatas"], part["embeddings"]) for part in parts)
    ]
    stems = ("trade", "wine", "port", "china", "bri", "road")
    scores = [index.lexical.scores([stem]).tolist() for stem in stems]
    words = [index.lexical.idf(stem) for stem in stems], list(index.lexical.forms), index.lexical.expand(["bri"])
    index.close()
    return index.manifest.files, stored, scores, words, index.passage_of.tolist()


LINKED = FILES | {"d.txt": "The Belt and Road Initiative (BRI) grew. The port is on it.", "e.txt": "BRI trade rose."}


@pytest.mark.parametrize("window", [1, 3, 5])
def test_an_index_written_through_small_windows_is_the_same(write_corpus, embedder, tmp_path, window):
    config = write_corpus(LINKED)
    small = config.model_copy(update={"index": tmp_path / "small", "index_window": window})
    assert update_index(config, embedder).embedded == update_index(small, embedder).embedded == 13
    assert contents(small, embedder)[2:] == contents(config, embedder)[2:]
    assert contents(small, embedder)[0] == contents(config, embedder)[0]
    for one, other in zip(contents(small, embedder)[1], contents(config, embedder)[1], strict=True):
        assert one.keys() == other.keys()
        assert all(one[key][0] == other[key][0] for key in one)
        assert all(np.allclose(one[key][1], other[key][1], atol=2e-4) for key in one)


def test_an_index_that_was_updated_step_by_step_is_the_same_as_one_built_at_once(write_corpus, embedder, tmp_path):
    config = write_corpus(LINKED)
    update_index(config, embedder)
    (config.corpus / "d.txt").write_text("The road rose.")
    (config.corpus / "0.txt").write_text("A new Belt and Road Initiative (BRI) of China.")
    update_index(config, embedder)
    (config.corpus / "b.txt").unlink()
    assert counts(update_index(config, embedder)) == (0, 0, 1, 5, 0)
    at_once = config.model_copy(update={"index": tmp_path / "at-once"})
    update_index(at_once, embedder)
    assert contents(config, embedder)[2:] == contents(at_once, embedder)[2:]
    assert contents(config, embedder)[0] == contents(at_once, embedder)[0]
    check_rows(config, embedder)


def test_an_index_of_an_earlier_version_without_its_words_is_brought_up_to_date(config, embedder):
    generation = next(config.index.glob("gen-*"))
    path = generation / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in ("tokens.npy", "ends.npy", "forms.json"):
        (generation / "lexical" / name).unlink()
        del manifest["checksums"][f"lexical/{name}"]
    path.write_text(json.dumps(manifest))
    assert counts(update_index(config, embedder)) == (0, 0, 0, 3, 0)
    (config.corpus / "b.txt").write_text("Wine exports rose.")
    assert counts(update_index(config, embedder)) == (0, 1, 0, 2, 8)
    check_rows(config, embedder)
