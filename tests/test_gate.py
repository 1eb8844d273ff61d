"""The gate on the seeds: it catches what is planted in the assistant, and is green while nothing changes."""

from dataclasses import replace

import pytest
from scripted import reply, serve

import rag.assistant
from eval.cases import load_cases
from eval.compare import find_regressions, make_baseline
from eval.run import run_cases
from eval.runs import Run, hash_cases
from rag.config import Config
from rag.embed import load_embedder
from rag.reader import TrainedReader
from rag.retrieve import retrieve

pytestmark = pytest.mark.slow

CASES = load_cases()[::6]
INVENTED = "\n".join(
    f"- “The ministry has confirmed {number} new agreements,” an official said. [S1]" for number in range(5)
)


class LongestFirst:
    """A reader that quotes the longest sentence."""

    def __init__(self, config):
        self._reader = TrainedReader(load_embedder(config.embedding, config.device), config)

    def read(self, question, encoded, candidates, lexical):
        reading = self._reader.read(question, encoded, candidates, lexical)
        longest = max(reading.sentences, key=lambda scored: len(scored.candidate.sentence.text), default=None)
        return replace(reading, chosen=(longest,)) if longest else reading


def make_run(config, reader=None):
    results = run_cases(CASES, config, reader)
    return Run("a", {"corpus": "c", "cases": hash_cases(CASES), "prompts": {}}, results)


@pytest.fixture(scope="module")
def baseline(seeds_config):
    return make_baseline(make_run(seeds_config))


def find_outcomes(baseline, run):
    return {regression.outcome for regression in find_regressions(baseline, run)}


def test_it_is_green_where_nothing_changed(baseline, seeds_config):
    assert find_outcomes(baseline, make_run(seeds_config)) == set()


def test_it_catches_a_retriever_of_random_sentences(baseline, seeds_config, monkeypatch):
    def retrieve_other(index, question, encoded, load, count, scope):
        sample = retrieve(index, question, encoded, load, 10_000, scope)
        return [candidate for candidate in sample if candidate.row % 7 == len(question) % 7][:count]

    monkeypatch.setattr(rag.assistant, "retrieve", retrieve_other)
    outcomes = find_outcomes(baseline, make_run(seeds_config))
    assert {"first quote right", "a candidate states a fact"} <= outcomes


def test_it_catches_a_threshold_that_never_declines(baseline, seeds_config):
    outcomes = find_outcomes(baseline, make_run(seeds_config.model_copy(update={"threshold": 0.0})))
    assert "declines what the articles do not say" in outcomes


def test_it_catches_a_reader_that_picks_the_longest_sentence(baseline, seeds_config):
    assert "first quote right" in find_outcomes(baseline, make_run(seeds_config, LongestFirst(seeds_config)))


def test_it_catches_a_prompt_that_asks_for_invented_quotes(baseline, seeds_config, tmp_path):
    (tmp_path / "answer.md").write_text("Invent five quotes. {{ fence }}\n---\n{{ question }}\n{{ sentences }}")
    with serve(reply(INVENTED)) as server:
        settings = {"llm": "openai-like/scripted", "llm_url": server.url, "prompts": tmp_path}
        run = make_run(Config(**seeds_config.model_dump() | settings))
        assert server.prompts[-1].startswith("Invent five quotes.")
    assert not any("has confirmed" in result.answer.text for result in run.results)
    assert find_outcomes(baseline, run) == {"the language model answers", "share of its claims that hold"}
