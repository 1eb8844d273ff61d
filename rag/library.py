"""The indexed articles' texts, read from disk when needed and checked against the index."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock

from rag.articles import find_entry, read_article, read_catalog
from rag.config import Config
from rag.errors import CitewellError
from rag.generations import rebuild_command
from rag.manifest import Manifest
from rag.schema import Article, Skipped, SplitArticle
from rag.split import split_article


class StaleIndexError(CitewellError):
    """A file is not any more what was indexed; index again."""


class OtherExtractError(StaleIndexError):
    """A file is what was indexed, but another text is extracted from it; only a rebuild helps."""


class Library:
    """Split articles by source name; the last used ones stay in memory. Safe to use from several threads."""

    def __init__(self, config: Config, manifest: Manifest) -> None:
        self._config = config
        self._catalog = read_catalog(config.corpus)
        self._hashes = {file.source: (file.sha256, file.text_sha256) for file in manifest.files}
        self._splits: OrderedDict[str, SplitArticle] = OrderedDict()
        self._lock = Lock()

    def __iter__(self) -> Iterator[str]:
        """The source names, sorted."""
        return iter(self._hashes)

    def load(self, source: str) -> SplitArticle:
        """The article as it was indexed, from memory when it was used lately.

        Raises StaleIndexError when the file has changed or gone since, OtherExtractError when only its text has.
        """
        with self._lock:
            if source in self._splits:
                self._splits.move_to_end(source)
                return self._splits[source]
        article = self.read(source)
        if article.sha256 != self._hashes[source][0]:
            raise StaleIndexError(f"'{source}' changed after it was indexed. Index it again: citewell index")
        if article.text_sha256 != self._hashes[source][1]:
            raise OtherExtractError(
                f"Another text is now extracted from '{source}' than when it was indexed. Index it anew: "
                f"{rebuild_command(self._config.index)}"
            )
        split = split_article(article)
        with self._lock:
            self._splits[source] = split
            while len(self._splits) > self._config.cached_articles:
                self._splits.popitem(last=False)
        return split

    def read(self, source: str) -> Article:
        """The article as it is on disk now. Raises StaleIndexError when it is not readable or not in the index."""
        if source not in self._hashes:
            raise StaleIndexError(f"'{source}' is not in the index")
        config = self._config
        entry = find_entry(self._catalog, source)
        article = read_article(config.corpus, source, config.max_file_bytes, entry, config.index)
        if isinstance(article, Skipped):
            raise StaleIndexError(f"'{source}' was indexed, but is now {article.reason}. Index again: citewell index")
        return article
