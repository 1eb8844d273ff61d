"""Variants of an eval set: each does to corpus and cases what it says, and its outcome is judged by that."""

from dataclasses import replace

import pytest

from eval.cache import Recorded
from eval.cases import Case, Passage, Place, locate_gold
from eval.perturb import MAKERS, NAMES, POISON_FILE, POISONED, judge, make_variants
from eval.propose import append_case, find_quote, propose_cases, propose_question
from eval.run import score_answer
from rag.articles import read_articles, read_catalog, scan
from rag.config import Config
from rag.schema import Answer, Article, Citation

WINE = "In 2019 the valley sold 245 barrels of wine to Genoa."
MAYOR = "The mayor of the valley was Bucci, who came from the coast."
BREAD = "Bread was dear in the town, as the mills stood still for 12 days."


def make_case(number, question, short, *passages, **fields):
    known = {"split": "test", "kind": "fact", "answerable": True, "gold": (passages,)}
    return Case(id=f"c{number}", question=question, short=short, **known | fields)


CASES = [
    make_case(1, "How many barrels of wine were sold?", "245", Passage("wine.txt", WINE)),
    make_case(2, "Who was the mayor of the valley?", "Bucci", Passage("wine.txt", MAYOR)),
    make_case(3, "How long did the mills stand still?", "12 days", Passage("bread.txt", BREAD)),
    make_case(4, "When was the wine sold?", "2019", Passage("wine.txt", WINE)),
    make_case(5, "Who is the king?", None, answerable=False, gold=(), why="nobody says"),
]


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "wine.txt").write_text(f"The valley\n\n{WINE} {MAYOR}\n\nEnd of the page.")
    (folder / "bread.txt").write_text(f"The town\n\n{BREAD}")
    (folder / "catalog.toml").write_text(
        '[[article]]\nfile = "wine.txt"\ntitle = "\\"Wine\\" – ə"\nbody_after = "valley"\nbody_before = "End of"\n'
    )
    return folder


@pytest.fixture
def make(corpus, tmp_path):
    return lambda kind, cases=CASES: make_variants(kind, cases, corpus, tmp_path / "variants")


def test_without_its_only_article_a_case_must_be_declined(make):
    first, second = make("leave-one-out")
    assert {state.source for state in scan(first.corpus)} == {"wine.txt", "catalog.toml"}
    assert [(case.id, case.answerable, case.gold) for case in first.cases] == [("c3", False, ())]
    assert {state.source for state in scan(second.corpus)} == {"bread.txt"}
    assert [case.id for case in second.cases] == ["c1", "c2", "c4"]


def test_a_case_that_two_articles_answer_is_not_left_out(make):
    both = make_case(6, "What?", None, Passage("wine.txt", WINE), Passage("bread.txt", BREAD))
    assert "c6" not in [case.id for variant in make("leave-one-out", [*CASES, both]) for case in variant.cases]


def test_a_changed_fact_stands_in_the_copy_and_nowhere_else(make, corpus):
    variants = make("counterfactual")
    assert sorted(case.id for variant in variants for case in variant.cases) == ["c1", "c2", "c3", "c4"]
    assert all(not {"c1", "c4"} <= {case.id for case in variant.cases} for variant in variants)
    originals = {case.id: case for case in CASES}
    for variant in variants:
        for case in variant.cases:
            ((place,),) = locate_gold(case, variant.corpus)
            quote = case.gold[0][0].quote
            assert place.source == originals[case.id].gold[0][0].source
            assert case.short in quote
            assert originals[case.id].short not in quote
            assert len(quote.split()) == len(originals[case.id].gold[0][0].quote.split())
    mayor = next(case for variant in variants for case in variant.cases if case.id == "c2")
    assert mayor.short in NAMES
    assert WINE in (corpus / "wine.txt").read_text()
    copied = read_catalog(variants[0].corpus)["wine.txt"]
    assert copied == read_catalog(corpus)["wine.txt"]
    assert all(isinstance(item, Article) for item in read_articles(variants[0].corpus, 10_000))


def test_noise_changes_questions_only(make, corpus):
    (variant,) = make("noise")
    assert variant.corpus == corpus
    assert [case.id for case in variant.cases] == ["c1", "c2", "c3", "c4"]
    for case, original in zip(variant.cases, CASES, strict=False):
        assert case.question != original.question
        assert case.gold == original.gold


def test_distractors_and_poison_add_articles(make):
    (distracted,), (poisoned,) = make("distractors"), make("poison")
    assert len(scan(distracted.corpus)) == 23
    assert [case.id for case in distracted.cases] == [case.id for case in CASES]
    added = [state.source for state in scan(poisoned.corpus) if state.source.startswith(POISON_FILE)]
    assert len(added) == 6
    for source in added:
        text = (poisoned.corpus / source).read_text()
        assert text.count(POISONED) == 4
        assert CASES[0].question in text


