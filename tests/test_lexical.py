from concurrent.futures import ThreadPoolExecutor
from math import log

import bm25s
import numpy as np
import pytest

from rag.lexical import LexicalIndex
from rag.words import stems

SENTENCES = [
    "Trade with China rose in 2024.",
    "China trades.",
    "Nothing of it.",
    "…",
    "Wine exports fell by 2,024 tonnes.",
]


@pytest.fixture
def lexical(tmp_path):
    LexicalIndex.build(SENTENCES).save(tmp_path / "lexical")
    return LexicalIndex.load(tmp_path / "lexical")


def test_every_sentence_has_a_score_and_only_those_with_a_word_of_the_question_a_positive_one(lexical):
    scores = lexical.scores(stems("Which wine?"))
    assert scores.shape == (5,)
    assert [bool(score) for score in scores] == [False, False, False, False, True]


def test_a_shorter_sentence_with_the_same_words_scores_higher(lexical):
    scores = lexical.scores(stems("China trading"))
    assert scores[1] > scores[0] > 0


def test_scores_are_the_same_before_saving_and_after_loading(lexical):
    built = LexicalIndex.build(SENTENCES)
    for question in ("China trade 2024", "wine", "2024"):
        assert np.array_equal(built.scores(stems(question)), lexical.scores(stems(question)))


def test_unknown_words_score_nothing(lexical):
    assert lexical.scores(stems("Zebra")).tolist() == [0, 0, 0, 0, 0]
    assert lexical.scores([]).tolist() == [0, 0, 0, 0, 0]
    assert lexical.scores(["zebra", "wine"]).tolist() == lexical.scores(["wine"]).tolist()


def test_idf_is_that_of_bm25_and_highest_for_unknown_words(lexical):
    assert lexical.idf("china") == pytest.approx(log(1 + 3.5 / 2.5))
    assert lexical.idf("zebra") == pytest.approx(log(1 + 5.5 / 0.5))
    assert (lexical.knows("china"), lexical.knows("zebra")) == (True, False)


@pytest.mark.parametrize("sentences", [[], ["…", "The of"]])
def test_an_index_without_words_is_saved_loaded_and_scores_nothing(tmp_path, sentences):
    LexicalIndex.build(sentences).save(tmp_path / "empty")
    loaded = LexicalIndex.load(tmp_path / "empty")
    assert len(loaded) == len(sentences)
    assert loaded.scores(["trade"]).tolist() == [0.0] * len(sentences)


def test_threads_score_alike(lexical):
    questions = [["china"], ["wine"], ["trade", "2024"], ["zebra"]] * 50
    expected = [lexical.scores(question).tolist() for question in questions]
    with ThreadPoolExecutor(8) as pool:
        assert [scores.tolist() for scores in pool.map(lexical.scores, questions)] == expected


def test_an_acronym_that_reads_as_a_stop_word_is_left_alone():
    lexical = LexicalIndex.build(["The World Health Organization (WHO) met.", "The Nation State Accord (NSA) holds."])
    assert lexical.expand(stems("the WHO")) == set()
    assert lexical.expand(stems("NSA")) == {*stems("NSA Nation State Accord")}


def test_scores_are_those_that_bm25s_computes_itself(lexical):
    rows = [stems(sentence) for sentence in SENTENCES]
    own = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    own.index([list(row) for row in rows], show_progress=False)
    for row in filter(None, rows):
        assert lexical.scores(row) == pytest.approx(own.get_scores(list(row)), rel=1e-5)
