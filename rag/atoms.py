"""Words and punctuation as they are compared: without regard to quote marks, blanks, Markdown and kinds of dashes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from html import unescape
from typing import Literal

ELLIPSIS, BRACKET = 300, 15
"""Words and marks of an article that "…" and "[words]" may stand for."""

_JOIN = "\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufe0f\ufeff"
_LETTERS = rf"[^\W\d_](?:[^\W\d_]|[{_JOIN}])*"
_ATOM = re.compile(
    rf"\d+(?:[.,]\d+)*|{_LETTERS}(?:['’‘ʼ′´`]{_LETTERS})*|[^\W_]"
    rf"|\s[-‐‑‒–—―−]+\s|[—―]|-{{2,}}|[-‐‑‒–−]"
    rf"|[^\w\s{_JOIN}“”„‟«»‹›‘’‚‛'\"`´′″‵＂「」『』《》〈〉〝〞〟❝❞\[\]*~\\]"
)
_DOTS = r"(?:…|\.(?:\s?\.){2,})"
_SPLIT = re.compile(
    rf"[\[(]?{_DOTS}(?:\s?{_DOTS})*[\])]?"
    r"|(?<=[^\W\d_])\[(?P<ending>[^\W\d_]{1,4})\](?![^\W\d_])"
    r"|\[(?P<inserted>[^\[\]]{1,200})\]"
)
_FIRST = re.compile(r"\[([^\W\d_])\](?=[^\W\d_])")
_COMMENT = re.compile(r"\[(?i:sic!?|emphasis (?:added|mine|ours)|my emphasis|italics (?:added|mine)|citation needed)\]")
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:\s\"[^\"\n]*\")?\)")
_NOTE = re.compile(
    r"\[\^[^\]\s]{1,40}\]|(?<=[^\s\[])\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|\[\d{1,3}\](?=[\s.,;:!?]*$)"
    r"|(?<=[.,;:!?])[¹²³⁰⁴-⁹]+"
)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_ESCAPABLE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_PROTECTED = {character: chr(0xFDD0 + number) for number, character in enumerate(_ESCAPABLE)}
"""Stand for characters that a backslash escapes, while markup is removed: Unicode has set them aside for such uses."""

_UNPROTECTED = str.maketrans({stand_in: character for character, stand_in in _PROTECTED.items()})
_ESCAPED_BRACKET = re.compile(r"\\([\[\]])")
_BLOCK_MARK = re.compile(r"(?<=[\r\n])[ \t]{0,3}>[ \t>]*")
_EDGE = frozenset(".,;:!?—-")
_DENIALS = frozenset("not nt non un".split())


@dataclass(frozen=True, slots=True)
class Atom:
    """A word, number or mark of a draft: as written, as it is compared, and whether a blank stands before it.

    `match` says how it equals a word of an article: exactly, but for the case of its first letter or of all, or as the
    beginning of it ("interfere[d]" for "interferes").
    """

    text: str
    key: str
    spaced: bool
    match: Literal["exact", "first", "any", "beginning"] = "exact"

    def equals(self, key: str) -> bool:
        if self.match == "first":
            return self.key[:1].casefold() == key[:1].casefold() and self.key[1:] == key[1:]
        if self.match == "any":
            return self.key.casefold() == key.casefold()
        if self.match == "beginning":
            return key.startswith(self.key) and len(key) <= len(self.key) + 4 and "'" not in key[len(self.key) :]
        return self.key == key

    @property
    def is_word(self) -> bool:
        return is_word(self.key)


@dataclass(frozen=True, slots=True)
class Gap:
    """What a quotation leaves out: how many atoms at most, and the words in brackets that stand there instead."""

    most: int
    inserted: str


@dataclass(frozen=True, slots=True)
class Wording:
    """A quotation as runs of atoms with gaps between them; the first and the last run may be empty."""

    parts: tuple[tuple[Atom, ...], ...]
    gaps: tuple[Gap, ...]

    @property
    def atoms(self) -> list[Atom]:
        """All atoms in order, words that were put in as one each."""
        atoms = [*self.parts[0]]
        for gap, part in zip(self.gaps, self.parts[1:], strict=True):
            if gap.inserted:
                atoms.append(Atom(f"[{gap.inserted}]", "", True))
            atoms += part
        return atoms


@lru_cache(maxsize=4)
def read_wordings(quote: str) -> tuple[Wording, ...]:
    """The ways to read a quotation, most literal first: words in brackets as the article's own, or as put in."""
    texts = read_texts(quote)
    found = [_read_wording(text, literal=True) for text in texts]
    cleaned = texts[1:] or texts
    found += [_read_wording(text, literal=False) for text in cleaned if any(map(_has_brackets, _SPLIT.finditer(text)))]
    return tuple(dict.fromkeys(wording for wording in found if any(wording.parts)))


