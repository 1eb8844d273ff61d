"""The corpora beside the seeds are whole: gold passages stand where cases say, and halves share nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.ablation import Outcome as EvalOutcome
from eval.cases import locate_gold
from eval.conflicts import (
    CONFLICTS,
    ConflictCase,
    Outcome,
    f1,
    load_conflict_cases,
    make_table,
    precision,
    recall,
    sides_shown,
    write_corpus,
)
from eval.corpora import load_corpora, write_articles
from eval.elsewhere import answered, declined
from eval.elsewhere import make_table as make_elsewhere_table
from rag.articles import read_articles
from rag.errors import CitewellError
from rag.schema import Answer, Article, Conflict, ConflictSide

EDIT = {"source": "001_04a1ac37c911923e.txt", "old": "around 245", "new": "some 310"}


@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_gold_passage_stands_in_its_corpus(split, tmp_path):
    for corpus in load_corpora(split):
        write_articles(corpus.articles, tmp_path / corpus.name)
        assert corpus.cases
        assert all(locate_gold(case, tmp_path / corpus.name) is not None for case in corpus.cases)


def test_the_halves_share_no_article_and_are_balanced():
    texts = {split: {a["text"] for c in load_corpora(split) for a in c.articles} for split in ("dev", "test")}
    assert texts["dev"].isdisjoint(texts["test"])
    for split in ("dev", "test"):
        answerable = [case.answerable for corpus in load_corpora(split) for case in corpus.cases]
        assert 0.45 < sum(answerable) / len(answerable) < 0.55


def test_articles_are_written_with_what_is_known_of_them(tmp_path):
    article = {
        "source": "a.txt",
        "title": 'The "Gudrun"',
        "publisher": "Post",
        "published": "2025-01-02",
        "text": "Hi.\n",
    }
    write_articles([article], tmp_path)
    (read,) = (a for a in read_articles(tmp_path, 1_000) if isinstance(a, Article))
    assert (read.title, read.publisher, read.published, read.text) == ('The "Gudrun"', "Post", "2025-01-02", "Hi.\n")


@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_conflict_case_fits_its_corpus(split, tmp_path):
    for number, case in enumerate(load_conflict_cases(CONFLICTS, split)):
        write_corpus(case.corpus, tmp_path / str(number))
        texts = [file.read_bytes().decode() for file in Path(tmp_path / str(number)).glob("*.txt")]
        assert bool(case.sides) == (case.kind == "conflict")
        assert all(any(value in text for text in texts) for side in case.sides for value in side)


def test_an_edit_is_made_once_and_one_that_fits_nowhere_is_refused(tmp_path):
    write_corpus({"seeds": True, "edits": [EDIT]}, tmp_path / "edited")
    assert "some 310 Azerbaijani companies" in (tmp_path / "edited" / EDIT["source"]).read_text(encoding="utf-8")
    with pytest.raises(CitewellError, match="stands 0 times"):
        write_corpus({"seeds": True, "edits": [EDIT | {"old": "around 999"}]}, tmp_path / "wrong")


def outcome(kind, shown, sides=(), of="figures"):
    found = (Conflict("", tuple(ConflictSide(value, ()) for value in shown), of),) if shown else ()
    answer = Answer("Q?", "Q?", True, "", None, 0.9, (), found if of == "figures" else (), (), "quotes", {})
    answer = replace(answer, developments=found if of == "development" else ())
    return Outcome(ConflictCase("x", "dev", kind, "count", {}, "Q?", tuple((side,) for side in sides)), answer)


def test_precision_recall_f1_and_sides_count_what_is_shown():
    outcomes = [
        outcome("conflict", ["Ten", "12"], ["ten", "12"]),
        outcome("conflict", ["ten", "14"], ["ten", "12"]),
        outcome("conflict", [], ["ten", "12"]),
        outcome("plain", ["1", "2"]),
        outcome("look_alike", []),
    ]
    assert [precision(outcomes), recall(outcomes), f1(outcomes)] == pytest.approx([2 / 3, 2 / 3, 2 / 3])
    assert sides_shown(outcomes) == pytest.approx(3 / 6)
    assert make_table(outcomes).row_count == 11


def test_a_development_is_no_disagreement():
    outcomes = [outcome("look_alike", ["4", "9"], of="development"), outcome("conflict", ["1", "2"], of="development")]
    assert [recall(outcomes), f1(outcomes)] == [0.0, 0.0]
    assert precision(outcomes) is None
    assert [each.developed for each in outcomes] == [True, True]


def test_a_file_without_cases_is_refused(tmp_path):
    (tmp_path / "none.jsonl").write_text(json.dumps({"id": "x"}))
    with pytest.raises(CitewellError, match="cannot be read"):
        load_conflict_cases(tmp_path / "none.jsonl", "dev")


def test_the_table_of_other_corpora_has_answered_and_declined_apart():
    outcomes = [
        EvalOutcome(True, True, 0.9, True),
        EvalOutcome(True, False, 0.2, False),
        EvalOutcome(False, False, 0.1, False),
    ]
    assert (answered(outcomes), declined(outcomes)) == (0.5, 1.0)
    assert make_elsewhere_table(outcomes).row_count == 5
