"""Figures that disagree are shown as sides; figures that differ only in rounding, year or type are not."""

import pytest

from rag.conflict import Figure, agree, find_conflicts, find_rivals, is_stray, parse_figure
from rag.converse import Standalone
from rag.schema import (
    Article,
    Candidate,
    Citation,
    Conflict,
    ConflictSide,
    ScoredSentence,
    Sentence,
    Span,
    SplitArticle,
)

QUESTION = Standalone("How much was traded in 2024?")


def cite(*quotes):
    return tuple(
        Citation(number, f"{number}.txt", "", "", "", "", quote, 0, len(quote), "0" * 64)
        for number, quote in enumerate(quotes, start=1)
    )


def score(source, text, points):
    span = Span(0, len(text))
    article = Article(source, text, "0" * 64, "", "", "", "", (span,))
    split = SplitArticle(article, (Sentence(0, len(text), text, 0),))
    return ScoredSentence(Candidate(0, split, 0, span, 0.0, 0.0, 0.0, 0.0), points)


TRADE = score("a.txt", "Trade grew by 20.7% in 2024.", 9.0)
OTHER_TRADE = score("b.txt", "In 2024 trade rose 43%.", 8.0)
CARGO = score("c.txt", "Cargo rose 86% in 2024.", 7.9)
GROWTH = Standalone("By what percentage did trade grow in 2024?")


def alike(one, other):
    return 0.9 if "trade" in one.lower() and "trade" in other.lower() else 0.5


def test_a_rival_gives_another_figure_for_the_same_thing_in_another_article():
    assert find_rivals((TRADE, OTHER_TRADE, CARGO), GROWTH, alike, margin=1.0) == (OTHER_TRADE,)


def test_a_figure_of_something_else_is_a_stray():
    sides = (TRADE, OTHER_TRADE)
    same = score("d.txt", "Trade was up 20.7 percent in 2024.", 7.0)
    assert [is_stray(scored, sides, GROWTH) for scored in (TRADE, same, CARGO)] == [False, False, True]


def test_without_a_figure_on_any_side_nothing_is_a_stray():
    assert not is_stray(CARGO, (score("a.txt", "Trade grew a lot in 2024.", 9.0),), GROWTH)


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("$3.7bn", Figure(3.7e9, 0.05e9)),
        ("$3.744 billion", Figure(3.744e9, 0.0005e9)),
        ("378,000 tonnes", Figure(378_000, 0.5)),
        ("20.7 percent", Figure(20.7, 0.05)),
        ("about $3 billion", Figure(3e9, 0.5e9)),
        ("many", None),
        ("1.2.3", None),
    ],
)
def test_a_figure_is_as_exact_as_its_last_digit(text, figure):
    assert parse_figure(text) == (figure and Figure(pytest.approx(figure.value), pytest.approx(figure.tolerance)))


def test_rounded_figures_agree():
    assert agree(parse_figure("$3.7bn"), parse_figure("$3,744 million"))
    assert not agree(parse_figure("$3.1 billion"), parse_figure("$3.7bn"))


def test_different_figures_for_the_asked_year_are_sides():
    quotes = cite("In 2024 trade came to $2.46 billion.", "It was $3.744 billion in 2024.", "In 2024 it was $3.7bn.")
    assert find_conflicts(QUESTION, quotes) == (
        Conflict("2024", (ConflictSide("$2.46 billion", (1,)), ConflictSide("$3.744 billion", (2, 3)))),
    )


def test_figures_of_other_years_are_no_sides():
    assert find_conflicts(QUESTION, cite("In 2024 trade came to $2.46 billion.", "It was $1.4 billion in 2021.")) == ()


def test_of_several_years_in_a_sentence_the_asked_one_counts():
    quotes = cite("In 2024 it was $2.46 billion.", "It grew from $1.4 billion in 2021 to $3.1 billion in 2024.")
    assert [side.value for side in find_conflicts(QUESTION, quotes)[0].sides] == ["$2.46 billion", "$3.1 billion"]


def test_two_figures_of_one_article_are_no_conflict():
    first, second = cite("In 2024 it was $2.46 billion.", "In 2024 it was $3.1 billion.")
    assert find_conflicts(QUESTION, (first, Citation(2, "1.txt", *[""] * 4, second.quote, 0, 9, ""))) == ()


def test_a_question_without_a_year_shows_no_conflict():
    quotes = cite("In 2024 it was $2.46 billion.", "In 2024 it was $3.1 billion.")
    assert find_conflicts(Standalone("How much was traded?"), quotes) == ()
