"""The texts of other formats are kept beside the index, and quotes are offsets into them."""

import json
import os
from dataclasses import replace
from hashlib import sha256

import pytest
from archive_files import BRIDGE, LIMIT, PAGE, PORT, read

from eval.metrics import is_verbatim
from rag.articles import read_article, scan
from rag.assistant import Assistant
from rag.export import pack_answer
from rag.extractions import sweep_extracts
from rag.formats import Extract, UnreadableError
from rag.index import update_index
from rag.schema import Article
from rag.verify import verify_answer
from ui.source import load_article


@pytest.fixture
def config(write_corpus, embedder):
    lines = json.dumps({"text": f"Ports. {PORT}", "title": "Ports", "publisher": "Wire", "id": "p1"})
    config = write_corpus({"bridge.html": PAGE, "news.jsonl": lines})
    update_index(config, embedder)
    return config


def kept(config):
    return sorted(path.name for path in (config.index / "extracted").iterdir())


QUESTION = "How much did the new bridge at Poti cost?"


def test_answers_quote_the_extracted_text_at_its_place_with_both_hashes(config):
    with Assistant.open(config) as assistant:
        for question, words, source in (
            (QUESTION, "48 million euros", "bridge.html"),
            ("How many people did the port of Anaklia employ at the end of 2023?", "312 people", "news.jsonl#p1"),
        ):
            answer = assistant.ask(question)
            citation = answer.citations[0]
            article = read_article(config.corpus, source, LIMIT)
            assert words in citation.quote
            assert (citation.source, citation.status) == (source, "verified")
            assert article.text[citation.start : citation.end] == citation.quote
            assert (citation.sha256, citation.text_sha256) == (article.sha256, article.text_sha256)
            assert is_verbatim(citation, config.corpus)
            assert not is_verbatim(replace(citation, start=citation.start + 1), config.corpus)
            assert verify_answer(
                json.loads(answer.to_json()), [a for a in read(config) if isinstance(a, Article)]
            ).holds
            pack = pack_answer(answer, config)
            assert f"text sha256  {article.text_sha256}" in pack["answer.md"].decode()
            assert load_article(config, source) == article
    digest = sha256(PAGE.encode()).hexdigest()
    assert kept(config) == [f"{digest}-html1.json", f"{digest}-html1.txt"]
    text = (config.index / "extracted" / f"{digest}-html1.txt").read_bytes()
    assert sha256(text).hexdigest() == read_article(config.corpus, "bridge.html", LIMIT).text_sha256


@pytest.mark.parametrize("spoil", ["delete", "alter", "empty"])
def test_a_kept_text_that_is_missing_or_damaged_is_made_anew(config, spoil):
    before = {name: (config.index / "extracted" / name).read_bytes() for name in kept(config)}
    for name, data in before.items():
        path = config.index / "extracted" / name
        if spoil == "delete":
            path.unlink()
        else:
            path.write_bytes(data.replace(b"48", b"99") if spoil == "alter" else b"")
    with Assistant.open(config) as assistant:
        assert "48 million euros" in assistant.ask(QUESTION).citations[0].quote
    assert {name: (config.index / "extracted" / name).read_bytes() for name in kept(config)} == before


def test_another_version_of_a_parser_shifts_no_offsets(config, monkeypatch):
    monkeypatch.setattr("rag.extractions.extract_apart", lambda data, reader: Extract("Other words."))
    with Assistant.open(config) as assistant:
        assert "48 million euros" in assistant.ask(QUESTION).citations[0].quote


def test_a_text_that_is_extracted_otherwise_than_when_it_was_indexed_is_never_quoted(config, monkeypatch):
    for name in kept(config):
        (config.index / "extracted" / name).unlink()
    text = f"Added. {BRIDGE}"
    monkeypatch.setattr("rag.extractions.extract_apart", lambda data, reader: Extract(text))
    with Assistant.open(config) as assistant, pytest.raises(Exception, match="Index it anew: citewell index --rebuild"):
        assistant.ask(QUESTION)


