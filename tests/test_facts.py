"""The packaged cases themselves: what they quote is in the articles, and there are enough of each kind."""

from collections import Counter
from pathlib import Path

import pytest

from eval.cases import FACTS, Case, load_cases, locate_gold
from rag.errors import CitewellError

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
CASES = load_cases(FACTS)


def test_every_gold_and_near_quote_stands_in_its_article() -> None:
    texts = {path.name: path.read_bytes().decode("utf-8") for path in SEEDS.glob("*.txt")}
    passages = [p for case in CASES for p in (*case.near, *(p for fact in case.gold for p in fact))]
    assert [p for p in passages if p.quote not in texts[p.source]] == []
    assert len(passages) > 300


def test_gold_places_are_the_offsets_of_the_quotes() -> None:
    for case in CASES:
        for fact, places in zip(case.gold, locate_gold(case, SEEDS), strict=True):
            found = {(SEEDS / p.source).read_bytes().decode("utf-8")[p.start : p.end] for p in places}
            assert found == {passage.quote for passage in fact}


def test_ids_and_questions_are_unique() -> None:
    assert max(Counter(case.id for case in CASES).values()) == 1
    asked = Counter((case.question, str(case.history)) for case in CASES)
    assert [question for question, count in asked.items() if count > 1] == []


def test_there_are_enough_cases_and_both_splits_have_every_kind() -> None:
    kinds = Counter(case.kind for case in CASES)
    assert len(CASES) >= 150
    assert kinds["near_miss"] >= 40
    assert {case.kind for case in CASES if case.split == "dev"} == set(kinds)
    assert {case.kind for case in CASES if case.split == "test"} == set(kinds)


def test_each_case_has_what_its_answerability_asks_for() -> None:
    answerable = [case for case in CASES if case.answerable]
    others = [case for case in CASES if not case.answerable]
    assert all(case.gold and not case.near and not case.why for case in answerable)
    assert all(not case.gold and case.why and case.short is None for case in others)


def test_short_answers_stand_in_a_gold_quote() -> None:
    shorts = [case for case in CASES if case.short]
    assert len(shorts) > 50
    assert [c.id for c in shorts if not any(_last_word(c) in p.quote for fact in c.gold for p in fact)] == []


def _last_word(case: Case) -> str:
    assert case.short
    return case.short.split()[-1].strip("‘’“”")


def test_histories_alternate_from_user_to_assistant() -> None:
    histories = [case.history for case in CASES if case.history]
    assert len(histories) == sum(case.kind == "follow_up" for case in CASES)
    for history in histories:
        roles = [message["role"] for message in history]
        assert roles == ["user", "assistant"] * (len(roles) // 2) or roles == ["user"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": ', "line 2: Expecting value"),
        ('{"id": "a"}', "line 2: 'gold'"),
        ("[]", "line 2: list indices"),
        ('{"gold": [[{"source": "a.txt"}]]}', "line 2: Passage"),
        (
            '{"id": "x", "split": "train", "kind": "fact", "question": "Q?", "answerable": false, "short": null, '
            '"gold": []}',
            "line 2: the split is 'train'",
        ),
        (
            '{"id": "x", "split": "dev", "kind": "fact", "question": " ", "answerable": false, "short": null, '
            '"gold": []}',
            "line 2: id, kind and question",
        ),
        (
            '{"id": "x", "split": "dev", "kind": "fact", "question": "Q?", "answerable": true, "short": null, '
            '"gold": []}',
            "line 2: an answerable case has a gold passage",
        ),
        (
            '{"id": "x", "split": "dev", "kind": "fact", "question": "Q?", "answerable": false, "short": null, '
            '"gold": [], "history": [{"role": "system", "content": "x"}]}',
            "line 2: a message of the history",
        ),
    ],
)
def test_a_line_that_is_no_case_is_named_by_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n" + line + "\n", encoding="utf-8")
    with pytest.raises(CitewellError, match=message):
        load_cases(path)


def test_an_id_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    line = FACTS.read_text(encoding="utf-8").split("\n")[0]
    path.write_text(f"{line}\n{line}\n", encoding="utf-8")
    with pytest.raises(CitewellError, match="line 2: the id 'fact-001' is taken"):
        load_cases(path)


def test_split_and_kinds_choose_cases() -> None:
    chosen = load_cases(FACTS, "dev", ["off_topic", "typo"])
    assert {(case.split, case.kind) for case in chosen} == {("dev", "off_topic"), ("dev", "typo")}


def test_an_unknown_kind_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CitewellError, match="no cases of kind 'facts'; its kinds are attribution, boilerplate"):
        load_cases(FACTS, kinds=["facts"])


def test_missing_cases_are_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CitewellError, match="cannot be read"):
        load_cases(tmp_path / "none.jsonl")


def test_a_gold_quote_outside_of_the_corpus_names_the_case(tmp_path: Path) -> None:
    with pytest.raises(
        CitewellError, match=r"Case 'fact-001' quotes '000_1cb42ba240766532\.txt', which cannot be read"
    ):
        locate_gold(CASES[0], tmp_path)
    (tmp_path / "000_1cb42ba240766532.txt").write_text("Something else.", encoding="utf-8")
    with pytest.raises(CitewellError, match="Case 'fact-001' quotes “On 22 April"):
        locate_gold(CASES[0], tmp_path)
