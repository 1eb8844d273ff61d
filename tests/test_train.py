"""Training from a folder of questions: what is drawn, the loss, and that it is seeded and goes on where it stopped."""

import copy
import gzip
import json
import math
import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch

from rag.errors import CitewellError
from rag.model import ReadingModel, load_reading_model
from rag.network import collate, make_network
from rag.train.examples import Pool, draw_epoch
from rag.train.loop import Settings, Targets, find_loss, find_pieces, make_targets, train
from rag.train.marking import mark_spans
from rag.train.measure import token_f1
from rag.train.mining import mine_passages
from rag.train.near_misses import Vocabulary
from rag.train.questions import (
    DEV_TITLES,
    EVALUATION,
    NEWSROOM,
    OWN,
    RIVALS,
    SOURCES,
    TEST_TITLES,
    Question,
    load_questions,
    load_rivals,
    load_sets,
)
from rag.windows import Window, encode_windows

TOPICS = ("Genoa", "Paris", "Tbilisi", "Almaty", "Baku")
VOCABULARY = Vocabulary(frozenset(t.lower() for t in TOPICS), {}, {}, {}, tuple(t.lower() for t in TOPICS))


def make_question(number):
    city, count = TOPICS[number % 5], number + 3
    sentences = (f"{city} lies by the water.", f"It has {count} ports.", f"Ships left {city} in {1900 + number}.")
    right = number % 3
    answer = (city, str(count), str(1900 + number))[right]
    text = ("Which city lies by the water?", f"How many ports has {city}?", f"When did ships leave {city}?")[right]
    start = sentences[right].index(answer)
    return Question(text, sentences, (right,), ((right, start, start + len(answer)),), answer, city, "qamr")


QUESTIONS = tuple(make_question(number) for number in range(40))
POOL = Pool(QUESTIONS, [((number + 7) % 40,) for number in range(40)], VOCABULARY)


@pytest.fixture(scope="module")
def tokenizer(embedder):
    return copy.deepcopy(embedder.model.tokenizer)


@pytest.fixture
def base(embedder):
    """The model that training starts from."""
    return embedder.model[0].auto_model


