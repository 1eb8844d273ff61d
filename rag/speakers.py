"""Whose words a text gives: in an article, where the name may stand sentences away, and in a draft."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.attribution import Attribution, find_attributions
from rag.names import is_name, name_words, same_person
from rag.phrases import Token, find_leading_subject, find_subject_behind, read_phrase, tokenize
from rag.quotations import find_quotation_groups
from rag.references import Referents
from rag.schema import Sentence

__all__ = ["find_attribution", "find_speaker", "find_speaker_of", "is_name", "name_words", "same_person"]

FARTHEST = 8
"""Sentences of one quotation, or between a fragment and what it goes on with, that are followed back."""

AROUND = 80
"""Sentences before one that are looked at for who is who."""

_LINE_START = re.compile(r"^(?:[\s>*_•-]|\d{1,3}[.)]\s)+")
_CLOSING = re.compile(r"[\s\u00a0]*[’”»\"')\],.]*[\s\u00a0]*")
_SIGNATURE = re.compile(r"[\s>]*(?:—|–|--|-)[\s\u00a0]*(?=\w)")
_MADE_BY = re.compile(r"(?:(?:was|were|is|are)\s\w+\s)?(?:by|from)\s+(?=[^\W\d_])")
_TRAILING = re.compile(r",[’”»\"']?\s(?!and\b|but\b|while\b|who\b|which\b|as\b)(?:the\s|a\s|an\s)?[^,]{1,60}\Z")
"""What comes before the verb where a whole sentence is somebody's: "…, Aghayev said."."""

_SECOND_PART = re.compile(r";\s(?:[^;“‘«”»’\"]|’(?=\w))*\Z")
"""What comes before the verb where it holds for the words behind a semicolon alone: "It cost 4; they claimed 5"."""

_WHEN = re.compile(r"\W*(?:(?:on|in|at|last|this|late|early)\b.*)?\Z", re.DOTALL)
"""What may stand behind the verb of a whole sentence's speaker."""

_FRAGMENT = re.compile(r"(?:As well as|Including|Nor|Among them)\b")
_ANSWER = re.compile(r"[\s\u00a0]*(?P<name>[^\s:“‘«\"][^:“‘«\"\n]{0,60}):[\s\u00a0]*[“‘«\"]?")


def find_speaker_of(sentences: Sequence[Sentence], first: int, last: int) -> str:
    """Whom the article gives the words of its sentences `first` to `last` to; "" for the outlet's own voice.

    "" too where the sentences are not all of one speaker. A pronoun or a role is the person that the sentences before
    name so, a surname the full name; a role that nobody is named with stays as it is.
    """
    start = max(0, first - AROUND)
    sentences, first, last = sentences[start : last + FARTHEST], first - start, last - start
    groups = find_quotation_groups(sentences)
    speakers = [_find_speaker(sentences, number, groups) for number in range(first, last + 1)]
    return speakers[0] if all(_agree(speakers[0], speaker) for speaker in speakers) else ""


def _agree(one: str, other: str) -> bool:
    return one == other or same_person(one, other)


def _find_speaker(sentences: Sequence[Sentence], number: int, groups: Sequence[tuple[int, int]]) -> str:
    """The speaker of one sentence: of the quotation that it is part of, or of its own words."""
    for _ in range(FARTHEST):
        group = next((group for group in groups if group[0] <= number <= group[1]), None)
        for place in dict.fromkeys((number, *reversed(group)) if group else (number,)):
            attribution = _find_main(sentences[place].text)
            if attribution and (place == number or group):
                return Referents(sentences, place).resolve(attribution.speaker, attribution.start)
        if group is None and not _FRAGMENT.match(sentences[number].text):
            return ""
        number = (group[0] if group else number) - 1
        if number < 0 or sentences[number + 1].paragraph - sentences[number].paragraph > 1:
            return ""
    return ""


def _find_main(text: str) -> Attribution | None:
    """The attribution that holds for the sentence as a whole; None where it is the writer's own statement."""
    named = _ANSWER.match(text)
    if named and _is_person(named["name"]):
        return Attribution(read_phrase(tokenize(named["name"])), 0, named.end("name"))
    found = find_attributions(text)
    if found and _TRAILING.search(text[: found[-1].start]) and len(text[found[-1].end :].split()) <= 5:
        return None if _is_second_part(text, found[-1]) and not _WHEN.match(text[found[-1].end :]) else found[-1]
    return found[0] if found and not found[0].nested and not _is_second_part(text, found[0]) else None


