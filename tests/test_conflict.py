"""Values and judgements that disagree are shown as sides; what only looks like a disagreement is not."""

import numpy as np
import pytest

from rag.answering import find_answerings
from rag.conflict import find_disputes
from rag.converse import Standalone
from rag.judge import Judgement
from rag.question import find_needs
from rag.schema import Article, Candidate, ScoredSentence, Sentence, Span, SplitArticle


class Marked:
    """What the model makes of a sentence: these words answer with these odds, all others hardly."""

    scores = np.zeros(1)

    def __init__(self, text, words, odds):
        self.start, self.odds = text.find(words), odds
        self.end = self.start + len(words)

    def span_odds(self, sentence, start, end):
        return self.odds if self.start < end and start < self.end else -12.0


def said(text, words, source, score=9.0, odds=3.0, published=""):
    span = Span(0, len(text))
    article = Article(source, text, "0" * 64, "", "", published, "", (span,))
    candidate = Candidate(0, SplitArticle(article, (Sentence(0, len(text), text, 0),)), 0, span, 0.0, 0.0, 0.0, 0.0)
    marked = Marked(text, words, odds)
    return ScoredSentence(candidate, score), Judgement(score, marked.start, marked.end, odds, marked)


def alike(one, other):
    return 0.6


def disputes(question, *pairs, similarity=alike):
    sentences, judgements = zip(*pairs, strict=True)
    return find_disputes(Standalone(question), sentences, judgements, similarity)


def values(found):
    return [[side.value for side in dispute.sides] for dispute in found]


FIRMS = "How many firms operate there?"
TEN = said("Ten firms operate there.", "Ten", "a.txt")


def test_different_counts_of_two_articles_are_sides():
    found = disputes(FIRMS, TEN, said("There, 12 firms operate.", "12", "b.txt", 8.0))
    assert values(found) == [["Ten", "12"]]
    assert found[0].kind == "figures"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10 firms operate there.", "10"),
        ("About a dozen firms operate there, some ten of them from China.", "some ten"),
        ("In 2019 it had 500 firms, most of them closed.", "500"),
    ],
)
def test_the_same_count_and_one_of_quite_another_size_are_none(text, words):
    assert disputes(FIRMS, TEN, said(text, words, "b.txt", 8.0)) == ()


def test_a_million_that_is_a_billion_elsewhere_is_a_side():
    cost = said("The tunnel cost 1.9 billion francs.", "1.9 billion francs", "a.txt")
    slip = said("For 1.9 million francs they built the tunnel.", "1.9 million francs", "b.txt", 8.0)
    other = said("For 2.1 million francs they painted the tunnel.", "2.1 million francs", "c.txt", 8.0)
    assert values(disputes("How much did the tunnel cost?", cost, slip)) == [
        ["1.9 billion francs", "1.9 million francs"]
    ]
    assert disputes("How much did the tunnel cost?", cost, other) == ()


def test_a_fact_beside_a_forecast_of_something_else_is_not_superseded():
    early = said(
        "In 2024, 430 firms came, and 400 trains are expected for 2026.", "430", "a.txt", published="2024-05-01"
    )
    late = said("In 2024, 378 firms came there.", "378", "b.txt", 8.0, published="2025-06-01")
    (found,) = disputes("How many firms came in 2024?", early, late)
    assert found.kind == "figures"
    forecast = said("In 2024, 430 firms are expected.", "430", "a.txt", published="2024-05-01")
    assert [dispute.kind for dispute in disputes("How many firms came in 2024?", forecast, late)] == ["development"]


def test_a_figure_without_a_year_is_of_the_year_of_its_article():
    given = said("In 2024, 430 firms came.", "430", "a.txt", published="2025-05-01")
    this_year = said("This year 378 firms came.", "378", "b.txt", 8.0, published="2024-12-01")
    next_year = said("This year 378 firms came.", "378", "b.txt", 8.0, published="2025-12-01")
    assert values(disputes("How many firms came in 2024?", given, this_year)) == [["430", "378"]]
    assert disputes("How many firms came in 2024?", given, next_year) == ()


