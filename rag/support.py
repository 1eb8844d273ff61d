"""Whether sentences bear a claim out: its figures, quotations, names and denials, and enough of its words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.figures import figure_places, lacks_figure, mixes_years
from rag.hedges import lacks_hedge
from rag.nations import any_same_nation
from rag.schema import Candidate
from rag.signals import context_parts
from rag.words import LIGHT_WORDS, STOP_WORDS, Word, find_words, stem_word, stems

LEAST_OWN, LEAST_SHARED = 0.35, 0.5
"""Share of a claim's words that its sentences must hold, and that these, what is around them or the question must: a
model that only repeats a question is borne out by nothing.
"""

_LINK = re.compile(r"\w+://|\bwww\.|\bmailto:|\S@\S|^\s*\|")
NEGATION = re.compile(
    r"\b(?:not|no(?!\s(?:more|less|fewer|later)\sthan)|never|none|nobody|nothing|neither|nor|without|cannot|hardly|denie[sd]|"
    r"deny|refus\w+|reject\w+|fail\w*|cancel\w*|stopp?\w*|ceas\w+)\b|n[’']t\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"(?:\b(?:not|never|cannot)|n[’']t)\W+(?!only\b)([^\W\d_]+)", re.IGNORECASE)
_DOUBLE_MARKS = re.compile(r"[“”„‟«»‹›❝❞〝〞″＂「」『』]|``|''|&quot;")
_QUOTED = re.compile(r"\"(?P<double>[^\"]+)\"|(?<!\w)[‘'‚’](?P<single>[^‘\"]{2,2000}?)[’'‘](?!\w)")
_NESTED = re.compile(r"[“„«][^“”„«»]*[“„«].*", re.DOTALL)
_GAP = re.compile(r"\s*(?:…|\.\.\.|\[[^\]]*\])\s*")
_PLAIN_WORD = re.compile(r"\w+(?:'\w+)*")
_ACRONYM = re.compile(r"\b[A-Z]{2,}\b(?!\$|\sdollar)")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff’'-]+")
_FOLD = re.compile(r"\w+fold")

_MULTIPLES = frozenset(
    stems(
        "double doubled twice triple tripled treble trebled quadruple quadrupled quintupled half halved third quarter "
        "dozens hundreds thousands millions billions decade century twenties thirties forties fifties sixties "
        "seventies eighties nineties"
    )
)
"""Figures that are no numbers: like these, they must stand in a claim's sentences."""

_OPPOSITES = tuple(
    (frozenset(stems(one)), frozenset(stems(other)))
    for one, other in (
        (
            "rise rose risen increase grow grew grown growth climb surge soar expand jump gain reach reached",
            "fall fell fallen decrease decline drop shrink shrank plunge reduce slump plummet collapse worsen",
        ),
        ("exports exported exporting", "imports imported importing"),
        ("strengthen", "weaken"),
        ("buy bought", "sell sold"),
        ("win won", "lose lost"),
    )
)
_AUXILIARIES = frozenset("a an the be been to in of on at by for as that so very all any have has had".split())
_TITLES = frozenset(
    "president prime minister foreign ambassador deputy chairman chairwoman chair leader spokesman "
    "spokeswoman secretary general mr mrs ms dr professor king queen prince commissioner director economist".split()
)
"""Words before a name that are no part of it."""

_OPENINGS = LIGHT_WORDS | frozenset(
    "according additionally although despite furthermore however instead meanwhile moreover overall recently "
    "reportedly similarly specifically therefore while".split()
)
"""Words that a claim may start with and that say nothing of the matter."""


def find_fault(claim: str, question: str, cited: Sequence[Candidate], candidates: Sequence[Candidate]) -> str:
    """What of the claim the cited sentences do not bear out; "" where they bear it out.

    `candidates` are all that the model was shown: what they write in lower case is no name.
    """
    words = list(find_words(claim))
    if not words:
        return "it says nothing"
    if _LINK.search(claim):
        return "it is no plain sentence"
    own = " ".join(c.sentence.text for c in cited)
    said = " ".join(part for c in cited for part in (c.sentence.text, *context_parts(c), c.article.publisher))
    missing = (
        lacks_figure(claim, own, " ".join(c.article.published for c in cited))
        or _lacks_quotation(claim, cited)
        or _lacks_word(claim, words, said, _find_common(question, candidates))
    )
    if missing:
        return f"“{missing}” stands in none of its sentences"
    mixed = mixes_years(
        claim, [(c.sentence.text, f"{' '.join(context_parts(c))} {c.article.published}") for c in cited]
    )
    if mixed:
        return f"its sentences give “{mixed}” for another year"
    unhedged = _leaves_hedge_out(claim, cited)
    if unhedged:
        return f"it leaves out “{unhedged}”"
    return _find_reversal(claim, own, said) or _find_strangeness(
        claim, words, set(stems(own)), {*stems(said), *stems(question)}
    )


