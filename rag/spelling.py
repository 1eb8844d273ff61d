"""Misspelt words of a question, put right from the words that the articles use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches

from rag.converse import Standalone
from rag.lexical import LexicalIndex
from rag.words import find_words

SHORTEST = 5
"""Characters; shorter words are close to too many others."""

SIMILARITY = 0.82
"""Least ratio of matching characters (difflib's) between a word and what it is taken for."""


def correct_spelling(question: Standalone, lexical: LexicalIndex, is_word: Callable[[str], bool]) -> Standalone:
    """The question with each word that is no word at all, and not in the articles, replaced by their closest.

    `is_word` knows common words: a real word that the articles do not use is left alone, for its absence says much.
    A word with no close match, with digits, or of fewer than five letters is left alone too.
    """
    text, focus = question.question, question.focus
    for word in reversed(list(find_words(text))):
        if len(word.text) < SHORTEST or not word.text.isalpha() or lexical.knows(word.stem) or is_word(word.text):
            continue
        lower = word.text.lower()
        matches = get_close_matches(lower, lexical.forms_like(lower), n=1, cutoff=SIMILARITY)
        if matches:
            right = matches[0].capitalize() if word.text[0].isupper() else matches[0]
            text = text[: word.start] + right + text[word.end :]
            focus += len(right) - len(word.text) if word.start < focus else 0
    return replace(question, question=text, focus=focus)