def test_amounts_differ_that_are_asked_for_by_their_measure():
    one = said("In 2024, 378,000 tonnes of it were carried.", "378,000 tonnes", "a.txt")
    other = said("They carried 430,000 tonnes of it in 2024.", "430,000 tonnes", "b.txt", 8.0)
    assert values(disputes("What tonnage was carried in 2024?", one, other)) == [["378,000 tonnes", "430,000 tonnes"]]


def test_two_counts_of_one_article_are_no_sides():
    assert disputes(FIRMS, TEN, said("There, 12 firms operate.", "12", "a.txt", 8.0)) == ()


def test_a_value_that_hardly_answers_is_no_side():
    assert disputes(FIRMS, TEN, said("There, 12 firms operate.", "12", "b.txt", 8.0, odds=-8.0)) == ()


TRADE = "How much was traded in 2024?"
GREW = said("It grew from $1.4 billion in 2021 to $3.1 billion in 2024.", "$3.1 billion", "b.txt", 8.0)


def test_dates_of_which_none_answers_are_no_sides():
    question = "When did Hazi become deputy chair?"
    seen = said("Hazi was seen on 5 July.", "5 July", "a.txt", odds=-3.0)
    heard = said("Hazi was heard on 4 July.", "4 July", "b.txt", 8.0, odds=-3.5)
    elected = said("Hazi became deputy chair on 5 July.", "5 July", "a.txt")
    assert disputes(question, seen, heard) == ()
    assert values(disputes(question, elected, said("On 4 July Hazi became deputy chair.", "4 July", "b.txt", 8.0)))


def test_another_date_need_not_be_as_likely_as_the_best_one_if_it_is_sure():
    question = "When was the bloc founded?"
    best = said("The bloc was founded in 2001.", "2001", "a.txt", odds=6.0)
    sure = said("It is a bloc that Russia set up in 1996.", "1996", "b.txt", 8.0, odds=2.0)
    guessed = said("It was joined by India in 2017.", "2017", "b.txt", 8.0, odds=0.5)
    assert values(disputes(question, best, sure)) == [["2001", "1996"]]
    assert disputes(question, best, guessed) == ()


def test_of_several_years_in_a_sentence_the_asked_one_counts():
    found = disputes(TRADE, said("In 2024 it was $2.46 billion.", "$2.46 billion", "a.txt"), GREW)
    assert values(found) == [["$2.46 billion", "$3.1 billion"]]
    assert found[0].topic == "2024"


def test_figures_of_other_years_are_no_sides():
    pairs = said("In 2021 it was $1.4 billion.", "$1.4 billion", "a.txt"), GREW
    assert disputes("How much is traded?", *pairs) == ()
    assert disputes(TRADE, *pairs) == ()


def test_what_agrees_joins_a_side_and_copies_count_once():
    first = said("In 2024 trade came to $3.744 billion, officials said.", "$3.744 billion", "a.txt")
    copy = said("In 2024 trade came to $3.744 billion, officials said.", "$3.744 billion", "c.txt", 8.5)
    other = said("It reached $3.7bn over the whole of 2024.", "$3.7bn", "d.txt", 8.2)
    found = disputes(TRADE, first, copy, other, said("In 2024 it was $2.46 billion.", "$2.46 billion", "b.txt", 8.0))
    sources = [[s.candidate.article.source for s in side.sentences] for side in found[0].sides]
    assert sources == [["a.txt", "d.txt"], ["b.txt"]]


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("How much was it worth?", "Imports were worth $3.6bn.", "Turnover was worth $4.2bn."),
        ("How much did it earn?", "It earned €61m in the first half.", "It earned €38m."),
        ("How many were hurt?", "There were 12 injured people.", "There were 9 dead people."),
    ],
)
def test_figures_of_different_measures_are_no_sides(question, one, other):
    figures = [
        next(word for word in text.split() if any(c.isdigit() for c in word)).rstrip(".") for text in (one, other)
    ]
    assert disputes(question, said(one, figures[0], "a.txt"), said(other, figures[1], "b.txt", 8.0)) == ()