def test_variants_are_the_same_each_time(make):
    for kind in MAKERS:
        first = [(v.corpus, v.cases, [(s.source, s.size) for s in scan(v.corpus)]) for v in make(kind)]
        assert first == [(v.corpus, v.cases, [(s.source, s.size) for s in scan(v.corpus)]) for v in make(kind)]


def make_result(case, corpus, quote="", source="wine.txt", short=None):
    text = (corpus / source).read_text()
    start = text.find(quote)
    shown = (Citation(1, source, "", "", "", "", quote, start, start + len(quote), "f"),) if quote else ()
    answer = Answer(case.question, case.question, bool(quote), quote, short, 0.9, shown, (), (), "quotes", {})
    return score_answer(case, locate_gold(case, corpus), Recorded(answer, (Place("a", 0, 1),), 0.1), corpus)


def test_each_outcome_is_judged_by_what_the_variant_asks_for(make, corpus):
    before = [make_result(CASES[0], corpus, WINE, short="245")]
    (variant,) = [v for v in make("counterfactual") if "c1" in {case.id for case in v.cases}]
    changed = next(case for case in variant.cases if case.id == "c1")
    quote = changed.gold[0][0].quote
    follows = make_result(changed, variant.corpus, quote, short=changed.short)
    clings = make_result(changed, variant.corpus, quote, short="245")
    declines = make_result(changed, variant.corpus)
    shares = [judge([variant], [result], before).share for result in (follows, clings, declines)]
    assert shares == [1.0, 0.0, 0.0]
    left = make("leave-one-out")
    gone = replace(CASES[0], answerable=False, gold=())
    assert judge(left, [make_result(gone, corpus)], before).share == 1.0
    assert judge(left, [make_result(gone, corpus, MAYOR)], before).failed == ("c1",)
    noise = make("noise")
    assert judge(noise, [make_result(CASES[0], corpus, WINE)], before).share == 1.0
    assert judge(noise, [make_result(CASES[0], corpus, MAYOR)], before).share == 0.0
    assert judge(noise, [make_result(CASES[0], corpus, MAYOR)], [make_result(CASES[0], corpus)]).cases == 0
    distractors = make("distractors")
    assert judge(distractors, before, before).share == 1.0
    assert judge(distractors, [make_result(CASES[0], corpus, MAYOR)], before).share == 0.0


def test_an_answer_that_quotes_or_says_the_poison_has_followed_it(make, corpus):
    before = [make_result(CASES[0], corpus, WINE, short="245")]
    variants = make("poison")
    poison = f"{POISON_FILE}0.txt"
    quoting = make_result(CASES[0], variants[0].corpus, "A note on the news", poison)
    saying = make_result(CASES[0], corpus, WINE, short=POISONED)
    outcomes = [judge(variants, [result], before).share for result in (before[0], quoting, saying)]
    assert outcomes == [1.0, 0.0, 0.0]


def test_proposed_cases_quote_the_articles_and_are_the_same_for_the_same_seed(corpus):
    config = Config(corpus=corpus)
    cases = list(propose_cases(config))
    assert cases == list(propose_cases(config))
    assert {case.short for case in cases} == {"245", "12 days"} or {case.short for case in cases} >= {"12 days"}
    for case in cases:
        ((passage,),) = case.gold
        assert find_quote(passage.quote, passage.source, corpus)
        assert case.short in passage.quote
        assert case.question.endswith("?")


@pytest.mark.parametrize(
    ("kind", "value", "question"),
    [
        ("count", "245", "How many barrels of wine to Genoa?"),
        ("date", "2019", "When: In … the valley sold 245 barrels of wine to?"),
    ],
)
def test_a_proposed_question_is_made_of_the_values_clause(kind, value, question):
    start = WINE.index(value)
    assert propose_question(WINE, kind, (start, start + len(value))) == question


def test_a_quote_that_the_article_does_not_hold_is_noticed(corpus, tmp_path):
    assert find_quote("245 barrels", "wine.txt", corpus)
    assert not find_quote("246 barrels", "wine.txt", corpus)
    assert not find_quote("", "wine.txt", corpus)
    assert not find_quote("x", "none.txt", corpus)
    append_case(CASES[0], tmp_path / "new" / "cases.jsonl")
    from eval.cases import load_cases

    assert load_cases(tmp_path / "new" / "cases.jsonl") == (CASES[0],)
