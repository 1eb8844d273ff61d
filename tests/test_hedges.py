"""Words that weaken or deny: found as they stand, and never lost on the way from a sentence to an answer."""

import time

import pytest

from rag.converse import Standalone
from rag.hedges import find_hedges, hedge_before, is_denial, lacks_hedge
from rag.judge import Judgement
from rag.question import find_needs
from rag.short import choose_short


@pytest.mark.parametrize(
    ("text", "hedges"),
    [
        ("Ten companies have reportedly applied.", ("reportedly",)),
        ("According to Xi, it could rise; it could fall.", ("According to", "could")),
        ("BYD plans to build a plant and is considering another.", ("plans to", "is considering")),
        ("He is said to own it and was accused of theft.", ("is said to", "accused of")),
        ("They accused the army of shelling a market.", ("accused the army of",)),
        ("Trade is unlikely to rise and appears to fall.", ("unlikely", "appears to")),
        ("About 30 of some 3,000 firms paid almost $5.", ("About", "some", "almost")),
        ("It may rise unless China agrees to pay.", ("may", "unless", "agrees to")),
        ("May it never end.", ("May", "never")),
        ("China does not, and doesn’t, and no longer can.", ("not", "doesn’t", "no longer")),
        ("No one came; nobody spoke, without reason.", ("No one", "nobody", "without")),
        ("It is due to arrive.", ("is due to",)),
        ("Trade\u00a0is\u00a0expected\u00a0to grow.", ("is expected to",)),
        ("", ()),
    ],
)
def test_hedges_are_found_as_they_stand_once_each(text, hedges):
    assert find_hedges(text) == hedges


@pytest.mark.parametrize(
    "text",
    [
        "The visit in May 2024 will take place.",
        "They met on 3 May.",
        "Last week, May said goodbye.",
        "He bought a can of oil.",
        "China will pay.",
        "Some countries trade about everything around the world.",
        "See No. 3, no doubt.",
        "It is not only big.",
        "It closed due to the rain.",
        "Roads were built over two decades.",
        "As if by magic, it should be noted.",
        "Dismay, notable maybes and sifting.",
    ],
)
def test_words_that_only_look_like_hedges_are_none(text):
    assert find_hedges(text) == ()


def test_denials_are_told_from_hedges():
    assert [
        hedge for hedge in find_hedges("He didn’t say that it could not happen if nobody came.") if is_denial(hedge)
    ] == [
        "didn’t",
        "not",
        "nobody",
    ]


NAGORNO = (
    "Ten Chinese companies have also reportedly applied to operate in Nagorno-Karabakh, which fully came under "
    "Azerbaijan’s control in September 2023."
)


@pytest.mark.parametrize(
    ("sentence", "bare", "hedged"),
    [
        (
            NAGORNO,
            "Ten Chinese companies operate in Nagorno-Karabakh.",
            "Ten firms reportedly applied to operate there.",
        ),
        (NAGORNO, "Ten Chinese companies applied.", "Ten Chinese companies are said to have applied."),
        (NAGORNO, "Ten Chinese companies applied to operate.", "Nagorno-Karabakh came under Azerbaijan’s control."),
        ("BYD plans to build a plant.", "BYD builds a plant.", "BYD plans a plant."),
        ("Ties could lead to a standstill.", "Ties lead to a standstill.", "Ties may lead to a standstill."),
        ("It is unlikely to reap benefits.", "It reaps benefits.", "It is unlikely to bring benefits."),
        (
            "The Institutes are accused of spying.",
            "The Institutes spy, spying abroad.",
            "Critics accuse them of spying.",
        ),
        ("Trade is expected to increase.", "Trade increased.", "Trade is expected to increase."),
        ("They were ready to begin talks.", "They began talks.", "They were ready to begin talks."),
    ],
)
def test_a_claim_keeps_the_hedge_of_its_sentence(sentence, bare, hedged):
    assert lacks_hedge(bare, sentence)
    assert not lacks_hedge(hedged, sentence)


@pytest.mark.parametrize(
    ("text", "word", "whole"),
    [
        ("It reached almost $1.3 billion.", "$1.3", "almost $1.3 billion."),
        ("It unites more than 150 countries.", "150", "more than 150 countries."),
        ("There were not around 245 firms.", "245", "not around 245 firms."),
        ("Ten reportedly applied.", "applied", "reportedly applied."),
        ("No more than 3 came.", "3", "No more than 3 came."),
        ("A knot 3 metres wide.", "3", "3 metres wide."),
        ("Trade came to $289 million.", "$289", "$289 million."),
    ],
)
def test_words_that_change_what_follows_are_found_before_it(text, word, whole):
    assert text[hedge_before(text, text.index(word)) :] == whole


def short(question, sentence, span):
    start = sentence.index(span)
    asked = Standalone(question, 0)
    return choose_short(sentence, Judgement(1.0, start, start + len(span), 1.0), asked, find_needs(asked))


@pytest.mark.parametrize(
    ("sentence", "span", "expected"),
    [
        ("In 2017 trade reached almost $1.3 billion.", "$1.3 billion", "almost $1.3 billion"),
        ("In 2017 trade reached $1.3 billion.", "$1.3 billion", "$1.3 billion"),
        ("In 2016 it fell, reaching almost $1.3 billion in 2017.", "$1.3", "almost $1.3 billion"),
        ("In 2017 trade was reportedly about $1.3 billion.", "1.3", "reportedly about $1.3 billion"),
        ("In 2017 trade was not $1.3 billion.", "$1.3 billion", "not $1.3 billion"),
    ],
)
def test_a_short_answer_keeps_the_words_that_weaken_it(sentence, span, expected):
    assert short("How much was traded in 2017?", sentence, span) == expected


def test_a_short_answer_that_is_a_name_keeps_a_denial():
    assert short("Who said so?", "So said not Seymur Hazi.", "Seymur Hazi") == "not Seymur Hazi"


@pytest.mark.parametrize(
    "piece", [" ", "\n", "is ", "plans ", "no 3 ", "may not ", "accused a ", "about $ ", "n’t", "A. ", "over a "]
)
def test_no_text_takes_long(piece):
    text = piece * (100_000 // len(piece))
    for find in (find_hedges, lambda text: hedge_before(text, len(text)), lambda text: lacks_hedge(text, text)):
        start = time.process_time()
        find(text)
        assert time.process_time() - start < 1