def _is_second_part(text: str, found: Attribution) -> bool:
    return bool(_SECOND_PART.search(text[: found.start]))


def _is_person(words: str) -> bool:
    """Whether the words in front of a colon are nothing but a name of two or more words."""
    tokens = tokenize(words)
    name = read_phrase(tokens)
    return 2 <= len(name.split()) <= 5 and name[0].isupper() and all(token.capital for token in tokens)


def find_speaker(text: str) -> str:
    """The first name that the text, outside of quote marks, gives its words to; "" where it names nobody."""
    return next((found.speaker for found in find_attributions(text) if found.speaker[0].isupper()), "")


def find_attribution(before: str, after: str) -> str:
    """To whom a draft gives a quotation, from its words before and behind it; "" where it does not say.

    Directly behind ("said Xi", "— Xi", "(Xi, 2025)") wins, else the last before. A pronoun is the last name before it.
    """
    behind = _CLOSING.sub("", after, count=1)
    speaker = _read_signature(behind) or _read_behind(behind) or _read_before(before)
    return Referents.of_text(before).resolve(speaker, len(before)) if speaker else ""


def _read_signature(behind: str) -> str:
    """Of "— Xi Jinping" and "(Xi, 2025)" the name."""
    dash = _SIGNATURE.match(behind)
    bracket = re.match(r"[(\[](?P<name>[^()\[\]\d\n]{1,80}?)(?:,[^()\[\]\n]{0,80})?[)\]]", behind)
    signed = behind[dash.end() :][:120].split("\n", 1)[0] if dash else bracket["name"] if bracket else ""
    tokens = tokenize(signed)
    name: list[Token] = []
    for token in tokens:
        if not token.word:
            break
        name.append(token)
    subject = read_phrase(name[:12]) if name else ""
    return subject if subject[:1].isupper() or (dash and len(name) <= 6 and not bracket) else ""


def _read_behind(behind: str) -> str:
    """The first attribution of the sentence that goes on behind a quotation."""
    sentence = _cut_sentence(behind)
    made = _MADE_BY.match(sentence)
    if made:
        return find_subject_behind(tokenize(sentence[made.end() :]), 0)
    found = find_attributions(f"“”, {sentence}")
    if not found or found[0].start - 4 > FAR_BEHIND:
        return ""
    comma = sentence.find(",", 0, found[0].start - 4)
    own_sentence = sentence[:1].isupper() and comma >= 0 and found[0].speaker not in sentence[:comma]
    return "" if own_sentence else found[0].speaker


FAR_BEHIND = 160
"""Characters between a quotation and the verb of saying that follows it."""


def _cut_sentence(text: str) -> str:
    """The text up to where a sentence ends; a full stop behind a title or an initial does not end one."""
    for stop in re.finditer(r"[.!?]+[’”»\"')]*\s+(?=[A-Z“‘«\"])|\n\s*\n|[“«‘\"]", text[:2_000]):
        if not re.search(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Sen)|\b[A-Z])\Z", text[: stop.start()]):
            return text[: stop.start() + 1]
    return text[:2_000]


def _read_before(before: str) -> str:
    """The last attribution before a quotation, or the name that introduces it with a colon."""
    window = before[-1_500:]
    bare = window.rstrip("“‘«\"'(>*_ \n\u00a0")
    introduces = bare.endswith(":")
    if introduces:
        line = _LINE_START.sub("", _last_sentence(bare)).strip(" *_>:\u00a0")
        name = "" if len(line) > 80 or find_attributions(line) else read_phrase(tokenize(line))
        if name[:1].isupper() and len(name.split()) <= 5:
            return name
    found = find_attributions(bare + " “…”")
    if found:
        return found[-1].speaker
    subject = find_leading_subject(tokenize(_last_sentence(bare))) if introduces else ""
    return subject if subject[:1].isupper() else ""


def _last_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])[’”»\"')]{0,3}\s+(?=[A-Z“‘«\"])|\n", text)[-1]
