"""Windows become word pieces whose places are known, whatever their length."""

import pytest

from rag.windows import SENTENCE_PIECES, WINDOW_PIECES, Window, encode_windows, join_earlier


@pytest.fixture(scope="module")
def encode(embedder):
    return lambda *windows: encode_windows(embedder.model.tokenizer, windows)


def test_every_piece_of_a_sentence_knows_its_sentence_and_where_it_stands(encode):
    sentences = ("İlham Aliyev met Xi.", "«Bəli», he said — twice.")
    (window,) = encode(Window("Who met Xi?", "A visit", sentences))
    for number, sentence in enumerate(sentences):
        spans = window.spans[window.sentence == number]
        assert spans[0, 0] == 0
        assert spans[-1, 1] == len(sentence)
        assert (spans[1:, 0] >= spans[:-1, 0]).all()
    assert [int(window.ids[end]) for end in window.ends] == [102, 102]
    assert set(window.sentence[window.ends].tolist()) == {-1}


def test_every_piece_knows_the_word_or_number_that_it_is_part_of(encode):
    text = "Harthacnut's $3,744.5bn, in 10-12 days."
    (window,) = encode(Window("Who?", "", (text,)))
    places = {number: window.spans[window.word == number] for number in window.word[window.sentence == 0].tolist()}
    words = [text[spans[0, 0] : spans[-1, 1]] for spans in places.values()]
    assert words == ["Harthacnut", "'", "s", "$", "3,744.5bn", ",", "in", "10", "-", "12", "days", "."]
    assert set(window.word[window.sentence < 0].tolist()) == {-1}


def test_the_question_has_type_0_and_all_behind_it_type_1(encode):
    (window,) = encode(Window("Who?", "Title", ("One.", "Two.")))
    question_end = window.ids.tolist().index(102)
    assert set(window.types[: question_end + 1].tolist()) == {0}
    assert set(window.types[question_end + 1 :].tolist()) == {1}


def test_long_sentences_are_cut_so_that_each_keeps_its_share_of_the_window(encode):
    (window,) = encode(Window("Who? " * 200, "Title " * 99, ("word " * 900,) * 5))
    assert len(window) <= WINDOW_PIECES
    shares = [int((window.sentence == number).sum()) for number in range(5)]
    assert len(set(shares)) == 1
    assert 40 < shares[0] <= SENTENCE_PIECES


def test_windows_without_title_question_or_sentences_are_encoded_too(encode):
    windows = encode(Window("", "", ("A.",)), Window("Q", "", ()), Window("", "", ("",)))
    assert [len(window.ends) for window in windows] == [1, 0, 1]
    assert encode() == []


def test_a_follow_up_is_read_with_the_earlier_question_behind_it():
    assert join_earlier("And in 2017?", "How much in 2007?") == "And in 2017? (How much in 2007?)"
    assert join_earlier("How much?", "") == "How much?"
