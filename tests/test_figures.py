"""Figures and dates as values, however they are written."""

from decimal import Decimal

import pytest

from rag.figures import Date, Figure, find_checkable, find_dates, find_figures, lacks_figure, number_places


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("$3,744 million", "3744000000", "dollar"),
        ("3.744bn dollars", "3744000000", "dollar"),
        ("US$1.2 billion", "1200000000", "dollar"),
        ("EUR 5m", "5000000", "euro"),
        ("$3.1B", "3100000000", "dollar"),
        ("20.7%", "20.7", "percent"),
        ("20.7 per cent", "20.7", "percent"),
        ("20.7\u00a0percent", "20.7", "percent"),
        ("ten", "10", ""),
        ("two thousand", "2000", ""),
        ("1,700", "1700", ""),
    ],
)
def test_a_figure_is_its_value_and_unit(text, value, unit):
    assert find_figures(f"It was {text} then.") == [Figure(Decimal(value).normalize(), unit)]


def test_words_and_parts_of_numbers_are_no_figures():
    assert find_figures("One of them said that freight often weighs.") == []
    assert [figure.value for figure in find_figures("G20 and 1.2.3")] == []


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("on 17 April 2024", [Date(2024, 4, 17)]),
        ("on 17\u00a0April", [Date(0, 4, 17)]),
        ("April 17, 2024", [Date(2024, 4, 17)]),
        ("in September\u00a02023", [Date(2023, 9, 0)]),
        ("in September", [Date(0, 9, 0)]),
        ("2024-07-03", [Date(2024, 7, 3)]),
        ("It may rise. They march on.", []),
        ("in May 2023 and on 3 March", [Date(2023, 5, 0), Date(0, 3, 3)]),
    ],
)
def test_dates_name_their_month(text, dates):
    assert find_dates(text) == dates


@pytest.mark.parametrize(
    ("claimed", "said", "lacking"),
    [
        ("It grew to $3.744 billion.", "It reached 3,744 million dollars.", ""),
        ("10 firms came.", "Ten firms came.", ""),
        ("It grew by 20.7%.", "It grew by 20.7 percent, to 3 billion.", ""),
        ("It came in 2024.", "It came in April 2024.", ""),
        ("It came on 17 April.", "It came on April 17, 2024.", ""),
        ("It came on 17 April 2024.", "It came on 17 April. In 2024 it rained.", ""),
        ("It grew to 1.4 million.", "It grew to 1.4 billion.", "1.4 million"),
        ("It grew by 14%.", "It grew by 14 dollars.", "14%"),
        ("It cost $5.", "It cost €5.", "$5"),
        ("It cost 245.", "It cost 2,450.", "245"),
        ("It came on 17 May 2024.", "It came on 17 April and left on 3 May 2024.", "17 May 2024"),
        ("It came in June 2024.", "It came in May 2024 and left in 2025.", "June 2024"),
        ("It came on 3 May 2023.", "It came on 3 May 2024, not in 2023.", "3 May 2023"),
    ],
)
def test_a_figure_or_date_that_the_other_text_does_not_give_is_found(claimed, said, lacking):
    assert lacks_figure(claimed, said) == lacking


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Trade rose 20,7% by mid-2024 to $3.7bn at 10:30.", ["20,7", "2024", "$3.7bn", "10:30"]),
        ("COP29, Covid-19 and one of the 1990s, the 4th.", ["1990s", "4th"]),
        ("On 17 April 2024, eighty-six percent of 1.2.3bn.", ["17 April 2024", "eighty-six percent", "1.2.3bn"]),
        ("9" * 100, ["9" * 100]),
        ("It may rise.", []),
        ("…“ ”", []),
    ],
)
def test_what_can_be_checked_is_found_also_where_it_is_not_understood(text, places):
    assert [text[start:end] for start, end in find_checkable(text)] == places


def test_numbers_stand_with_sign_scale_and_unit():
    text = "It cost US$3.1 billion, 20.7 percent of AZN 5m, one of 12."
    assert [text[start:end] for start, end in number_places(text)] == ["US$3.1 billion", "20.7 percent", "AZN 5m", "12"]


@pytest.mark.parametrize("number", ["9" * 1_000, "1e999", "2024-86", "2024-99-12", "1" * 5_000 + "th"])
def test_numbers_that_nobody_writes_are_no_error(number):
    assert lacks_figure(f"It cost {number} then.", "It cost 3.")