def test_dates_and_names_can_differ_too():
    when = disputes(
        "When did the ferry sink?",
        said("It sank on 17 November 1964.", "17 November 1964", "a.txt"),
        said("It was 19 November 1964 when it sank.", "19 November 1964", "b.txt", 8.0),
    )
    who = disputes(
        "Who bought the house?",
        said("Milena Horvat bought the house.", "Milena Horvat", "a.txt"),
        said("It was bought by Petra Quill.", "Petra Quill", "b.txt", 8.0),
    )
    assert [(found[0].kind, values(found)[0]) for found in (when, who)] == [
        ("dates", ["17 November 1964", "19 November 1964"]),
        ("names", ["Milena Horvat", "Petra Quill"]),
    ]


def test_a_later_figure_that_supersedes_an_earlier_one_is_a_development_in_order_of_time():
    found = disputes(
        "How many people died in the flood?",
        said("The toll has risen to nine people who died.", "nine", "wed.txt", published="2024-06-05"),
        said("At least four people died, the district says.", "four", "mon.txt", 8.0, published="2024-06-03"),
    )
    assert [dispute.kind for dispute in found] == ["development"]
    assert values(found) == [["At least four", "nine"]]


def test_what_had_been_planned_and_what_came_of_it_are_a_development_also_without_dates():
    question = "How many trains ran?"
    planned = said("They had pencilled in 200 trains.", "200", "b.txt")
    ran = said("There were 287 trains.", "287", "a.txt", 8.0)
    (found,) = disputes(question, planned, ran)
    assert found.kind == "development"
    assert values([found]) == [["200", "287"]]
    meant = said("The 200 trains are meant to run there.", "200", "b.txt")
    assert [dispute.kind for dispute in disputes(question, meant, ran)] == ["figures"]


def test_what_came_of_a_hope_is_a_development_also_where_it_is_measured_by_it():
    hoped = said("They hope for 50,000 guests.", "50,000", "a.txt", published="2025-07-01")
    came = said("It had 31,000 guests, fewer than had been hoped for.", "31,000", "b.txt", 8.0, published="2025-07-23")
    (found,) = disputes("How many guests came?", hoped, came)
    assert found.kind == "development"
    assert values([found]) == [["50,000", "31,000"]]


def test_by_how_much_something_fell_may_be_told_in_any_unit():
    one = said("Since 1995 its level has dropped by 2.4 metres.", "2.4 metres", "a.txt")
    other = said("Its level stands 1.3 metres lower than in 1995.", "1.3 metres", "b.txt", 8.0)
    assert values(disputes("By how much has the level fallen?", one, other)) == [["2.4 metres", "1.3 metres"]]


def test_a_part_of_a_whole_and_a_growth_are_no_sides():
    share = said("In 2024 oil brought in 62% of its revenue.", "62%", "a.txt")
    grew = said("In 2024 trade in oil rose 50.7% there.", "50.7%", "b.txt", 8.0)
    other = said("In 2024 oil gave 70% of its revenue.", "70%", "b.txt", 8.0)
    assert disputes("Did oil give over 80% of it in 2024?", share, grew) == ()
    assert values(disputes("Did oil give over 80% of it in 2024?", share, other)) == [["62%", "70%"]]


def test_tonnes_are_of_goods_whether_they_are_called_cargo_or_not():
    one = said("Some 341,000 tonnes went there.", "341,000 tonnes", "a.txt")
    other = said("Cargo rose to 378,000 tonnes.", "378,000 tonnes", "b.txt", 8.0)
    assert values(disputes("How many tonnes went there?", one, other)) == [["Some 341,000 tonnes", "378,000 tonnes"]]


def test_what_is_carried_and_what_is_traded_are_two_things():
    question = "By how much did cargo grow?"
    cargo = said("Cargo volumes rose 86% to a record.", "86%", "a.txt")
    assert disputes(question, cargo, said("Bilateral trade was up by 43% then.", "43%", "b.txt", 8.0)) == ()
    goods = said("What the trains bring was up by 43% then.", "43%", "b.txt", 8.0)
    assert values(disputes(question, cargo, goods)) == [["86%", "43%"]]


def test_a_number_in_a_figure_of_speech_is_no_value():
    question = "What is its attitude to the neighbour?"
    evils = said("It chose the lesser of two evils with him.", "the lesser of two evils", "a.txt")
    forces = said("It fights the three evil forces of terror.", "the three evil forces of terror", "b.txt", 8.0)
    assert disputes(question, evils, forces) == ()


