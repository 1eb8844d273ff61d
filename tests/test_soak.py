"""The soak: what it counts as a fault, and a short one of the real thing (30 minutes: `python -m eval.soak`)."""

from dataclasses import replace

import pytest

from eval.soak import Soak, describe, find_fault, run_soak
from rag.assistant import Assistant

QUESTION = "How many Azerbaijani companies operate in Beijing?"


@pytest.fixture(scope="module")
def answer(seeds_config):
    with Assistant.open(seeds_config) as assistant:
        return assistant.ask(QUESTION)


def test_a_quote_that_no_version_of_its_file_holds_is_a_fault(answer, seeds_config):
    citation = answer.citations[0]
    text = (seeds_config.corpus / citation.source).read_bytes().decode()
    versions = {c.sha256: (seeds_config.corpus / c.source).read_bytes().decode() for c in answer.citations}
    assert find_fault(answer, versions) == ""
    shifted = replace(answer, citations=(replace(citation, start=citation.start + 1, end=citation.end + 1),))
    assert find_fault(shifted, versions).endswith(f"is not “{citation.quote}”")
    assert "never hashed to" in find_fault(answer, {"0" * 64: text})


def test_growth_compares_the_last_fifth_with_the_one_after_the_warm_up():
    memory = [(tick / 100, 100 if tick < 20 else 1_000 + tick) for tick in range(1, 101)]
    assert Soak(memory=memory).growth == pytest.approx(1_092.5 / 1_027.5 - 1)
    assert Soak(memory=[(1.0, 5)]).growth == 0.0


def test_the_outcome_is_told_in_a_line():
    soak = Soak(seconds=[1.0, 2.0, 3.0], faults=["a"], memory=[(1.0, 1024 * 1024)], updates=4)
    assert describe(soak) == (
        "3 answers, 4 edits, 1 faults; p50 2.00 s, p95 2.90 s; memory 1 MiB at the end, +0.0% since the warm-up"
    )


@pytest.mark.slow
def test_sixteen_clients_ask_while_articles_change(answer):
    soak = run_soak(40, clients=16, articles=3, report=print)
    assert soak.faults == []
    assert len(soak.seconds) > 16  # each client has one answer, and some have another after a change
    assert soak.updates >= 4
