"""What the reader makes of candidates: scores, confidence, what to quote; and the same every time."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.converse import Standalone
from rag.library import Library
from rag.reader import (
    EVIDENCE,
    TrainedReader,
    Weights,
    choose_quotes,
    find_evidence,
    judge_evidence,
    load_weights,
    score_sentences,
)
from rag.retrieve import retrieve
from rag.schema import Article, Candidate, ScoredSentence, Sentence, Span, SplitArticle
from rag.signals import SIGNALS, weigh_question

COMPANIES = "How many Azerbaijani companies operate in Beijing?"
QUESTIONS = [
    COMPANIES,
    "What was the volume of trade between China and Azerbaijan in 2007?",
    "What is the capital of Mongolia?",
    "How long is the delivery time of goods from China to the Black Sea?",
]


@pytest.fixture(scope="module")
def read(seeds_config, seeds_index, embedder):
    """A function from a question to its reading, by the module's one reader or another."""
    library = Library(seeds_config, seeds_index.manifest)
    shared = TrainedReader(embedder, seeds_config)

    def read(question, reader=shared, **standalone):
        encoded = embedder.encode_question(question)
        candidates = retrieve(seeds_index, question, encoded, library.load, 12)
        return reader.read(Standalone(question, **standalone), encoded, candidates, seeds_index.lexical)

    return read


@pytest.fixture
def make_reader(seeds_config, embedder):
    return lambda **settings: TrainedReader(embedder, seeds_config.model_copy(update=settings))


def weights(score=None, evidence=None, scale=1.0, shift=0.0):
    return Weights(score or {}, dict.fromkeys(EVIDENCE, 0.0) | (evidence or {}), scale, shift, 0.5, 1.0)


def scored(*texts_and_scores):
    found = []
    for text, score in texts_and_scores:
        article = Article(f"{len(found)}.txt", text, "0" * 64, "", "", "", "", (Span(0, len(text)),))
        split = SplitArticle(article, (Sentence(0, len(text), text, 0),))
        found.append(ScoredSentence(Candidate(len(found), split, 0, Span(0, len(text)), 0, 0, 0, 0), score))
    return found


def texts(sentences):
    return [sentence.candidate.sentence.text for sentence in sentences]


def outcome(reading):
    """All that matters of a reading, without the candidates' own scores."""
    sentences, chosen = ([(s.candidate.key, s.score) for s in part] for part in (reading.sentences, reading.chosen))
    return sentences, chosen, reading.answered, reading.confidence, reading.short


def test_a_score_is_the_weighted_sum_and_signals_without_a_weight_do_not_count():
    rows = np.zeros((2, len(SIGNALS)))
    rows[0, [SIGNALS.index(name) for name in ("cosine", "bm25", "is_question")]] = 0.5, 0.25, 9.0
    assert score_sentences(rows, weights({"cosine": 2.0, "bm25": -1.0})).tolist() == [0.75, 0.0]


def test_no_rows_have_no_scores():
    assert score_sentences(np.zeros((0, len(SIGNALS))), weights({"cosine": 2.0})).shape == (0,)


@pytest.mark.parametrize(("cosine", "probability"), [(0.0, 0.5), (1.0, 0.881), (-1.0, 0.119), (40, 1.0), (-40, 0.0)])
def test_evidence_becomes_a_probability_by_a_logistic_curve(cosine, probability):
    evidence = np.zeros(len(EVIDENCE))
    evidence[EVIDENCE.index("cosine")] = cosine
    assert judge_evidence(evidence, weights(evidence={"cosine": 1.0}, scale=2.0)) == probability


@pytest.mark.parametrize("name", EVIDENCE)
def test_the_confidence_moves_one_way_with_each_piece_of_evidence_and_stays_in_0_to_1(name):
    fitted = load_weights()
    rows = np.full((21, len(EVIDENCE)), 0.5)
    rows[:, EVIDENCE.index(name)] = np.linspace(-10, 10, 21)
    confidences = [judge_evidence(row, fitted) for row in rows]
    assert confidences == sorted(confidences, reverse=fitted.evidence[name] * fitted.scale < 0)
    assert min(confidences) >= 0
    assert max(confidences) <= 1


def test_the_fitted_weights_name_known_signals_and_evidence():
    fitted = load_weights()
    assert fitted.score.keys() <= set(SIGNALS)
    assert fitted.evidence.keys() == set(EVIDENCE)
    assert 0 < fitted.threshold < 1
    assert fitted.margin > 0


def test_unknown_words_are_evidence(seeds_index, embedder):
    def unknown(question):
        weighed = weigh_question(Standalone(question), embedder.encode_question(question), seeds_index.lexical)
        evidence = find_evidence(np.zeros((1, len(SIGNALS))), 0, weighed, seeds_index.lexical)
        return evidence[EVIDENCE.index("unknown")]

    assert [unknown(question) for question in ("Trade?", "Zebras?", "Zebra trade?", "What?")] == [0, 1, 0.5, 1]


