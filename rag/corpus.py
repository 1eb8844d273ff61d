"""The corpus as one update of the index sees it: what each file's part of an index depends on, without its text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from rag.articles import CATALOG, FileState, read_changed_articles
from rag.config import Config
from rag.errors import CorpusError
from rag.manifest import IndexedFile, Manifest
from rag.schema import Article, Skipped
from rag.split import SPLITTER_VERSION


@dataclass(frozen=True, slots=True)
class Corpus:
    """The articles as read for one update, in order.

    `keys` says by source what an index of each depends on, `hashes` the SHA-256 of its file.
    """

    keys: dict[str, str]
    hashes: dict[str, str]
    skipped: tuple[Skipped, ...]
    sha256: str


def read_corpus(config: Config, states: tuple[FileState, ...], before: Manifest | None) -> Corpus:
    """Reads what may have changed since the manifest `before`, one file at a time.

    Raises CorpusError where no file can be read as an article.
    """
    unchanged = _find_unchanged(config, states, before) if before else {}
    keys: dict[str, str] = {}
    skipped: list[Skipped] = []
    hashes: dict[str, str] = {}
    texts = {source: file.text_sha256 or file.sha256 for source, file in unchanged.items()}
    for item in read_changed_articles(config.corpus, config.max_file_bytes, states, texts, config.index):
        if isinstance(item, Skipped):
            skipped.append(item)
        elif isinstance(item, Article):
            keys[item.source], hashes[item.source] = make_key(item, config), item.sha256
        else:
            keys[item], hashes[item] = unchanged[item].key, unchanged[item].sha256
    if not keys:
        why = "; ".join(f"{file.source}: {file.reason}" for file in skipped[:3]) or "no article files"
        raise CorpusError(f"No articles were found in '{config.corpus}' ({why}). Name another folder: --corpus.")
    return Corpus(keys, hashes, tuple(skipped), hash_files((source, keys[source], hashes[source]) for source in keys))


def _find_unchanged(config: Config, states: tuple[FileState, ...], before: Manifest) -> dict[str, IndexedFile]:
    """The indexed files that nobody has written to, by source; none where the catalog or the splitter is another."""
    now, then = ({state.source: state for state in of} for of in (states, before.states))
    if now.get(CATALOG) != then.get(CATALOG) or before.splitter != splitter_version(config):
        return {}
    return {
        file.source: file for file in before.files if file.source in now and now[file.source] == then.get(file.source)
    }


def make_key(article: Article, config: Config) -> str:
    """Changes with the article's text, its catalog entry and the splitter."""
    parts = [article.text_sha256 or article.sha256, article.title, article.publisher, article.published, article.author]
    parts += [str(article.body), splitter_version(config)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def hash_files(files: Iterable[tuple[str, str, str]]) -> str:
    """One SHA-256 of all sources with their keys and the SHA-256 of their files."""
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()


def splitter_version(config: Config) -> str:
    """Changes whenever the same text would be cut differently."""
    return f"{SPLITTER_VERSION}/{config.passage_tokens}"
