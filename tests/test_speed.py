"""The workload that speed is measured on, and the table that shows it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from eval.speed import BARE, Measurement, _run, make_table
from eval.workload import read_sentences, write_corpus
from rag.errors import CitewellError


def test_the_generated_corpus_depends_on_nothing_but_its_seed(tmp_path: Path) -> None:
    sentences = ["Trade rose 20.7% in 2024.", "Nobody\nknows why."]
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        write_corpus(tmp_path / name, sentences, articles=2, seed=seed)
    texts = {name: [p.read_text() for p in sorted((tmp_path / name).iterdir())] for name in ("one", "same", "other")}
    assert texts["one"] == texts["same"]
    assert texts["one"] != texts["other"]
    assert len(set(texts["one"])) == 2
    assert len(read_sentences(tmp_path / "one", 1_000_000)) == 80


def test_a_corpus_without_sentences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CitewellError, match="holds no sentences"):
        write_corpus(tmp_path / "none", [], articles=1)


def test_a_process_that_fails_is_an_error_not_a_fast_run() -> None:
    assert _run(["-c", "print('done'); raise SystemExit(1)"]) == "done\n"
    with pytest.raises(CitewellError, match=r"exited with 1: .*no_such_module"):
        _run(["-m", "no_such_module"])
    with pytest.raises(CitewellError, match="exited with 2"):
        _run(["-c", "print('done'); raise SystemExit(2)"])


def test_the_bare_script_is_python_that_needs_nothing_of_ours() -> None:
    compile(BARE, "bare", "exec")
    assert "rag" not in BARE


def test_the_table_marks_what_was_met() -> None:
    output = io.StringIO()
    table = make_table([Measurement("a", "1 ×", "2 ×", True), Measurement("b", "3 ×", "2 ×", False)])
    Console(file=output, width=80).print(table)
    lines = [line.split() for line in output.getvalue().splitlines()]
    assert ["a", "1", "×", "2", "×", "✓"] in lines
    assert ["b", "3", "×", "2", "×", "✗"] in lines
