"""What each signal says about a sentence, on sentences and vectors that are written out here."""

import numpy as np
import pytest

from rag.converse import Standalone
from rag.embed import EncodedText
from rag.judge import Judgement
from rag.lexical import LexicalIndex
from rag.schema import Article, Candidate, Sentence, Span, SplitArticle
from rag.signals import (
    SIGNALS,
    context_parts,
    find_nearness,
    find_unmet,
    measure,
    weigh_question,
    word_similarities,
)
from rag.words import find_words

LEXICAL = LexicalIndex.build(["Trade grew.", "Wine sold.", "Ports opened.", "Roads closed."])


def encoded(text, vectors=None):
    """The text with one piece a word; without vectors each has a dimension of its own."""
    words = list(find_words(text))
    tokens = np.eye(len(words), 8) if vectors is None else np.asarray(vectors, float)
    spans = np.asarray([(word.start, word.end) for word in words], np.int64).reshape(-1, 2)
    return EncodedText(np.eye(1, 8)[0], tokens.reshape(-1, 8), spans)


def candidate(text, previous=None, heading="", title="", published="", **scores):
    texts = [previous, text] if previous else [text]
    sentences = tuple(Sentence(0, len(t), t, 0, heading) for t in texts)
    article = Article("a.txt", " ".join(texts), "0" * 64, title, "", published, "", (Span(0, 1),))
    given = {"cosine": 0.0, "passage_cosine": 0.0, "bm25": 0.0, "score": 0.0} | scores
    return Candidate(0, SplitArticle(article, sentences), len(texts) - 1, Span(0, 1), **given)


def signals(question, text, lexical=LEXICAL, encoding=None, before=None, **about):
    question = question if isinstance(question, Standalone) else Standalone(question)
    weighed = weigh_question(question, encoded(question.question), lexical)
    encoding = encoding or encoded(text, np.zeros((len(list(find_words(text))), 8)))
    judgement = Judgement(0.5, 0, 0, -0.5)
    (row,) = measure(weighed, [candidate(text, **about)], [encoding], [before], [judgement], lexical)
    return dict(zip(SIGNALS, row.tolist(), strict=True))


@pytest.mark.parametrize(
    ("question", "sentence", "about", "unmet"),
    [
        ("How many trains ran in 2022?", "In 2024 there were 12 trains.", {}, ("2022",)),
        ("How many trains ran in 2022?", "There were 12 trains.", {"published": "2022-03-01"}, ()),
        ("Who welcomed Hazi in Baku?", "He was welcomed by all.", {"previous": "Hazi came."}, ("Baku",)),
        ("Did 12 trains reach Baku?", "Six trains did.", {"title": "Baku"}, ("12",)),
        ("Did trains run?", "Ships did.", {}, ()),
    ],
)
def test_years_numbers_and_names_that_stand_nowhere_near_are_unmet(question, sentence, about, unmet):
    weighed = weigh_question(Standalone(question), encoded(question), LEXICAL)
    assert find_unmet(weighed, candidate(sentence, **about), LEXICAL) == unmet


@pytest.mark.parametrize(
    ("distance", "nearness"),
    [(-4, 0), (-3, 1 / 3), (-2, 1 / 2), (-1, 1), (0, 1 / 2), (1, 1), (3, 1 / 3), (4, 0)],
)
def test_a_sentence_is_near_a_cited_one_up_to_three_sentences_off(distance, nearness):
    texts = [f"Sentence number {i} of this article says something." for i in range(11)]
    texts[5] = "Trade between the two countries reached $289 million that year."
    sentences = tuple(Sentence(0, len(t), t, 0) for t in texts)
    article = Article("a.txt", " ".join(texts), "0" * 64, "", "", "", "", (Span(0, 1),))
    found = Candidate(0, SplitArticle(article, sentences), 5 + distance, Span(0, 1), 0, 0, 0, 0)
    reply = "SR-Center: “Trade between the two countries reached $289 million …” [1]"
    assert find_nearness(found, reply) == pytest.approx(nearness)
    assert find_nearness(found, "") == 0


