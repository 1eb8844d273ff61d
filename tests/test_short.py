"""The short answer: the model's words, whole values, and nothing where a reason or yes or no is asked."""

import pytest

from rag.converse import Standalone
from rag.judge import Judgement
from rag.question import find_needs
from rag.short import choose_short


def short(question, sentence, span, focus=0):
    start = sentence.index(span)
    asked = Standalone(question, focus)
    return choose_short(sentence, Judgement(1.0, start, start + len(span), 1.0), asked, find_needs(asked))


SENTENCE = "Trade came to $289 million in 2007, 2.5% of the total, said Seymur Hazi of the Popular Front Party."


@pytest.mark.parametrize(
    ("question", "span", "expected"),
    [
        ("How much was traded in 2007?", "289", "$289 million"),
        ("How much was traded in 2007?", "came to $289 million", "came to $289 million"),
        ("How much was traded in 2007?", "Trade came to $289 million in 2007", "$289 million"),
        ("How much was traded in 2007?", "Seymur Hazi", "$289 million"),
        ("Who said so?", "Seymur Hazi", "Seymur Hazi"),
        ("Which party does Hazi belong to?", "Popular Front Party", "Popular Front Party"),
        ("Which opposition party does Hazi belong to?", "the total", None),
        ("Why did Seymur Hazi say so?", "Popular Front Party", None),
        ("How did trade grow?", "2.5%", None),
        ("Is Seymur Hazi of the Popular Front Party?", "Popular Front Party", None),
        ("What is the Popular Front Party?", "Popular Front Party", None),
        ("What did he say?", SENTENCE, None),
    ],
)
def test_the_short_answer_is_a_whole_value_or_none(question, span, expected):
    assert short(question, SENTENCE, span) == expected


@pytest.mark.parametrize(("year", "expected"), [("2021", "$1.4 billion"), ("2024", "$3.1 billion")])
@pytest.mark.parametrize("span", ["$1.4 billion", "$3.1 billion"])
def test_of_several_years_the_figure_beside_the_asked_one_is_the_answer(year, expected, span):
    for sentence in (
        "Trade grew from $1.4 billion in 2021 to $3.1 billion in 2024.",
        "In 2021 it was $1.4 billion, in 2024 already $3.1 billion.",
    ):
        assert short(f"How much was traded in {year}?", sentence, span) == expected


def test_of_a_follow_up_the_current_question_says_whether_yes_or_no_is_asked():
    earlier = "Who said so? "
    assert short(earlier + "Is that Hazi?", SENTENCE, "Seymur Hazi", focus=len(earlier)) is None


def test_a_span_that_ends_inside_of_a_word_is_widened_to_the_whole_word():
    assert short("Who said so?", SENTENCE, "mur Haz") == "Seymur Hazi"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("around 245 Azerbaijani companies", "around 245"),
        ("245 Azerbaijani", "around 245"),
        ("around 245 Azerbaijani companies in Beijing", "around 245"),
    ],
)
def test_a_count_is_given_without_what_the_question_itself_says_is_counted(span, expected):
    sentence = "There were around 245 Azerbaijani companies in Beijing."
    assert short("How many Azerbaijani companies are in Beijing?", sentence, span) == expected


def test_a_count_keeps_what_the_question_does_not_say():
    assert short("How many boats came?", "Then 12 fishing boats came.", "12 fishing boats") == "12 fishing boats"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("‘prepared for calls", "prepared for calls"),
        ("‘prepared for calls’", "‘prepared for calls’"),
        ('"historic event”', '"historic event”'),
        ('"historic', "historic"),
    ],
)
def test_a_quotation_mark_without_its_other_half_is_left_out(span, expected):
    sentence = 'They should be ‘prepared for calls’, said Ding, of the "historic event”.'
    assert short("What did Ding say?", sentence, span) == expected
