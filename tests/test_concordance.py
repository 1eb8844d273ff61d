"""Where the words of a draft stand in articles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.articles import read_articles
from rag.concordance import Concordance
from rag.config import Config
from rag.schema import Article, Span
from rag.split import split_article
from tests.conftest import SEEDS

SEED_ARTICLES = [a for a in read_articles(SEEDS, Config().max_file_bytes) if isinstance(a, Article)]
SENTENCES = [(article, sentence) for article in SEED_ARTICLES for sentence in split_article(article).sentences]


def make_article(source, text, *body):
    return Article(source, text, "", "", "", "", "", body or (Span(0, len(text)),))


ONE = make_article("one.txt", "The port is open. The dog’s port is open, too. Xi’s port: closed!")
TWO = make_article("two.txt", "Menu: the port is open. Here, the old PORT is shut.", Span(24, 51))


def find(quote, **options):
    concordance = Concordance([ONE, TWO], [quote])
    return [(match.place.article.source, match.place.text) for match in concordance.find(quote, **options)]


@pytest.mark.parametrize(
    ("quote", "places"),
    [
        ("the port is open", [("one.txt", "The port is open")]),
        ("port is open", [("one.txt", "port is open"), ("one.txt", "port is open")]),
        ("Port is open, too", [("one.txt", "port is open, too")]),
        ("the dog", [("one.txt", "The dog")]),
        ("Xi", [("one.txt", "Xi")]),
        ("old port", []),
        ("THE OLD PORT", [("two.txt", "the old PORT")]),
        ("the port … is … closed", [("one.txt", "The port is open. The dog’s port is open, too. Xi’s port: closed")]),
        ("port … shut", []),
        ("open, too. Xi’s port: closed! Menu", []),
        ("zebra", []),
        ("", []),
    ],
)
def test_words_are_found_in_bodies_within_one_article(quote, places):
    assert sorted(set(find(quote))) == sorted(set(places))


def test_words_outside_of_bodies_are_found_when_asked_for():
    assert find("menu: the port", in_body=False) == [("two.txt", "Menu: the port")]
    assert find("menu: the port") == []


@given(st.integers(0, len(SENTENCES) - 1), st.integers(0, 3))
def test_whole_sentences_of_the_seeds_are_found_where_they_stand(number, more):
    article, first = SENTENCES[number]
    other, last = SENTENCES[min(number + more, len(SENTENCES) - 1)]
    end = last.end if other is article else first.end
    quote = article.text[first.start : end]
    places = [match.place for match in Concordance([article], [quote]).find(quote)]
    assert any(quote.strip('‘’“”«»" .,:;!?') in place.text for place in places)
    assert any(first.start <= place.start and place.end <= end for place in places)
