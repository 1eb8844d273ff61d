"""Follow-ups take what they leave out from the questions before them; other questions are left alone."""

import pytest

from rag.converse import Standalone, is_follow_up, make_standalone


def turns(*contents):
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]


def test_without_history_the_question_stands_as_it_is():
    assert make_standalone("And in 2017?", []) == Standalone("And in 2017?")


def test_a_bare_year_takes_the_place_of_the_earlier_one():
    history = turns("How much was traded in 2007?")
    assert make_standalone("And in 2017?", history).question == "How much was traded in 2017?"


def test_a_chain_of_years_leads_back_to_the_first_question():
    history = turns("How much was traded in 2007?", "$289 million", "And in 2017?", "$1.3 billion")
    assert make_standalone("What about 2024?", history).question == "How much was traded in 2024?"


def test_a_bare_year_is_added_where_the_earlier_question_had_none():
    assert make_standalone("And in 2017?", turns("How much was traded?")).question == "How much was traded in 2017?"


def test_a_bare_place_takes_the_place_of_the_earlier_one():
    history = turns("How many Azerbaijani companies operate in Beijing today?")
    assert make_standalone("And in Baku?", history).question == "How many Azerbaijani companies operate in Baku today?"


def test_a_pronoun_is_explained_by_the_question_before():
    standalone = make_standalone("When did he visit?", turns("Who is Heydar Aliyev?"))
    assert standalone.question == "Who is Heydar Aliyev? When did he visit?"
    assert standalone.question[standalone.focus :] == "When did he visit?"


def test_who_else_avoids_what_the_reply_quoted():
    standalone = make_standalone("Who else?", turns("Who warned of dependence?", "“Aghayev warned.” [1]"))
    assert standalone.avoid == ("“Aghayev warned.” [1]",)


def test_a_question_that_names_its_subject_does_not_lean_on_the_history():
    history = turns("How much was traded in 2007?", "$289 million")
    question = "Which news agency interviewed Aliyev before the visit?"
    assert make_standalone(question, history) == Standalone(question)


def test_turns_of_other_roles_and_blank_ones_are_ignored():
    history = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": " "}]
    assert make_standalone("Why?", history) == Standalone("Why?")


@pytest.mark.parametrize("question", ["Why?", "And in 2017?", "Who else?", "How much did it grow?", "What about rail?"])
def test_elliptical_questions_are_follow_ups(question):
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    ["What does the SCO focus on besides trade and economic cooperation?", "How many companies operate in Beijing?"],
)
def test_whole_questions_are_not(question):
    assert not is_follow_up(question)
