"""Misspelt words of a question, put right from the words that the articles use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from rag.converse import Standalone
from rag.lexical import LexicalIndex
from rag.words import find_words

SHORTEST = 5
"""Letters; shorter words are close to too many others."""

LONG = 8
"""Letters from which on two slips are allowed instead of one: a letter too many, too few, wrong, or two exchanged."""


def correct_spelling(question: Standalone, lexical: LexicalIndex, is_word: Callable[[str], bool]) -> Standalone:
    """The question with each word that is no word at all, and not in the articles, replaced by their closest.

    `is_word` knows common words: a real word that the articles do not use is left alone, for its absence says much.
    A word with no close match, with digits, or of fewer than five letters is left alone too.
    """
    text, focus = question.question, question.focus
    for word in reversed(list(find_words(text))):
        if len(word.text) < SHORTEST or not word.text.isalpha() or lexical.knows(word.stem) or is_word(word.text):
            continue
        slips = 1 + (len(word.text) >= LONG)
        match = extractOne(word.text.lower(), lexical.forms, scorer=OSA.distance, score_cutoff=slips)
        if match:
            right = match[0].capitalize() if word.text[0].isupper() else match[0]
            text = text[: word.start] + right + text[word.end :]
            focus += len(right) - len(word.text) if word.start < focus else 0
    return replace(question, question=text, focus=focus)
