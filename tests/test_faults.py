"""Writers that are killed with SIGKILL, two writers at once, and readers meanwhile."""

import random
import threading
import time

import pytest
from writers import FAKE, kill_writer, start_writer

from rag.index import open_index, update_index

pytestmark = pytest.mark.slow

OLD, NEW = "There are 245 companies. Trade rose.", "There are 312 companies. Trade fell. Wine sold."


@pytest.fixture
def config(write_corpus):
    config = write_corpus({"a.txt": OLD, "b.txt": "Unchanged."})
    update_index(config, FAKE)
    (config.corpus / "a.txt").write_text(NEW)
    return config


def check_whole(config):
    """The index is the old one or the new one in all its parts; returns its number of sentences of a.txt."""
    index = open_index(config, FAKE)
    try:
        sentences = {file.source: file.sentences for file in index.manifest.files}
        text = {2: OLD, 3: NEW}[sentences["a.txt"]]
        for number, place in enumerate(
            sorted(index.sentences.get(where={"source": "a.txt"})["metadatas"], key=lambda m: m["start"])
        ):
            assert text[place["start"] : place["end"]] == [s.strip() + "." for s in text.split(".")][number]
        assert index.lexical.knows("245") == (text == OLD)
        assert index.lexical.knows("312") == (text == NEW)
        assert index.sentences.count() == len(index.lexical) == len(index.passage_of) == sentences["a.txt"] + 1
        return sentences["a.txt"]
    finally:
        index.close()


KILLS = {
    "kill_at(rag.index, 'new_generation', 'before')": 2,
    "kill_at(rag.index, 'new_generation', 'after')": 2,
    "kill_at(rag.index, 'copy_chroma', 'after')": 2,
    "kill_at(rag.index, 'remove_vectors', 'after')": 2,
    "kill_at(rag.index, 'add_vectors', 'after')": 2,
    "kill_at(rag.index.LexicalIndex, 'save', 'after')": 2,
    "kill_at(rag.index, 'write_manifest', 'before')": 2,
    "kill_at(rag.index, 'write_manifest', 'after')": 2,
    "kill_at(rag.index, 'make_current', 'before')": 2,
    "kill_at(rag.generations, '_sync', 'after', 5)": 2,
    "kill_at(Path, 'replace', 'before', 2)": 2,
    "kill_at(Path, 'replace', 'after', 2)": 3,
    "kill_at(rag.generations, 'sweep', 'before', 2)": 3,
    "kill_at(rag.generations.shutil, 'rmtree', 'before')": 3,
    "kill_at(rag.index, 'make_current', 'after')": 3,
}


@pytest.mark.parametrize("hook", KILLS)
def test_a_writer_killed_at_any_step_leaves_the_old_index_or_the_new_one(config, hook):
    if "rmtree" in hook:  # a generation to be swept is there only at the second update
        (config.index / "gen-000000").mkdir()
        hook = hook.replace("'before')", "'after')")
        expected = 2
    else:
        expected = KILLS[hook]
    kill_writer(config, hook)
    assert check_whole(config) == expected
    assert update_index(config, FAKE).embedded == (4 if expected == 2 else 0)
    assert check_whole(config) == 3
    assert len(list(config.index.glob("gen-*"))) <= 2
    assert sorted(path.name for path in config.index.iterdir() if path.is_file()) == [
        ".gitignore",
        "CURRENT",
        "write.lock",
    ]


def test_a_writer_killed_at_random_times_leaves_a_whole_index_each_time(config):
    chance = random.Random(7)
    expected, texts = 3, {2: OLD, 3: NEW}
    for _ in range(8):
        writer = start_writer(config)
        assert writer.stdout.readline() == "ready\n"
        time.sleep(chance.random() * 0.8)
        writer.kill()
        writer.communicate()
        check_whole(config)
        expected = 5 - expected
        (config.corpus / "a.txt").write_text(texts[expected])
    update_index(config, FAKE)
    assert check_whole(config) == expected
    assert len(list(config.index.glob("gen-*"))) <= 2


def test_a_first_build_that_is_killed_leaves_nothing_that_the_next_one_minds(write_corpus):
    config = write_corpus({"a.txt": NEW, "b.txt": "Unchanged."})
    start_writer(config, "kill_at(rag.index, 'make_current', 'before')").wait(timeout=120)
    assert open_index(config, FAKE) is None
    assert update_index(config, FAKE).embedded == 6
    assert check_whole(config) == 3
    assert [path.name for path in config.index.glob("gen-*")] == ["gen-000001"]


TEXTS = {"a.txt": NEW, "b.txt": "One. Two."}
"""By length: One. and Two., One. Two. and Wine sold., Trade fell. and There are …, the passage of a.txt."""

LEFT = {
    "kill_at(Fake, 'get_text_embedding_batch', 'before', 1)": 7,
    "kill_at(Fake, 'get_text_embedding_batch', 'before', 2)": 5,
    "kill_at(Fake, 'get_text_embedding_batch', 'after', 2)": 5,
    "kill_at(rag.fill.VectorCache, 'add', 'after', 3)": 1,
    "kill_at(rag.index, 'add_vectors', 'after')": 0,
    "kill_at(rag.index, 'make_current', 'before')": 0,
    "kill_at(rag.index.VectorCache, 'remove', 'before')": 0,
}


