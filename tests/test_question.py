"""What a question asks for is read off its words; figures of the asked type are found in a sentence."""

import pytest

from rag.converse import Standalone
from rag.question import find_needs, find_short, holds_type

TRADE = "Trade has been steadily growing since 2020, from $1.4 billion in 2021 to $3.1 billion in 2024."
CARGO = "Cargo volumes from China to Azerbaijan rose 86% in 2024 to 378,000 tonnes, with 287 block trains dispatched."


def needs(question):
    return find_needs(Standalone(question))


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("How many companies operate in Beijing?", "count"),
        ("How much was trade worth in 2007?", "money"),
        ("By how much did cargo grow?", "percent"),
        ("How fast did cargo volumes grow in 2024", "percent"),
        ("At what rate did trade go up?", "percent"),
        ("How fast is the train?", "amount"),
        ("trade in 2024, how many billion dollars", "money"),
        ("value of trade with China in 2024", "money"),
        ("What tonnage was carried in 2024?", "count"),
        ("Which amount of water is guaranteed each year?", "count"),
        ("What will motorists have to pay per day?", "money"),
        ("What did the race earn local traders?", "money"),
        ("What did critics pay tribute to?", "any"),
        ("What does Kenya owe its success to?", "any"),
        ("In what area do they live?", "any"),
        ("What valuation did the round put on the firm?", "money"),
        ("What share of trade does China have?", "percent"),
        ("When was the commission founded?", "date"),
        ("In which year did relations begin?", "date"),
        ("How long does delivery take?", "duration"),
        ("Who warned of dependence?", "name"),
        ("Where was the summit held?", "name"),
        ("Which major Chinese cities have trade houses?", "name"),
        ("What did President Kamara say?", "any"),
        ("Why did Baku turn east?", "reason"),
        ("How does China secure its influence?", "manner"),
        ("What does the SCO focus on?", "any"),
    ],
)
def test_the_asked_type_is_read_off_the_question(question, asks):
    assert needs(question).asks == asks


def test_years_numbers_and_names_must_be_met():
    found = needs("Did Seymur Hazi mention 245 companies in 2024?")
    assert (found.years, found.numbers, found.names) == (("2024",), ("245",), ("seymur", "hazi"))


def test_a_follow_up_takes_only_what_it_leaves_open_from_the_earlier_question():
    text = "When did Heydar Aliyev go to China in 1994? Whom did he meet there?"
    found = find_needs(Standalone(text, focus=text.index("Whom")))
    assert (found.asks, found.years) == ("name", ("1994",))


@pytest.mark.parametrize(
    ("sentence", "question", "short"),
    [
        ("There were around 245 Azerbaijani companies operating in Beijing.", "How many companies are there?", "245"),
        (CARGO, "How many block trains were dispatched in 2024?", "287"),
        (CARGO, "How much cargo came from China in 2024?", "378,000 tonnes"),
        (CARGO, "By how much did cargo grow in 2024?", "86%"),
        (CARGO, "By what percentage did cargo volumes rise?", "86%"),
        (TRADE, "How much was trade in 2021?", "$1.4 billion"),
        ("Delivery takes only 10 to 12 days.", "How long does delivery take?", "10 to 12 days"),
        ("Relations were established in April 1992.", "When were relations established?", "April 1992"),
    ],
)
def test_the_short_answer_is_the_figure_of_the_asked_type(sentence, question, short):
    assert find_short(sentence, question, needs(question)) == short


def test_what_the_question_says_itself_is_no_answer():
    question = "How many trains ran in 2024?"
    assert find_short("In 2024 trains ran.", question, needs(question)) is None


def test_questions_for_reasons_have_no_short_answer():
    assert find_short(TRADE, "Why did trade grow?", needs("Why did trade grow?")) is None


def test_a_sentence_without_a_new_name_does_not_say_who():
    question = "Who met Xi in Baku?"
    assert holds_type("The leaders met Xi in Baku.", question, needs(question)) is False
    assert holds_type("Ilham Aliyev met Xi.", question, needs(question)) is True


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Who signed it?", "name"),
        ("And in whose name was it signed?", "name"),
        ("Do you know who signed it?", "name"),
        ("How did her style affect the writers who came after her?", "manner"),
        ("What does the reserve offer people who go walking?", "any"),
        ("What was sold, and who bought it?", "name"),
        ("What was sold\nand who bought it?", "name"),
        ("Please answer this:\nWho signed it?", "name"),
        ("What is the name of the man who signed it?", "name"),
        ("How and where did he die?", "name"),
        ("What did the 4,000 people who marched want?", "any"),
        ("At what hour did it lift off?", "date"),
    ],
)
def test_who_in_the_middle_of_a_question_for_something_else_asks_for_nobody(question, asks):
    assert needs(question).asks == asks


def test_a_question_for_anything_fits_every_sentence():
    assert holds_type("Nothing.", "What happened?", needs("What happened?")) is None


@pytest.mark.parametrize(
    ("question", "bounds", "numbers"),
    [
        ("Did trade pass the $3 billion mark in 2024?", ["$3 billion mark"], ()),
        ("Did commerce expand by more than 30 percent?", ["more than 30 percent"], ()),
        ("Was trade below $300 million in 2007?", ["below $300 million"], ()),
        ("Did 245 firms operate there?", [], ("245",)),
        ("How many firms had over 200 staff?", [], ("200",)),
    ],
)
def test_a_figure_to_compare_with_need_not_be_in_the_articles(question, bounds, numbers):
    needs = find_needs(Standalone(question))
    assert [question[start:end] for start, end in needs.bounds] == bounds
    assert needs.numbers == numbers


def test_the_places_of_figures_to_compare_with_count_from_the_start_of_what_a_follow_up_is_read_as():
    asked = Standalone("How big is trade? Is it over $3bn?", focus=18)
    assert [asked.question[start:end] for start, end in find_needs(asked).bounds] == ["over $3bn"]
