"""Where a text opens and closes quotations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.marks import find_marked


@pytest.mark.parametrize(
    ("text", "marked", "unclosed"),
    [
        ("a “b” c", ["b"], -1),
        ("“a “b” c", ["b"], 1),
        ("“a “b” c”", ["a “b” c"], -1),
        ('"a ‘b" c', ["a ‘b"], -1),
        ("‘the dogs’ tail’ x", ["the dogs’ tail"], -1),
        ("‘the dogs’ and the ‘cats’", ["the dogs", "cats"], -1),
        ("“b", [], 1),
        ("", [], -1),
    ],
)
def test_the_outer_quotations_are_found(text, marked, unclosed):
    pairs, opened = find_marked(text, 0, len(text))
    assert ([text[start:end] for start, end in pairs], opened) == (marked, unclosed)


@given(st.text(alphabet="aS .“”„«»‹›‘’‚\"'`「」\n", max_size=60))
def test_quotations_are_in_order_and_apart(text):
    pairs, _ = find_marked(text, 0, len(text))
    places = [place for pair in pairs for place in pair]
    assert places == sorted(places)
    assert all(0 < place <= len(text) for place in places)
