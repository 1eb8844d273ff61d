"""The words of a text that weaken, deny or hand on what it says."""

from __future__ import annotations

import re

from rag.words import STOP_WORDS, stem_word, stems

_EVIDENCE = (
    r"reportedly|allegedly|purportedly|supposedly|apparently|seemingly|ostensibly|presumably|rumou?red|unconfirmed|alleged|"
    r"according\sto|(?:is|are|was|were|be)\s(?:said|believed|thought|understood|reported|known|alleged)\sto|"
    r"claim(?:s|ed|ing)?\sthat|claim(?:s|ed)\b|suspected\sof|accus(?:es?|ed|ing)\b(?:\s[\w’'-]+){0,4}?\sof|accused"
)
_CHANCE = (
    r"(?:most\s|very\s|more\s)?(?:un)?likely|probably|possibly|perhaps|maybe|potentially|could|might|may|should(?!\sbe\s(?:noted|recalled|said|stressed|added|remembered)\b)|"
    r"(?:appear|seem)(?:s|ed|ing)?\sto|tends?\sto|remains?\sto\sbe\sseen|ought\sto"
)
_PLANS = (
    r"(?:(?:is|are|was|were|be|been)\s)?(?:expected|planned|planning|set|scheduled|projected|poised|supposed|willing|"
    r"ready|prepared|considering|proposed|seeking|hoping|aiming|intending|intended)\sto|"
    r"(?:is|are|was|were|be)\sdue\sto(?=\s(?!the\b|a\b|its\b|their\b)[a-z])|"
    r"(?:plan|intend|aim|hope|seek|want|stand|propose|promise|pledge|vow|expect|agree)(?:s|ed)?\sto|sought\sto|"
    r"(?:plan|hope|aim|intend)(?:s|ned|ed|ning)?\son|(?:is|are|was|were)\s(?:being\s)?consider(?:ed|ing)|in\stalks|hopefully"
)
_DENIALS = (
    r"no\slonger|no\sone|not(?!\s(?:only|just|merely)\b)|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly|barely|"
    r"scarcely|denie[sd]|deny(?:ing)?|no(?!\s(?:doubt|later|sooner)\b)(?!\.?\s?\d)|[^\W\d_]+n[’']t\b(?!\s(?:only|just)\b)"
)
_CONDITIONS = r"(?:only\s|even\s)?(?<!as\s)(?<!what\s)if|unless|provided\sthat|in\scase|whether"
_AMOUNT = (
    r"(?:more\sthan|less\sthan|fewer\sthan|at\sleast|at\smost|as\s(?:many|much)\sas|close\sto|up\sto|about|around|some|"
    r"roughly|nearly|(?:over|under)(?!\s(?:[\w-]+\s){1,2}(?:year|decade|month|week|day|hour)s?\b)|below|above|just\sover|just\sunder|an\sestimated|an?\saverage\sof|circa)"
    r"(?=\s(?:[$€£¥₼]\s?)?(?:\d|(?:a\s)?(?:half|third|quarter|dozen|hundred|thousand|million|billion|one|two|three|four|five|"
    r"six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b))"
)
_ALWAYS_AMOUNT = r"almost|approximately|estimated(?!\sto)"
_HEDGE = re.compile(
    rf"(?=[a-z])(?<![\w’'-])(?:{_AMOUNT}|{_ALWAYS_AMOUNT}|{_PLANS}|{_EVIDENCE}|{_CHANCE}|{_DENIALS}|{_CONDITIONS})(?![\w’'-])",
    re.IGNORECASE,
)
_AMOUNTS = re.compile(_AMOUNT.split("(?=\\s(?:[$", maxsplit=1)[0] + f"|{_ALWAYS_AMOUNT}", re.IGNORECASE)
_KEEPS = re.compile(
    r"\b(?:would|risks?|possib\w+|potential\w*|warn\w*|fears?|feared|said|says?|told|report\w*|suggest\w*|argu\w+|claim\w*|"
    r"predict\w*|prospects?|plans?|planned|proposal|intention|hopes?|aims?|expectations?|forecasts?)\b",
    re.IGNORECASE,
)
"""Other words with which a claim hands on that something is not certain."""