@pytest.mark.parametrize(
    ("question", "sentence", "about", "met", "unmet"),
    [
        ("How much was traded in 2007?", "Trade came to $1.2 billion in 2007.", {}, 1, 0),
        ("How much was traded in 2007?", "Trade came to $1.4 billion in 2017.", {}, 0, 1),
        ("How much was traded in 2007?", "It rose from 2005 to 2007.", {}, 1, 0),
        ("How much was traded in 2007?", "Trade grew.", {}, 0, 1),
        ("How much was traded in 2007?", "Trade grew.", {"published": "2007-03-01"}, 0, 0),
        ("How much was traded in 2007?", "Trade grew.", {"heading": "The year 2007"}, 0, 0),
        ("How much was traded in 2007?", "Trade grew.", {"previous": "That was in 2007."}, 0, 0),
        ("How much was traded in 2007?", "Trade grew in 2008.", {"title": "Trade in 2007"}, 0, 1),
        ("How much was traded in 2007 and 2017?", "In 2017 it was more.", {}, 0, 1),
        ("How much was traded in 2007 and 2017?", "In 2017 it was more than in 2007.", {}, 1, 0),
        ("How much was traded?", "Trade came to $1.2 billion in 2007.", {}, 0, 0),
    ],
)
def test_the_asked_years_must_be_in_the_sentence_or_where_it_has_none_around_it(question, sentence, about, met, unmet):
    found = signals(question, sentence, **about)
    assert (found["year_met"], found["year_unmet"]) == (met, unmet)


@pytest.mark.parametrize(
    ("question", "sentence", "about", "unmet"),
    [
        ("Who signed the 17 agreements?", "They signed 17 agreements.", {}, 0),
        ("Who signed the 17 agreements?", "They signed 18 agreements.", {}, 1),
        ("Who signed the 17 agreements?", "They signed them.", {"previous": "There were 17."}, 0),
        ("Who moved 1,200 tonnes?", "They moved 1200 tonnes.", {}, 0),
        ("Who signed 17 of 20 agreements?", "They signed 17 agreements.", {}, 1),
        ("Who signed the agreements?", "They signed 17 agreements.", {}, 0),
    ],
)
def test_the_numbers_of_the_question_must_be_in_the_sentence_or_around_it(question, sentence, about, unmet):
    assert signals(question, sentence, **about)["number_unmet"] == unmet


@pytest.mark.parametrize(
    ("sentence", "about", "unmet"),
    [
        ("Georgia and Armenia trade.", {}, 0),
        ("Georgia trades.", {}, 0.5),
        ("They trade.", {}, 1),
        ("They trade.", {"title": "Armenia", "heading": "Georgia"}, 0),
        ("They trade.", {"previous": "Armenia opened a road."}, 0.5),
    ],
)
def test_the_share_of_the_questions_names_that_neither_the_sentence_nor_what_is_around_it_holds(sentence, about, unmet):
    assert signals("Do Georgia and Armenia trade?", sentence, **about)["name_unmet"] == unmet


def test_a_question_without_names_misses_none():
    assert signals("Who trades?", "They trade.")["name_unmet"] == 0


@pytest.mark.parametrize(
    ("sentence", "about", "covered", "context_covered"),
    [
        ("A bridge has a railway.", {}, 1, 1),
        ("Bridges are long.", {}, 0.5, 0.5),
        ("Bridges are long.", {"heading": "Railways"}, 0.5, 1),
        ("It is long.", {"previous": "There is a bridge.", "title": "Railways"}, 0, 1),
        ("It is long.", {}, 0, 0),
    ],
)
def test_the_share_of_the_questions_words_that_are_said(sentence, about, covered, context_covered):
    found = signals("What railway bridge?", sentence, **about)
    assert (found["covered"], found["context_covered"]) == (covered, context_covered)


def test_rare_words_weigh_more():
    lexical = LexicalIndex.build(["Trade grew.", "Trade fell.", "Trade stopped.", "Wine sold."])
    weights = {"trade": np.log1p(1.5 / 3.5), "wine": np.log1p(3.5 / 1.5)}
    share = weights["wine"] / sum(weights.values())
    assert signals("What wine trade?", "Wine.", lexical)["covered"] == pytest.approx(share)


def test_a_word_of_an_earlier_question_weighs_half():
    question = Standalone("What of wine? What of cars?", focus=14)
    assert signals(question, "Cars.", LexicalIndex.build([]))["covered"] == pytest.approx(2 / 3)
    assert signals(question, "Wine.", LexicalIndex.build([]))["covered"] == pytest.approx(1 / 3)


def test_an_acronym_is_said_by_its_long_form():
    lexical = LexicalIndex.build(["The Belt and Road Initiative (BRI) grew."])
    assert signals("What is BRI?", "The Belt and Road Initiative grew.", lexical)["covered"] == 1


@pytest.mark.parametrize(
    ("sentence", "asks"),
    [
        ("Why does it matter?", 1),
        ("“Why does it matter?”", 1),
        ("Why?’ ", 1),
        ("Why? Because it does.", 0),
        ("It matters.", 0),
    ],
)
def test_a_sentence_that_asks_is_known_by_its_mark(sentence, asks):
    assert signals("Why does it matter?", sentence)["is_question"] == asks


