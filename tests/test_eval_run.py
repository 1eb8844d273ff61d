"""Runs over a handful of cases with the real model, and what is made of their results."""

import io
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from eval.cache import Recorded
from eval.cases import FACTS, Case, Facts, Passage, Place, load_cases
from eval.command import app
from eval.report import print_failures, print_report, write_report
from eval.run import CaseResult, run_cases
from eval.run import score_answer as score_recorded
from eval.summary import METRICS, summarise
from eval.thresholds import THRESHOLDS, Threshold, find_shortfalls, load_thresholds
from rag import Config
from rag.articles import read_article
from rag.errors import CitewellError
from rag.schema import Answer, Article, Citation, Claim, Conflict

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
HANDFUL = ("fact-011", "list-001", "follow_up-001", "keyword-001", "off_topic-001", "near_miss-001")
TEXT = "Wine came first. Then came 245 companies. Nobody asked why."


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eval") / "articles"
    shutil.copytree(SEEDS, folder)
    return folder


@pytest.fixture(scope="module")
def index(corpus: Path) -> Path:
    return corpus.with_name("index")


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return tuple(case for case in load_cases() if case.id in HANDFUL)


@pytest.fixture(scope="module")
def config(corpus: Path, index: Path) -> Config:
    return Config(corpus=corpus, index=index)


@pytest.fixture(scope="module")
def results(cases: tuple[Case, ...], config: Config) -> tuple[CaseResult, ...]:
    return run_cases(cases, config)


def test_a_run_gives_every_case_its_answer_in_order(
    cases: tuple[Case, ...], results: tuple[CaseResult, ...], corpus: Path
) -> None:
    assert [result.case for result in results] == list(cases)
    assert [result.answer.question for result in results] == [case.question for case in cases]
    assert all(result.seconds > 0 for result in results)
    for result in results:
        for match in result.citations + result.nearest:
            assert match.verbatim
            article = read_article(corpus, match.source, 1_000_000)
            assert isinstance(article, Article)
            assert article.text[match.start : match.end] == match.quote


def test_a_run_refuses_cases_about_another_corpus(
    cases: tuple[Case, ...], results: tuple[CaseResult, ...], config: Config
) -> None:
    stray = replace(cases[0], gold=((Passage("000_1cb42ba240766532.txt", "No article says this."),),))
    with pytest.raises(CitewellError, match=f"Case '{cases[0].id}' quotes “No article"):
        run_cases([stray], config)


def test_the_candidates_of_answerable_cases_hold_their_gold(results: tuple[CaseResult, ...]) -> None:
    found = [result for result in results if result.case.answerable]
    assert all(result.rank and result.rank <= 50 for result in found)
    assert all(result.candidate_recall and 0 < result.candidate_recall <= 1 for result in found)
    assert all(result.rank is None and result.ndcg is None for result in results if not result.case.answerable)


def score_answer(case: Case, gold: Facts, answer: Answer, corpus: Path, near: tuple[Place, ...] = ()) -> CaseResult:
    return score_recorded(case, gold, Recorded(answer, (), 0.0), corpus, near)


def make_case(**fields: Any) -> Case:
    known: dict[str, Any] = {"split": "dev", "kind": "fact", "short": None, "gold": ()}
    return Case(**known | {"id": "x", "question": "How many?", "answerable": bool(fields.get("gold"))} | fields)


def make_answer(article: Article, *quotes: str, answered: bool = True, short: str | None = None) -> Answer:
    shown = tuple(
        Citation(n, "a.txt", "", "", "", "", q, article.text.find(q), article.text.find(q) + len(q), article.sha256)
        for n, q in enumerate(quotes, 1)
    )
    citations, nearest = (shown, ()) if answered else ((), shown)
    return Answer("How many?", "How many?", answered, "", short, 0.75, citations, (), nearest, "quotes", {})


@pytest.fixture
def article(tmp_path: Path) -> Article:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    article = read_article(tmp_path, "a.txt", 1_000)
    assert isinstance(article, Article)
    return article


COUNT = make_case(short="245", gold=((Passage("a.txt", "Then came 245 companies."),),))
COUNT_GOLD: Facts = ((Place("a.txt", 17, 41),),)


def test_a_result_explains_its_scores(article: Article, tmp_path: Path) -> None:
    answer = make_answer(article, "Nobody asked why.", "Then came 245 companies.", short="12")
    result = score_answer(COUNT, COUNT_GOLD, answer, tmp_path)
    assert (result.first_quote_right, result.all_facts_covered, result.quote_precision) == (False, True, 0.5)
    assert (result.top_passage_right, result.short_right) == (False, False)
    assert result.explanation == (
        "quote [1] a.txt 42–59 states none of the facts; quote [2] a.txt 17–41 states fact 1; "
        "the first quote states none of the facts; the short answer is “12”, not “245”"
    )