def test_what_is_kept_of_files_that_are_gone_is_swept_and_other_files_stay(config, embedder):
    (config.index / "extracted" / "mine.txt").write_text("Mine.")
    first = kept(config)
    (config.corpus / "bridge.html").write_text(PAGE.replace("48", "49"))
    update_index(config, embedder)
    assert set(first) < set(kept(config))  # the generation before may still be read
    (config.corpus / "bridge.html").unlink()
    update_index(config, embedder)
    (config.corpus / "more.txt").write_text("More.")
    update_index(config, embedder)
    assert kept(config) == ["mine.txt"]
    sweep_extracts(config.index / "nowhere", ())


def refuse_slowly(calls, monkeypatch):
    def extract_apart(data, reader):
        calls.append(reader)
        raise UnreadableError("reading it takes longer than 30 seconds")

    monkeypatch.setattr("rag.extractions.extract_apart", extract_apart)
    monkeypatch.setattr("rag.extractions.LONG", 0.0)


def test_a_file_that_took_long_to_refuse_is_refused_at_once_until_a_rebuild(config, embedder, monkeypatch):
    calls = []
    with monkeypatch.context() as patched:
        refuse_slowly(calls, patched)
        (config.corpus / "slow.html").write_text(PAGE.replace("48", "49"))
        reasons = [skipped.reason for skipped in update_index(config, embedder).skipped]
        assert reasons == ["reading it takes longer than 30 seconds"]
        for number in range(3):
            (config.corpus / "more.txt").write_text(f"More: {number}.")
            assert [skipped.reason for skipped in update_index(config, embedder).skipped] == reasons
        assert calls == ["html"]
        (refused,) = (config.index / "extracted").glob("*.refused")
        refused.write_text(refused.read_text().replace("longer", "Longer"))  # no longer what was written
        (config.corpus / "more.txt").write_text("More again.")
        update_index(config, embedder)
        assert calls == ["html", "html"]
    assert update_index(config, embedder, rebuild=True).skipped == ()
    assert not list((config.index / "extracted").glob("*.refused"))


def test_a_refusal_that_no_update_has_met_for_a_month_goes(config, embedder, monkeypatch):
    refuse_slowly([], monkeypatch)
    (config.corpus / "slow.html").write_text(PAGE.replace("48", "49"))
    update_index(config, embedder)
    (refused,) = (config.index / "extracted").glob("*.refused")
    os.utime(refused, (0, 0))
    (config.corpus / "more.txt").write_text("More.")
    update_index(config, embedder)
    assert refused.exists()  # met again, so of use
    (config.corpus / "slow.html").unlink()
    os.utime(refused, (0, 0))
    update_index(config, embedder)
    assert not refused.exists()


def test_a_file_that_is_refused_quickly_leaves_nothing(config, embedder):
    (config.corpus / "bad.pdf").write_bytes(b"%PDF-1.7 not really")
    assert len(update_index(config, embedder).skipped) == 1
    assert not list((config.index / "extracted").glob("*.refused"))


def test_a_line_that_is_added_embeds_nothing_else_and_markup_that_changes_nothing(config, embedder):
    path = config.corpus / "news.jsonl"
    path.write_text(path.read_text() + '\n{"text": "Rice is grown here."}')
    report = update_index(config, embedder)
    assert (report.added, report.changed, report.unchanged, report.embedded) == (1, 0, 2, 2)
    (config.corpus / "bridge.html").write_text(PAGE.replace("Subscribe now", "Join"))
    assert update_index(config, embedder).embedded == 0
    with Assistant.open(config) as assistant:
        citation = assistant.ask(QUESTION).citations[0]
    assert citation.sha256 == sha256((config.corpus / "bridge.html").read_bytes()).hexdigest()


def test_nothing_is_kept_in_a_folder_that_is_no_index(write_corpus):
    config = write_corpus({"a.html": PAGE})
    config.index.mkdir()
    assert len(read(config)) == 1
    assert list(config.index.iterdir()) == []
    assert [state.source for state in scan(config.corpus)] == ["a.html"]
