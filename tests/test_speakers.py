"""Whose words an article gives, and to whom a draft gives a quotation."""

import csv
import re
import time
from pathlib import Path

import pytest
from conftest import SEEDS

from rag.articles import read_articles
from rag.hedges import find_hedges
from rag.schema import Article, Sentence, Span
from rag.speakers import find_attribution, find_speaker, find_speaker_of, is_name, name_words, same_person
from rag.split import split_article

LABELLED = Path(__file__).parent / "speakers"


def split(text):
    return split_article(Article("a.txt", text, "", "", "", "", "", (Span(0, len(text)),))).sentences


def without_article(speaker):
    return re.sub(r"^(?:the|a|an) ", "", speaker.lower())


def read_passages(name):
    """Each labelled passage as its text and the speakers of its sentences; "[speaker] sentence" lines make it up."""
    for passage in (LABELLED / name).read_text().split("\n---\n"):
        paragraphs = [re.findall(r"\[([^\]]*)\] (.*?)\s*(?=\n|\Z|\|)", block) for block in passage.split("\n\n")]
        text = "\n\n".join(" ".join(sentence for _, sentence in paragraph) for paragraph in paragraphs)
        yield text, [speaker for paragraph in paragraphs for speaker, _ in paragraph]


def share_right(name):
    pairs = []
    for text, speakers in read_passages(name):
        sentences = split(text)
        assert len(sentences) == len(speakers), text
        pairs += [(find_speaker_of(sentences, n, n), speaker) for n, speaker in enumerate(speakers)]
    return sum(without_article(found) == without_article(speaker) for found, speaker in pairs) / len(pairs)


def read_seed_labels():
    sentences = {
        article.source[:3]: split_article(article).sentences
        for article in read_articles(SEEDS, 10**7)
        if isinstance(article, Article)
    }
    with (LABELLED / "seeds.tsv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield row, sentences[row["article"]], int(row["sentence"])


def test_each_sentence_of_the_seeds_has_its_speaker():
    for row, sentences, number in read_seed_labels():
        found = find_speaker_of(sentences, number, number)
        assert without_article(found) == without_article(row["speaker"]), row


def test_each_sentence_of_the_seeds_has_its_hedges():
    for row, sentences, number in read_seed_labels():
        assert ", ".join(find_hedges(sentences[number].text)) == row["hedges"], row


@pytest.mark.parametrize(("name", "least"), [("fitted.txt", 1.0), ("held_out.txt", 0.9), ("blind.txt", 0.9)])
def test_speakers_of_other_subjects_are_found(name, least):
    """`held_out` and `blind` were written without a look at what the rules make of them."""
    assert share_right(name) >= least


MIXED = split("Trade rose. Aghayev said that it fell. Hazi said that nobody knew. Mr Hazi added that it was late.")


@pytest.mark.parametrize(
    ("first", "last", "speaker"), [(0, 0, ""), (1, 1, "Aghayev"), (0, 1, ""), (1, 2, ""), (2, 3, "Hazi")]
)
def test_sentences_have_one_speaker_or_none(first, last, speaker):
    assert find_speaker_of(MIXED, first, last) == speaker


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Police put the crowd at 4,000; the organisers claimed 15,000.", ""),
        ("Aghayev said that it fell; nobody knew.", "Aghayev"),
        ("“It fell; nobody knew,” Aghayev said.", "Aghayev"),
        ("It fell; it will fall again, Aghayev said on Monday.", "Aghayev"),
        ("Police put the crowd at 4,000; on Monday, the organisers claimed 15,000.", ""),
    ],
)
def test_a_claim_behind_a_semicolon_does_not_hold_for_the_whole_sentence(text, speaker):
    assert find_speaker_of(split(text), 0, 0) == speaker


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Aliyev said so.", "Aliyev"),
        ("The day before, President Ilham Aliyev also said so.", "Ilham Aliyev"),
        ("Seymur Hazi, a deputy chair of the opposition Popular Front Party, has suggested this.", "Seymur Hazi"),
        ("“We will not bend,” said Marta Kos.", "Marta Kos"),
        ("“Aliyev said so,” Xi Jinping noted.", "Xi Jinping"),
        ("According to China Daily, trade grew.", "China Daily"),
        ("Trade grew, according to the Xinhua News Agency.", "Xinhua News Agency"),
        ("The Azerbaijani president said so.", ""),
        ("The president of Azerbaijan said so.", ""),
        ("The South Caucasian states gained independence.", ""),
        ("He said so.", ""),
        ("Aliyev came. Then somebody said so.", ""),
        ("It was said in Baku.", ""),
        ("", ""),
    ],
)
def test_the_speaker_stands_beside_the_verb_of_saying(text, speaker):
    assert find_speaker(text) == speaker


