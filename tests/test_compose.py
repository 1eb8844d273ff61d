"""The text around the quotes: markers match citations, and nothing of an article is taken for markup."""

import pytest

from rag.compose import (
    attribution,
    compose_answer,
    compose_refusal,
    describe_dispute,
    escape_markdown,
    find_unmentioned,
)
from rag.lexical import LexicalIndex
from rag.schema import Citation, Conflict, ConflictSide


def citation(number=1, quote="Ten companies applied.", **fields):
    given = {"source": "a.txt", "title": "Trade", "publisher": "OC Media", "published": "2024-07-11", "author": ""}
    return Citation(number=number, quote=quote, start=0, end=len(quote), sha256="0" * 64, **given | fields)


def test_each_quote_follows_its_outlet_and_carries_its_marker():
    assert compose_answer([citation(), citation(2, "Six did not.")], "Ten") == (
        "**Ten** [1]\n\n"
        "OC Media, 2024-07-11, “Trade”:\n> Ten companies applied. [1]\n\n"
        "OC Media, 2024-07-11, “Trade”:\n> Six did not. [2]"
    )


def test_an_article_without_a_catalog_entry_is_named_by_its_file():
    assert attribution(citation(title="", publisher="", published="")) == "a.txt"


def test_markup_in_an_article_is_shown_as_text():
    assert escape_markdown("<b>*a* [b](c) `d` # e_f") == "\\<b\\>\\*a\\* \\[b\\](c) \\`d\\` \\# e\\_f"


def test_a_quote_over_several_lines_stays_one_block():
    assert "> One two. [1]" in compose_answer([citation(quote="One\ntwo.")], None)


def test_a_refusal_names_unknown_words_and_shows_passages_without_markers():
    text = compose_refusal([citation()], ["bread"])
    assert text.startswith("**The articles do not say.**\n\nThey never mention “bread”.")
    assert "> Ten companies applied." in text
    assert "[1]" not in text


def test_a_refusal_names_what_the_nearest_passage_lacks():
    text = compose_refusal([citation()], [], ["2022", "Baku"])
    assert "\n\nThe nearest passage does not mention “2022” or “Baku”.\n\n" in text
    assert "does not mention" not in compose_refusal([], [], ["2022"])


def test_words_count_as_mentioned_in_any_form():
    lexical = LexicalIndex.build(["India trades with Baku."])
    assert find_unmentioned("How much Indian trade crosses Tbilisi?", lexical) == ("crosses", "Tbilisi")


def test_words_that_a_question_can_do_without_are_not_missed():
    assert find_unmentioned("How many trains ran?", LexicalIndex.build(["Trains."])) == ()


def test_a_speaker_stands_before_the_outlet_and_hedges_behind_it():
    said = citation(speaker="Rovshan Aghayev", hedges=("could", "not"))
    assert "Rovshan Aghayev, in OC Media, 2024-07-11, “Trade” (hedged: could; negated: not):\n> Ten" in compose_answer(
        [said], None
    )


def test_a_speaker_of_an_article_without_a_title_is_in_its_file():
    assert (
        attribution(citation(title="", publisher="", published="", speaker="the *mayor*"))
        == "The \\*mayor\\*, in a.txt"
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("figures", "The articles give different figures for the *port*"),
        ("names", "The articles give different names for the *port*"),
        ("judgements", "The articles judge it differently – the *port*"),
        ("development", "It has changed over time – the *port*"),
    ],
)
def test_sides_say_what_they_differ_in(kind, words):
    conflict = Conflict("the\n*port*", (ConflictSide("1_0", (1,)), ConflictSide("20", (2,))), kind)
    assert describe_dispute(conflict) == words
    shown = compose_answer([citation(), citation(2)], "Ten", [conflict]).split("\n\n")
    named = ("OC Media", "OC Media") if kind == "judgements" else ("1\\_0", "20")
    sides = words.replace("*", "\\*") + f": **{named[0]}** [1]; **{named[1]}** [2]."
    assert shown[:-2] == (["**Ten** [1]", sides] if kind == "development" else [sides])


def test_a_dispute_without_a_topic_is_still_a_sentence():
    assert describe_dispute(Conflict("", (), "dates")) == "The articles give different dates"
