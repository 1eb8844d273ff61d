"""How a draft's words differ from an article's, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.atoms import Atom, find_atoms, is_word, normalise
from rag.schema import Article
from rag.words import STOP_WORDS

LONGEST = 5_000
"""Words and marks of a draft's text that are compared; the rest counts as put in."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of an article's text."""

    article: Article
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.article.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Near:
    """The stretch that is most like some words: how many words both have, and how many of these carry meaning; which
    share the common words are of all, and the common meaningful ones of the draft's; what differs.

    `difference` reads like `git diff --word-diff`: [-the article's words-]{+the draft's+}.
    """

    place: Place
    common: int
    similarity: float
    meaning: float
    difference: str


def align(ours: Sequence[Atom], article: Article, spans: Sequence[tuple[int, int]]) -> Near | None:
    """The part of a stretch, whose atoms stand at `spans`, most like the draft's; None without a common word."""
    theirs = [normalise(article.text[start:end]) for start, end in spans]
    blocks = _densest(_find_common(ours, theirs))
    if not blocks:
        return None
    lead, tail = blocks[0][0], len(ours) - blocks[-1][0] - blocks[-1][2]
    first = max(0, blocks[0][1] - lead)
    last = min(len(theirs), blocks[-1][1] + blocks[-1][2] + tail)
    while last > blocks[-1][1] + blocks[-1][2] and not is_word(theirs[last - 1]):
        last -= 1
    while first < blocks[0][1] and not is_word(theirs[first]):
        first += 1
    shared = [theirs[place] for _, start, size in blocks for place in range(start, start + size)]
    common = sum(map(is_word, shared))
    if not common:
        return None
    asked = sum(atom.is_word for atom in ours[:LONGEST]) + len(ours[LONGEST:]) + sum(map(is_word, theirs[first:last]))
    place = Place(article, spans[first][0], spans[last - 1][1])
    meaning = sum(map(_has_meaning, shared)) / max(1, sum(_has_meaning(atom.key) for atom in ours[:LONGEST]))
    return Near(place, common, 2 * common / asked, meaning, show_difference(ours, place))


def _has_meaning(key: str) -> bool:
    return is_word(key) and key.casefold() not in STOP_WORDS


def _find_common(ours: Sequence[Atom], theirs: Sequence[str]) -> list[tuple[int, int, int]]:
    """Runs of equal atoms, as their place in both and their length: the longest common subsequence."""
    from rapidfuzz.distance import LCSseq  # compiled, and only a check of drafts needs it

    codes = LCSseq.opcodes([atom.key.casefold() for atom in ours[:LONGEST]], [key.casefold() for key in theirs])
    return [(c.src_start, c.dest_start, c.src_end - c.src_start) for c in codes if c.tag == "equal"]


def _densest(blocks: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Of runs in common those that lie together: a stray word far off does not count."""
    runs = list(blocks)
    while len(runs) > 1:
        gaps = [
            (runs[i + 1][1] - runs[i][1] - runs[i][2]) - (runs[i + 1][0] - runs[i][0] - runs[i][2])
            for i in range(len(runs) - 1)
        ]
        widest = max(range(len(gaps)), key=gaps.__getitem__)
        left, right = sum(r[2] for r in runs[: widest + 1]), sum(r[2] for r in runs[widest + 1 :])
        if gaps[widest] <= 2 * min(left, right) + 2:
            break
        runs = runs[: widest + 1] if left >= right else runs[widest + 1 :]
    return runs


def show_difference(ours: Sequence[Atom], place: Place) -> str:
    """What differs between the draft's words and the article's: [-the article's words-]{+the draft's+}."""
    spans = [match.span() for match in find_atoms(place.article.text, place.start, place.end)]
    theirs = [normalise(place.article.text[start:end]) for start, end in spans]
    parts: list[tuple[str, bool]] = []
    a = c = 0
    runs = [run for run in _find_common(ours, theirs) if run[2]]
    for b, d, size in [*_split_by_case(ours, theirs, runs), (len(ours), len(theirs), 0)]:
        parts.append(_show_change(ours[a:b], place.article.text, spans[c:d]))
        if size:
            text = place.article.text[spans[d][0] : spans[d + size - 1][1]]
            parts.append((text, d > 0 and place.article.text[spans[d][0] - 1].isspace()))
        a, c = b + size, d + size
    shown = "".join(f" {text}" if spaced else text for text, spaced in parts if text)
    return " ".join(shown.split())


def _split_by_case(
    ours: Sequence[Atom], theirs: Sequence[str], runs: Sequence[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """The runs without atoms whose case differs where it should not."""
    kept: list[tuple[int, int, int]] = []
    for a, b, size in runs:
        for place in range(size):
            same = ours[a + place].equals(theirs[b + place]) or (
                a + place == 0 and ours[0].key[1:] == theirs[b + place][1:]
            )
            if not same:
                continue
            if kept and kept[-1][0] + kept[-1][2] == a + place and kept[-1][1] + kept[-1][2] == b + place:
                kept[-1] = (*kept[-1][:2], kept[-1][2] + 1)
            else:
                kept.append((a + place, b + place, 1))
    return kept


def _show_change(ours: Sequence[Atom], text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, bool]:
    """A change as shown, and whether a blank stands before it."""
    left_out = text[spans[0][0] : spans[-1][1]].strip() if spans else ""
    put_in = "".join(f" {atom.text}" if atom.spaced else atom.text for atom in ours).strip()
    spaced = text[spans[0][0] - 1 : spans[0][0]].isspace() if spans else bool(ours) and ours[0].spaced
    return (f"[-{left_out}-]" if left_out else "") + (f"{{+{put_in}+}}" if put_in else ""), spaced
