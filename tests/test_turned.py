"""The cases that turn round who does what are whole, and their figures are counted as they say."""

import json

from rich.console import Console

from eval.turned import SAME, TURNED, Outcome, TurnedCase, ask_cases, make_table
from rag.schema import Answer, Citation

LINES = [json.loads(line) for line in TURNED.read_text(encoding="utf-8").splitlines()]
CORPORA = {line["corpus"]: line for line in LINES if "articles" in line}
CASES = [TurnedCase(**line) for line in LINES if "articles" not in line]


def test_every_quote_stands_in_an_article_of_its_corpus():
    for case in CASES:
        assert any(case.quote in article["text"] for article in CORPORA[case.corpus]["articles"]), case.id
        assert CORPORA[case.corpus]["split"] == case.split


def test_every_group_asks_plainly_in_other_words_and_turned():
    for split in ("dev", "test"):
        groups = {case.group for case in CASES if case.split == split}
        assert len(groups) == 36
        for group in groups:
            kinds = {case.kind: case.answerable for case in CASES if (case.split, case.group) == (split, group)}
            assert all(kinds[kind] for kind in SAME)
            assert kinds.get("turned", False) is False
            assert kinds.keys() & {"turned", "turned_stated"}


def make_outcome(kind, quote, *, answered, confidence, group=1):
    citation = Citation(1, "a.txt", "", "", "", "", quote, 0, len(quote), "0" * 64)
    case = TurnedCase("t", "dev", "c", "Who?", "Oslo lent Rome 5.", kind != "turned", kind, group)
    answer = Answer(
        question="Who?",
        standalone_question="Who?",
        answered=answered,
        text="",
        short=None,
        confidence=confidence,
        citations=(citation,) if answered else (),
        conflicts=(),
        nearest=() if answered else (citation,),
        answerer="quotes",
        timings={},
    )
    return Outcome(case, answer)


def test_the_table_counts_what_is_answered_declined_and_told_apart(capsys):
    outcomes = [
        make_outcome("plain", "Oslo lent Rome 5.", answered=True, confidence=0.9),
        make_outcome("reworded", "Rome sang.", answered=True, confidence=0.6),
        make_outcome("turned", "Oslo lent Rome 5.", answered=False, confidence=0.2),
        make_outcome("turned", "Oslo lent Rome 5.", answered=True, confidence=0.95),
    ]
    Console(width=120).print(make_table(outcomes))
    rows = dict(
        line.strip().split("  ", 1) for line in capsys.readouterr().out.splitlines()[3:] if "  " in line.strip()
    )
    values = {name: value.split()[0] for name, value in rows.items()}
    assert values["first quote right, plain"] == "1.000"
    assert values["first quote right, reworded"] == "0.000"
    assert values["declined, turned"] == "0.500"
    assert values["less sure of the turned than of the plain"] == "0.500"
    assert values["AUROC of the confidence"] == "0.500"


def test_the_cases_of_one_corpus_are_asked_about_it(tmp_path):
    corpus = CORPORA[CASES[0].corpus]
    own = [case for case in CASES if case.corpus == CASES[0].corpus][:2]
    lines = [corpus, *({name: getattr(case, name) for name in TurnedCase.__slots__} for case in own)]
    file = tmp_path / "turned.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    outcomes = list(ask_cases(CASES[0].split, file))
    assert [outcome.case for outcome in outcomes] == own
    assert outcomes[0].quoted_first