def _lacks_quotation(claim: str, cited: Sequence[Candidate]) -> str:
    """The first words in quote marks that do not stand, in order, in one sentence or in neighbouring ones; also those
    behind a mark that nothing closes, and nested ones.
    """
    texts = [_plain(text) for text in _join(cited)]
    if nested := _NESTED.search(claim):
        return nested[0]
    marked = _DOUBLE_MARKS.sub('"', claim)
    if marked.count('"') % 2:
        return marked[marked.rindex('"') :]
    for quoted in _QUOTED.finditer(marked):
        words = quoted["double"] or quoted["single"]
        parts = [_plain(part) for part in _GAP.split(words) if part.strip()]
        together = len(parts) < 2 or any(len(part.split()) > 1 for part in parts)
        if not together or not any(_holds_in_order(text, parts) for text in texts):
            return words
    return ""


def _join(cited: Sequence[Candidate]) -> list[str]:
    """The sentences' texts, those that follow each other in an article as one."""
    texts: list[str] = []
    last: Candidate | None = None
    for candidate in sorted(cited, key=lambda c: c.key):
        if last and last.key == (candidate.article.source, candidate.number - 1):
            texts[-1] += f" {candidate.sentence.text}"
        else:
            texts.append(candidate.sentence.text)
        last = candidate
    return texts


def _holds_in_order(text: str, parts: Sequence[str]) -> bool:
    place = 0
    for part in parts:
        place = text.find(part, place)
        if place < 0:
            return False
    return True


def _plain(text: str) -> str:
    """The text's words between single blanks, whatever the case and the marks."""
    return f" {' '.join(_PLAIN_WORD.findall(text.casefold().replace('’', chr(39))))} "


def _lacks_word(claim: str, words: Sequence[Word], said: str, common: set[str]) -> str:
    """The claim's first name, or word for a multiple, that the text does not hold."""
    known = set(stems(said))
    spelled = {word.casefold() for word in re.findall(r"[^\W\d_]+", said)}
    unknown = next((name[0] for name in _ACRONYM.finditer(claim) if not re.search(rf"\b{name[0]}\b", said)), "")
    if unknown:
        return unknown
    for word in _without_figures(claim, words):
        if word.stem in known:
            continue
        opens = not claim[: word.start].rstrip(" \"'“‘«(*") or claim[: word.start].rstrip(" \"'“‘«(*")[-1] in ".!?:"
        foreign = not _LATIN.fullmatch(word.text)
        named = foreign or (any(map(str.isupper, word.text)) and not (opens and word.text.lower() in common))
        is_multiple = word.stem in _MULTIPLES or _FOLD.fullmatch(word.text)
        if is_multiple or (
            named and word.text.lower() not in _TITLES and not any_same_nation(word.text.casefold(), spelled)
        ):
            return word.text
    return ""


def _find_reversal(claim: str, own: str, said: str) -> str:
    """Where the claim denies what its sentences do not, leaves a denial of theirs out, or turns their direction."""
    denies = bool(NEGATION.search(claim))
    if denies and not NEGATION.search(said):
        return "it denies what none of its sentences denies"
    claimed, known = {stem_word(word) for word in re.findall(r"[^\W\d_]+", claim)}, set(stems(said))
    if not denies and any(stem_word(match[1]) in claimed - _AUXILIARIES for match in _DENIED.finditer(own)):
        return "it leaves out a denial"
    return "it says the opposite of its sentences" if turns_direction(claimed, known) else ""


def turns_direction(claimed: set[str], known: set[str]) -> bool:
    """Whether stems of a claim say that something rose, was sold or lost where stems of a text say the opposite."""
    return any(
        claimed & one and known & other and not known & one for pair in _OPPOSITES for one, other in (pair, pair[::-1])
    )


def _leaves_hedge_out(claim: str, cited: Sequence[Candidate]) -> str:
    """The hedge of the sentences that share most of the claim's words, where the claim has none; "" if one is plain."""
    said = set(stems(claim))
    shared = [len(said & set(stems(candidate.sentence.text))) for candidate in cited]
    closest = [c.sentence.text for c, count in zip(cited, shared, strict=True) if count == max(shared)]
    lacking = [lacks_hedge(claim, text) for text in closest]
    return lacking[0] if lacking and all(lacking) else ""


def _find_strangeness(claim: str, words: Sequence[Word], own: set[str], around: set[str]) -> str:
    """Whether too few of the claim's words are its sentences'; a claim may be a single figure."""
    weighty = {word.stem for word in _without_figures(claim, words) if word.text.lower() not in _OPENINGS}
    if not weighty:
        return "" if len(figure_places(claim)) == 1 else "it says nothing"
    if len(weighty & own) < LEAST_OWN * len(weighty) or len(weighty & around) < LEAST_SHARED * len(weighty):
        return "hardly any of its words stand in its sentences"
    return ""


def _without_figures(text: str, words: Sequence[Word]) -> list[Word]:
    figures = figure_places(text)
    return [word for word in words if not any(start <= word.start < end for start, end in figures)]


def _find_common(question: str, candidates: Sequence[Candidate]) -> set[str]:
    """Words that somebody wrote in lower case: at the start of a claim, these are no names."""
    texts = [question, *(candidate.sentence.text for candidate in candidates)]
    return (
        {word for text in texts for word in re.findall(r"\b[^\W\d_]+\b", text) if word.islower()}
        | STOP_WORDS
        | _OPENINGS
    )