def test_a_refusal_is_wrong_however_near_its_passages(article: Article, tmp_path: Path) -> None:
    answer = make_answer(article, "Then came 245 companies.", answered=False)
    result = score_answer(COUNT, COUNT_GOLD, answer, tmp_path)
    assert (result.first_quote_right, result.all_facts_covered, result.quote_precision) == (False, False, None)
    assert (result.top_passage_right, result.short_right) == (True, False)
    assert result.explanation == "passage [1] a.txt 17–41 states fact 1; declined, should answer"


def test_an_answer_to_an_unanswerable_question_is_a_fault(article: Article, tmp_path: Path) -> None:
    case = make_case(kind="near_miss", why="it is not said")
    assert score_answer(case, (), make_answer(article, TEXT), tmp_path).faults == ("answered, should decline",)
    assert score_answer(case, (), make_answer(article, answered=False), tmp_path).faults == ()


def test_a_quote_that_the_file_does_not_hold_shows(article: Article, tmp_path: Path) -> None:
    answer = make_answer(article, "Then came 245 companies.", short="245")
    (tmp_path / "a.txt").write_text(TEXT.replace("245", "246"), encoding="utf-8")
    result = score_answer(COUNT, COUNT_GOLD, answer, tmp_path)
    assert result.explanation == "quote [1] a.txt 17–41 states fact 1, not verbatim"
    assert summarise([result]).total.value("verbatim_rate") == 0.0


def test_a_false_premise_is_met_where_what_contradicts_it_is_shown(article: Article, tmp_path: Path) -> None:
    case = make_case(id="x", kind="false_premise", question="Why were there none?", why="there were 245")
    shown = make_answer(article, "Then came 245 companies.", answered=False)
    other = make_answer(article, "Wine came first.", answered=False)
    near = (Place("a.txt", 17, 41),)
    results = [score_answer(case, (), answer, tmp_path, near=near) for answer in (shown, other)]
    assert [result.near_shown for result in results] == [True, False]
    assert summarise(results).total.value("premise_met") == 0.5
    assert score_answer(case, (), shown, tmp_path).near_shown is None


def test_a_claim_is_borne_out_by_one_of_its_citations_and_each_of_them_counts(article: Article, tmp_path: Path) -> None:
    answer = make_answer(article, "Then came 245 companies.", "Wine came first.")
    claims = (Claim("There are 245.", (1, 2)), Claim("There is wine.", (2,)), Claim("245 came.", (1,)))
    total = summarise([score_answer(COUNT, COUNT_GOLD, replace(answer, claims=claims), tmp_path)]).total
    assert total.value("citation_recall") == 2 / 3
    assert total.value("citation_precision") == 2 / 4
    assert total.value("quote_precision") == 1 / 2


@pytest.fixture
def three(article: Article, tmp_path: Path) -> list[CaseResult]:
    right = make_answer(article, "Then came 245 companies.", "Wine came first.", short="245")
    refusal = make_answer(article, "Then came 245 companies.", answered=False)
    near = make_case(id="y", kind="near_miss", question="Why?", why="it is not [said]")
    conflicting = replace(make_answer(article, TEXT), conflicts=(Conflict("why", ()),))
    return [
        score_recorded(COUNT, COUNT_GOLD, Recorded(right, (Place("a.txt", 0, 16), *COUNT_GOLD[0]), 0.01), tmp_path),
        replace(score_answer(COUNT, COUNT_GOLD, refusal, tmp_path), seconds=0.030),
        replace(score_answer(near, (), conflicting, tmp_path), seconds=0.020),
    ]


def test_figures_over_all_cases_and_by_kind(three: list[CaseResult]) -> None:
    evaluation = summarise(three)
    total = {name: figure.value for name, figure in evaluation.total.figures.items()}
    assert set(total) == set(METRICS)
    assert total == pytest.approx(
        {
            "verbatim_rate": 1.0,
            "first_quote_right": 0.5,
            "top_passage_right": 1.0,
            "all_facts_covered": 0.5,
            "fact_recall": 0.5,
            "quote_precision": 0.5,
            "citation_recall": 0.5,
            "citation_precision": 0.5,
            "short_right": 0.5,
            "short_precision": 1.0,
            "short_where_right": 1.0,
            "follow_up_solved": None,
            "conflict_shown": None,
            "no_false_conflict": 2 / 3,
            "answered": 0.5,
            "declined": 0.0,
            "balanced_accuracy": 0.25,
            "premise_met": None,
            "confidence_auroc": 0.5,
            "risk_coverage_area": 1 / 3,
            "calibration_error": 0.75 - 2 / 3,
            "latency_p50_ms": 20.0,
            "latency_p95_ms": 29.0,
            "recall_at_50": 0.5,
            "fact_recall_at_50": 0.5,
            "mrr_at_10": 0.25,
            "ndcg_at_10": 0.5 / math.log2(3),
            "by_model": None,
            "claims_kept": None,
            "model_calls": None,
            "prompt_tokens": None,
            "completion_tokens": None,
        }
    )
    assert evaluation.total.figures["first_quote_right"].interval == (0.0, 1.0)
    assert {kind: summary.cases for kind, summary in evaluation.kinds.items()} == {"fact": 2, "near_miss": 1}
    assert evaluation.kinds["near_miss"].value("first_quote_right") is None


