"""Articles on their way into an index, one at a time, and what is kept of each besides vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rag.articles import FileState, read_changed_articles
from rag.before import Before, TextKeys
from rag.config import Config
from rag.corpus import Corpus, hash_files, make_key
from rag.embed import Embedder
from rag.jsonl import file_of
from rag.lexical import find_acronyms
from rag.manifest import IndexedFile
from rag.schema import Article, Passage, Skipped, SplitArticle
from rag.split import pack_passages, split_article
from rag.tokens import TokenCollector
from rag.vector_cache import short_keys


class Rows:
    """Collects all that an index holds besides vectors while the articles pass through, in the order of rows."""

    def __init__(self, config: Config, corpus: Corpus, states: tuple[FileState, ...], before: Before | None) -> None:
        self.files: list[IndexedFile] = []
        self.skipped = list(corpus.skipped)
        self.tokens = TokenCollector(find_acronyms, before.tokens if before else None)
        self._config, self.before = config, before
        self._corpus, self._states = corpus, states
        self._sizes = {state.source: state.size for state in states}
        self._passage_of: list[NDArray[np.int32]] = []
        self._keys: list[TextKeys] = []
        self._unread = {file_of(source) for source in corpus.keys if not self._find(source)}
        self._bytes = self._left = sum(self._sizes.get(name, 0) for name in self._unread)

    def read(self, embedder: Embedder) -> Iterator[tuple[SplitArticle, tuple[Passage, ...]]]:
        """Reads and cuts the articles that are new or changed; what stays is taken over on the way."""
        keys = self._corpus.keys
        known = {s: found[0].text_sha256 or found[0].sha256 for s in keys if (found := self._find(s))}
        settings = self._config.corpus, self._config.max_file_bytes, self._states
        for item in read_changed_articles(*settings, known, self._config.index):
            source = item if isinstance(item, str) else item.source
            if source not in keys:  # skipped already, or new since the corpus was looked at
                continue
            found = self._find(source)
            self._pass(source)
            if isinstance(item, Skipped):  # it has become unreadable since the corpus was looked at
                self.skipped.append(item)
            elif found and (isinstance(item, str) or make_key(item, self._config) == found[0].key):
                self._carry(*found)
            elif isinstance(item, Article):
                split = split_article(item)
                passages = pack_passages(split, embedder.count_tokens, self._config.passage_tokens - 2)
                self._add(split, passages)
                yield split, passages

    @property
    def sha256(self) -> str:
        """Of the articles that have passed through; once all have, that of the corpus, if nobody wrote to it since."""
        return hash_files((file.source, file.key, file.sha256) for file in self.files)

    def vanished(self, before: Before) -> list[IndexedFile]:
        """The files that were to stay but did not pass through: deleted meanwhile, or now another's duplicates."""
        passed = {file.source for file in self.files}
        return [file for file in before.files if file.source not in passed]

    def share(self) -> float:
        """How much of what is to be read has been read, 0..1, by bytes."""
        return 1 - self._left / self._bytes if self._bytes else 1.0

    def passage_of(self) -> NDArray[np.int32]:
        """Each row's passage by its number in the article."""
        return np.concatenate([np.empty(0, np.int32), *self._passage_of])

    def text_keys(self) -> TextKeys:
        """Those of all texts."""
        none = np.empty(0, np.uint64)
        return TextKeys(
            np.concatenate([none, *(keys.sentences for keys in self._keys)]),
            np.concatenate([none, *(keys.passages for keys in self._keys)]),
        )

    def _pass(self, source: str) -> None:
        if file_of(source) in self._unread:
            self._unread.remove(file_of(source))
            self._left -= self._sizes.get(file_of(source), 0)

    def _find(self, source: str) -> tuple[IndexedFile, int] | None:
        return self.before.find(source) if self.before else None

    def _carry(self, file: IndexedFile, first: int) -> None:
        assert self.before is not None
        sha256 = self._corpus.hashes[file.source]
        self.files.append(file if file.sha256 == sha256 else replace(file, sha256=sha256))
        self.tokens.carry(first, file.sentences)
        self._passage_of.append(self.before.passage_of(first, file.sentences))
        self._keys.append(self.before.keys_of(file.source))

    def _add(self, split: SplitArticle, passages: tuple[Passage, ...]) -> None:
        article = split.article
        key = make_key(article, self._config)
        self.files.append(
            IndexedFile(
                source=article.source,
                sha256=article.sha256,
                key=key,
                sentences=len(split.sentences),
                passages=len(passages),
                publisher=article.publisher,
                published=article.published,
                text_sha256=article.text_sha256,
            )
        )
        self.tokens.add([sentence.text for sentence in split.sentences])
        lengths = [passage.last - passage.first + 1 for passage in passages]
        self._passage_of.append(np.repeat(np.arange(len(passages), dtype=np.int32), lengths))
        texts = [sentence.text for sentence in split.sentences], [passage.text for passage in passages]
        self._keys.append(TextKeys(*map(short_keys, texts)))
