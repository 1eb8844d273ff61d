"""What a quotation cuts off, leaves out or puts in: altered, with the reason and what differs."""

import pytest

from rag.schema import Article, Span
from rag.verify import verify

HAZI = (
    "Title of the article\n\n‘We want no wall around the port. It cost $3.1 billion in 2024 and reportedly grew by "
    "20.7%’, said Anna Rossi.\n\nSeymur Hazi said: ‘China does not interfere in anyone’s internal affairs. However, "
    "China interferes in other ways. Trade is not growing here.’\n\nMarco Bucci told us that ‘no one should sell [its "
    "own] politics’. The non-aligned city of Genoa, he said, could become entirely dependent on oil. Oil came with "
    "COP29 at -5% a year."
)
ARTICLE = Article("a.txt", HAZI, "", "Title", "", "", "", (Span(0, len(HAZI)),))


def check(draft):
    (quotation,) = verify(draft, [ARTICLE]).quotations
    return quotation.status, quotation.reason, quotation.diff


@pytest.mark.parametrize(
    ("quote", "reason", "diff"),
    [
        ("It cost $3", "", "It cost $[-3.1-]{+3+}"),
        ("It cost $3.1", "it cuts “$3.1 billion” short", "It cost $3.1 [-billion-]"),
        ("3.1 billion in 2024", "it cuts “$3.1 billion” short", "[-$-]3.1 billion in 2024"),
        ("reportedly grew by 20.7", "it cuts “20.7%” short", "reportedly grew by 20.7[-%-]"),
        ("5% a year", "it cuts “-5%” short", "[---]5% a year"),
        ("29 at -5% a year", "it cuts “COP29” short", "[-COP-]29 at -5% a year"),
        ("aligned city of Genoa", "it cuts “non-aligned” short", "[-non--]aligned city of Genoa"),
    ],
)
def test_a_figure_or_word_is_not_cut(quote, reason, diff):
    assert check(f"He wrote “{quote}” there.") == ("altered", reason, diff)


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ("They “interfere in anyone’s internal affairs”.", "does not interfere in anyone’s internal affairs"),
        ("All “should sell its own politics”.", "no one should sell [its own] politics"),
        ("We want “wall around the port”.", "no wall around the port"),
        ("We hear that “Trade is” going on.", "Trade is not"),
    ],
)
def test_a_denial_beside_the_words_is_not_dropped(draft, said):
    status, reason, diff = check(draft)
    assert (status, reason) == ("altered", f"the article says “{said}”")
    assert "[-" in diff


@pytest.mark.parametrize(
    "draft",
    [
        "China does not “interfere in anyone’s internal affairs”.",
        "He denied that China would “interfere in anyone’s internal affairs”.",
        "China doesn’t ever “interfere in anyone’s internal affairs”.",
        "“Trade is”, he said, not growing.",
        "It is “$3.1 billion in 2024”.",
        "It was “-5% a year”.",
        "It holds the “internal affairs”.",
    ],
)
def test_a_denial_that_the_draft_says_itself_is_not_dropped(draft):
    assert check(draft) == ("verbatim", "", "")


@pytest.mark.parametrize(
    ("quote", "reason", "diff"),
    [
        ("China does […] interfere", "it leaves out “not”", "China does [-not-] interfere"),
        ("China does … interfere", "it leaves out “not”", "China does [-not-] interfere"),
        ("China [always] interfere", "it leaves out “not”", "China [-does not-]{+[always]+} interfere"),
        ("in 2024 and … grew by 20.7%", "it leaves out “reportedly”", "in 2024 and [-reportedly-] grew by 20.7%"),
        (
            "city of Genoa … become entirely dependent",
            "it leaves out “could”",
            "city of Genoa[-, he said, could-] become entirely dependent",
        ),
    ],
)
def test_a_gap_does_not_hide_a_denial_or_a_doubt(quote, reason, diff):
    assert check(f"He wrote “{quote}” there.") == ("altered", reason, diff)


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        ("around the port … However, China interferes", "its gap leads from one quotation into another"),
        (
            "that no one should sell … The non-aligned city",
            "its gap leads from quoted words into the article's own, or from these into quoted ones",
        ),
        ("does not interfere … in other ways", "its gap makes “not” deny words of another sentence"),
        ("Trade is not growing here. Marco Bucci told us", "it runs from quoted words on into others"),
    ],
)
def test_words_of_one_speaker_do_not_run_on_into_those_of_another(quote, reason):
    assert check(f"He wrote “{quote}” there.")[:2] == ("altered", reason)


@pytest.mark.parametrize(
    "quote",
    [
        "China does not interfere … However, China interferes in other ways",
        "no one should sell [its own] politics",
        "no one should sell its own politics",
        "no one should sell [its] politics",
        "China does [not] interfere",
        "[It] does not interfere",
        "China does not interfere[d] in anyone’s",
        "We want no wall … It cost $3.1 billion",
        "[China] interferes in other ways",
    ],
)
def test_gaps_and_brackets_that_change_nothing_are_verbatim(quote):
    assert check(f"He wrote “{quote}” there.")[0] == "verbatim"


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        ("China [never] interferes in other ways", "“[never]” denies what the article does not"),
        ("China interferes in [12] other ways", "“[12]” is a figure that the article does not give there"),
        ("[Rossi] interferes in other ways", "“[Rossi]” stands for “China”"),
        ("However, [Hazi] interferes in other ways", "“[Hazi]” stands for “China”"),
        ("We want no [bridge] around the port", "“[bridge]” is not from the article's words around it"),
        ("We want no [un]wall around the port", "“[un]” is not from the article's words around it"),
    ],
)
def test_brackets_add_no_denial_figure_name_or_thing(quote, reason):
    assert check(f"He wrote “{quote}” there.")[:2] == ("altered", reason)