def test_values_far_behind_the_best_sentence_which_has_none_are_no_sides():
    best = said("Ties would bring it to a standstill.", "a standstill", "a.txt", 12.0)
    few = (said("It grew by 20%.", "20%", "b.txt", 4.0), said("It grew by 43%.", "43%", "c.txt", 3.9))
    assert disputes("What do they expect of ties?", best, *few) == ()


def test_a_sentence_without_a_year_has_that_of_the_one_before():
    def following(before, text, words, source, score):
        span, own = Span(0, len(before) + len(text) + 1), len(before) + 1
        article = Article(source, f"{before} {text}", "0" * 64, "", "", "", "", (span,))
        sentences = (Sentence(0, len(before), before, 0), Sentence(own, own + len(text), text, 0))
        candidate = Candidate(1, SplitArticle(article, sentences), 1, span, 0.0, 0.0, 0.0, 0.0)
        marked = Marked(text, words, 3.0)
        return ScoredSentence(candidate, score), Judgement(score, marked.start, marked.end, 3.0, marked)

    given = said("In 2024 it had a share of 9.4%.", "9.4%", "a.txt")
    same = following("Trade grew in 2024.", "It had a share of 7.9%.", "7.9%", "b.txt", 8.0)
    other = following("Trade grew in 2007.", "It had a share of 7.9%.", "7.9%", "b.txt", 8.0)
    question = "What share did it have in 2024?"
    assert values(disputes(question, given, same)) == [["9.4%", "7.9%"]]
    assert disputes(question, given, other) == ()


def test_the_year_of_a_relative_clause_is_not_that_of_the_figure_before_it():
    given = said("By July 2024, 17 firms had applied.", "17", "a.txt", published="2025-01-01")
    text = "Ten firms have applied to work there, which fell to it in 2023, following a war."
    other = said(text, "Ten", "b.txt", 8.0, published="2024-07-11")
    assert values(disputes("How many firms had applied by July 2024?", given, other)) == [["17", "Ten"]]


def test_a_yes_or_no_question_compares_only_what_it_names():
    trade = said("Trade came to $2.46 billion in 2024.", "$2.46 billion", "a.txt")
    other = said("Trade was $3.7bn in 2024.", "$3.7bn", "b.txt", 8.0)
    assert values(disputes("Did trade top three billion dollars in 2024?", trade, other))
    assert disputes("Has trade grown?", trade, other) == ()


def test_what_a_yes_or_no_question_names_itself_is_a_side_too():
    assert values(
        disputes(
            "Were there six trading houses in July 2024?",
            said("By July 2024 nine trading houses had opened.", "nine", "a.txt"),
            said("In July 2024 there were six trading houses.", "six", "b.txt", 8.0),
        )
    ) == [["nine", "six"]]


def test_two_claims_of_one_sentence_are_sides_with_the_same_quote():
    march = said("Police put the crowd at 4,000; the organisers claimed 15,000.", "4,000", "a.txt")
    (found,) = disputes("How many people took part in the march?", march)
    assert values([found]) == [["4,000", "15,000"]]
    assert [side.sentences for side in found.sides] == [(march[0],), (march[0],)]


def test_what_agrees_with_a_claim_of_a_sentence_joins_its_side():
    march = said("Police put the crowd at 4,000; the organisers claimed 15,000.", "4,000", "a.txt")
    count = said("There were 4,000 at the march.", "4,000", "b.txt", 8.0)
    (found,) = disputes("How many people took part in the march?", march, count)
    assert [len(side.sentences) for side in found.sides] == [2, 1]


def test_claims_of_a_sentence_stand_beside_what_another_article_gives():
    march = said("Police put the crowd at 4,000; the organisers claimed 15,000.", "4,000", "a.txt")
    count = said("There were 6,000 at the march.", "6,000", "b.txt", 8.0)
    assert values(disputes("How many people took part in the march?", march, count)) == [["4,000", "15,000", "6,000"]]


