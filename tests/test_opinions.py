"""Which questions ask for a judgement, and which way sentences lean."""

import pytest

from rag.converse import Standalone
from rag.opinions import PRAISES, asks_judgement, find_leaning


@pytest.mark.parametrize(
    "question",
    [
        "What will the tram mean for the shops?",
        "Would closer ties help Azerbaijan?",
        "How might the mine affect the springs?",
        "Is the railway a risk for the villages?",
        "How did her style affect the writers who came after her?",
        "What will the visa-free regime bring the hotels?",
        "What are the wines of 2024 like?",
        "Are the routes attractive?",
        "Does Moscow mind their presence?",
        "Does Beijing attach any conditions?",
    ],
)
def test_questions_for_an_effect_or_an_opinion_ask_for_a_judgement(question):
    assert asks_judgement(Standalone(question))


@pytest.mark.parametrize(
    "question",
    [
        "When was the mill built?",
        "Which companies help the port?",
        "According to Aghayev, what would closer ties change?",
        "What did Aghayev say about the effect of closer ties?",
        "What effect will it have, and is a deal planned?",
        "In which year did the mine harm the springs?",
        "And who benefits from it?",
        "What did Marco Polo bring to Venice?",
        "What was the weather like when he came?",
        "What animals does he like?",
        "During which match did he hurt his knee?",
        "After which event did relations worsen?",
        "At what rate did trade improve?",
    ],
)
def test_questions_for_facts_or_for_what_one_person_says_do_not(question):
    assert not asks_judgement(Standalone(question))


def neutral(one, other):
    return 0.0


@pytest.mark.parametrize(
    ("sentence", "leaning"),
    [
        ("The tram will bring new customers to the shops.", 1),
        ("The work will save the medieval angels.", 1),
        ("Ties can reduce its dependency on traditional allies.", 1),
        ("The tram will kill off the small shops.", -1),
        ("Azerbaijan could become entirely dependent on Chinese capital.", -1),
        ("It is unlikely to reap tangible benefits.", -1),
        ("It will not serve to develop the country or benefit the nation.", -1),
        ("The bell hangs in the church.", 0),
    ],
)
def test_words_and_what_turns_them_round_decide_how_a_sentence_leans(sentence, leaning):
    assert find_leaning(sentence, neutral) == leaning


def test_where_no_word_tells_likeness_to_praise_and_warning_decides():
    def similarity(one, other):
        good = {"Music to our ears.", *PRAISES}
        return float((one in good) == (other in good))

    assert find_leaning("Music to our ears.", similarity) == 1
    assert find_leaning("Out of tune.", similarity) == -1


def test_the_real_model_tells_praise_from_warning(embedder):
    def similarity(one, other):
        first, second = (encoded.vector for encoded in embedder.encode_sentences([one, other]))
        return float(first @ second)

    assert find_leaning("A dream come true for every family here.", similarity) == 1
    assert find_leaning("The valley would never be the same again, and people dread it.", similarity) == -1
