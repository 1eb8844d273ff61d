from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.words import find_words, stems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("378,000 tonnes", ["378000", "tonn"]),
        ("up 20.7% to $3.744 billion", ["20.7", "3.744", "billion"]),
        ("In 1992, trading", ["1992", "trade"]),
        ("Azerbaijan’s Azerbaijan's Azerbaijan", ["azerbaijan"] * 3),
        ("What is the of?", []),
        ("Nagorno-Karabakh", ["nagorno", "karabakh"]),
        ("snake_case", ["snake", "case"]),
        ("", []),
        ("…—!? 🎉", []),
    ],
)
def test_stems(text, expected):
    assert list(stems(text)) == expected


def test_places_count_characters_of_the_text_as_written_also_where_lower_case_is_longer():
    assert [(word.text, word.start, word.end) for word in find_words("İİ 🎉 İstanbul 1,5")] == [
        ("İİ", 0, 2),
        ("İstanbul", 5, 13),
        ("1,5", 14, 17),
    ]


@given(st.text())
def test_every_word_stands_at_its_place_in_order(text):
    words = list(find_words(text))
    assert all(text[word.start : word.end] == word.text for word in words)
    assert all(first.end <= second.start for first, second in pairwise(words))


def test_threads_stem_alike():
    texts = [f"Trading companies {number} were operating freely in relations" for number in range(2_000)]
    expected = [stems(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(stems, texts)) == expected
