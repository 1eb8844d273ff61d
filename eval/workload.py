"""A corpus of any size to measure speed on, recombined from real sentences."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.articles import read_articles
from rag.config import Config
from rag.embed import Embedder
from rag.errors import CorpusError
from rag.schema import Article
from rag.split import pack_passages, split_article

SENTENCES_PER_PARAGRAPH = 4
PARAGRAPHS_PER_ARTICLE = 10
ARCHIVE_SENTENCES = 10
ARCHIVE_FOLDER = 1_000
"""Articles in each sub-folder of an archive."""

NAMED = 0.25
SYLLABLES = "ba be da dor el fa gul im ka lan mir na or ra sa tan ul va zar zi".split()


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


def write_archive(folder: Path, sentences: Sequence[str], count: int, seed: int = 0) -> int:
    """Writes so many sentences as articles of 10, and returns how many articles; the seed fixes the texts.

    A sentence joins the beginning of one of `sentences` to the end of another, with other digits; every fourth gets a
    name that no other has, for an archive's vocabulary grows with it. Raises CorpusError as `write_corpus` does.
    """
    if not sentences:
        raise CorpusError("The corpus holds no sentences to measure with. Name another folder: --corpus.")
    chance = random.Random(seed)
    articles = count // ARCHIVE_SENTENCES
    for number in range(articles):
        if number % ARCHIVE_FOLDER == 0:
            part = folder / f"{number // ARCHIVE_FOLDER:04d}"
            part.mkdir(parents=True)
        texts = [_recombine(sentences, chance) for _ in range(ARCHIVE_SENTENCES)]
        (part / f"{number:06d}.txt").write_text("\n\n".join(_in_paragraphs(texts)), encoding="utf-8")
    return articles


def _recombine(sentences: Sequence[str], chance: random.Random) -> str:
    first, last = (_vary(chance.choice(sentences), chance).split(" ") for _ in range(2))
    words = first[: (len(first) + 1) // 2] + last[len(last) // 2 :]
    if chance.random() < NAMED:
        name = "".join(chance.choice(SYLLABLES) for _ in range(chance.randint(2, 4))).capitalize()
        words.insert(chance.randrange(1, len(words)), name)
    text = re.sub(r"[.!?](?=\s)", "", " ".join(words))
    return text[:1].upper() + text[1:].rstrip(".!?") + "."


def _in_paragraphs(texts: Sequence[str]) -> list[str]:
    return [" ".join(texts[i : i + SENTENCES_PER_PARAGRAPH]) for i in range(0, len(texts), SENTENCES_PER_PARAGRAPH)]


def read_sentences(corpus: Path, max_file_bytes: int) -> list[str]:
    """The texts of every sentence of the corpus, in the order of the files."""
    articles = (item for item in read_articles(corpus, max_file_bytes) if isinstance(item, Article))
    return [sentence.text for article in articles for sentence in split_article(article).sentences]


def indexed_texts(config: Config, embedder: Embedder) -> Iterator[str]:
    """The texts that an index of the corpus embeds: every sentence and every passage, file by file."""
    for item in read_articles(config.corpus, config.max_file_bytes):
        if isinstance(item, Article):
            split = split_article(item)
            yield from (sentence.text for sentence in split.sentences)
            yield from (p.text for p in pack_passages(split, embedder.count_tokens, config.passage_tokens - 2))
