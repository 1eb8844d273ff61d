"""BM25 by the engine's sparse vectors, through the real client; tests/sparse_engine.py plays distributed Chroma."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from chroma_server import Server
from sparse_engine import SparseEngine

from rag.assistant import Assistant
from rag.config import Config
from rag.filters import find_scope
from rag.index import open_index, update_index
from rag.lexical import LexicalIndex
from rag.schema import Filters
from rag.sparse import EngineLexicon, make_sparse
from rag.words import find_words, stems

QUESTION = "How many Azerbaijani companies operate in Beijing?"
SEEDS = Path(__file__).resolve().parent.parent / "seeds"
FIRST = "001_04a1ac37c911923e.txt"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("chroma"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def running(server):
    engine = SparseEngine(server.address)
    yield engine
    engine.close()


@pytest.fixture
def engine(running):
    running.searches.clear()
    running.largest = 0
    return running


@pytest.fixture
def config(engine, tmp_path):
    shutil.copytree(SEEDS, tmp_path / "seeds")
    return Config(corpus=tmp_path / "seeds", index=tmp_path / "index", chroma=engine.address, device="cpu")


@pytest.fixture
def index(config, embedder):
    update_index(config, embedder)
    index = open_index(config, embedder)
    yield index
    index.close()


@pytest.mark.slow
def test_the_engine_scores_as_the_postings_do_but_for_the_mean_length(index, seeds_index, engine):
    assert isinstance(index.lexical, EngineLexicon)
    assert not (index.generation / "lexical" / "bm25").exists()
    for text in (QUESTION, "What did Aliyev say about the Middle Corridor?", "How much was traded in 2024?"):
        question = stems(text)
        here = seeds_index.lexical.scores(question)
        scored = index.lexical.score(question)
        assert set(scored.best(10).tolist()) <= set(np.argsort(-here)[:13].tolist())
        assert np.corrcoef(scored.of(np.arange(len(here))), here)[0, 1] > 0.99
    assert [search["limit"]["limit"] for search in engine.searches] == [10, 10, 10]


@pytest.mark.slow
def test_an_answer_is_the_same_as_with_postings_here(config, tmp_path, engine):
    beside = config.model_copy(update={"chroma": None, "index": tmp_path / "beside"})
    with Assistant.open(config) as remote, Assistant.open(beside) as local:
        for question in (QUESTION, "Who is the president of Azerbaijan?", "What is Azerbaijan's GDP?", "Why?", "the"):
            theirs, ours = remote.ask(question), local.ask(question)
            assert (theirs.answered, theirs.citations) == (ours.answered, ours.citations)
    assert engine.searches


@pytest.mark.slow
def test_a_word_that_other_articles_alone_hold_is_not_known_within_some(index, config):
    only = next(path.name for path in config.corpus.glob("*.txt") if "Aghayev" not in path.read_text())
    (speaker,) = stems("Aghayev")
    scope = find_scope(index, Filters(sources=(only,)))
    assert index.lexical.knows(speaker)
    assert not scope.lexical.knows(speaker)
    assert 0 < len(scope.lexical) < len(index.lexical)
    best = scope.lexical.score(stems("China trade")).best(5)
    assert len(best) == 5
    assert {index.rows.locate(row)[0].source for row in best.tolist()} == {only}
    assert len(scope.lexical.score([speaker]).best(5)) == 0


def articles(config, **texts):
    shutil.rmtree(config.corpus)
    config.corpus.mkdir()
    for name, text in texts.items():
        (config.corpus / f"{name}.txt").write_text(text)


BANK = {
    "bank": "The bank\n\nThe Asian Development Bank (ADB) met in Manila. It spoke of roads.",
    "short": "The loan\n\nThe ADB approved a loan of five million dollars.",
    "long": "The road\n\nThe Asian Development Bank financed a road to the sea.",
    "other": "The branch\n\nA commercial bank in Baku opened a branch in May.",
}


@pytest.mark.slow
def test_an_acronym_finds_its_long_form_and_a_part_of_that_counts_little(config, embedder):
    articles(config, **BANK)
    update_index(config, embedder)
    opened = open_index(config, embedder)
    scores = {}
    for row, score in enumerate(opened.lexical.score(stems("ADB loans")).of(np.arange(len(opened.lexical)))):
        file, _ = opened.rows.locate(row)
        scores[file.source] = max(score, scores.get(file.source, 0))
    assert scores["short.txt"] > scores["long.txt"] > 2 * scores["other.txt"]
    scope = find_scope(opened, Filters(sources=("long.txt",)))
    assert all(scope.lexical.knows(stem) for stem in stems("ADB road Asian"))
    assert not any(scope.lexical.knows(stem) for stem in stems("loan Baku Manila"))
    assert not scope.lexical.mentions(next(find_words("loaned")))
    assert scope.lexical.mentions(next(find_words("financing")))
    opened.close()


@pytest.mark.slow
def test_of_many_files_what_is_far_from_the_best_may_be_missed_but_is_not_denied(config, embedder, monkeypatch):
    monkeypatch.setattr("rag.sparse.CONDITIONS", 1)
    articles(config, **BANK)
    update_index(config, embedder)
    opened = open_index(config, embedder)
    scope = find_scope(opened, Filters(sources=("long.txt", "other.txt")))
    best = scope.lexical.score(stems("bank")).best(5)
    assert {opened.rows.locate(row)[0].source for row in best.tolist()} == {"long.txt", "other.txt"}
    assert not scope.lexical.knows("loan")
    monkeypatch.setattr("rag.sparse.MOST", 1)
    crowded = find_scope(opened, Filters(sources=("long.txt", "other.txt"))).lexical
    assert crowded.knows("loan")  # the one row that the engine gives is another file's: nobody can say
    opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("schemas", ["passed over", "failed"])
def test_older_servers_get_their_collections_as_before(server, config, embedder, schemas):
    older = SparseEngine(server.address, schemas)
    articles(config, **BANK, older=f"Older\n\nThis server is one of those: {schemas}.")
    config = config.model_copy(update={"chroma": older.address})
    update_index(config, embedder)
    opened = open_index(config, embedder)
    assert isinstance(opened.lexical, LexicalIndex)
    for collection in (opened.sentences, opened.passages):
        assert collection.metadata["hnsw:space"] == "cosine"
        assert collection.configuration["hnsw"]["space"] == "cosine"
    opened.close()
    older.close()


@pytest.mark.slow
def test_no_more_vectors_go_at_once_than_the_server_takes(config, embedder, engine, monkeypatch):
    monkeypatch.setattr(engine, "batch", 7)
    articles(config, many="Many\n\n" + " ".join(f"Line {number} tells of wine." for number in range(40)))
    whole = update_index(config, embedder).manifest
    assert whole.sentences >= 40
    with Assistant.open(config) as assistant:
        assert assistant.ask("What does line 33 tell of?").citations


@pytest.mark.slow
def test_what_stays_keeps_its_sparse_vectors_and_what_changes_gets_others(config, embedder):
    whole = update_index(config, embedder).manifest
    file = config.corpus / FIRST
    file.write_bytes(file.read_bytes().replace(b"around 245", b"around 24517"))
    assert 0 < update_index(config, embedder).embedded < whole.sentences / 2
    opened = open_index(config, embedder)
    for words, source in (("24517", FIRST), ("Aghayev", None)):
        rows = opened.lexical.score(stems(words)).best(3).tolist()
        assert rows
        assert source in (None, opened.rows.locate(rows[0])[0].source)
    opened.close()


@pytest.mark.slow
def test_chroma_cloud_is_asked_for_no_more_at_once_than_it_gives(config, embedder, engine, monkeypatch):
    monkeypatch.setenv("CHROMA_API_KEY", "a key")
    monkeypatch.setattr("rag.server.CLOUD_PAGE", 60)
    monkeypatch.setattr("rag.sparse.MOST", 60)
    monkeypatch.setattr("rag.nearest.FEW", 10)
    file = config.corpus / FIRST
    file.write_bytes(file.read_bytes().replace(b"around 245", b"around 951"))
    with Assistant.open(config) as assistant:
        assert assistant.ask(QUESTION).short == "around 951"
        assert assistant.ask(QUESTION, filters=Filters(sources=(FIRST,))).searched == 1
        file.write_bytes(file.read_bytes().replace(b"around 951", b"around 952"))
        assert assistant.ask(QUESTION).short == "around 952"
    assert engine.largest <= 60


def test_a_sparse_vector_times_a_word_is_what_lucene_gives_it():
    words = ["wine", "wine", "trade"]
    sparse = make_sparse(words)
    length = 1 - 0.75 + 0.75 * 3 / 13
    assert sorted(sparse.values) == pytest.approx([1 / (1 + 1.2 * length), 2 / (2 + 1.2 * length)])
    assert sparse.indices == sorted(set(sparse.indices))
    assert set(make_sparse(["wine"]).indices) < set(sparse.indices)
    assert make_sparse([]).indices == []
