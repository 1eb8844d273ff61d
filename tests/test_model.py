"""The shipped model: only the genuine file is loaded, and what it reads does not depend on what is read beside it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import rag.model
from rag.errors import ModelError
from rag.model import MODEL_FILE, Span, WindowReading, batch_by_length, load_reading_model
from rag.network import LONGEST_SPAN
from rag.windows import EncodedWindow, Window

WINDOWS = [
    Window("How many ports has Genoa?", "Genoa", ("Genoa lies by the sea.", "It has 12 ports.")),
    Window("Who came?", "", ("Marco Bucci came to the city, where he was welcomed by a crowd of thousands.",)),
    Window("Who came?", "", ("Nobody.",)),
]


@pytest.fixture
def fresh(monkeypatch):
    """Loads the model anew, once for what the test changes and once after it."""
    load_reading_model.cache_clear()
    yield monkeypatch
    load_reading_model.cache_clear()


def test_a_file_that_is_not_the_one_that_was_shipped_is_refused(fresh, tmp_path):
    copy = tmp_path / "reader.safetensors"
    data = bytearray(MODEL_FILE.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    fresh.setattr(rag.model, "MODEL_FILE", copy)
    with pytest.raises(ModelError, match=r"hashes to .*, but the reader's model to .*Install Citewell anew"):
        load_reading_model("cpu")


def test_a_missing_file_is_named(fresh, tmp_path):
    fresh.setattr(rag.model, "MODEL_FILE", tmp_path / "none.safetensors")
    with pytest.raises(ModelError, match=r"none\.safetensors' is missing"):
        load_reading_model("cpu")


def test_the_shipped_file_is_small_enough_to_ship():
    assert MODEL_FILE.stat().st_size <= 25_000_000


def test_threads_share_the_model():
    model = load_reading_model("cpu")
    expected = [reading.scores.tolist() for reading in model.read(WINDOWS)]
    with ThreadPoolExecutor(4) as pool:
        for readings in pool.map(lambda _: model.read(WINDOWS), range(8)):
            assert [reading.scores.tolist() for reading in readings] == expected


def test_a_windows_reading_hardly_depends_on_the_windows_beside_it():
    model = load_reading_model("cpu")
    for window, together in zip(WINDOWS, model.read(WINDOWS), strict=True):
        (alone,) = model.read([window])
        assert np.allclose(together.scores, alone.scores, atol=0.2)  # bfloat16 sums in another order
        span, same = together.best_span(0), alone.best_span(0)
        assert (span.start, span.end) == (same.start, same.end)


def test_nothing_to_read_gives_nothing():
    assert load_reading_model("cpu").read([]) == []


@pytest.mark.parametrize(
    ("lengths", "budget", "batches"),
    [
        ([], 10, []),
        ([3, 5, 4], 15, [[1, 2, 0]]),
        ([3, 5, 4], 10, [[1, 2], [0]]),
        ([30, 5], 10, [[0], [1]]),
        ([2, 2, 2, 2], 4, [[0, 1], [2, 3]]),
    ],
)
def test_texts_of_like_length_share_a_batch_within_the_budget(lengths, budget, batches):
    assert batch_by_length(lengths, budget) == batches


def make_reading(spans):
    """A window of [CLS] and a sentence of three pieces, "ab", "cd" and "ef"."""
    window = EncodedWindow(
        ids=np.zeros(4, np.int64),
        types=np.zeros(4, np.int64),
        sentence=np.asarray([-1, 0, 0, 0]),
        word=np.asarray([-1, 1, 2, 3]),
        spans=np.asarray([[0, 0], [0, 2], [2, 4], [4, 6]]),
        ends=np.asarray([3]),
    )
    return WindowReading(window, np.zeros(1, np.float32), np.asarray(spans, np.float32))


def test_the_best_span_is_the_likeliest_and_has_its_share_of_the_sentences_spans():
    odds = np.full((4, 4), -np.inf)
    odds[1, 2], odds[2, 3], odds[3, 3] = np.log(6), np.log(3), np.log(1)
    span = make_reading(odds).best_span(0)
    assert (span.start, span.end) == (0, 4)
    assert span.odds == pytest.approx(np.log(6))
    assert span.share == pytest.approx(0.6)


def test_a_sentence_that_was_cut_away_has_no_span():
    assert make_reading(np.zeros((4, 4))).best_span(7) == Span(0, 0, -np.inf, 0.0)


def test_answers_are_whole_words_of_one_sentence():
    model = load_reading_model("cpu")
    sentences = ("Harthacnut met Xi in Xi'an.", "He paid $3,744.5m for " + "very " * 40 + "old silk.")
    (reading,) = model.read([Window("Who paid Harthacnut?", "", sentences)])
    firsts, lasts = np.nonzero(np.isfinite(reading.spans))
    window = reading.window
    assert len(firsts)
    assert (firsts <= lasts).all()
    assert (lasts - firsts < LONGEST_SPAN).all()
    assert (window.sentence[firsts] == window.sentence[lasts]).all()
    for number, sentence in enumerate(sentences):
        own = window.sentence[firsts] == number
        for first, last in zip(firsts[own], lasts[own], strict=True):
            start, end = window.spans[first, 0], window.spans[last, 1]
            assert not sentence[max(0, start - 1) : start + 1].isalnum() or start == 0
            assert not sentence[end - 1 : end + 1].isalnum() or end == len(sentence)