_CLAUSE_END = re.compile(r"[,;:.!?—–‘“«\"]|\b(?:which|who|that|and|but)\b")
_LOWER = re.compile(r"(?<![\w’'-])[a-z][a-z-]+(?![’'\w])")
_AUXILIARIES = frozenset("be been being have has had become also able to do does did".split())
_CAN = re.compile(r"(?<![\w’'-])can(?=\s(?!of\b)[a-z])(?![\w’'-])", re.IGNORECASE)
_NO_VERB_BEFORE = re.compile(r"(?:\b(?:a|an|the|this|that|tin|each|every|your|my|his|her)\s)\Z", re.IGNORECASE)
_MONTH = re.compile(
    r"(?:\b(?:in|on|of|since|until|by|last|next|this|early|late|mid|to|from|and|after|before|between)[\s-]|\d\s|\d[a-z]{2}\s|,\s)\Z",
    re.IGNORECASE,
)
_DENIAL = re.compile(rf"(?:{_DENIALS})\Z", re.IGNORECASE)
_BEFORE = re.compile(
    r"(?:\b(?:not|never|no|almost|nearly|about|around|approximately|roughly|some|over|under|below|above|reportedly|allegedly|"
    r"possibly|probably|perhaps|an\sestimated|estimated|more\sthan|less\sthan|fewer\sthan|no\smore\sthan|no\sless\sthan|"
    r"at\sleast|at\smost|up\sto|as\smany\sas|as\smuch\sas|close\sto|just\sover|just\sunder|likely|reported)[\s-])+\Z",
    re.IGNORECASE,
)


def find_hedges(text: str) -> tuple[str, ...]:
    """The text's hedges, denials, conditions and words such as "about" before a figure, as they stand, each once."""
    found: dict[str, str] = {}
    for match in _find_places(text.replace("\u00a0", " ")):
        words = " ".join(match[0].split())
        found.setdefault(words.casefold(), words)
    return tuple(found.values())


def _find_places(text: str) -> list[re.Match[str]]:
    places = [match for match in _HEDGE.finditer(text) if not _is_month(text, match)]
    places += [m for m in _CAN.finditer(text) if not _NO_VERB_BEFORE.search(text[max(0, m.start() - 8) : m.start()])]
    return sorted(places, key=lambda match: match.start())


def is_denial(hedge: str) -> bool:
    """Whether the words deny and not only weaken."""
    return bool(_DENIAL.match(hedge))


def hedge_before(text: str, place: int) -> int:
    """Where the words begin that stand directly before a place and change what follows; the place if there are none."""
    match = _BEFORE.search(text, max(0, place - 60), place)
    return match.start() if match else place


def lacks_hedge(claim: str, sentence: str) -> str:
    """The sentence's first hedge whose matter the claim states outright; "" where it keeps one, or is of other things.

    Amounts ("about") and denials are not looked at. The matter is the first word behind the hedge, or half of the
    first four up to the clause's end; names do not count.
    """
    if any(not is_denial(hedge) and not _AMOUNTS.fullmatch(hedge) for hedge in find_hedges(claim)) or _KEEPS.search(
        claim
    ):
        return ""
    said = set(stems(claim))
    for match in _find_places(sentence.replace("\u00a0", " ")):
        if is_denial(match[0]) or _AMOUNTS.fullmatch(match[0]):
            continue
        clause = _CLAUSE_END.split(sentence[match.end() : match.end() + 200], maxsplit=1)[0]
        matter = [stem_word(w) for w in _LOWER.findall(clause) if w not in STOP_WORDS and w not in _AUXILIARIES][:4]
        kept = [stem in said for stem in matter]
        if matter and (kept[0] or 2 * sum(kept) >= len(kept)):
            return match[0]
    return ""


def _is_month(text: str, match: re.Match[str]) -> bool:
    """Whether "May" is the month: capitalised inside of a sentence, or beside a day, a year or "in"."""
    if match[0] != "May":
        return False
    behind = text[match.end() : match.end() + 6]
    opens = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in '.!?:“‘"'
    return (
        not opens
        or bool(_MONTH.search(text[max(0, match.start() - 12) : match.start()]))
        or bool(re.match(r"\s\d|\s?,", behind))
    )
