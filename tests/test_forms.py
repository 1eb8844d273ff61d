import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.converse import make_standalone
from rag.definitions import find_defined, find_definition
from rag.lexical import LexicalIndex
from rag.roles import find_holder, find_office


@pytest.fixture
def ask(write_corpus):
    """The answer to a question about articles by file name."""

    def ask(articles, question):
        config = write_corpus(articles)
        with Assistant.open(config) as assistant:
            return assistant.ask(question)

    return ask


def define(question, *sentences):
    """What the last sentence says of the name that is asked about."""
    defined = find_defined(make_standalone(question, []), sentences, LexicalIndex.build(sentences))
    assert defined is not None
    found = find_definition(sentences[-1], defined)
    return sentences[-1][slice(*found)] if found else None


@pytest.mark.parametrize(
    ("question", "sentence", "said"),
    [
        (
            "What is the Varde Line?",
            "The Varde Line is a narrow-gauge railway built by miners.",
            "a narrow-gauge railway",
        ),
        ("what is the varde line", "Trains on the Varde Line, a railway of 1890, stopped.", "a railway of 1890"),
        ("What's the Varde Line?", "The Varde Line – a railway bypassing Oslo – reopened.", "a railway"),
        ("What is the Varde Line?", "The route, better known as the Varde Line, reopened.", "The route"),
        ("What was the Gudrun?", "The old ferry Gudrun sank.", "The old ferry"),
        ("What is Brenn?", "The village of Brenn was flooded.", "The village"),
        (
            "Who is Ana Holm?",
            "Ana Holm, 41, a deputy chair of the Green Party, resigned.",
            "a deputy chair of the Green Party",
        ),
        ("Who is Ana Holm?", "It is wrong, said the party's deputy chair, Ana Holm.", "the party's deputy chair"),
        ("and who is holm?", "Norwegian Foreign Minister Ana Holm left.", "Norwegian Foreign Minister"),
        ("Who is Holm?", "“No,” said economist Ana Holm.", "economist"),
        ("Who is Ana Holm?", "Police arrested alleged gang leader Ana Holm.", "alleged gang leader"),
        ("Who's Dr Ana Holm?", "“No,” said Ana Holm, who chairs the union.", "who chairs the union"),
        ("Who is Ana Holm?", "Ana Holm will be the next mayor of Brenn.", "the next mayor of Brenn"),
        ("What is the ABU?", "It joined the Asian Broadcasting Union (ABU).", "Asian Broadcasting Union"),
        ("What is Brenn?", "In Brenn, the president said little.", None),
        ("What is Brenn?", "Since the war Brenn has grown.", None),
        ("Who is Ana Holm?", "They met Ana Holm on Friday.", None),
        ("Who is Ana Holm?", "After the flood, Ana Holm, too, left.", None),
    ],
)
def test_a_definition_is_found_in_the_forms_of_news(question, sentence, said):
    assert define(question, sentence) == said


def test_a_name_is_explained_where_its_acronym_stands():
    introduced = "It joined the Asian Broadcasting Union (ABU)."
    assert define("What is the Asian Broadcasting Union?", introduced, "The ABU is a league of stations.") == (
        "a league of stations"
    )


@pytest.mark.parametrize(
    "question",
    [
        "What is the growth rate?",
        "What is trade?",
        "Who is the president of Norway?",
        "What is Norway's GDP?",
        "What is Norway doing?",
        "What was the Gudrun about?",
        "When was the Gudrun built?",
    ],
)
def test_other_questions_ask_for_no_definition(question):
    sentences = ["Trade grew.", "The growth rate of Norway is 3%.", "The president left the Gudrun in Norway."]
    assert find_defined(make_standalone(question, []), sentences, LexicalIndex.build(sentences)) is None


@pytest.mark.parametrize(
    ("question", "sentence", "name", "fits"),
    [
        ("Who is the president of China?", "Chinese President Xi Jinping left.", "Xi Jinping", True),
        ("who's china's president", "Chinese President Xi Jinping’s visit ended.", "Xi Jinping", True),
        ("Who is the French president?", "President of France Ana Blanc left.", "Ana Blanc", True),
        ("Who is the president of China?", "French President Ana Blanc left.", "Ana Blanc", False),
        ("Who is the president of China?", "President Ana Blanc left.", "Ana Blanc", None),
        ("Who was the manager of Harwick?", "Greta Holm, the manager of Harwick, left.", "Greta Holm", True),
        ("Who is the manager of Harwick?", "Greta Holm is the manager of Harwick.", "Greta Holm", True),
        ("Who is the minister?", "Prime Minister Ana Blanc left.", None, None),
        ("Who is the prime minister of Norway?", "Norway’s Prime Minister Ana Blanc left.", "Ana Blanc", True),
        ("Who is the president of China?", "China’s president left.", None, None),
        ("Who is the president of China?", "Former Chinese President Hu Jintao left.", None, None),
    ],
)
def test_the_holder_of_an_office_is_told_from_those_of_others(question, sentence, name, fits):
    holder = find_holder(sentence, find_office(make_standalone(question, [])))
    assert (sentence[holder.start : holder.end] if holder else None) == name
    assert (holder.fits if holder else None) is fits


@pytest.mark.parametrize(
    "question",
    [
        "Who is Xi Jinping?",
        "Who is the president meeting?",
        "Who is the assistant to the president?",
        "Who is Dr Holm?",
    ],
)
def test_other_questions_ask_for_no_holder(question):
    assert find_office(make_standalone(question, [])) is None


NAME = st.sampled_from(
    ["Xi", "Baku", "SCO", "of", "the", "president", ",", "(", ")", "is a", "’s", "China", "-", " ", "\n", "\x1c"]
)


@given(st.lists(NAME, max_size=8).map(" ".join), st.lists(NAME, max_size=20).map(" ".join))
@example("\x1c", "Xi")
def test_whatever_is_asked_the_words_found_lie_in_the_sentence(name, sentence):
    question = make_standalone(f"Who is {name}?", [])
    if defined := find_defined(question, [sentence], LexicalIndex.build([sentence])):
        start, end = find_definition(sentence, defined) or (0, 1)
        assert 0 <= start < end <= max(1, len(sentence))
    if (office := find_office(question)) and (holder := find_holder(sentence, office)):
        assert 0 <= holder.start < holder.end <= len(sentence)


def test_a_holder_named_for_a_past_year_is_not_the_one_of_today(ask):
    articles = {
        "a.txt": "The fund was founded long ago. In 1994 it was praised by Norwegian President Per Gammel. It grew.",
        "b.txt": "Norwegian President Ana Holm opened the port in 2024. The port is large.",
    }
    answer = ask(articles, "Who is the president of Norway?")
    assert answer.short == "Ana Holm"
    assert not answer.conflicts
    assert ask(articles, "Who was the president of Norway in 1994?").short == "Per Gammel"


def test_a_definition_is_quoted_first_and_makes_no_conflict(ask):
    articles = {
        "a.txt": "Traffic on the Varde Line rose after the invasion of Norland. The Varde Line runs past Ostby.",
        "b.txt": "The Varde Line, a railway between two ports, was praised by Sundby. It was repaired.",
    }
    answer = ask(articles, "What is the Varde Line?")
    assert answer.short == "a railway between two ports"
    assert answer.citations[0].source == "b.txt"
    assert not answer.conflicts