def test_an_epoch_is_the_same_for_the_same_seed_and_another_for_another():
    first, again, other = (list(draw_epoch(POOL, seed, {})) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def draw_examples(pool, seed=0, marked=None):
    return [example for group in draw_epoch(pool, seed, marked or {}) for example in group]


def test_what_is_marked_right_stands_in_the_window():
    examples = [example for seed in range(10) for example in draw_examples(POOL, seed)]
    answered = [example for example in examples if example.positive]
    assert 0.25 < len(answered) / len(examples) < 0.6
    known = {q.answer for q in QUESTIONS}
    for example in answered:
        ((sentence, start, end),) = example.spans
        assert sentence in example.positive
        assert example.window.sentences[sentence][start:end] in known
    assert all(example.spans == () for example in examples if not example.positive)


def test_the_windows_of_a_group_are_read_for_one_question_and_at_most_one_answers_it():
    groups = [group for seed in range(10) for group in draw_epoch(POOL, seed, {})]
    assert {len(group) for group in groups} >= {1, 2, 3}
    for group in groups:
        assert len({example.window.question for example in group}) == 1
        assert sum(bool(example.positive) for example in group) <= 1


def test_rivals_are_sentences_of_the_passage_that_do_not_hold_the_answer():
    plain = replace(POOL, near_misses=False, mined_negatives=False)
    rivals = [example for example in draw_examples(plain) if not example.positive]
    assert rivals
    for example in rivals:
        shown = set(example.window.sentences)
        own = [q for q in QUESTIONS if shown <= set(q.sentences) and q.sentences[q.positive[0]] not in shown]
        assert any(len(q.answer) <= 2 or q.answer not in example.window.sentences[-1] for q in own)


def test_answers_that_the_model_marked_are_drawn_where_people_marked_none():
    bare = replace(POOL, questions=tuple(replace(q, spans=()) for q in QUESTIONS))
    marked = {number: ((q.positive[0], 0, 2),) for number, q in enumerate(QUESTIONS)}
    spans = {span for example in draw_examples(bare, 0, marked) for span in example.spans}
    assert {(start, end) for _, start, end in spans} == {(0, 2)}
    assert not any(example.spans for example in draw_examples(bare))
    assert (0, 2) not in {span[1:] for example in draw_examples(POOL, 0, marked) for span in example.spans}


def test_sources_and_near_misses_can_be_left_out():
    assert draw_examples(replace(POOL, without=frozenset({"qamr"}))) == []
    plain = replace(POOL, near_misses=False, mined_negatives=False)
    passages = {q.sentences for q in QUESTIONS}
    for example in draw_examples(plain):
        assert any(set(example.window.sentences) <= set(passage) for passage in passages)
    assert len(draw_examples(plain)) < len(draw_examples(POOL))


def test_mined_passages_hold_neither_the_answer_nor_an_answering_sentence(embedder):
    mined = mine_passages(QUESTIONS, lambda texts: embedder.model.encode(texts, normalize_embeddings=True), most=4)
    assert len(mined) == len(QUESTIONS)
    assert any(mined)
    for question, others in zip(QUESTIONS, mined, strict=True):
        for other in others:
            text = " ".join(QUESTIONS[other].sentences)
            assert question.sentences[question.positive[0]] not in QUESTIONS[other].sentences
            assert len(question.answer) <= 2 or question.answer.lower() not in text.lower()


def test_targets_are_the_word_pieces_of_the_marked_words(tokenizer):
    examples = draw_examples(POOL)
    windows = encode_windows(tokenizer, [example.window for example in examples])
    targets = make_targets(examples, windows, range(len(examples)))
    assert targets.known.all()
    for row, (example, window) in enumerate(zip(examples, windows, strict=True)):
        assert targets.positive[row].nonzero().flatten().tolist() == list(example.positive)
        first, last = targets.spans[row, 0].tolist()
        if not example.positive:
            assert (first, last) == (-1, -1)
            continue
        ((sentence, start, end),) = example.spans
        assert int(window.spans[first, 0]) <= start
        assert int(window.spans[last, 1]) >= end
        assert (first, last) == find_pieces(window, sentence, start, end)


def test_marked_words_are_widened_to_whole_words_and_left_out_where_they_are_too_long(tokenizer):
    (window,) = encode_windows(tokenizer, [Window("Who?", "", ("Harthacnut came " + "so very " * 20 + "late.",))])
    first, last = find_pieces(window, 0, 2, 5)
    assert (int(window.spans[first, 0]), int(window.spans[last, 1])) == (0, 10)
    assert find_pieces(window, 0, 0, 140) is None


def make_batch_targets(spans=((2, 3), (-1, -1))):
    """Two windows of one question, the first sentence of the first answers."""
    return Targets(
        torch.tensor([[True, False], [False, False]]),
        torch.tensor([0, 0]),
        torch.tensor(spans).unsqueeze(1),
        torch.tensor([spans[0] != (-1, -1), True]),
    )


def test_the_loss_is_small_where_all_is_right_and_large_where_all_is_wrong():
    spans = torch.full((2, 5, 5), -10.0)
    spans[0, 2, 3] = 10.0
    scores = torch.tensor([[9.0, -9.0], [-9.0, -math.inf]])
    right = find_loss(scores, spans, make_batch_targets(), Settings())
    opposite = torch.tensor([[-9.0, 9.0], [9.0, -math.inf]])
    wrong = find_loss(opposite, -spans, make_batch_targets(), Settings())
    assert float(right) < 0.01
    assert float(wrong) > 20


def test_a_sentence_competes_with_those_of_the_questions_other_windows():
    spans = torch.full((2, 5, 5), -10.0)
    targets = make_batch_targets()
    scores = torch.tensor([[5.0, -9.0], [5.0, -9.0]])
    together = find_loss(scores, spans, targets, Settings(binary_weight=0.0, span_weight=0.0))
    apart = find_loss(
        scores, spans, replace(targets, group=torch.tensor([0, 1])), Settings(binary_weight=0.0, span_weight=0.0)
    )
    assert float(together) == pytest.approx(math.log(2), abs=0.01)
    assert float(apart) == pytest.approx((0 + 5) / 2, abs=0.01)


def test_sentences_that_do_not_exist_and_spans_that_nobody_marked_cost_nothing():
    scores = torch.tensor([[0.0, -math.inf], [-99.0, -math.inf]], requires_grad=True)
    spans = torch.full((2, 4, 4), -math.inf)
    loss = find_loss(scores, spans, make_batch_targets(spans=((-1, -1), (-1, -1))), Settings())
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.log(2) + math.log(2) / 2)
    assert torch.isfinite(scores.grad).all()


def test_the_model_marks_answers_where_people_marked_none_and_takes_only_those_it_is_sure_of(monkeypatch):
    bare = [replace(q, spans=()) if number % 2 else q for number, q in enumerate(QUESTIONS[:10])]
    marked = mark_spans(load_reading_model("cpu"), bare)
    assert marked
    for number, ((sentence, start, end),) in marked.items():
        assert number % 2
        assert sentence in bare[number].positive
        assert 0 <= start < end <= len(bare[number].sentences[sentence])
    monkeypatch.setattr("rag.train.marking.LEAST_SHARE", 1.1)
    assert mark_spans(load_reading_model("cpu"), bare) == {}


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_weights_that_it_would_have_had(base, tokenizer, tmp_path):
    settings = Settings(epochs=2.0, pieces=512, checkpoint_minutes=0.0, dev_steps=3)
    whole, lines = run(base, tokenizer, settings, tmp_path / "whole")
    assert lines[0].endswith("from step 0")
    with pytest.raises(StoppedError):
        run(base, tokenizer, settings, tmp_path / "halves", stop_at=2)
    resumed, lines = run(base, tokenizer, settings, tmp_path / "halves")
    assert lines[0].endswith("from step 6")
    for name, value in whole.trained().items():
        assert torch.equal(value, resumed.trained()[name])