def read_texts(quote: str) -> tuple[str, ...]:
    """What a quotation may say: character by character, as Markdown shows it, and with escaped brackets as brackets,
    for which some editors write them.
    """
    return tuple(dict.fromkeys((quote, clean(quote), clean(_ESCAPED_BRACKET.sub(r"\1", quote)))))


def _has_brackets(match: re.Match[str]) -> bool:
    return bool(match["inserted"] or match["ending"])


def _read_wording(text: str, *, literal: bool) -> Wording:
    parts: list[list[Atom]] = [[]]
    gaps: list[Gap] = []
    place = 0
    for match in _SPLIT.finditer(text):
        ending, inserted = match["ending"], match["inserted"]
        if (ending or inserted) and (literal or (ending and ending.casefold() in _DENIALS)):
            if literal:
                continue
            inserted = ending
        parts[-1] += read_atoms(text[place : match.start()])
        place = match.end()
        if inserted or not ending:
            gaps.append(Gap(BRACKET if inserted else ELLIPSIS, (inserted or "").strip()))
            parts.append([])
        elif parts[-1]:
            word = parts[-1][-1]
            parts[-1][-1] = replace(word, text=f"{word.text}[{ending}]", match="beginning")
    parts[-1] += read_atoms(text[place:])
    return _trim(parts, gaps, shouted=text.isupper() and len(text.split()) > 2)


def _trim(parts: list[list[Atom]], gaps: list[Gap], *, shouted: bool) -> Wording:
    """Runs without punctuation at their ends; gaps of nothing at the ends of the whole, and empty runs, are dropped."""
    runs = [_trim_run(part) for part in parts]
    kept = [runs[0]]
    between: list[Gap] = []
    for gap, run in zip(gaps, runs[1:], strict=True):
        if between and not kept[-1] and not gap.inserted and not between[-1].inserted:
            kept[-1] = run
            continue
        between.append(gap)
        kept.append(run)
    while between and not kept[0] and not between[0].inserted:
        del kept[0], between[0]
    while between and not kept[-1] and not between[-1].inserted:
        del kept[-1], between[-1]
    if shouted:
        kept = [[replace(atom, match="any") for atom in run] for run in kept]
    return Wording(tuple(map(tuple, kept)), tuple(between))


def _trim_run(atoms: list[Atom]) -> list[Atom]:
    start, end = 0, len(atoms)
    while start < end and atoms[start].key in _EDGE and not _is_sign(atoms[start : start + 2]):
        start += 1
    while end > start and atoms[end - 1].key in _EDGE:
        end -= 1
    run = atoms[start:end]
    if run and run[0].match == "exact":
        run[0] = replace(run[0], match="first")
    return run


def _is_sign(atoms: list[Atom]) -> bool:
    """Whether an atom is the minus of a number behind it."""
    if len(atoms) < 2 or atoms[0].key != "-" or atoms[1].spaced:
        return False
    return atoms[1].key[0].isdigit() or atoms[1].key in "$€£¥"


def read_atoms(text: str) -> list[Atom]:
    """The words and marks of a text, in order."""
    atoms = []
    for match in _ATOM.finditer(text):
        spaced = match.start() == 0 or text[match.start() - 1].isspace() or match[0][0].isspace()
        atoms.append(Atom(match[0].strip(), normalise(match[0]), spaced))
    return atoms


def is_word(key: str) -> bool:
    """Whether an atom is a word or a number and no mark."""
    return any(map(str.isalnum, key))


def find_atoms(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Where the words and marks of an article stand; what `normalise` takes are the matches' texts."""
    return _ATOM.finditer(text, start, end)


@lru_cache(maxsize=50_000)
def normalise(atom: str) -> str:
    """A word or mark as it is compared: without soft hyphens, letters composed, one kind of apostrophe and dash."""
    if atom[0].isspace() or atom[0] in "—―" or atom.startswith("--"):
        return "—"
    if atom in "-‐‑‒–−":
        return "-"
    bare = re.sub("[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]", "", atom)
    return re.sub("['’‘ʼ′´`]", "'", unicodedata.normalize("NFKC", bare)) or atom


def clean(quote: str) -> str:
    """A quotation without Markdown, tags, entities, footnote marks and remarks such as "[sic]"; what a backslash
    escapes is none of these.
    """
    text = _ESCAPED.sub(lambda match: _PROTECTED[match[1]], _BLOCK_MARK.sub("", quote))
    text = unescape(_TAG.sub("", _BREAK.sub(" ", text)))
    for pattern, replacement in ((_LINK, r"\1"), (_COMMENT, ""), (_NOTE, ""), (_FIRST, r"\1")):
        text = pattern.sub(replacement, text)
    return text.translate(_UNPROTECTED)