@pytest.mark.parametrize(
    ("question", "sentence", "right", "wrong"),
    [
        ("How many companies?", "There are 245 companies.", 1, 0),
        ("How many companies?", "There are companies.", 0, 1),
        ("Do companies trade?", "There are companies.", 0, 0),
    ],
)
def test_the_asked_type_is_there_or_missing_or_any_will_do(question, sentence, right, wrong):
    found = signals(question, sentence)
    assert (found["right_type"], found["wrong_type"]) == (right, wrong)


def test_words_are_met_by_their_nearest_piece():
    question = weigh_question(Standalone("What wine trade?"), encoded("What wine trade?"), LEXICAL)
    sentence = encoded("a b", [[0.6, 0.8, 0, 0, 0, 0, 0, 0], [0.8, -0.6, 0, 0, 0, 0, 0, 0]])
    assert word_similarities(question, sentence).tolist() == pytest.approx([0.8, 0.8])


def test_a_word_of_several_pieces_is_met_by_their_mean():
    pieces = EncodedText(np.eye(1, 8)[0], np.eye(2, 8), np.asarray([(0, 4), (4, 8)]))
    question = weigh_question(Standalone("railways"), pieces, LEXICAL)
    assert word_similarities(question, encoded("x", [1, 0, 0, 0, 0, 0, 0, 0])).tolist() == [0.5]


def test_there_is_one_similarity_a_word_and_none_without_pieces():
    question = weigh_question(Standalone("What wine trade?"), encoded("What wine trade?"), LEXICAL)
    assert word_similarities(question, encoded("the")).tolist() == [0, 0]
    cut_off = weigh_question(Standalone("What wine trade?"), encoded("What wine"), LEXICAL)
    assert word_similarities(cut_off, encoded("wine")).tolist() == [1, 0]
    wordless = weigh_question(Standalone("what?"), encoded("what?"), LEXICAL)
    assert word_similarities(wordless, encoded("wine")).shape == (0,)


def test_the_least_met_word_counts_and_one_said_nearby_is_met_less():
    equal = encoded("What bridge railway?")
    found = signals("What bridge railway?", "Bridge railway.", encoding=equal)
    assert (found["maxsim"], found["weakest"], found["gap"]) == (1, 1, 0)
    found = signals("What bridge railway?", "Bridge.", heading="Railway")
    assert found["weakest"] == 0.85
    assert found["gap"] == pytest.approx(0.15 * LEXICAL.idf("railway"))
    found = signals("What bridge railway?", "Bridge.")
    assert (found["weakest"], found["gap"]) == (0, LEXICAL.idf("railway"))


def test_the_sentence_before_counts_a_quarter():
    found = signals("What wine?", "It.", before=encoded("Wine."), previous="Wine.")
    assert (found["maxsim"], found["context_maxsim"]) == (0, 0.25)


def test_scores_of_the_candidate_are_taken_over():
    found = signals("What bridge?", "A bridge.", cosine=0.5, passage_cosine=0.25, bm25=2.2 * LEXICAL.idf("bridg"))
    assert (found["cosine"], found["passage_cosine"], found["bm25"]) == (0.5, 0.25, 1)


def test_a_question_without_words_has_finite_signals():
    found = signals("What?", "Trade grew.", cosine=0.5)
    assert np.isfinite(list(found.values())).all()
    assert (found["covered"], found["weakest"], found["gap"], found["maxsim"]) == (0, 0, 0, 0)


def test_there_is_one_row_a_candidate_and_one_column_a_signal():
    question = weigh_question(Standalone("What wine?"), encoded("What wine?"), LEXICAL)
    assert measure(question, [], [], [], [], LEXICAL).shape == (0, len(SIGNALS))
    judgements = [Judgement(0.5, 0, 0, -0.5)] * 2
    found = [candidate("Wine."), candidate("Cars.")]
    rows = measure(question, found, [encoded("Wine.")] * 2, [None] * 2, judgements, LEXICAL)
    assert rows.shape == (2, len(SIGNALS))
    assert rows[:, SIGNALS.index("covered")].tolist() == [1, 0]


def test_what_is_around_a_sentence_is_the_one_before_its_heading_and_the_articles_title_and_date():
    found = candidate("It grew.", previous="Wine sold.", heading="Wine", title="Trade", published="2024-07-11")
    assert context_parts(found) == ("Wine sold.", "Wine", "Trade", "2024 07 11")
    assert context_parts(candidate("It grew.")) == ("", "", "", "")
