"""What an update takes over from the generation before: files, words, places of passages, and what texts were there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.manifest import IndexedFile, Manifest
from rag.tokens import Tokens
from rag.vectors import COLLECTIONS


@dataclass(frozen=True, slots=True)
class TextKeys:
    """`short_keys` of all sentences and of all passages, in the order of files; 0 where none is known."""

    sentences: NDArray[np.uint64]
    passages: NDArray[np.uint64]

    def save(self, folder: Path) -> None:
        """Writes them into a folder that exists."""
        for name in COLLECTIONS:
            np.save(folder / f"{name}_keys.npy", getattr(self, name))


def load_text_keys(folder: Path, manifest: Manifest) -> TextKeys:
    """The keys from a generation's folder, memory-mapped; all 0 where an earlier version made it without them."""
    try:
        sentences, passages = (
            np.load(folder / f"{name}_keys.npy", mmap_mode="r").view(np.ndarray) for name in COLLECTIONS
        )
    except FileNotFoundError:
        sentences, passages = np.zeros(manifest.sentences, np.uint64), np.zeros(manifest.passages, np.uint64)
    return TextKeys(sentences, passages)


@dataclass(frozen=True, slots=True)
class _Place:
    """A file as it was indexed, with the numbers of its first sentence and its first passage."""

    file: IndexedFile
    sentence: int
    passage: int


class Before:
    """What an update takes over from the generation before: files, words, places of passages and keys of texts."""

    def __init__(
        self,
        manifest: Manifest,
        tokens: Tokens,
        passage_of: NDArray[np.int32],
        text_keys: TextKeys,
        keys: Mapping[str, str],
    ) -> None:
        self.tokens = tokens
        self._passage_of = passage_of
        self._text_keys = text_keys
        self._stay: dict[str, _Place] = {}
        self._gone: list[_Place] = []
        sentence = passage = 0
        for file in manifest.files:
            place = _Place(file, sentence, passage)
            if keys.get(file.source) == file.key:
                self._stay[file.source] = place
            else:
                self._gone.append(place)
            sentence, passage = sentence + file.sentences, passage + file.passages

    def __len__(self) -> int:
        """Files that stay as they are."""
        return len(self._stay)

    @property
    def files(self) -> list[IndexedFile]:
        """The files that stay as they are."""
        return [place.file for place in self._stay.values()]

    @property
    def gone(self) -> list[IndexedFile]:
        """The files that have changed or are no more."""
        return [place.file for place in self._gone]

    def find(self, source: str) -> tuple[IndexedFile, int] | None:
        """The file as it was indexed and its first row then; None where it is new or has changed."""
        place = self._stay.get(source)
        return (place.file, place.sentence) if place else None

    def passage_of(self, first: int, count: int) -> NDArray[np.int32]:
        """The passages' numbers of that many rows."""
        return np.asarray(self._passage_of[first : first + count])

    def keys_of(self, source: str) -> TextKeys:
        """Those of the texts of a file that stays."""
        return self._slice(self._stay[source])

    def gone_texts(self) -> Iterator[tuple[str, list[str], NDArray[np.uint64]]]:
        """Of each file that is gone: a collection's name, and the identifiers and keys of its texts there."""
        for place in self._gone:
            keys = self._slice(place)
            for name, make_id in COLLECTIONS.items():
                of_file = getattr(keys, name)
                yield name, [make_id(place.file.source, number) for number in range(len(of_file))], of_file

    def _slice(self, place: _Place) -> TextKeys:
        return TextKeys(
            self._text_keys.sentences[place.sentence : place.sentence + place.file.sentences],
            self._text_keys.passages[place.passage : place.passage + place.file.passages],
        )
