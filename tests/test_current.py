"""Which index questions get while the corpus changes, and how often the folder is looked at."""

import threading
from pathlib import Path

import pytest

import rag.current
from rag.assistant import Assistant
from rag.current import CurrentIndex


@pytest.fixture
def current(write_corpus, embedder):
    index = CurrentIndex(write_corpus({"a.txt": "Exactly 17 penguins live in Sheki."}), embedder)
    yield index
    index.close()


@pytest.fixture
def looks(monkeypatch):
    """Each look at the corpus so far; it waits until `let` is set."""
    scanned, made, let = rag.current.scan, [], threading.Event()
    let.set()

    def scan(corpus: Path):
        made.append(corpus)
        assert let.wait(60)
        return scanned(corpus)

    monkeypatch.setattr(rag.current, "scan", scan)
    made_and_let = made, let
    return made_and_let


def sources(index, **options):
    with index.borrow(**options) as shelf:
        return [file.source for file in shelf.index.manifest.files]


def test_questions_that_wait_for_a_look_share_the_next_one(current, looks):
    made, let = looks
    assert sources(current) == ["a.txt"]
    let.clear()
    threads = [threading.Thread(target=sources, args=(current,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(made) < 2:
        pass
    let.set()
    for thread in threads:
        thread.join()
    assert len(made) <= 3  # the first, the one that somebody waited for, and at most one for all who came during it


def test_a_small_corpus_is_looked_at_for_every_question(current, looks):
    made, _ = looks
    assert sources(current) == ["a.txt"]
    (made[0] / "b.txt").write_text("Two seals live in Quba.", encoding="utf-8")
    assert sources(current) == ["a.txt", "b.txt"]


def test_after_a_long_look_the_next_waits_unless_it_is_asked_for(current, looks, monkeypatch):
    monkeypatch.setattr(rag.current, "SMALL", 0.0)
    monkeypatch.setattr(rag.current, "LOOKING", 1e-9)
    made, _ = looks
    assert sources(current) == ["a.txt"]
    (made[0] / "b.txt").write_text("Two seals live in Quba.", encoding="utf-8")
    assert sources(current) == ["a.txt"]
    assert sources(current, look=True) == ["a.txt", "b.txt"]


def test_an_article_that_changed_after_a_long_look_is_quoted_as_it_is_now(write_corpus, monkeypatch):
    monkeypatch.setattr(rag.current, "SMALL", 0.0)
    monkeypatch.setattr(rag.current, "LOOKING", 1e-9)
    config = write_corpus({"a.txt": "Exactly 17 penguins live in Sheki, the zoo said.\n\nWine is sold in Baku."})
    with Assistant.open(config) as assistant:
        assert assistant.ask("How many penguins live in Sheki?").short == "17"
        text = "Exactly 19 penguins live in Sheki, the zoo said.\n\nWine is sold in Baku."
        (config.corpus / "a.txt").write_text(text, encoding="utf-8")
        assert assistant.ask("How many penguins live in Sheki?").short == "19"
