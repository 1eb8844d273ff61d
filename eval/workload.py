"""A corpus of any size to measure speed on, recombined from real sentences."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

from rag.articles import read_articles
from rag.config import Config
from rag.embed import Embedder
from rag.errors import CorpusError
from rag.schema import Article
from rag.split import pack_passages, split_article

SENTENCES_PER_PARAGRAPH = 4
PARAGRAPHS_PER_ARTICLE = 10


def write_corpus(folder: Path, sentences: Sequence[str], articles: int, seed: int = 0) -> None:
    """Writes articles of 40 sentences drawn at random from `sentences`, each digit replaced by a random one.

    The seed fixes the texts. Raises CorpusError when there are no sentences to draw from.
    """
    if not sentences:
        raise CorpusError("The corpus holds no sentences to measure with. Name another folder: --corpus.")
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(articles):
        paragraphs = [
            " ".join(_vary(chance.choice(sentences), chance) for _ in range(SENTENCES_PER_PARAGRAPH))
            for _ in range(PARAGRAPHS_PER_ARTICLE)
        ]
        (folder / f"{number:05d}.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")


def _vary(sentence: str, chance: random.Random) -> str:
    return re.sub(r"\d", lambda _: str(chance.randrange(10)), " ".join(sentence.split()))


def read_sentences(corpus: Path, max_file_bytes: int) -> list[str]:
    """The texts of every sentence of the corpus, in the order of the files."""
    articles = (item for item in read_articles(corpus, max_file_bytes) if isinstance(item, Article))
    return [sentence.text for article in articles for sentence in split_article(article).sentences]


def indexed_texts(config: Config, embedder: Embedder) -> list[str]:
    """The texts that an index of the corpus embeds: every sentence and every passage, file by file."""
    texts: list[str] = []
    for item in read_articles(config.corpus, config.max_file_bytes):
        if isinstance(item, Article):
            split = split_article(item)
            texts += [sentence.text for sentence in split.sentences]
            texts += [p.text for p in pack_passages(split, embedder.count_tokens, config.passage_tokens - 2)]
    return texts
