"""Misspelt words of a question, put right from the words that the articles use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from rag.converse import Standalone
from rag.lexical import Lexicon
from rag.words import find_words

SHORTEST = 5
"""Letters; shorter words are close to too many others, and are only compared with the question's own words."""

LONG = 12
"""Letters from which on two slips are allowed instead of one: a letter too many, too few, wrong, or two exchanged."""

_ASKING = frozenset(
    "about because between could does many much should their there through what when where which whom would".split()
)
"""Words that questions are made of, and that are mistyped as often as others."""


def correct_spelling(question: Standalone, lexical: Lexicon, is_word: Callable[[str], bool]) -> Standalone:
    """The question with each word that is no word at all, and not in the articles, replaced by their closest.

    `is_word` knows common words: a real word that the articles do not use is left alone, for its absence says much.
    So is a word with no close match, with digits, or in capitals only. A slip in the first letter is not considered.
    """
    text, focus = question.question, question.focus
    for word in reversed(list(find_words(text))):
        if not word.text.isalpha() or word.text.isupper() or lexical.knows(word.stem) or is_word(word.text):
            continue
        match = _closest(word.text.lower(), lexical)
        if match:
            right = match.capitalize() if word.text[0].isupper() else match
            text = text[: word.start] + right + text[word.end :]
            focus += len(right) - len(word.text) if word.start < focus else 0
    return replace(question, question=text, focus=focus)


def _closest(word: str, lexical: Lexicon) -> str | None:
    """The articles' closest word, or else the closest of the words that questions are made of.

    Of equally close ones, the one with the same letters in another order.
    """
    pools: list[Iterable[str]] = [lexical.forms, _ASKING] if len(word) >= SHORTEST else [_ASKING]
    for pool in pools:
        alike = [form for form in pool if form[0] == word[0]]
        matches = extract(word, alike, scorer=OSA.distance, score_cutoff=1 + (len(word) >= LONG), limit=None)
        if matches:
            return min(matches, key=lambda match: (match[1], sorted(match[0]) != sorted(word)))[0]
    return None