class CountingFake(type(FAKE)):
    def __init__(self):
        self.seen = []

    def get_text_embedding_batch(self, texts):
        self.seen += texts
        return super().get_text_embedding_batch(texts)


def kill(config, hook):
    kill_writer(config, f"rag.fill.CHUNK = 2\n{hook}")


def stored(config):
    index = open_index(config, FAKE)
    found = [collection.get(include=["embeddings", "metadatas"]) for collection in (index.sentences, index.passages)]
    index.close()
    return [
        {name: (vector, place) for name, vector, place in zip(*columns, strict=True)}
        for columns in ((part["ids"], part["embeddings"].tolist(), part["metadatas"]) for part in found)
    ]


@pytest.mark.parametrize("hook", LEFT)
def test_a_run_that_was_killed_goes_on_where_it_stopped(write_corpus, hook):
    config, fake = write_corpus(TEXTS), CountingFake()
    kill(config, hook)
    report = update_index(config, fake)
    assert len(fake.seen) == LEFT[hook]
    assert report.embedded == (0 if "remove" in hook else 7)
    assert not (config.index / "vectors.cache").exists()
    whole = config.model_copy(update={"index": config.index.parent / "whole"})
    update_index(whole, FAKE)
    assert stored(config) == stored(whole)


def cut_short(data):
    return data[:-1]


def flip_a_bit(data):
    return data[:-10] + bytes([data[-10] ^ 1]) + data[-9:]


def half_a_record_more(data):
    return data + data[-20:]


def break_the_header(data):
    return b"x" + data[1:]


@pytest.mark.parametrize(
    ("damage", "left"),
    [(cut_short, 4), (flip_a_bit, 4), (half_a_record_more, 3), (break_the_header, 7), (len, 7)],
)
def test_what_is_torn_in_the_cache_is_embedded_again(write_corpus, damage, left):
    config, fake = write_corpus(TEXTS), CountingFake()
    kill(config, "kill_at(Fake, 'get_text_embedding_batch', 'before', 3)")
    cache = config.index / "vectors.cache"
    data = cache.read_bytes()
    cache.write_bytes(b"" if damage is len else damage(data))
    kill(config, "kill_at(rag.index, 'add_vectors', 'after')")
    assert update_index(config, fake).embedded == 7
    assert fake.seen == []
    cache.write_bytes(b"" if damage is len else damage(data))
    assert update_index(config, fake, rebuild=True).embedded == 7
    assert len(fake.seen) == left
    assert stored(config)[1].keys() == {"a.txt#p0", "b.txt#p0"}


def test_the_vectors_of_another_model_are_not_used(write_corpus):
    config, fake = write_corpus(TEXTS), CountingFake()
    kill(config, "kill_at(rag.index, 'add_vectors', 'after')")
    fake.fingerprint = "another"
    assert update_index(config, fake).embedded == len(fake.seen) == 7


def test_an_interrupted_rebuild_is_not_forgotten_by_those_who_only_look(config):
    update_index(config, FAKE)
    kill(config, "update = rag.index.update_index\nrag.index.update_index = lambda *a: update(*a, rebuild=True)\n"
         "kill_at(rag.index, 'add_vectors', 'after')")  # fmt: skip
    assert update_index(config, FAKE).embedded == 0
    fake = CountingFake()
    assert update_index(config, fake, rebuild=True).embedded == 6
    assert fake.seen == []


def test_of_two_writers_at_once_one_embeds_and_the_other_finds_it_done(config):
    writers = [start_writer(config), start_writer(config)]
    outputs = [writer.communicate(timeout=120) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], outputs
    assert sorted(output.split()[-1] for output, _ in outputs) == ["0", "4"]
    assert check_whole(config) == 3


def test_readers_are_undisturbed_while_the_index_is_written_anew_again_and_again(config):
    index = open_index(config, FAKE)
    expected = index.sentences.query(query_embeddings=[[7.0, 1.0, 3.0]], n_results=3)["ids"]
    errors, asked, done = [], [0], threading.Event()

    def ask(other_index):
        while not done.is_set():
            try:
                held = open_index(config, FAKE) if other_index else index
                found = held.sentences.query(query_embeddings=[[7.0, 1.0, 3.0]], n_results=3)["ids"]
                assert other_index or held.lexical.scores(["trade"]).sum() > 0
                assert other_index or found == expected
                asked[0] += 1
                if other_index:
                    held.close()
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=ask, args=(other,)) for other in (False, False, True)]
    for thread in threads:
        thread.start()
    loop = (
        "for text in ('A. B.', 'C. D. E.', 'F trade.', 'G.'):\n"
        "    rag.index.update_index(config, Fake())\n"
        "    (Path(sys.argv[1]) / 'a.txt').write_text(text)"
    )
    _, failure = start_writer(config, loop).communicate(timeout=200)
    done.set()
    for thread in threads:
        thread.join()
    assert not errors, errors[:2]
    assert asked[0] > 20
    index.close()
    assert int(open_manifest_name(config)) >= 6, failure


def open_manifest_name(config):
    index = open_index(config, FAKE)
    index.close()
    return index.generation.name[4:]