DRAFTS = [
    ("As the summit met, state media counted", "", ""),
    ("", ", report officials in Baku.", "officials"),
    ("“", "”, said Xi.", "Xi"),
    ("Aliyev denied it. “", ",” Xi Jinping said on Monday.", "Xi Jinping"),
    ("Aliyev said that Baku agrees. Later Xi said: “", "”.", "Xi"),
    ("“Wow!?”, asked Hazi. “", "”, J. P. Mensah replied.", "J. P. Mensah"),
    ("“", "”, Mr. Aghayev insisted.", "Aghayev"),
    ("Xi: “", "”", "Xi"),
    ("**Xi Jinping**: “", "”", "Xi Jinping"),
    ("“Hello,” said Xi. Aliyev: “", "”", "Aliyev"),
    ("“", "” — Xi Jinping", "Xi Jinping"),
    ("“", "” (Xi, 2025)", "Xi"),
    ("> ", "\n> — Ding Tao, adviser to the ambassador", "Ding Tao"),
    ("Ding Tao said:\n\n> ", "\n", "Ding Tao"),
    ("In the words of Xi, “", "”.", "Xi"),
    ("In Xi’s words, “", "”.", "Xi"),
    ("Xi’s statement that “", "” surprised many.", "Xi"),
    ("For Aghayev, “", "”.", "Aghayev"),
    ("As Aghayev put it, “", "”.", "Aghayev"),
    ("According to Aghayev, closer ties could “", "”.", "Aghayev"),
    ("Per Aghayev, “", "”.", "Aghayev"),
    ("Aliyev told OC Media: “", "”", "Aliyev"),
    ("OC Media quoted Aliyev as saying “", "”.", "Aliyev"),
    ("Aliyev was quoted as saying “", "”.", "Aliyev"),
    ("President Aliyev was told by Xi that “", "”.", "Xi"),
    ("The trade was reported by Azertag: “", "”.", "Azertag"),
    ("In an interview with Xinhua, Aliyev said “", "”.", "Aliyev"),
    ("Rovshan Aghayev is an economist. “", "”, he said.", "Rovshan Aghayev"),
    ("Rovshan Aghayev, an economist, is worried. “", "”, the economist warned.", "Rovshan Aghayev"),
    ("Aliyev praised Xi. “", "”, he added.", "Aliyev"),
    ("Seymur Hazi, a deputy chair of the Popular Front, thinks that “", "”.", "Seymur Hazi"),
    ("Hazi (Popular Front Party) warned of “", "”.", "Hazi"),
    ("“", "”, Aghayev told OC Media, while Hazi warned of espionage.", "Aghayev"),
    ("The president of Azerbaijan said “", "”", "the president of Azerbaijan"),
    ("The remark “", "” was made by Xi.", "Xi"),
    ("“", "” is what Xi said.", "Xi"),
    ("Did Aliyev say “", "”?", "Aliyev"),
    ("Trade is growing. “", "” Roads were built, said Xi.", ""),
    ("China has “", "”.", ""),
    ("", "", ""),
]


@pytest.mark.parametrize(("before", "after", "speaker"), DRAFTS)
def test_a_draft_gives_a_quotation_to_whom_it_names_behind_it_or_last_before(before, after, speaker):
    assert find_attribution(before, after) == speaker


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Aghayev", "Rovshan Aghayev"),
        ("President Ilham Aliyev’s", "Aliyev"),
        ("I. Aliyev", "Ilham Aliyev"),
        ("Xi", "Xi Jinping"),
        ("Jinping Xi", "Xi Jinping"),
        ("Dr. Chen Wei", "Mr Chen"),
        ("Mehmet Simsek", "Mehmet Şimşek"),
        ("Ruiz", "Gabriela Ruiz Ortega"),
        ("Khalid al-Falih", "Falih"),
        ("Xinhua", "the Xinhua News Agency"),
        ("the president", "The President"),
    ],
)
def test_a_surname_a_title_or_an_initial_is_the_same_person(one, other):
    assert same_person(one, other)
    assert same_person(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Heydar Aliyev", "Ilham Aliyev"),
        ("H. Aliyev", "Ilham Aliyev"),
        ("Zeynab Aliyeva", "Ilham Aliyev"),
        ("Jinping", "Xi Jinping"),
        ("Chen Wei", "Li Wei"),
        ("China", "China Daily"),
        ("the President of Azerbaijan", "Azerbaijan"),
        ("the president", "the minister"),
        ("", "Xi"),
    ],
)
def test_another_first_name_or_a_place_is_somebody_else(one, other):
    assert not same_person(one, other)
    assert not same_person(other, one)


def test_names_are_compared_by_what_tells_them_apart():
    assert name_words("President Ilham Aliyev’s") == {"ilham", "aliyev"}
    assert name_words("The Prime Minister") == set()
    assert is_name("Prime Minister Li Peng")
    assert not is_name("The President")


HOSTILE = (
    *'“‘"«(’- ',
    *(
        "'a ",
        "a,",
        "A ",
        "said ",
        "Xi said “a” ",
        "said, and ",
        "Xi’s words ",
        "he said. ",
        "President ",
        "name: ",
        "s’ a ",
    ),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_long(piece):
    text = piece * (100_000 // len(piece))
    for find in (
        find_speaker,
        lambda text: find_attribution(text, text),
        lambda text: same_person(text, text + "b"),
        lambda text: find_speaker_of([Sentence(0, len(text), text, 0)], 0, 0),
    ):
        start = time.process_time()
        find(text)
        assert time.process_time() - start < 1
