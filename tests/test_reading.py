"""Measuring the reader away from the seeds: public questions as cases, scores beside cosine and BM25, the ablation."""

import json

import numpy as np
import pytest

from eval.ablation import decide, describe
from eval.cases import Case, locate_gold
from eval.fit import Measured, fit_margin
from eval.public import make_parser, write_corpus
from eval.reading import rights, score_by_bm25, score_by_cosine
from eval.sources import first_by_model, plan_runs, write_table
from rag.reader import EVIDENCE, Weights
from rag.signals import SIGNALS
from rag.train.questions import OWN, SOURCES, Question

SENTENCES = ("Genoa lies by the sea.", "It has 12 ports.", "Its mayor is Marco Bucci.")


def question(text, positive, title="Genoa", answer=""):
    return Question(text, SENTENCES, positive, (), answer, title, "squad2-dev-half")


QUESTIONS = [
    question("How many ports has it?", (1,), answer="12"),
    question("Who is the mayor?", (2,)),
    question("Who was the first mayor?", ()),
]


def test_public_questions_become_cases_whose_gold_stands_in_the_written_articles(tmp_path):
    cases = write_corpus([*QUESTIONS, question("What?", (0,), title="")], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["Genoa.txt"]
    assert (tmp_path / "Genoa.txt").read_text() == "Genoa\n\n" + " ".join(SENTENCES) + "\n"
    assert [(case.kind, case.answerable, case.short) for case in cases] == [
        ("fact", True, "12"),
        ("fact", True, None),
        ("near_miss", False, None),
    ]
    text = (tmp_path / "Genoa.txt").read_text()
    (((place,),),) = (locate_gold(cases[0], tmp_path),)
    assert text[place.start : place.end] == "It has 12 ports."


@pytest.mark.parametrize("by", ["cosine", "bm25"])
def test_each_sentence_of_a_passage_gets_a_score_and_the_best_is_compared_with_the_gold(by, embedder):
    scores = score_by_cosine(QUESTIONS, embedder) if by == "cosine" else score_by_bm25(QUESTIONS)
    assert [len(row) for row in scores] == [3, 3, 3]
    assert rights(QUESTIONS, scores) == [True, True, None]


def measured(model, gold, answerable=True):
    """A case whose candidates have these signals of the model; the evidence is that signal."""
    signals = np.zeros((len(model), len(SIGNALS)))
    signals[:, SIGNALS.index("model")] = model
    evidence = np.zeros((len(model), len(EVIDENCE)))
    evidence[:, EVIDENCE.index("model")] = model
    right = np.asarray([gold], bool) if answerable else np.zeros((0, len(model)), bool)
    case = Case("x", "dev", "fact", "Why?", answerable, None, ())
    return Measured(case, signals, right, evidence)


WEIGHTS = Weights({"model": 1.0}, dict.fromkeys(EVIDENCE, 0.0) | {"model": 1.0}, 1.0, 0.0, 0.6, 1.0)


def test_a_readers_outcome_is_that_of_its_best_sentence():
    outcome = decide(measured([0.0, 2.0], [False, True]), WEIGHTS)
    assert (outcome.right, outcome.answered, outcome.confidence) == (True, True, 0.881)
    outcome = decide(measured([0.0, -1.0], [False, True]), WEIGHTS)
    assert (outcome.right, outcome.answered, outcome.confidence) == (False, False, 0.5)
    assert decide(measured([3.0], [], answerable=False), WEIGHTS).right is False


def test_a_line_of_the_ablation_gives_each_figure_with_its_interval():
    cases = [measured([2.0], [True]), measured([-2.0], [], answerable=False)] * 5
    line = describe("nothing", [decide(case, WEIGHTS) for case in cases])
    assert line == "| nothing | 1.000 (1.00–1.00) | 1.000 (1.00–1.00) | 1.000 (1.00–1.00) |"


def test_the_margin_is_the_widest_that_keeps_four_fifths_of_the_quotes_right():
    score = {"model": 1.0}
    right, wrong = measured([2.0, 1.1], [True, True]), measured([2.0, -0.6], [True, False])
    assert fit_margin([right, right, wrong], score) == 3.0
    assert fit_margin([right, wrong], score) == 2.5
    assert fit_margin([measured([2.0, 0.9], [True, False])], score) == 1.0
    assert fit_margin([measured([2.0], [False])], score) == 0.25


def test_a_folder_without_the_question_sets_is_refused_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        make_parser("eval.reading", "Measures.").parse_args(["--data", str(tmp_path)])
    assert "squad2-dev-half.jsonl.gz' is missing" in " ".join(capsys.readouterr().err.split())


def test_every_source_of_training_data_is_left_out_once_at_equal_training():
    runs = dict(plan_runs(400))
    assert len({settings.steps for settings in runs.values()}) == 1
    left_out = [settings.without for settings in runs.values() if settings.without]
    assert left_out == [(source,) for source in (*SOURCES, *OWN, "near-misses", "mined")]
    assert sum(bool(settings.lora) for settings in runs.values()) == 2
    assert runs["everything, seed 1"].seed == 1


def test_the_table_holds_the_finished_runs_of_like_length_and_names_the_others(tmp_path, monkeypatch):
    rows = tmp_path / "sources.jsonl"
    monkeypatch.setattr("eval.sources.ROWS", rows)
    assert "\n| everything |" not in write_table(400)
    lines = [("without qamr", 400, "0.6"), ("everything", 400, "0.7"), ("without clapnq", 250, "0.5")]
    kept = [json.dumps({"run": run, "steps": steps, "cells": [cell] * 6}) for run, steps, cell in lines]
    rows.write_text("\n".join(kept) + "\n")
    table = write_table(400)
    assert "\n| everything | 0.7 | 0.7 | 0.7 | 0.7 | 0.7 | 0.7 |\n| without qamr | 0.6 |" in table
    missing = table.partition("Not made yet: ")[2]
    assert "without clapnq" in missing
    assert "without qamr" not in missing
    assert "0.5" not in table


def test_the_models_own_choice_is_the_candidate_with_the_best_odds():
    cases = [measured([0.0, 2.0], [False, True]), measured([3.0, 2.0], [False, True])]
    assert first_by_model(cases) == 0.5
