"""Values that are written differently and are the same are known as the same; others are not."""

import time

import pytest

from rag.values import find_name, find_values


def read(text):
    return find_values(text)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$3.744bn", "$3,744 million"),
        ("$3.7bn", "$3.744 billion"),
        ("about $3 billion", "$3.1 billion"),
        ("nearly $4 billion", "$3.7bn"),
        ("7.5 million francs", "CHF 7.5m"),
        ("four hundred million dollars", "$400m"),
        ("ten", "10"),
        ("Sixty-two", "62"),
        ("a dozen", "twelve"),
        ("two hundred and fifty", "250"),
        ("some 250", "around 245"),
        ("more than 100", "120"),
        ("10 to 12 days", "11 days"),
        ("two weeks", "14 days"),
        ("Twelve weeks", "three months"),
        ("4.5 miles", "7.2-kilometre"),
        ("a tenth", "10%"),
        ("seven and a half", "7.5"),
        ("two and a half million euros", "€2.5m"),
        ("a dozen and a half", "18"),
        ("half a dozen", "six"),
        ("826 km", "826 kilometres"),
        ("third on the list", "third place"),
        ("his seventh journey", "the seventh visit"),
        ("over two decades", "20 years"),
        ("two dozen", "24"),
        ("nearly half a million", "480,000"),
        ("a quarter of a million", "250,000"),
        ("half a percentage point", "0.5 percent"),
        ("11.42 local time", "11:42"),
        ("8.30 hours", "8.3 hours"),
        ("one fifth", "20 per cent"),
        ("a little over half", "52.3 percent"),
        ("3.75 pct", "3.75%"),
        ("4 July", "July 4, 2024"),
        ("September\u00a02023", "September 2023"),
        ("the first of May", "1 May"),
        ("spring 2028", "April 2028"),
        ("2.15 a.m.", "2:15"),
        ("third-largest", "third place"),
    ],
)
def test_the_same_value_in_other_words_agrees(one, other):
    assert read(one).agrees(read(other))
    assert read(other).agrees(read(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$2.46 billion", "$3.744 billion"),
        ("approximately $3 billion", "$3.7bn"),
        ("around 245", "some 310"),
        ("10 to 12 days", "15 days"),
        ("18 months", "Two years"),
        ("20.7 percent", "43%"),
        ("4 July", "3 July"),
        ("April 1992", "April 1993"),
        ("17 November 1964", "19 November 1964"),
        ("2.15 a.m.", "3.40 a.m."),
        ("4th largest", "third largest"),
        ("14 francs", "14 euros"),
        ("10 days", "10"),
        ("seven and a half", "seven"),
        ("$2 and a half million", "$2.9m"),
        ("212 million marks", "212 million shillings"),
        ("11.42", "11:42"),
        ("826 kilometers", "846 km"),
    ],
)
def test_different_values_do_not_agree(one, other):
    assert not read(one).agrees(read(other))


def test_every_value_of_a_sentence_is_found_in_its_place():
    text = "Trade grew from $1.4 billion in 2021 to $3.1 billion in 2024, or 2.5 times."
    found = find_values(text)
    assert [value.text for value in found] == ["$1.4 billion", "2021", "$3.1 billion", "2024", "2.5"]
    assert all(text[value.start : value.end] == value.text for value in found)


@pytest.mark.parametrize("text", ["A second man left.", "They may go.", "No one came.", "in the 1990s", "İİ"])
def test_words_that_look_like_values_are_none(text):
    assert find_values(text) == []


@pytest.mark.parametrize(
    ("text", "unit"), [("the $3 billion mark", "dollar"), ("the 3,000 mark", ""), ("3,000 marks", "mark")]
)
def test_a_mark_that_is_passed_is_no_money(text, unit):
    assert read(text).unit == unit


def test_a_name_is_its_capitalised_words_without_titles_and_days():
    value = find_name("The hotelier Milena Horvat bought it on Monday.", 0, 30)
    assert (value.text, value.words) == ("Milena Horvat", {"milena", "horvat"})
    assert find_name("a hotelier from the hills", 0, 25) is None
    assert find_name("on Monday", 0, 9) is None


def test_names_that_share_a_word_agree():
    assert find_name("Rovshan Aghayev", 0, 15).agrees(find_name("Aghayev", 0, 7))


@pytest.mark.parametrize("text", ["1" * 20_000, "one-" * 5_000, "1 to " * 4_000, "May " * 5_000, "2024 to " * 2_500])
def test_hostile_texts_take_no_long_time(text):
    started = time.process_time()
    find_values(text)
    assert time.process_time() - started < 1
