"""Words and punctuation as they are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.atoms import ELLIPSIS, clean, find_atoms, read_atoms, read_texts, read_wordings


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Don’t — “stop” – now", ["Don't", "—", "stop", "—", "now"]),
        ("10–12 of A-B", ["10", "-", "12", "of", "A", "-", "B"]),
        ("$3.1bn, 1,200", ["$", "3.1", "bn", ",", "1,200"]),
        ("un\u00adtapped ca\u200bfe\u0301", ["untapped", "café"]),
        ("_a_ **b**", ["a", "b"]),
        ("", []),
    ],
)
def test_a_text_is_read_as_words_and_marks(text, keys):
    assert [atom.key for atom in read_atoms(text)] == keys


@pytest.mark.parametrize(
    ("quote", "readings"),
    [
        ("We … go …", [(["We", "go"], [""])]),
        ("We [...] go", [(["We", "go"], [""])]),
        ("[W]e go", [(["W e go"], []), (["We go"], [])]),
        ("We [all] go", [(["We all go"], []), (["We", "go"], ["all"])]),
        ("go[es] on", [(["go es on"], []), (["go on"], [])]),
        ("can[not] go", [(["can not go"], []), (["can", "go"], ["not"])]),
        ("We go.[1] [sic]", [(["We go . 1 sic"], []), (["We go"], [])]),
        ("We have [3] ships", [(["We have 3 ships"], []), (["We have", "ships"], ["3"])]),
        ("…", []),
    ],
)
def test_brackets_are_read_as_the_articles_own_and_as_put_in(quote, readings):
    found = [
        ([" ".join(atom.key for atom in part) for part in wording.parts], [gap.inserted for gap in wording.gaps])
        for wording in read_wordings(quote)
    ]
    assert found == readings
    assert all(gap.most <= ELLIPSIS for wording in read_wordings(quote) for gap in wording.gaps)


@pytest.mark.parametrize(
    ("quote", "texts"),
    [
        ("We go", ["We go"]),
        ("We &amp; **they**", ["We &amp; **they**", "We & **they**"]),
        (r"\<b\> &lt;b&gt; \&lt;", [r"\<b\> &lt;b&gt; \&lt;", "<b> <b> &lt;"]),
        (r"\[W\]e go \[sic\]", [r"\[W\]e go \[sic\]", "[W]e go [sic]", "We go "]),
    ],
)
def test_a_quotation_is_read_as_it_stands_and_as_markdown_shows_it(quote, texts):
    assert list(read_texts(quote)) == texts


def test_layout_is_no_part_of_the_words():
    assert clean("a<br>b [c](http://d) &amp; e[^1]\\* [emphasis added]") == "a b c & e* "


@given(st.text(max_size=80))
def test_atoms_stand_where_they_say(text):
    found = [match.span() for match in find_atoms(text, 0, len(text))]
    assert len(found) == len(read_atoms(text))
    assert all(start < end for start, end in found)