class StoppedError(Exception):
    """The run was stopped from outside."""


def run(base, tokenizer, settings, folder, stop_at=None):
    """A run of a few steps; stops where the dev figures would be measured for the so manieth time."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    network = make_network(base, "eager", settings.dropout)
    if settings.layers:
        network.freeze_lower(settings.layers)
    measured, lines = [], []

    def measure(now):
        measured.append(len(measured))
        if len(measured) == stop_at:
            raise StoppedError
        return "dev"

    train(ReadingModel(network, tokenizer), POOL, settings, folder, lines.append, measure)
    return network, lines


def test_a_checkpoint_of_other_settings_is_refused(base, tokenizer, tmp_path):
    torch.save({"settings": {"seed": 99}}, tmp_path / "checkpoint.pt")
    with pytest.raises(CitewellError, match="made with other settings"):
        run(base, tokenizer, Settings(epochs=0.1, pieces=512), tmp_path)


def test_where_the_last_layers_alone_are_trained_the_others_stay_as_they_were(base, tokenizer, tmp_path):
    before = make_network(base).trained()
    after = run(base, tokenizer, Settings(steps=2, pieces=512, layers=2), tmp_path / "last")[0].trained()
    changed = {n.split(".")[3] for n in before if n.startswith("encoder.") and not torch.equal(before[n], after[n])}
    assert changed == {"4", "5"}


def write_folder(folder):
    """Every set with two questions, and one question for each title that is held back."""
    for source in (*SOURCES, EVALUATION):
        titles = (*DEV_TITLES, *TEST_TITLES, "Force") if source == "squad2-dev-half" else ("A_title", None)
        rows = [
            {"question": f"Q {source}  {t}?", "sentences": ["One.", "Two."], "positive": [1], "answer": "Two"}
            | {"spans": [[1, 0, 3], [1, 0, 99]], "title": t and t.replace(" ", "_")}
            for t in titles
        ]
        with gzip.open(folder / f"{source}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(json.dumps(row) for row in rows))


def test_held_back_titles_and_the_evaluation_set_are_not_trained_on(tmp_path):
    write_folder(tmp_path)
    questions = load_questions(tmp_path)
    assert {q.title for q in questions.dev} == set(DEV_TITLES)
    assert {q.title for q in questions.test} == set(TEST_TITLES)
    assert {q.source for q in questions.xquad} == {EVALUATION}
    assert {q.source for q in questions.train} == {*SOURCES, *OWN}
    assert not {*DEV_TITLES, *TEST_TITLES} & {q.title for q in questions.train}
    assert questions.train[0].spans == ((1, 0, 3),)


def test_in_our_own_set_the_question_alone_does_not_tell_whether_it_is_answered(tmp_path):
    write_folder(tmp_path)
    questions = load_questions(tmp_path)
    trained = [q for q in questions.train if q.source == NEWSROOM]
    for part in (trained, questions.newsroom):
        told = defaultdict(list)
        for q in part:
            told[q.title, q.text].append(bool(q.positive))
        assert len(told) > 200
        assert sum(sorted(answers) == [False, True] for answers in told.values()) > 0.98 * len(told)
    assert {q.source for q in questions.newsroom} == {NEWSROOM}
    assert not {q.title for q in trained} & {q.title for q in questions.newsroom}


def test_of_two_articles_both_answer_and_a_sentence_that_only_looks_alike_does_not(monkeypatch):
    asked = {"text": "Who runs the port?", "a": [0], "b": [1], "relation": "contradict"}
    turned = {"counterpart": "Bob runs the shop.", "counter_relation": "look_alike"}
    row = {"titles": ["Port", "Coast"], "a": ["Ann does."], "b": ["It rained.", "Bob runs it."]}
    monkeypatch.setattr("rag.train.questions._load_rows", lambda file, part: [row | {"questions": [asked | turned]}])
    assert [(q.title, q.sentences, q.positive, q.near) for q in load_rivals("train")] == [
        ("Port", ("Ann does.",), (0,), -1),
        ("Coast", ("It rained.", "Bob runs it."), (1,), -1),
        ("Coast", ("It rained.", "Bob runs the shop."), (), 1),
    ]


def test_an_article_that_is_silent_has_nothing_that_seems_to_answer(monkeypatch):
    asked = {"text": "Who runs the port?", "a": [0], "b": [], "relation": "silent"}
    row = {"titles": ["Port", "Coast"], "a": ["Ann does."], "b": ["It rained."], "questions": [asked]}
    monkeypatch.setattr("rag.train.questions._load_rows", lambda file, part: [row])
    assert [(q.positive, q.near) for q in load_rivals("train")] == [((0,), -1), ((), -1)]


def test_a_set_has_four_sentences_that_answer_and_three_that_do_not():
    told = defaultdict(list)
    for q in load_sets("train"):
        told[q.text].append(bool(q.positive))
    assert len(told) > 1_500
    assert sum(sorted(answers) == [False] * 3 + [True] * 4 for answers in told.values()) > 0.98 * len(told)


def test_no_article_and_no_sentence_of_our_own_is_both_trained_on_and_held_back():
    for load in (load_rivals, load_sets):
        trained, held_back = ({q.sentences for q in load(part)} for part in ("train", "test"))
        assert trained
        assert held_back
        assert not trained & held_back


def test_sentences_that_are_named_are_in_the_articles():
    for q in (*load_rivals("train"), *load_rivals("test")):
        assert -1 <= max((*q.positive, q.near)) < len(q.sentences)


def test_nothing_of_our_own_is_about_azerbaijan():
    texts = [" ".join((q.text, *q.sentences)) for q in (*load_rivals("train"), *load_rivals("test"))]
    assert not [text for text in texts if "Azerb" in text or "Baku" in text]


def test_what_only_looks_alike_is_drawn_twice_as_often():
    question = Question("Who?", ("Ann.", "Bob."), (), (), "", "", RIVALS, near=1)
    answered = replace(question, positive=(0,), near=-1)
    pool = replace(POOL, questions=(answered, question), mined=[(), ()], near_misses=False)
    groups = list(draw_epoch(pool, 0, {}))
    assert sum(not any(example.positive for example in group) for group in groups) == 2
    assert len(groups) == 3


def test_the_sentence_that_seems_to_answer_is_mostly_shown():
    sentences = ("Genoa has 12 ports.", "Baku has a port.", "Ships left.", "Rain fell on the hills.")
    question = Question("How many ports has Genoa?", sentences, (), (), "", "", NEWSROOM, near=3)
    pool = Pool((question,), [()], VOCABULARY)
    last = [group[0].window.sentences[-1] for seed in range(100) for group in draw_epoch(pool, seed, {})]
    assert 70 < last.count(sentences[3]) < 95


def test_of_the_public_sets_the_asked_share_is_drawn():
    drawn = sum(1 for seed in range(20) for _ in draw_epoch(replace(POOL, replay=0.25, near_misses=False), seed, {}))
    assert 0.2 < drawn / (20 * len(QUESTIONS)) < 0.3


def test_a_missing_set_is_named(tmp_path):
    with pytest.raises(CitewellError, match=r"squad2-dev-half\.jsonl\.gz' is missing"):
        load_questions(tmp_path)


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [("the 10 ports", "10 ports", 1.0), ("10 ports", "ports", 2 / 3), ("Paris", "Genoa", 0.0), ("", "Genoa", 0.0)],
)
def test_token_f1_is_that_of_squad(answer, gold, f1):
    assert token_f1(answer, gold) == pytest.approx(f1)


def test_a_networks_scores_do_not_depend_on_the_padding_beside_them(base, tokenizer):
    network = make_network(base).eval()
    windows = encode_windows(tokenizer, [example.window for example in draw_examples(POOL)][:6])
    with torch.inference_mode():
        together, _ = network(collate(windows))
        for row, window in enumerate(windows):
            alone, _ = network(collate([window]))
            count = len(window.ends)
            assert np.allclose(together[row, :count], alone[0], atol=1e-4)
            assert torch.isneginf(together[row, count:]).all()


def test_random_is_drawn_from_the_seed_alone():
    random.seed(1)
    first = draw_examples(POOL)
    random.seed(2)
    assert draw_examples(POOL) == first


def test_a_network_in_training_drops_nothing_out_and_leaves_the_base_model_alone(base, tokenizer):
    network = make_network(base).train()
    batch = collate(encode_windows(tokenizer, [QUESTIONS_WINDOW]))
    assert torch.equal(network(batch)[0], network(batch)[0])
    assert not base.training
    assert all(parameter.requires_grad for parameter in base.parameters())
    assert not any(parameter.requires_grad for parameter in network.encoder.embeddings.parameters())
    shared = network.encoder.embeddings.word_embeddings.weight
    assert shared.data_ptr() == base.embeddings.word_embeddings.weight.data_ptr()


QUESTIONS_WINDOW = Window("How many ports has Genoa?", "Genoa", ("Genoa lies by the sea.", "It has 12 ports."))
