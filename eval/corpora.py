"""Small corpora other than the seeds, with cases about them: what was fitted to the seeds alone does not show there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.cases import SPLITS, Case, parse_case
from rag.errors import CitewellError

ELSEWHERE = Path(__file__).with_name("elsewhere.jsonl")
"""Corpora of invented articles, a line each, and behind them the cases about them."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Articles, each as `source`, `title`, `publisher`, `published` and `text`, and the cases about them."""

    name: str
    split: str
    articles: tuple[Mapping[str, str], ...]
    cases: tuple[Case, ...]


def load_corpora(split: str, path: Path = ELSEWHERE) -> tuple[Corpus, ...]:
    """The corpora of one split ("dev" or "test"), in the file's order. Raises CitewellError for a line that is none."""
    if split not in SPLITS:
        raise CitewellError(f"The split is '{split}', expected one of {', '.join(SPLITS)}.")
    lines = [(number, json.loads(line)) for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)]
    cases: dict[str, list[Case]] = {}
    for number, data in lines:
        if "articles" not in data:
            cases.setdefault(data["corpus"], []).append(parse_case(path, number, _without_corpus(data)))
    return tuple(
        Corpus(data["corpus"], split, tuple(data["articles"]), tuple(cases.get(data["corpus"], ())))
        for _, data in lines
        if "articles" in data and data["split"] == split
    )


def _without_corpus(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "corpus"}


def write_articles(articles: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Writes the articles' files, and a catalog of them behind what `folder` has of one."""
    folder.mkdir(parents=True, exist_ok=True)
    for article in articles:
        (folder / article["source"]).write_bytes(article["text"].encode())
    catalog = folder / "catalog.toml"
    known = catalog.read_text(encoding="utf-8") if catalog.is_file() else ""
    catalog.write_text(known + "".join(f"\n{line}\n" for line in _catalog_lines(articles)), encoding="utf-8")


def _catalog_lines(articles: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for article in articles:
        yield "[[article]]"
        yield f"file = {json.dumps(article['source'], ensure_ascii=False)}"
        for name in ("title", "publisher", "published", "author", "body_after", "body_before"):
            yield f"{name} = {json.dumps(article.get(name, ''), ensure_ascii=False)}"
