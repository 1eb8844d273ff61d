"""Each candidate reaches the model with the sentence before it, and gets a score and the words that answer."""

import pytest

from rag.converse import Standalone
from rag.judge import LEAST_SCORE, LEAST_SPAN, Judgement, judge_candidates, make_windows
from rag.model import load_reading_model
from rag.schema import Article, Candidate, Sentence, Span, SplitArticle
from rag.windows import Window


def split(source, sentences, title=""):
    article = Article(source, " ".join(sentences), "0" * 64, title, "", "", "", (Span(0, 1),))
    return SplitArticle(article, tuple(Sentence(0, len(text), text, 0) for text in sentences))


def candidates(article, *numbers):
    return [Candidate(0, article, number, Span(0, 1), 0.0, 0.0, 0.0, 0.0) for number in numbers]


def test_each_candidate_is_the_last_sentence_of_its_own_window():
    article = split("a.txt", ["One.", "Two.", "Three."], "Numbers")
    windows = make_windows(Standalone("Which?"), candidates(article, 2, 0))
    assert windows == [Window("Which?", "Numbers", ("Two.", "Three.")), Window("Which?", "Numbers", ("One.",))]


def test_of_a_follow_up_the_model_reads_the_users_own_words_first():
    (window,) = make_windows(Standalone("Who came? And why?", focus=10), candidates(split("a.txt", ["One."]), 0))
    assert window.question == "And why? (Who came?)"


ARTICLE = split(
    "ports.txt",
    [
        "The city of Genoa lies in the north of Italy.",
        "Its port handled 2.4 million containers in 2019.",
        "The mayor, Marco Bucci, opened a new bridge there.",
        "Fishing has become rare.",
    ],
    "The port of Genoa",
)


@pytest.mark.parametrize(
    ("question", "right", "span"),
    [
        ("How many containers did the port of Genoa handle in 2019?", 1, "2.4 million"),
        ("Who is the mayor of Genoa?", 2, "Marco Bucci"),
        ("Where does Genoa lie?", 0, "Italy"),
    ],
)
def test_the_model_prefers_the_sentence_that_answers_and_finds_the_words(question, right, span):
    model = load_reading_model("cpu")
    judged = judge_candidates(model, Standalone(question), candidates(ARTICLE, 0, 1, 2, 3), 9)
    best = max(range(4), key=lambda number: judged[number].score)
    assert best == right
    text = ARTICLE.sentences[best].text
    assert span in text[judged[best].start : judged[best].end]


def test_judgements_come_in_the_order_of_the_candidates():
    model = load_reading_model("cpu")
    question = Standalone("Who is the mayor of Genoa?")
    there = judge_candidates(model, question, candidates(ARTICLE, 0, 1, 2, 3), 9)
    back = judge_candidates(model, question, candidates(ARTICLE, 3, 2, 1, 0), 9)
    assert back[::-1] == there
    assert judge_candidates(model, question, [], 9) == []


def test_of_a_follow_up_the_current_question_counts_first():
    model = load_reading_model("cpu")
    earlier = "How many containers did the port of Genoa handle? "
    follow_up = Standalone(earlier + "And who is its mayor?", focus=len(earlier))
    judged = judge_candidates(model, follow_up, candidates(ARTICLE, 0, 1, 2, 3), 9)
    assert max(range(4), key=lambda number: judged[number].score) == 2


def test_only_the_first_candidates_are_read_and_the_others_get_the_least_odds():
    model = load_reading_model("cpu")
    question = Standalone("Who is the mayor of Genoa?")
    judged = judge_candidates(model, question, candidates(ARTICLE, 2, 0, 1, 3), 2)
    assert judged[:2] == judge_candidates(model, question, candidates(ARTICLE, 2, 0), 9)
    assert judged[2:] == [Judgement(LEAST_SCORE, 0, 0, LEAST_SPAN)] * 2
    assert judged[1].score >= LEAST_SCORE
