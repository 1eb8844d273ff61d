"""Runs are kept, found again and compared case by case; the gate stops what got worse, and nothing else."""

import json
import random
from dataclasses import replace

import pytest

from eval.cache import AnswerCache, Recorded
from eval.cases import Case, Passage, Place
from eval.compare import compare, find_regressions, load_baseline, make_baseline, save_baseline
from eval.html import write_page
from eval.metrics import mcnemar, ndcg_at_k, paired_difference, risk_coverage_area
from eval.run import QuoteMatch, score_answer
from eval.runs import Run, hash_cases, list_runs, load_run, save_run
from rag.config import Config
from rag.errors import CitewellError
from rag.schema import Answer, Citation, Claim, Dropped, Usage

GOLD = ((Passage("a.txt", "It is so."),),)
CASES = [Case(f"c{n}", "test", "fact", f"What is {n}?", True, None, GOLD) for n in range(30)]
CASES += [Case(f"n{n}", "test", "near_miss", f"Who is {n}?", False, None, ()) for n in range(15)]
SETUP = {"corpus": "c" * 64, "cases": hash_cases(CASES), "prompts": {}, "settings": {"llm": None}}


def make_result(case, tmp_path, *, right=True, answered=None, verbatim=True, **changes):
    answered = case.answerable if answered is None else answered
    citation = Citation(
        1, "a.txt", "T", "P", "2024", "", "It is <b>.", 0 if right else 500, 100 if right else 600, "f" * 64
    )
    shown = (citation,) if answered else ()
    answer = Answer(case.question, case.question, answered, "", None, 0.9, shown, (), (), "quotes", {})
    gold = ((Place("a.txt", 0, 100),),) if case.answerable else ()
    result = score_answer(case, gold, Recorded(replace(answer, **changes), (Place("a.txt", 0, 100),), 0.02), tmp_path)
    return replace(result, citations=tuple(replace(match, verbatim=verbatim) for match in result.citations))


@pytest.fixture
def make_run(tmp_path):
    def make(name="a", wrong=(), cases=CASES, **changes):
        results = tuple(make_result(c, tmp_path, right=c.id not in wrong, **changes.get(c.id, {})) for c in cases)
        return Run(name, SETUP, results)

    return make


def test_a_run_is_found_again_as_it_was(make_run, tmp_path):
    config = Config(index=tmp_path / "index")
    run = make_run(c0={"claims": (Claim("It is.", (1,)),), "dropped": (Dropped("x", "y"),), "usage": Usage(1, 2, 3)})
    save_run(tmp_path / "index" / "runs", run)
    assert load_run("a", config) == run
    assert load_run(str(tmp_path / "index" / "runs" / "a"), config) == run
    assert list_runs(config) == ["a"]
    metrics = json.loads((tmp_path / "index" / "runs" / "a" / "metrics.json").read_text())
    assert metrics["total"]["figures"]["declined"]["value"] == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda place: (place / "run.json").unlink(), "There is no run 'a' in .* Runs: none yet"),
        (lambda place: (place / "run.json").write_text("{"), "cannot be read"),
        (lambda place: (place / "results.jsonl").write_text("{}\n"), "cannot be read"),
        (lambda place: (place / "run.json").write_text('{"format": 99}'), "A newer version of Citewell wrote the run"),
    ],
)
def test_what_is_no_run_is_refused(make_run, tmp_path, change, message):
    config = Config(index=tmp_path / "index")
    change(save_run(tmp_path / "index" / "runs", make_run()))
    with pytest.raises(CitewellError, match=message):
        load_run("a", config)


@pytest.mark.parametrize("name", ["", "../a", "a/b", "-x", "x" * 81])
def test_a_run_has_a_name_that_is_a_folder(make_run, tmp_path, name):
    with pytest.raises(CitewellError, match="cannot be called"):
        save_run(tmp_path, replace(make_run(), name=name))


def test_a_comparison_gives_differences_and_the_cases_won_and_lost(make_run):
    comparison = compare(make_run(wrong=["c1", "c2"]), make_run("b", wrong=["c2", "c3", "c4"]))
    assert [before.case.id for before, _ in comparison.won] == ["c1"]
    assert [before.case.id for before, _ in comparison.lost] == ["c3", "c4"]
    change = next(change for change in comparison.changes if change.metric == "first_quote_right")
    assert (change.before, change.after) == (pytest.approx(28 / 30), pytest.approx(27 / 30))
    assert change.interval[0] < change.difference < change.interval[1]
    assert change.p > 0.05
    assert change.is_worse


def test_runs_over_other_articles_or_cases_are_compared_by_force_only(make_run):
    other = replace(make_run("b", cases=CASES[5:]), setup=SETUP | {"cases": "other"})
    with pytest.raises(CitewellError, match="'a' and 'b' are runs over different cases"):
        compare(make_run(), other)
    assert compare(make_run(), other, force=True).cases == 40
    with pytest.raises(CitewellError, match="different articles"):
        compare(make_run(), replace(make_run("b"), setup=SETUP | {"corpus": "other"}))
    with pytest.raises(CitewellError, match="no case in common"):
        compare(make_run(cases=CASES[:5]), make_run("b", cases=CASES[5:]), force=True)


def regress(before, after, **options):
    return [regression.outcome for regression in find_regressions(make_baseline(before), after, **options)]


def test_the_gate_is_green_where_nothing_changed_or_little(make_run):
    assert regress(make_run(wrong=["c1"]), make_run(wrong=["c1"])) == []
    assert regress(make_run(), make_run(wrong=["c1", "c2"])) == []
    assert regress(make_run(wrong=[f"c{n}" for n in range(30)]), make_run()) == []


