"""Percentages that tell a change, and those that tell a part of a whole."""

import pytest

from rag.changes import fits_change, tells_change, tells_part
from rag.values import find_values


def percent(text):
    (value,) = [value for value in find_values(text) if value.unit == "percent"]
    return value.start, value.end


@pytest.mark.parametrize(
    "text",
    [
        "Trade with China rose 20.7% in 2024 to $3.7bn.",
        "The turnover increased by 20.7 percent compared to the previous year.",
        "Bilateral trade was increasing over 43% in 2024.",
        "They saw a 12 percent rise in visits.",
        "The clinic reported growth of 9 percent.",
        "Water losses are down by some 28 per cent.",
        "The new law cut traffic by 17 percent.",
        "He sold 15 per cent more cars.",
        "The price fell, they say, by 5 per cent.",
    ],
)
def test_a_change_is_known_from_the_words_beside_it(text):
    assert tells_change(text, *percent(text))
    assert not tells_part(text, *percent(text))


@pytest.mark.parametrize(
    "text",
    [
        "This made China a large partner, accounting for 7.9 percent of the turnover.",
        "Imports grew and now account for 17.69 percent.",
        "Its share is about 12 per cent.",
        "Of the vote, Vega's share came to 41 percent.",
        "Women make up 30 percent of the board.",
    ],
)
def test_a_part_is_known_from_the_words_beside_it(text):
    assert tells_part(text, *percent(text))
    assert not tells_change(text, *percent(text))


def test_what_rose_to_a_percentage_did_not_rise_by_it():
    text = "Unemployment rose to 6 percent."
    assert not tells_change(text, *percent(text))
    assert not tells_part(text, *percent(text))


@pytest.mark.parametrize(
    ("question", "change", "part", "neither"),
    [
        ("What share of trade is with China?", False, True, True),
        ("What percentage of the trade is with China?", False, True, True),
        ("By how much did trade grow?", True, False, True),
        ("How much did trade with China increase?", True, False, True),
        ("At what pace did commerce grow in 2024?", True, False, True),
        ("By how much did China's share of the trade grow?", True, False, True),
        ("How much has its share risen?", True, False, True),
        ("What share of foreign trade fell to China?", False, True, True),
        ("What was China's share of the trade?", False, True, True),
        ("By what percentage did the representatives' pay rise?", True, False, True),
        ("How much cargo came from China?", False, True, True),
        ("How much growth did trade see?", True, False, True),
        ("How much faster is trade?", True, True, True),
        ("How high is unemployment?", True, True, True),
    ],
)
def test_a_question_for_one_takes_not_the_other(question, change, part, neither):
    texts = "Trade rose 20.7% in 2024.", "It accounts for 7.9% of trade.", "It stands at 6%."
    assert [fits_change(question, text, *percent(text)) for text in texts] == [change, part, neither]
