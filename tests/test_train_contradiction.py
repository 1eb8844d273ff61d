"""Training the model of contradictions: what two sentences of a set are to each other, and what training changes."""

import copy
from collections import Counter

import numpy as np
import pytest
import torch

from rag.network import load_network, make_network, save_network
from rag.train.contradiction import Settings, train_network
from rag.train.pair_network import AGREE, CONTRADICT, UNRELATED, hash_shared, make_pair_network
from rag.train.sentence_sets import (
    UNKNOWN,
    SentenceSet,
    SetSentence,
    add_neighbours,
    load_articles,
    load_sets,
    relation,
)

SETS = load_sets("test")[:6]
ARTICLES = load_articles("test")[:6]
QUICK = Settings(epochs=1, sets=3)


@pytest.fixture
def reader(embedder):
    torch.manual_seed(0)
    return make_network(embedder.model[0].auto_model, "eager")


def train(reader, embedder):
    torch.manual_seed(0)
    network = make_pair_network(reader)
    train_network(network, copy.deepcopy(embedder.model.tokenizer), SETS, ARTICLES, QUICK, lambda line: None)
    return network


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("base", "agree", AGREE),
        ("base", "conflict", CONTRADICT),
        ("agree", "conflict", CONTRADICT),
        ("base", "other", UNRELATED),
        ("conflict", "other", UNRELATED),
        ("conflict", "miss", UNRELATED),
        ("base", "stranger", UNRELATED),
        ("stranger", "stranger", UNRELATED),
        ("other", "other", UNKNOWN),
    ],
)
def test_what_two_sentences_are_to_each_other(one, other, expected):
    assert relation(SetSentence("A.", one), SetSentence("B.", other), same=True) == expected
    assert relation(SetSentence("B.", other), SetSentence("A.", one), same=False) == expected


def test_two_conflicting_sentences_may_agree_with_each_other():
    one, other = SetSentence("A.", "conflict"), SetSentence("B.", "conflict")
    assert relation(one, other, same=True) == AGREE
    assert relation(one, other, same=False) == CONTRADICT


def test_training_changes_only_layers_of_its_own_and_is_the_same_for_the_same_seed(reader, embedder):
    before = {name: value.clone() for name, value in reader.state_dict().items()}
    shared = hash_shared(reader)
    first, again = train(reader, embedder), train(reader, embedder)
    assert all(torch.equal(value, before[name]) for name, value in reader.state_dict().items())
    assert hash_shared(reader) == shared
    own = first.trained()
    assert all(torch.allclose(value, again.trained()[name]) for name, value in own.items())
    layers = {name for name in own if name.startswith("encoder.encoder.")}
    assert {name.split(".")[3] for name in layers} == {"3", "4", "5"}
    assert not all(torch.equal(own[name], before[name]) for name in layers)


def test_a_saved_network_is_loaded_on_the_readers_layers(reader, embedder, tmp_path):
    network = train(reader, embedder)
    save_network(network, tmp_path / "pairs.safetensors", {})
    loaded = make_pair_network(reader)
    load_network(loaded, tmp_path / "pairs.safetensors")
    for name, value in network.trained().items():
        assert torch.equal(loaded.trained()[name], value.half().float())
    assert loaded.encoder.embeddings is reader.encoder.embeddings


def test_a_file_with_too_few_weights_is_refused(reader, tmp_path):
    network = make_pair_network(reader)
    network.trained = lambda: {"project.bias": network.project.bias}
    save_network(network, tmp_path / "pairs.safetensors", {})
    with pytest.raises(RuntimeError, match=r"lacks \d+ weights"):
        load_network(make_pair_network(reader), tmp_path / "pairs.safetensors")


def test_beside_a_question_stand_the_nearest_sentences_of_other_sets_one_of_each():
    texts = {"a": ("Ports.", "Ships."), "b": ("Port.", "Harbour."), "c": ("Wine.",)}
    sets = [
        SentenceSet("Which port?", tuple(SetSentence(t, "stranger") for t in own), same=False, origin=origin)
        for origin, own in texts.items()
    ]
    places = {"Ports.": 0, "Ships.": 1, "Port.": 2, "Harbour.": 3, "Wine.": 4}
    question = np.asarray([0.1, 0.2, 0.9, 0.8, 0.3])

    def embed(given):
        return np.stack([np.eye(5)[places[text]] if text in places else question for text in given])

    assert [one.neighbours for one in add_neighbours(sets, embed)] == [
        ("Port.", "Wine."),
        ("Wine.", "Ships."),
        ("Port.", "Ships."),
    ]


def test_every_set_is_whole_and_none_stands_in_both_parts():
    train_sets, test_sets = load_sets("train"), load_sets("test")
    roles = Counter({"base": 1, "conflict": 2, "agree": 1, "other": 2, "miss": 1})
    assert all(Counter(s.role for s in one.sentences) == roles for one in (*train_sets, *test_sets))
    texts = [{s.text for one in part for s in one.sentences} for part in (train_sets, test_sets)]
    assert not texts[0] & texts[1]


def test_the_number_of_words_a_set_shares_with_its_question_does_not_tell_what_contradicts():
    """A sentence of the kind "other" is as near to the base in words as one of the kind "conflict", or nearer."""
    shared = Counter()
    for one in load_sets("train"):
        words = [set(s.text.lower().split()) for s in one.sentences]
        for sentence, own in zip(one.sentences, words, strict=True):
            shared[sentence.role] += len(own & words[0]) / len(own | words[0])
    assert shared["other"] >= shared["conflict"]
