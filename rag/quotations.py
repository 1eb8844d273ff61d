"""Which words say whose a quotation is, also when they stand a sentence or a paragraph away from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.schema import Sentence, Span

MAX_RUN = 6
"""Sentences; an attribution further away than this is not looked for."""

_SPEECH = re.compile(
    r"\b(?:said|says|say|saying|told|tells|stated?|states|stating|adds?|added|adding|noted?|notes|warn(?:s|ed)|according|"
    r"claim(?:s|ed)|argu(?:es|ed)|writes|wrote|declared?|declares|stress(?:es|ed)|suggest(?:s|ed)|explain(?:s|ed)|"
    r"announc(?:es|ed)|remark(?:s|ed)|quot(?:es|ed|ing)|reported?|replied|answered|asked|insist(?:s|ed)|"
    r"emphasi[sz](?:es|ed)|recall(?:s|ed)|commented|concluded|described?|describes)\b",
    re.IGNORECASE,
)
_PAIRS = {"‘": "’", "“": "”", "«": "»"}


def attribute_quotations(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The same sentences, those inside a quotation with the run that also holds its attribution.

    A quotation may run over several sentences of a paragraph, or over paragraphs that each open a quote mark anew.
    """
    groups = find_quotation_groups(sentences)
    result = list(sentences)
    for first, last in groups:
        speaker = _find_attribution(sentences, first, last)
        if speaker is None:
            continue
        for number in range(first, last + 1):
            run = Span(min(number, speaker), max(number, speaker))
            if number != speaker and run.end - run.start < MAX_RUN:
                result[number] = replace(
                    sentences[number], quotation=Span(sentences[run.start].start, sentences[run.end].end)
                )
    return result


def find_quotation_groups(sentences: Sequence[Sentence]) -> list[tuple[int, int]]:
    """Runs of sentences, as first and last number, that lie wholly or partly inside one quotation."""
    groups: list[tuple[int, int]] = []
    closer, first = "", 0
    for number, sentence in enumerate(sentences):
        if closer and sentence.paragraph != sentences[number - 1].paragraph:
            groups.append((first, number - 1))
            closer = ""
        opened_before = bool(closer)
        starts_quoted = sentence.text[0] in "‘“«\"'"
        closer = _still_open(sentence.text, closer)
        if closer and not opened_before:
            first = number
        elif opened_before and not closer:
            groups.append((first, number))
        elif not opened_before and starts_quoted and not _outside(sentence.text):
            groups.append((number, number))
    if closer:
        groups.append((first, len(sentences) - 1))
    return groups


def _still_open(text: str, closer: str) -> str:
    """The quote mark that would close the quotation which is open at the end of the text; "" when none is."""
    for position, character in enumerate(text):
        if closer:
            if character in (closer, '"' if closer == "”" else closer) and not _is_apostrophe(text, position):
                closer = ""
        elif character in _PAIRS:
            closer = _PAIRS[character]
        elif character == '"' and not _is_inch(text, position):
            closer = "”"
    return closer


def _is_apostrophe(text: str, position: int) -> bool:
    """Whether a closing single mark is an apostrophe: inside a word, or behind a plural with more words to come."""
    if text[position] not in "’'":
        return False
    before, after = text[position - 1 : position], text[position + 1 : position + 2]
    if before.isalnum() and after.isalpha():
        return True
    return (
        before == "s" and after == " " and "’" in text[position + 1 :] and text[position + 2 : position + 3].islower()
    )


def _is_inch(text: str, position: int) -> bool:
    return text[position - 1 : position].isdigit() and text[position + 1 : position + 2] in ("", " ", ",")


def _outside(text: str) -> str:
    """What of a sentence lies outside its quote marks, when the marks close at all."""
    return re.sub(r"‘.*’|“.*[”\"]|\".*[”\"]|«.*»", "", text, flags=re.DOTALL).strip(" .,;:!?–—-")


def _find_attribution(sentences: Sequence[Sentence], first: int, last: int) -> int | None:
    """The number of the sentence that says who speaks: at the end, at the start, or just before the quotation."""
    for number in (last, first, first - 1):
        if number >= 0 and _SPEECH.search(_outside_open(sentences[number].text, number, first, last)):
            return number
    return None


def _outside_open(text: str, number: int, first: int, last: int) -> str:
    """The part of a sentence that is not quoted, where the quotation may open or close in its middle."""
    rest = re.sub(r"‘[^‘]*’(?!\w)|“[^“]*[”\"]|\"[^\"]*[”\"]|«[^«]*»", " ", text)
    if number == last and last > first:
        rest = re.split(r"[’”»\"](?!\w)", rest, maxsplit=1)[-1] if re.search(r"[’”»\"](?!\w)", rest) else ""
    elif number == first:
        rest = re.split(r"[‘“«\"]", rest, maxsplit=1)[0]
    return rest
