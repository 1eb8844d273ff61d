"""Near misses change one detail that the passage mentions; what merely rewords a question changes none."""

import random

import numpy as np
import pytest

from rag.train.near_misses import (
    Vocabulary,
    add_given_year,
    change_passage,
    make_near_miss,
    make_vocabulary,
    paraphrase,
)
from rag.train.questions import Question

WINDOW = ("In 2004 Robert built 12 ships in Genoa.", "Anna sold them in 2009.")


def question(text, answer="", positive=(0,)):
    return Question(text, WINDOW, positive, (), answer, "Ships", "qamr")


VOCABULARY = Vocabulary(
    names=frozenset({"robert", "genoa", "anna", "paris"}),
    alike={"ships": ("boats",), "built": ("bought", "sold")},
    opposites={"first": "last", "sold": "bought"},
    names_by_topic={"qamr/Ships": ("genoa", "paris")},
    all_names=("anna", "genoa", "paris", "robert"),
)


@pytest.mark.parametrize("text", ["Where did Robert build ships in 2004?", "How many ships were built in Genoa?"])
def test_a_near_miss_differs_in_one_place_and_is_no_longer_what_was_asked(text):
    for seed in range(40):
        changed = make_near_miss(question(text), WINDOW, VOCABULARY, random.Random(seed))
        assert changed is not None
        assert changed != text
        assert len(set(changed.rstrip("?").split()) ^ set(text.rstrip("?").split())) <= 3


def test_what_the_passage_does_not_mention_is_not_changed():
    asked = question("Which horses won?")
    plain = Vocabulary(frozenset(), {"horses": ("cows",)}, {}, {}, ())
    assert make_near_miss(asked, ("Nothing of it.",), plain, random.Random(0)) is None


def test_the_window_is_changed_wherever_it_names_the_detail_and_nowhere_else():
    window = ("Robert came. ROBERT won, Roberta lost.", "Anna saw robert.")
    for seed in range(20):
        changed = change_passage(question("Did Robert win?"), window, VOCABULARY, random.Random(seed))
        if changed:
            other = changed[0].split()[0]
            assert changed == (f"{other} came. {other} won, Roberta lost.", f"Anna saw {other}.")
            assert other != "Robert"


@pytest.mark.parametrize(
    ("text", "answer", "positive", "expected"),
    [
        ("Who built ships?", "Robert", (0,), "Who built ships in 2004?"),
        ("Who built ships in 2004?", "Robert", (0,), None),
        ("In what year were ships built?", "2004", (0,), None),
        ("Who dealt with ships?", "", (0, 1), None),
    ],
)
def test_the_year_of_the_answer_may_be_asked_with_it(text, answer, positive, expected):
    assert add_given_year(question(text, answer, positive), WINDOW, positive) == expected


def test_a_reworded_question_keeps_its_names_and_numbers():
    for seed in range(60):
        reworded = paraphrase("Where did Robert build the 12 ships in 2004?", random.Random(seed)).lower()
        assert {"12", "2004"} <= set(reworded.replace("?", "").split())
        assert len(reworded) > 15


def test_names_are_words_that_are_written_with_a_capital_inside_of_sentences():
    texts = ("Then Genoa fell, and later Genoa rose, but the ships stayed.", "Ships came to Genoa.")
    asked = [Question("Who held Genoa?", texts, (0,), (), "", "", "qamr")] * 5
    vocabulary = make_vocabulary(asked, lambda words: np.eye(len(words), dtype=np.float32))
    assert vocabulary.names == {"genoa"}
    assert vocabulary.opposites["increased"] == "decreased"
    assert vocabulary.opposites["first"] == "last"
