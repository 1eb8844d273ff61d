"""Misspelt words are put right from the articles; real words and names that the articles lack are left alone."""

from rag.converse import Standalone
from rag.lexical import LexicalIndex
from rag.spelling import correct_spelling

LEXICAL = LexicalIndex.build(["Azerbaijani companies in Beijing use the Middle Corridor.", "Diplomatic relations."])


def correct(question, words=()):
    return correct_spelling(Standalone(question), LEXICAL, lambda word: word in words).question


def test_a_misspelt_word_becomes_the_articles_closest():
    right = "azerbaijani companies in Beijing and the corridor"
    assert correct("azerbajani companies in Bejing and the coridor") == right


def test_a_real_word_that_the_articles_lack_is_left_alone():
    assert correct("the relation of the corrido", words={"corrido"}) == "the relation of the corrido"


def test_an_acronym_is_left_alone():
    assert correct("Who holds the INN chair?", words={"chair", "holds"}) == "Who holds the INN chair?"


def test_a_word_that_is_like_nothing_is_left_alone():
    assert correct("Who is Kobakhidze?") == "Who is Kobakhidze?"


def test_the_place_of_the_present_question_moves_with_a_correction_before_it():
    standalone = Standalone("Is Bejing far? Why?", focus=15)
    corrected = correct_spelling(standalone, LEXICAL, lambda _: False)
    assert corrected.question[corrected.focus :] == "Why?"


def test_the_real_model_knows_common_words(embedder):
    assert [embedder.is_word(word) for word in ("trade", "countries", "azerbajani")] == [True, True, False]


def test_misspelt_question_words_become_stop_words():
    assert correct("wich companies are abuot relations") == "which companies are about relations"
