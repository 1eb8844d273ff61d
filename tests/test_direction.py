"""Whether a sentence tells the reverse of what is asked; the cases are others than those of eval/turned.jsonl."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.direction import is_turned
from rag.nations import same_nation
from rag.parts import find_common_names, find_names

COMPANIES = "Around 245 Azerbaijani companies operating in Beijing were counted in May."
SUIT = "In May Alpha sued Beta over a patent."
WHEAT = "Last year Egypt bought 3,000 tonnes of wheat from Romania."
EXPORTS = "Azerbaijan’s exports to China reached $30 million."
VISIT = "Foreign Minister Anna Rossi visited Norway in June."


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many Chinese companies operate in Azerbaijan?", COMPANIES),
        ("Who sued Alpha?", SUIT),
        ("Which company did Beta sue?", SUIT),
        ("Whom was Beta sued by? Was Alpha sued by Beta?", SUIT),
        ("How much wheat did Romania buy from Egypt?", WHEAT),
        ("how much wheat did egypt sell to romania", WHEAT),
        ("How large were Chinese exports to Azerbaijan?", EXPORTS),
        ("How much has Oslo agreed to lend Rome?", "Rome agreed to lend Oslo 60 million euros."),
        ("How much does Ashby get from Dunmow?", "From Ashby 3 million litres are pumped to Dunmow."),
        ("When did Norway’s minister receive a visit in Italy from Anna Rossi? When did Norway visit Rossi?", VISIT),
        ("How many Dutch students study in France?", "Some 900 French students are enrolled in the Netherlands."),
    ],
)
def test_the_reverse_of_what_is_asked_is_turned(question, sentence):
    assert is_turned(question, sentence)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many Azerbaijani companies operate in Beijing?", COMPANIES),
        ("In Beijing, how many companies from Azerbaijan are there?", COMPANIES),
        ("Whom did Alpha sue?", SUIT),
        ("Who was Beta sued by?", SUIT),
        ("How much wheat did Egypt buy from Romania?", WHEAT),
        ("How much wheat did Romania sell to Egypt?", WHEAT),
        ("How much did China import from Azerbaijan?", EXPORTS),
        ("When did Anna Rossi visit Norway?", VISIT),
        ("How much was trade between China and Azerbaijan?", "Trade between Azerbaijan and China grew to $3 billion."),
        ("How many Dutch students study in France?", "Some 900 Dutch students are enrolled in France."),
        (
            "When were relations between Rome and Oslo established?",
            "Relations between Rome and Oslo were established in 1905.",
        ),
        ("Where did Rossi meet Berg?", "Rossi was met in Oslo by Minister Berg."),
        (
            "How many companies from Azerbaijan operate in Beijing?",
            "Some 245 Azerbaijani companies operate in Beijing, giving Azerbaijani goods to the Chinese market.",
        ),
        ("How much did Azerbaijan import from China?", "Chinese imports now lead Azerbaijan’s trade: $3 billion."),
        ("When did Fitch cut Greece?", "Greece was cut to junk by Fitch in May."),
        ("How many drones did Russia buy from Iran?", "Iran sold Russia 3,000 drones."),
        ("Which country supplies Georgia with gas?", "Georgia is supplied with gas by Norway."),
        ("How many workers from Nepal are in Qatar?", "Workers in Qatar include 400,000 from Nepal."),
        ("How many Italian players play in England?", "England’s players include 30 Italians."),
        ("When did the Louvre open?", "France opened the Louvre in 1793."),
        ("How long is Georgia’s border with Russia?", "Russia’s border with Georgia is 894 km long."),
        ("Who replaced Merkel?", "Scholz replaced Merkel, who replaced Schroeder."),
        ("Who invaded South Korea?", "North Korea invaded South Korea."),
        ("Who spoke at the April summit in Baku?", "At the Baku summit in April Macron spoke."),
        ("What is the SCO?", "The SCO is a regional body."),
        ("", ""),
    ],
)
def test_what_is_asked_is_not_turned_whatever_its_voice(question, sentence):
    assert not is_turned(question, sentence)


def test_a_question_in_lower_case_is_read_by_the_names_that_are_known():
    question = "how many chinese companies are there in azerbaijan"
    assert not is_turned(question, COMPANIES)
    assert is_turned(question, COMPANIES, find_names("A minister of China said so."))
    assert not is_turned("how many azerbaijani companies are there in beijing", COMPANIES, frozenset(["china"]))


def test_a_word_that_is_written_small_elsewhere_is_no_name():
    texts = ["The Trade Ministry of China met.", "They spoke of trade."]
    assert find_common_names(texts) == {"ministry", "china"}


def test_parts_that_other_words_play_do_not_count():
    assert not is_turned("How many Kenyan companies work in India?", "Indian ministers met Kenyan companies in India.")


def test_long_texts_take_little_time():
    start = time.monotonic()
    assert not is_turned("Who sued Ann?", "Ann's " * 5_000)
    assert not is_turned("Who sued Ann?", "Ann's " * 300)
    is_turned("who sued " + "ann " * 400, " ".join(f"Ann{n}" for n in range(300)))
    assert time.monotonic() - start < 2


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_read(question, sentence):
    assert is_turned(question, sentence) in (True, False)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("china", "chinese", True),
        ("azerbaijan", "azerbaijanis", True),
        ("france", "french", True),
        ("kazakhstan", "kazakh", True),
        ("netherlands", "dutch", True),
        ("iran", "iraq", False),
        ("china", "chilean", False),
        ("austria", "australia", False),
        ("niger", "nigeria", False),
    ],
)
def test_a_country_and_its_people_are_one(one, other, same):
    assert same_nation(one, other) is same
    assert same_nation(other, one) is same