def test_shortfalls_name_metric_kind_and_value(three: list[CaseResult]) -> None:
    thresholds = [
        Threshold("", "verbatim_rate", 1.0),
        Threshold("", "first_quote_right", 0.6),
        Threshold("near_miss", "declined", 0.5),
        Threshold("off_topic", "declined", 0.5),
        Threshold("", "premise_met", 0.97),
    ]
    assert find_shortfalls(summarise(three), thresholds) == (
        "first_quote_right is 0.5000, expected at least 0.6",
        "declined of near_miss is 0.0000, expected at least 0.5",
        "declined of off_topic was not measured, expected at least 0.5",
        "premise_met was not measured, expected at least 0.97",
    )


def test_the_packaged_thresholds_ask_for_verbatim_quotes_in_every_split() -> None:
    for split in ("dev", "test", "all"):
        assert Threshold("", "verbatim_rate", 1.0) in load_thresholds(THRESHOLDS, split)
    assert [t.kind for t in load_thresholds(THRESHOLDS, "test", ["off_topic"])] == ["off_topic"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[test]\nfirst = 0.5", "names the metric 'first', but there are only verbatim_rate"),
        ("[test]\ndeclined = '1'", "the minimum of 'declined' is '1', expected a number"),
        ("[test", "cannot be read"),
    ],
)
def test_wrong_thresholds_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CitewellError, match=message):
        load_thresholds(path, "test")


def test_the_report_fits_on_80_columns_and_failures_say_what_was_expected(three: list[CaseResult]) -> None:
    output = io.StringIO()
    console = Console(file=output, width=80)
    print_report(console, summarise(three))
    lines = output.getvalue().splitlines()
    assert any(line.split()[:3] == ["fact", "2", "1.000"] for line in lines)
    assert "…" not in output.getvalue()

    console = Console(file=(output := io.StringIO()), width=200)
    print_failures(console, three)
    assert "expected: “245”: Then came 245 companies. (a.txt)" in output.getvalue()
    assert "got:      declined with confidence 0.75: Then came 245 companies. (a.txt)" in output.getvalue()
    assert "expected: to decline: it is not [said]" in output.getvalue()
    assert "2 of 3 cases have a fault." in output.getvalue()


def test_the_written_report_holds_every_case(three: list[CaseResult], tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_report(path, summarise(three), {"split": "dev"})
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["setup"] == {"split": "dev"}
    assert report["total"]["figures"]["answered"]["value"] == 0.5
    assert [case["faults"] for case in report["cases"]] == [
        [],
        ["declined, should answer"],
        ["answered, should decline"],
    ]
    assert report["cases"][0]["rank"] == 2
    with pytest.raises(CitewellError, match="cannot be written"):
        write_report(tmp_path / "a.txt" / "report.json", summarise(three), {})


@pytest.fixture
def cases_file(tmp_path: Path) -> Path:
    lines = FACTS.read_text(encoding="utf-8").split("\n")
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(x for x in lines if x and json.loads(x)["id"] in HANDFUL), encoding="utf-8")
    return path


@pytest.mark.parametrize(("minimum", "code"), [("verbatim_rate = 1.0", 0), ("first_quote_right = 1.1", 1)])
def test_the_command_reports_writes_and_checks_thresholds(
    *,
    corpus: Path,
    index: Path,
    cases_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minimum: str,
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    thresholds = tmp_path / "thresholds.toml"
    thresholds.write_text(f"[all]\n{minimum}\n", encoding="utf-8")
    arguments = ["--split", "all", "--corpus", corpus, "--index", index, "--cases", cases_file]
    done = CliRunner().invoke(app, [*map(str, arguments), "--thresholds", str(thresholds), "--failures"])
    assert done.exit_code == code, done.output
    assert ("Below the threshold: first_quote_right is" in done.output) == bool(code)
    [path] = (tmp_path / "eval-results").glob("*Z.json")
    report = json.loads(path.read_text(encoding="utf-8"))
    assert {case["case"]["id"] for case in report["cases"]} == set(HANDFUL)
    assert report["total"]["figures"]["verbatim_rate"]["value"] == 1.0


def test_own_cases_have_no_thresholds_unless_given(corpus: Path, index: Path, cases_file: Path, tmp_path: Path) -> None:
    arguments = ["--corpus", corpus, "--index", index, "--cases", cases_file, "--kind", "off_topic", "--split", "all"]
    done = CliRunner().invoke(app, [*map(str, arguments), "--out", str(tmp_path / "report.json")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "report.json").is_file()