def test_sums_in_another_currency_can_differ():
    budget = said("The wing is budgeted at 212 million marks.", "212 million marks", "a.txt")
    table = said("A table puts the price of the wing at 287 million marks.", "287 million marks", "b.txt", 8.0)
    assert values(disputes("What is the price of the wing?", budget, table)) == [
        ["212 million marks", "287 million marks"]
    ]


@pytest.mark.parametrize(
    ("question", "one", "words", "other", "others"),
    [
        (
            "Did five of the twelve ministers resign?",
            "Five ministers resigned on Monday.",
            "Five",
            "Twelve ministers sat in the room.",
            "Twelve",
        ),
        (
            "Did Aquila 2 reach its orbit?",
            "Aquila 2 reached orbit.",
            "2",
            "It reached orbit with three satellites.",
            "three",
        ),
    ],
)
def test_a_yes_or_no_question_with_several_figures_or_a_numbered_name_compares_none(
    question, one, words, other, others
):
    assert disputes(question, said(one, words, "a.txt"), said(other, others, "b.txt", 8.0)) == ()


@pytest.mark.parametrize("opening", ["Some", "About", "Only", "Police"])
def test_a_number_behind_the_first_word_of_a_sentence_is_no_name(opening):
    found = disputes(
        "How many firms operate there?",
        said(f"{opening} 300 firms operate there.", "300", "a.txt"),
        said(f"{opening} 300 firms are at work there.", "300", "b.txt", 8.5),
        said("In all, 420 firms operate there.", "420", "c.txt", 8.0),
    )
    assert [len(side.sentences) for dispute in found for side in dispute.sides] == [2, 1]


def test_a_number_that_is_part_of_a_name_is_no_count():
    flown = said("The Aquila 2 rocket put five satellites into orbit.", "five", "a.txt")
    carried = said("Aquila 2 carried seven satellites.", "seven", "b.txt", 8.0)
    assert values(disputes("How many satellites did the rocket carry?", flown, carried)) == [["five", "seven"]]
    assert [a.value.text for a in find_answerings(*asked("Were there two rockets?", flown, carried))] == [
        "five",
        "seven",
    ]


def asked(question, *pairs):
    sentences, judgements = zip(*pairs, strict=True)
    return Standalone(question), find_needs(Standalone(question)), sentences, judgements


SAVES = said("The work will save the angels.", "save", "a.txt")
DESTROYS = said("She fears that the work will destroy the angels.", "destroy", "b.txt", 8.0)


def test_judgements_that_pull_apart_are_sides_with_their_words():
    found = disputes("What will the work do to the angels?", SAVES, DESTROYS)
    assert [dispute.kind for dispute in found] == ["judgements"]
    assert values(found) == [["The work will save the angels.", "She fears that the work will destroy the angels."]]


def test_judgements_of_one_direction_or_far_from_the_question_are_none():
    praise = said("It will benefit the angels.", "benefit", "b.txt", 8.0)
    far = said("She fears that the work will destroy the angels.", "destroy", "b.txt", 1.0)
    assert disputes("What will the work do to the angels?", SAVES, praise) == ()
    assert disputes("What will the work do to the angels?", SAVES, far) == ()


def test_parts_of_one_quotation_do_not_pull_apart():
    text = "‘It will help them. It will harm them in other ways.’"
    run, article = Span(0, len(text)), Article("a.txt", text, "0" * 64, "", "", "", "", (Span(0, len(text)),))
    parts = tuple(Sentence(a, b, text[a:b], 0, quotation=run) for a, b in ((0, 19), (20, len(text))))
    split = SplitArticle(article, parts)
    scored = [ScoredSentence(Candidate(n, split, n, run, 0.0, 0.0, 0.0, 0.0), 9.0 - n) for n in (0, 1)]
    pairs = [(one, Judgement(3.0, 0, 0, -9.0)) for one in scored]
    assert disputes("What will it do to them?", *pairs) == ()


def test_a_name_that_most_sentences_hold_is_no_answer():
    pairs = [
        said(f"Genoa has {word} ports.", "Genoa", f"{word}.txt", odds=1.0) for word in ("old", "new", "big", "deep")
    ]
    question = Standalone("Who has ports?")
    sentences, judgements = zip(*pairs, strict=True)
    assert find_answerings(question, find_needs(question), sentences, judgements) == []
