import logging
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.cite import cite
from rag.index import update_index
from rag.library import Library, StaleIndexError
from rag.schema import Citation, Quote

TEXT = "Menu JOIN\r\nTrade rose – by 43%. It was ‘good’ for 245 firms.\r\nEND Teaser"
CATALOG = '[[article]]\nfile = "a.txt"\ntitle = "T"\nbody_after = "JOIN"\nbody_before = "END"\n'


@pytest.fixture
def config(write_corpus):
    return write_corpus({"a.txt": TEXT, "catalog.toml": CATALOG})


@pytest.fixture
def library(config, embedder):
    return Library(config, update_index(config, embedder).manifest)


@pytest.fixture
def quote(library):
    return Quote("a.txt", 11, 31, TEXT[11:31], library.read("a.txt").sha256)


def test_a_quote_that_holds_becomes_a_numbered_citation_with_its_surroundings(library, quote):
    (citation,) = cite([quote], library)
    assert citation == Citation(
        number=1,
        source="a.txt",
        title="T",
        publisher="",
        published="",
        author="",
        quote="Trade rose – by 43%.",
        start=11,
        end=31,
        sha256=quote.sha256,
        status="verified",
        prefix="Menu JOIN\r\n",
        suffix=TEXT[31:63],
    )
    assert citation.selector() == [
        {
            "type": "TextQuoteSelector",
            "exact": "Trade rose – by 43%.",
            "prefix": "Menu JOIN\r\n",
            "suffix": TEXT[31:63],
        },
        {"type": "TextPositionSelector", "start": 11, "end": 31},
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": "Trade rose – by 44%."}, "other words"),
        ({"text": "Trade rose - by 43%."}, "other words"),
        ({"text": "trade rose – by 43%."}, "other words"),
        ({"start": 12}, "other words"),
        ({"start": 12, "end": 32}, "other words"),
        ({"start": -60, "end": -40}, "other words"),
        ({"start": 31, "end": 31, "text": ""}, "other words"),
        ({"start": 31, "end": 11, "text": ""}, "other words"),
        ({"start": len(TEXT), "end": len(TEXT) + 5, "text": ""}, "Quote dropped"),
        ({"sha256": "0" * 64}, "has changed"),
        ({"source": "b.txt"}, "not in the index"),
        ({"source": "../a.txt"}, "not in the index"),
        ({"start": 0, "end": 4, "text": "Menu"}, "outside the article's body"),
        ({"start": 5, "end": 16, "text": TEXT[5:16]}, "outside the article's body"),
        ({"start": TEXT.index("Teaser"), "end": len(TEXT), "text": "Teaser"}, "outside the article's body"),
    ],
)
def test_a_quote_that_does_not_hold_is_dropped_and_the_reason_logged(library, quote, caplog, changes, reason):
    with caplog.at_level(logging.WARNING):
        citations = cite([replace(quote, **changes), quote], library)
    assert [(citation.number, citation.start) for citation in citations] == [(1, 11)]
    assert reason in caplog.text


def test_a_quote_of_a_file_that_was_edited_or_removed_since_is_dropped(config, library, quote):
    path = config.corpus / "a.txt"
    path.write_bytes(TEXT.replace("245", "312").encode())
    assert cite([quote], library) == ()
    path.write_bytes(TEXT.encode())
    assert len(cite([quote], library)) == 1
    path.write_bytes(b"\xff")
    assert cite([quote], library) == ()
    path.unlink()
    assert cite([quote], library) == ()


def test_an_edited_file_cannot_be_loaded_as_what_was_indexed(config, library):
    (config.corpus / "a.txt").write_bytes(TEXT.replace("245", "312").encode())
    with pytest.raises(StaleIndexError, match=r"'a\.txt' changed after it was indexed"):
        library.load("a.txt")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(-5, 80), end=st.integers(-5, 80), text=st.text(max_size=3) | st.none())
def test_whatever_passes_the_gate_is_in_the_body_letter_by_letter(library, start, end, text):
    sha256 = library.read("a.txt").sha256
    quote = Quote("a.txt", start, end, TEXT[start:end] if text is None else text, sha256)
    holds = 9 <= start < end <= TEXT.index("END") and TEXT[start:end] == quote.text
    assert [citation.quote for citation in cite([quote], library)] == ([TEXT[start:end]] if holds else [])


def test_a_citation_says_who_speaks_and_what_hedges(write_corpus, embedder):
    text = "Aghayev spoke to OC Media. He said that trade could fall.\r\n\r\nTrade grew."
    library = Library(config := write_corpus({"b.txt": text}), update_index(config, embedder).manifest)
    starts = (text.index("He said"), text.index("Trade"))
    ends = (text.index("\r"), len(text))
    sha256 = library.read("b.txt").sha256
    quotes = [Quote("b.txt", a, b, text[a:b], sha256) for a, b in zip(starts, ends, strict=True)]
    assert [(c.speaker, c.hedges) for c in cite(quotes, library)] == [("Aghayev", ("could",)), ("", ())]
