"""Cases for a person to accept: a sentence with a figure, a date or a name, and a question that it may answer."""

from __future__ import annotations

import hashlib
import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from eval.cases import Case, Passage
from rag.articles import read_article, read_articles
from rag.config import Config
from rag.errors import CitewellError
from rag.question import AnswerType, typed_spans
from rag.schema import Article, Sentence
from rag.split import split_article

_KINDS: tuple[AnswerType, ...] = ("money", "percent", "duration", "count", "date")
_ASKS: dict[AnswerType, str] = {
    "money": "How much",
    "percent": "What percentage",
    "duration": "How long",
    "date": "When",
    "count": "How many",
}
_CLAUSE = re.compile(r"[,;:—–()\n]|\s-\s")
_WORDS = re.compile(r"[\w’'%$€£.-]+")

FEWEST_WORDS, MOST_WORDS = 8, 45
"""Of a sentence that is proposed."""


def propose_cases(config: Config, seed: int = 0) -> Iterator[Case]:
    """One case after another, from all articles in turn, in an order that the seed fixes.

    Raises CitewellError when the corpus cannot be read.
    """
    draw = random.Random(seed)
    by_article = []
    for item in read_articles(config.corpus, config.max_file_bytes, config.index):
        if isinstance(item, Article):
            found = [(item, s, kind, span) for s in split_article(item).sentences for kind, span in _find_value(s)]
            draw.shuffle(found)
            by_article.append(found)
    while any(by_article):
        for found in by_article:
            if found:
                article, sentence, kind, span = found.pop()
                yield _make_case(article, sentence, kind, span)


def _find_value(sentence: Sentence) -> list[tuple[AnswerType, tuple[int, int]]]:
    """The sentence's value where it has one of a kind, which makes it clear what is asked."""
    if not FEWEST_WORDS <= len(sentence.text.split()) <= MOST_WORDS:
        return []
    spans = {kind: typed_spans(sentence.text, kind) for kind in _KINDS}
    return [(kind, found[0]) for kind, found in spans.items() if len(found) == 1][:1]


def _make_case(article: Article, sentence: Sentence, kind: AnswerType, span: tuple[int, int]) -> Case:
    question = propose_question(sentence.text, kind, span)
    name = hashlib.sha256(f"{article.source}\n{sentence.text}".encode()).hexdigest()[:8]
    return Case(
        id=f"{kind}-{name}",
        split="dev" if int(name, 16) % 2 else "test",
        kind="fact",
        question=question,
        answerable=True,
        short=sentence.text[span[0] : span[1]].strip(),
        gold=((Passage(article.source, sentence.text),),),
    )


def propose_question(sentence: str, kind: AnswerType, span: tuple[int, int]) -> str:
    """A question for the value, of the words of its clause: a draft for a person to put right."""
    before = _CLAUSE.split(sentence[: span[0]])[-1]
    after = _CLAUSE.split(sentence[span[1] :])[0].rstrip(' .!?”’"')
    if kind == "count":
        words = _WORDS.findall(after)[:12]
        return f"How many {' '.join(words)}?" if words else f"How many: {before.strip()} …?"
    return (
        f"{_ASKS[kind]}: {' '.join(_WORDS.findall(before)[-12:])} … {' '.join(_WORDS.findall(after)[:8])}".strip() + "?"
    )


def find_quote(quote: str, source: str, corpus: Path) -> bool:
    """Whether the article holds these very words."""
    article = read_article(corpus, source, sys.maxsize)
    return isinstance(article, Article) and bool(quote.strip()) and quote in article.text


def append_case(case: Case, file: Path) -> None:
    """Adds the case to the file, as one line. Raises CitewellError when it cannot be written."""
    record = {name: value for name, value in asdict(case).items() if value or name in ("answerable", "short", "gold")}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        raise CitewellError(f"'{file}' cannot be written: {error.strerror}. Choose another file: --out.") from error
