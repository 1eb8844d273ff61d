"""Checks a draft against the articles: is each quotation verbatim and by whom it says, does each figure stand there."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from rag.atoms import clean, read_atoms
from rag.concordance import Concordance, Match
from rag.differences import Near, Place, show_difference
from rag.drafts import Quotation, find_quotations, find_statements
from rag.errors import CitewellError, StoppedError
from rag.figure_check import check_statement
from rag.omissions import find_omission
from rag.schema import Article
from rag.speakers import find_attribution, is_name, name_words, same_person
from rag.surroundings import Surroundings, read_surroundings
from rag.verification import CheckedQuotation, Status, Verification
from rag.words import stems

MOST_CHECKED, MOST_FIGURES = 2_000, 10_000
"""Quotations, and sentences with figures, of one draft; its figures."""

LEAST_ALIKE, LEAST_COMMON, LEAST_MEANING = 0.6, 2, 0.5
"""Share and number of words in common, and share of the quotation's meaningful ones, from which on it is an altered one
and not another text.
"""

Item = TypeVar("Item")


def verify(draft: str, articles: Iterable[Article], stop: threading.Event | None = None) -> Verification:
    """Each quotation of the draft, and each figure in its own words, against the articles as they are.

    Raises CitewellError for a draft with more than `MOST_CHECKED` of either; StoppedError, which is one, soon after
    `stop` is set.
    """
    quotations = find_quotations(draft, MOST_CHECKED + 1)
    _refuse_many("quotations", len(quotations))
    statements = list(islice(find_statements(draft, quotations), MOST_CHECKED + 1))
    _refuse_many("sentences with figures", len(statements))
    _refuse_many("figures", sum(len(statement.figures) for statement in statements), MOST_FIGURES)
    texts = [*(q.quote for q in quotations), *(s.own for s in statements)]
    checker = _Checker(Concordance(_until(stop, articles), texts))
    return Verification(
        tuple(checker.check(quotation) for quotation in _until(stop, quotations)),
        tuple(
            figure
            for statement in _until(stop, statements)
            for figure in check_statement(statement, checker.concordance.find_dense(statement.own), checker.read)
        ),
    )


def _refuse_many(what: str, count: int, most: int = MOST_CHECKED) -> None:
    if count > most:
        raise CitewellError(f"The draft has more than {most:,} {what}. Check it in parts.")


def _until(stop: threading.Event | None, items: Iterable[Item]) -> Iterator[Item]:
    for item in items:
        if stop and stop.is_set():
            raise StoppedError("The check was stopped.")
        yield item


def verify_answer(
    answer: Mapping[str, Any], articles: Iterable[Article], stop: threading.Event | None = None
) -> Verification:
    """The quotes of an answer that was kept as JSON, against the articles as they are now.

    Raises CitewellError where it is no answer's JSON; StoppedError, which is one, soon after `stop` is set.
    """
    cited = _read_citations(answer)
    _refuse_many("citations", len(cited))
    checker = _Checker(Concordance(_until(stop, articles), [quote for *_, quote in cited]))
    texts = {article.source: article for article in checker.concordance.articles}
    checked = []
    for source, start, end, quote in _until(stop, cited):
        article = texts.get(source)
        if article and 0 <= start < end and article.text[start:end] == quote:
            checked.append(checker.report(Quotation(quote, 0, 0, "", ""), "verbatim", Place(article, start, end)))
            continue
        found = checker.check(Quotation(quote, 0, 0, "", ""), first=source)
        reason = f"'{source}' does not hold it at {start}–{end} any more" if article else f"'{source}' is gone"
        elsewhere = found.status == "verbatim" and found.source != source
        checked.append(dataclasses.replace(found, status="misattributed" if elsewhere else found.status, reason=reason))
    return Verification(tuple(checked), ())


def _read_citations(answer: Mapping[str, Any]) -> list[tuple[str, int, int, str]]:
    wrong = CitewellError("This JSON is no answer: 'citations' with source, start, end and quote is missing.")
    citations = answer.get("citations")
    if not isinstance(citations, list):
        raise wrong
    cited = []
    for citation in citations:
        if not isinstance(citation, dict):
            raise wrong
        source, start, end, quote = (citation.get(name) for name in ("source", "start", "end", "quote"))
        if not isinstance(source, str) or not isinstance(quote, str) or type(start) is not int or type(end) is not int:
            raise wrong
        source, quote = (text.encode("utf-8", "replace").decode("utf-8") for text in (source, quote))
        cited.append((source, start, end, quote))
    return cited


class _Checker:
    """The articles with their words' places; each is split into sentences once."""

    def __init__(self, concordance: Concordance) -> None:
        self.concordance = concordance
        self._read: dict[str, Surroundings] = {}
        self._outlets = {a.publisher: name_words(a.publisher) for a in concordance.articles if a.publisher}

    def read(self, article: Article) -> Surroundings:
        """The article as its sentences."""
        if article.source not in self._read:
            self._read[article.source] = read_surroundings(article)
        return self._read[article.source]

    def check(self, quotation: Quotation, first: str = "") -> CheckedQuotation:
        """The best that any place says to the quotation: verbatim, somebody else's, cut or with gaps that hide.

        Of places alike, one in the article `first` comes first, else one with more of the words around the quotation.
        """
        best: CheckedQuotation | None = None
        matches = self.concordance.find(quotation.quote)
        matches.sort(key=lambda m: (m.place.article.source != first, -self._count_shared(quotation, m.place)))
        for match in matches:
            checked = self._judge(quotation, match)
            if checked.status == "verbatim":
                return checked
            if best is None or (best.status, checked.status) == ("altered", "misattributed"):
                best = checked
        return best or self._find_outside(quotation) or self._judge_near(quotation)

    def _judge(self, quotation: Quotation, match: Match) -> CheckedQuotation:
        """What is to be said of a quotation whose words stand at a place."""
        around = self.read(match.place.article)
        omission = find_omission(match, quotation, around)
        if omission:
            difference = show_difference(match.wording.atoms, omission.place)
            return self.report(quotation, "altered", omission.place, difference=difference, reason=omission.reason)
        reason = self._find_misattribution(quotation, match.place)
        return self.report(quotation, "misattributed" if reason else "verbatim", match.place, reason=reason)

    def _find_outside(self, quotation: Quotation) -> CheckedQuotation | None:
        """A quotation whose words stand only outside of the articles' bodies: it may be a title, else it is none."""
        for match in self.concordance.find(quotation.quote, in_body=False):
            place = match.place
            same = [a.key.casefold() for a in read_atoms(clean(quotation.quote)) if a.is_word]
            if same == [a.key.casefold() for a in read_atoms(place.article.title) if a.is_word]:
                return self.report(quotation, "verbatim", place, reason="it is the article's title")
            where = f"{place.article.source} {place.start}–{place.end}"
            near = self._judge_near(quotation)
            reason = f"the words stand only outside of an article's body: {where}"
            return dataclasses.replace(near, status="not_found", diff="", reason=reason)
        return None

    def _judge_near(self, quotation: Quotation) -> CheckedQuotation:
        found = self.concordance.find_near(quotation.quote)
        near = found[0] if found else None
        if near is None or not _is_alike(near):
            return self.report(quotation, "not_found", near.place if near else None)
        return self.report(quotation, "altered", near.place, difference=near.difference)

    def report(
        self, quotation: Quotation, status: Status, place: Place | None, *, difference: str = "", reason: str = ""
    ) -> CheckedQuotation:
        """The finding with what stands at the place."""
        return CheckedQuotation(
            quote=quotation.quote,
            status=status,
            source=place.article.source if place else "",
            start=place.start if place else 0,
            end=place.end if place else 0,
            nearest=place.text if place else "",
            diff=difference,
            speaker=self.read(place.article).speaker(place.start, place.end) if place else "",
            reason=reason,
            draft_start=quotation.start,
            draft_end=quotation.end,
        )

    def _find_misattribution(self, quotation: Quotation, place: Place) -> str:
        """Why the words are not whose the draft says; "" where they are, or it does not say."""
        article, around = place.article, self.read(place.article)
        own = name_words(f"{quotation.before} {quotation.after}")
        named = [outlet for outlet, words in self._outlets.items() if words and words <= own]
        if named and article.publisher not in named:
            return f"the words are from {article.publisher or article.label}, not {named[0]}"
        claimed = find_attribution(quotation.before, quotation.after)
        if not is_name(claimed) or any(
            same_person(claimed, name) for name in (article.publisher, article.author) if name
        ):
            return ""
        speaker = around.speaker(place.start, place.end)
        if speaker:
            return "" if same_person(claimed, speaker) else f"the words are by {speaker}, not by {claimed}"
        sentences = around.around(place.start, place.end)
        near = [article.text[s.start : max(s.start, place.start)] for s in sentences[:1]]
        near += [article.text[min(s.end, place.end) : s.end] for s in sentences[-1:]]
        if name_words(claimed) & name_words(" ".join(near)):
            return ""
        return f"nothing near the words says that they are by {claimed}"

    def _count_shared(self, quotation: Quotation, place: Place) -> int:
        """How many words around the quotation the article has around the place."""
        asked = set(stems(f"{quotation.before} {quotation.after}"))
        sentences = self.read(place.article).around(place.start, place.end) if asked else ()
        return len(asked & {stem for sentence in sentences for stem in stems(sentence.text)})


def _is_alike(near: Near) -> bool:
    return (
        near.similarity >= LEAST_ALIKE
        and near.common >= LEAST_COMMON
        and near.meaning >= LEAST_MEANING
        and bool(re.search(r"\[-|\{\+", near.difference))
    )