@pytest.mark.parametrize(
    ("sentences", "margin", "most", "chosen"),
    [
        ([("a", 3.0), ("b", 2.5), ("c", 1.0)], 1.0, 3, ["a", "b"]),
        ([("a", 3.0), ("b", 2.0)], 1.0, 3, ["a"]),
        ([("a", 3.0), ("b", 2.9), ("c", 2.8)], 1.0, 2, ["a", "b"]),
        ([("a", 3.0), ("a", 3.0), ("b", 2.9)], 1.0, 2, ["a", "b"]),
        ([("a", 3.0), ("b", 2.9), ("a", 2.8), ("c", 2.7)], 1.0, 9, ["a", "b", "c"]),
        ([("a", -3.0), ("b", -3.5)], 1.0, 3, ["a", "b"]),
        ([("a", 3.0)], 1.0, 1, ["a"]),
        ([], 1.0, 3, []),
    ],
)
def test_the_best_and_those_less_than_the_margin_behind_are_quoted_each_text_once(sentences, margin, most, chosen):
    assert texts(choose_quotes(scored(*sentences), margin, most)) == chosen


def test_no_candidates_are_declined_without_confidence(make_reader, seeds_index, embedder):
    reading = make_reader().read(Standalone(COMPANIES), embedder.encode_question(COMPANIES), [], seeds_index.lexical)
    assert (reading.sentences, reading.chosen, reading.answered, reading.confidence) == ((), (), False, 0.0)
    assert reading.short is None


def test_the_sentence_that_answers_comes_first_with_its_figure(read):
    reading = read(COMPANIES)
    assert "around 245 Azerbaijani companies" in reading.sentences[0].candidate.sentence.text
    assert reading.chosen[0] == reading.sentences[0]
    assert (reading.answered, reading.short) == (True, "around 245")
    assert [s.score for s in reading.sentences] == sorted((s.score for s in reading.sentences), reverse=True)


@pytest.mark.parametrize("question", ["What can you do?", "Who is it?", "?", "\U0001f389"])
def test_a_question_without_words_of_its_own_is_declined(read, question):
    reading = read(question)
    assert (reading.answered, reading.confidence) == (False, 0.0)


@pytest.mark.parametrize("question", QUESTIONS[1:3])
def test_the_threshold_of_the_settings_decides(read, make_reader, question):
    confidence = read(question).confidence
    assert 0 < confidence < 1
    for threshold, answered in ((0.0, True), (confidence, True), (confidence + 0.001, False)):
        reading = read(question, make_reader(threshold=threshold))
        assert (reading.answered, reading.confidence) == (answered, confidence)


def test_without_one_the_fitted_threshold_decides(read):
    readings = [read(question) for question in QUESTIONS]
    assert [reading.answered for reading in readings] == [
        reading.confidence >= load_weights().threshold for reading in readings
    ]


@pytest.mark.parametrize("most", [1, 2])
def test_at_most_so_many_quotes_are_chosen_as_the_settings_say(read, make_reader, most):
    for question in QUESTIONS:
        assert 1 <= len(read(question, make_reader(max_quotes=most)).chosen) <= most


def test_what_a_reply_has_quoted_comes_last_in_unchanged_order(read):
    order = texts(read(COMPANIES).sentences)
    said = order[:2]
    again = texts(read(COMPANIES, avoid=(f"> {said[0]} [1]", f"> {said[1]} [1]")).sentences)
    assert again == [text for text in order if text not in said] + said


def test_a_quote_is_known_again_with_the_backslashes_of_markdown(read):
    order = texts(read(COMPANIES).sentences)
    reply = "> " + order[0].replace("‘", "\\‘").replace("-", "\\-")
    assert texts(read(COMPANIES, avoid=(reply,)).sentences)[-1] == order[0]


def test_the_same_question_is_read_alike_again_in_any_order_and_by_a_new_reader(read, make_reader):
    expected = {question: outcome(read(question)) for question in QUESTIONS}
    for seed in range(3):
        reader = make_reader()
        for question in random.Random(seed).sample(QUESTIONS * 2, len(QUESTIONS) * 2):
            assert outcome(read(question, reader)) == expected[question]


def test_threads_share_a_reader(read, make_reader):
    expected = [outcome(read(question)) for question in QUESTIONS]
    reader = make_reader(cached_sentences=20)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda question: outcome(read(question, reader)), QUESTIONS * 3)) == expected * 3


@pytest.mark.parametrize("most", [0, 1, 20])
def test_the_memory_for_encodings_is_bounded_and_its_size_changes_no_reading(read, make_reader, most):
    reader = make_reader(cached_sentences=most)
    for question in QUESTIONS:
        assert outcome(read(question, reader)) == outcome(read(question))
        assert len(reader._encodings._kept) <= most


def test_a_sentence_in_memory_is_not_encoded_again(read, make_reader, embedder, monkeypatch):
    reader = make_reader()
    read(COMPANIES, reader)
    passed = []
    encode = embedder.encode_sentences
    monkeypatch.setattr(embedder, "encode_sentences", lambda sentences: passed.extend(sentences) or encode(sentences))
    read(COMPANIES, reader)
    assert passed == []
