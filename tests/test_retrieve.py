from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.index import open_index, update_index
from rag.library import Library
from rag.retrieve import retrieve


@pytest.fixture(scope="module")
def find(seeds_config, seeds_index, embedder):
    library = Library(seeds_config, seeds_index.manifest)

    def find(question, top_k=50):
        return retrieve(seeds_index, question, embedder.encode_question(question), library.load, top_k)

    return find


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many Azerbaijani companies operate in Beijing?", "around 245 Azerbaijani companies"),
        ("How much did China and Azerbaijan trade in 2007?", "reached $289 million"),
        ("How long do goods take from China to the Black Sea?", "only 10 to 12 days"),
        ("Who warned that ties with China could isolate the country?", "isolate Azerbaijan from"),
        ("Anaklia", "Anaklia Port"),
    ],
)
def test_the_sentence_that_answers_is_among_the_best(find, question, words):
    assert [c for c in find(question)[:5] if words in c.sentence.text]


def test_candidates_are_distinct_sorted_and_exact(find):
    candidates = find("What did Aliyev say about trade with China?")
    assert len(candidates) == 50
    assert len({candidate.row for candidate in candidates}) == len({candidate.key for candidate in candidates}) == 50
    assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)
    for candidate in candidates:
        sentence, text = candidate.sentence, candidate.article.text
        assert text[sentence.start : sentence.end] == sentence.text
        assert candidate.passage.start <= sentence.start < sentence.end <= candidate.passage.end
        assert candidate.bm25 >= 0


def test_cosines_are_those_of_the_texts_themselves(find, embedder):
    question = "What did Aliyev say about trade with China?"
    vector = embedder.encode_question(question).vector
    for candidate in find(question, 8):
        passage = candidate.article.text[candidate.passage.start : candidate.passage.end]
        encoded = embedder.encode_sentences([candidate.sentence.text, passage])
        assert np.isclose(candidate.cosine, vector @ encoded[0].vector, atol=1e-3)
        assert np.isclose(candidate.passage_cosine, vector @ encoded[1].vector, atol=1e-3)


@pytest.mark.parametrize("top_k", [1, 2, 10_000])
def test_at_most_top_k_candidates_come_back(find, seeds_index, top_k):
    assert len(find("trade with China", top_k)) <= min(top_k, seeds_index.manifest.sentences)


@pytest.mark.parametrize("question", ["?", "the of and", "🎉", "zebra xylophone", "x" * 2_000, "ə İ « »"])
def test_odd_questions_get_candidates_with_finite_scores(find, question):
    candidates = find(question)
    assert candidates
    assert all(np.isfinite([c.cosine, c.passage_cosine, c.bm25, c.score]).all() for c in candidates)


def test_threads_retrieve_alike(find):
    questions = ["trade in 2007", "companies in Beijing", "soft power", "wine"] * 5
    expected = [[(c.key, round(c.score, 5)) for c in find(question)[:10]] for question in questions]
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(find, questions))
    assert [[(c.key, round(c.score, 5)) for c in candidates[:10]] for candidates in found] == expected


def test_an_index_of_one_sentence_or_of_none(write_corpus, embedder):
    config = write_corpus({"a.md": "# Only a heading"})
    for content, expected in (("# Only a heading", 0), ("One fact.", 1)):
        (config.corpus / "a.md").write_text(content)
        update_index(config, embedder)
        index = open_index(config, embedder)
        library = Library(config, index.manifest)
        assert len(retrieve(index, "fact", embedder.encode_question("fact"), library.load, 50)) == expected
        index.close()