def test_the_gate_names_what_got_worse(make_run):
    lost = [f"c{n}" for n in range(20)]
    assert "first quote right" in regress(make_run(), make_run(wrong=lost))
    never_declines = {f"n{n}": {"answered": True} for n in range(15)}
    assert "declines what the articles do not say" in regress(make_run(), make_run(**never_declines))
    model = {c.id: {"answerer": "m", "usage": Usage(1), "claims": (Claim("It is.", (1,)),)} for c in CASES[:30]}
    failing = {c.id: {"usage": Usage(failures=1)} for c in CASES[:30]}
    assert "the language model answers" in regress(make_run(**model), make_run(**failing))
    lying = {name: changes | {"dropped": (Dropped("x", "y"),) * 4} for name, changes in model.items()}
    assert regress(make_run(**model), make_run(**lying)) == ["share of its claims that hold"]


def test_a_language_model_most_of_whose_claims_do_not_hold_is_caught_without_a_baseline_of_its_own(make_run):
    invents = {c.id: {"usage": Usage(1), "dropped": (Dropped("x", "y"),) * 5} for c in CASES[:30]}
    assert regress(make_run(), make_run(**invents)) == ["the language model answers", "share of its claims that hold"]
    honest = {c.id: {"answerer": "m", "usage": Usage(1), "claims": (Claim("It is.", (1,)),)} for c in CASES[:30]}
    assert regress(make_run(), make_run(**honest)) == []


def test_one_quote_that_is_not_verbatim_is_enough(make_run):
    assert regress(make_run(), make_run(c3={"verbatim": False})) == ["every quote is verbatim"]


def test_a_baseline_is_found_again_as_it_was(make_run, tmp_path):
    baseline = make_baseline(make_run(wrong=["c1"]))
    save_baseline(baseline, tmp_path / "b.json")
    assert load_baseline(tmp_path / "b.json") == baseline
    with pytest.raises(CitewellError, match="The baseline is of other cases than this run"):
        find_regressions(replace(baseline, cases="other"), make_run())
    (tmp_path / "b.json").write_text('{"format": 99}')
    with pytest.raises(CitewellError, match="newer version"):
        load_baseline(tmp_path / "b.json")
    with pytest.raises(CitewellError, match="cannot be read"):
        load_baseline(tmp_path / "none.json")


def test_a_page_shows_each_case_and_escapes_what_articles_say(make_run, tmp_path):
    run = make_run(wrong=["c1"])
    hostile = replace(
        run.results[0], citations=(QuoteMatch(1, "a.txt", 0, 9, "<script>alert(1)</script>", (0,), True),)
    )
    write_page(replace(run, results=(hostile, *run.results[1:])), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count('<section class="case') == 45
    assert page.index('id="c1"') < page.index('id="c0"')


def test_kept_answers_are_those_of_the_same_set_up_and_question(tmp_path):
    case = CASES[0]
    recorded = Recorded(make_result(case, tmp_path).answer, (Place("a.txt", 0, 1),), 0.5)
    cache = AnswerCache(tmp_path, {"corpus": "x"})
    assert cache.find(case) is None
    cache.keep(case, recorded)
    assert cache.find(case) == recorded
    assert AnswerCache(tmp_path, {"corpus": "y"}).find(case) is None
    assert cache.find(replace(case, question="What?")) is None
    assert cache.find(replace(case, history=({"role": "user", "content": "Hm?"},))) is None
    failed = replace(recorded, answer=replace(recorded.answer, usage=Usage(failures=1)))
    cache.keep(CASES[1], failed)
    assert cache.find(CASES[1]) is None
    next(tmp_path.rglob("*.json")).write_text("{")
    assert cache.find(case) is None


@pytest.mark.parametrize(
    ("won", "lost", "p"), [(0, 0, 1.0), (1, 0, 1.0), (0, 5, 0.0625), (0, 6, 0.03125), (3, 3, 1.0), (1, 9, 22 / 1024)]
)
def test_mcnemar_counts_the_cases_that_changed(won, lost, p):
    before = [False] * won + [True] * lost + [True] * 10
    after = [True] * won + [False] * lost + [True] * 10
    assert mcnemar(before, after) == pytest.approx(p)


def test_a_paired_difference_comes_with_its_interval():
    def mean(values):
        return sum(values) / len(values) if values else None

    assert paired_difference([1, 0, 1], [1, 0, 1], mean) == (0.0, (0.0, 0.0), 1.0)
    assert paired_difference([], [], mean) is None
    draw = random.Random(0)
    before = [draw.random() for _ in range(200)]
    difference, (low, high), p = paired_difference(before, [value + 0.1 for value in before], mean)
    assert difference == pytest.approx(0.1)
    assert low == pytest.approx(0.1) == high
    assert p == 0.001


def test_ndcg_and_the_risk_coverage_area_are_those_of_their_formulas():
    assert ndcg_at_k([False, True], 1, 10) == pytest.approx(1 / 1.5849625)
    assert ndcg_at_k([True, False, True], 2, 10) == pytest.approx((1 + 0.5) / (1 + 1 / 1.5849625))
    assert ndcg_at_k([False] * 10 + [True], 1, 10) == 0.0
    assert ndcg_at_k([], 0, 10) is None
    assert risk_coverage_area([True, False], [0.9, 0.1]) == 0.25
    assert risk_coverage_area([True, False], [0.5, 0.5]) == 0.5
    assert risk_coverage_area([], []) is None
