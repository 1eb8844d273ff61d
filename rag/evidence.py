"""What an evidence pack holds: an answer as JSON, as W3C Web Annotations, and as Markdown for a person.

The Markdown is made for `citewell verify`: each quote stands in one pair of marks inside of a block quote, and
everything else that could pass for a quotation or a figure stands in code, which the check leaves alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote as percent_encode
from uuid import NAMESPACE_URL, uuid5

from rag.compose import DISPUTES, TURNED, describe_hedges, describe_scope, escape_markdown, name_speaker
from rag.drafts import find_quotations
from rag.schema import Answer, Citation, Conflict

FORMAT = "citewell-evidence/1"
CONTEXT = ["http://www.w3.org/ns/anno.jsonld", {"sha256": "http://schema.org/sha256"}]
"""The Web Annotation vocabulary has no word for a digest; schema.org has."""

INSTRUCTIONS = (
    "## Check it yourself",
    "With the same articles in a folder, the first command looks for each quote at its place, and says so where its "
    "words have moved; the second looks for its words anywhere. The exit code is `0` when the words of all hold, or "
    "else `1`:",
    "```sh\ncitewell verify answer.json --corpus FOLDER\ncitewell verify answer.md --corpus FOLDER\n```",
    "Without Citewell: `sha256sum FILE` gives the hash below a quote, and the quote is what stands between its places, "
    "counted in Unicode code points of the file decoded as `UTF-8`, or, where a hash of a text is given too, of the "
    "text that Citewell extracts from the file. Line breaks inside of a quote are blanks here, and themselves in "
    "`answer.json`.",
)
"""Without a word that the check would take for a figure."""

_MARKS = ("“”", "«»", "„“", '""', "‘’")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ENTITY = re.compile(r"&(?=#?\w+;)")


@dataclass(frozen=True, slots=True)
class Origin:
    """What an answer was made with; `created` is when the pack was made and its quotes were checked, in ISO 8601.

    `settings` are the numbers of `Config` that steer which quotes are chosen; a `threshold` of None is the fitted one.
    """

    citewell: str
    created: str
    embedding: str
    embedding_fingerprint: str
    reader_fingerprint: str
    language_model: str | None
    settings: dict[str, float | None]


def make_json(answer: Answer, origin: Origin) -> bytes:
    """The answer as `citewell ask --json` prints it, with a further key "evidence" on how it was made."""
    files = {c.source: c.sha256 for c in (*answer.citations, *answer.nearest)}
    evidence = {"format": FORMAT, **asdict(origin), "index": answer.index, "files": files}
    return _encode(json.dumps(answer.to_dict() | {"evidence": evidence}, ensure_ascii=False, indent=2) + "\n")


def make_annotations(answer: Answer, origin: Origin) -> bytes:
    """The citations as one Annotation Collection (https://www.w3.org/TR/annotation-model/#annotation-collection).

    A refusal's is empty, for its nearest passages answer nothing. The same quote for the same question always gets the
    same identifier.
    """
    citations = answer.citations
    collection = _identify(answer.question, *(_place(citation) for citation in citations))
    page = {
        "id": _identify(collection, "first page"),
        "type": "AnnotationPage",
        "partOf": collection,
        "startIndex": 0,
        "items": [_annotate(citation, answer.question, origin) for citation in citations],
    }
    head = {"@context": CONTEXT, "id": collection, "type": "AnnotationCollection", "label": answer.question}
    rest = {"first": page} if citations else {}
    return _encode(json.dumps(head | {"total": len(citations)} | rest, ensure_ascii=False, indent=2) + "\n")


def _annotate(citation: Citation, question: str, origin: Origin) -> dict[str, Any]:
    """The quote highlighted, the question as what it is there for; the state says which version of the file it is."""
    return {
        "id": _identify(question, _place(citation)),
        "type": "Annotation",
        "motivation": "highlighting",
        "created": origin.created,
        "generator": {"type": "Software", "name": f"Citewell {origin.citewell}"},
        "body": {"type": "TextualBody", "value": question, "format": "text/plain", "purpose": "describing"},
        "target": {
            "type": "SpecificResource",
            "source": percent_encode(citation.source, errors="surrogateescape"),
            "selector": citation.selector(),
            "state": {"type": "TimeState", "sourceDate": origin.created, "sha256": citation.sha256},
        },
    }


def _place(citation: Citation) -> str:
    return f"{citation.sha256}:{citation.start}-{citation.end}"


def _identify(*parts: str) -> str:
    return uuid5(NAMESPACE_URL, "\n".join(("urn:citewell", *parts)).encode("utf-8", "backslashreplace").hex()).urn


def make_page(answer: Answer, origin: Origin) -> bytes:
    """The answer for a person, in Markdown that no article and no question can add a heading or a quote to."""
    blocks = ["# Evidence for an answer" if answer.answered else "# The articles do not say", *_findings(answer)]
    if answer.answered:
        blocks.append("## Quotes")
    elif answer.nearest:
        blocks.append("## Nearest passages")
        blocks.append("**These are no citations:** they may not answer the question; nothing was concluded from them.")
    for passage in answer.citations or answer.nearest:
        blocks += [_block_quote(passage), _fence(_caption(passage, cited=answer.answered))]
    blocks += [*INSTRUCTIONS, "## How it was made", _fence(_making(answer, origin))]
    return _encode("\n\n".join(blocks) + "\n")


def _findings(answer: Answer) -> Iterator[str]:
    """The question and what was made of it: sides, a language model's claims, the short answer, what has changed."""
    yield f"**Question:** {_code(answer.question)}"
    if answer.standalone_question.strip() != answer.question.strip():
        yield f"**Read as:** {_code(answer.standalone_question)}"
    if answer.notice:
        yield f"**Note:** {_code(answer.notice)}"
    if answer.filters:
        yield f"**Restricted:** {_code(describe_scope(answer.filters, answer.searched, answer.articles))}"
    yield from map(_sides, answer.conflicts)
    if answer.claims:
        claims = [f"- {_code(claim.text)} {_markers(claim.citations)}" for claim in answer.claims]
        yield "\n".join([f"**Answer,** written by {_code(answer.answerer)}:", "", *claims])
    elif answer.short and not answer.conflicts:
        yield f"**Short answer:** {_code(answer.short)} {_markers((1,))}"
    yield from map(_sides, answer.developments)
    if answer.unmentioned:
        yield f"**The articles never mention:** {', '.join(map(_code, answer.unmentioned))}"
    if answer.unmet:
        yield f"**The nearest passage does not mention:** {', '.join(map(_code, answer.unmet))}"
    if answer.turned:
        yield f"**{TURNED}**"
    yield f"**Chance that the articles answer this:** {_code(f'{answer.confidence:.0%}')}"


def _sides(conflict: Conflict) -> str:
    sides = [f"- {_code(side.value)} {_markers(side.citations)}" for side in conflict.sides]
    return "\n".join([f"**{DISPUTES[conflict.kind]}:** {_code(conflict.topic)}", "", *sides])


def _caption(citation: Citation, *, cited: bool) -> dict[str, str]:
    """Whose words a quote gives, which of them hedge, and where they stand, line by line."""
    return {
        "quote" if cited else "no citation": f"[{citation.number}]" if cited else f"passage {citation.number}",
        "speaker": name_speaker(citation),
        "note": describe_hedges(citation),
        "outlet": citation.publisher,
        "date": citation.published,
        "title": citation.title,
        "author": citation.author,
        "file": citation.source,
        "characters": f"{citation.start} to {citation.end}",
        "sha256": citation.sha256,
        "text sha256": citation.text_sha256,
        "wording": "corrected to the file's" if citation.status == "repaired" else "",
    }


def _making(answer: Answer, origin: Origin) -> dict[str, str]:
    settings = ", ".join(f"{name}={'fitted' if value is None else value}" for name, value in origin.settings.items())
    return {
        "citewell": origin.citewell,
        "created": origin.created,
        "index": answer.index,
        "embedding": f"{origin.embedding}, {origin.embedding_fingerprint}",
        "reader": origin.reader_fingerprint,
        "language model": origin.language_model or "none",
        **{f"prompt {name}": sha256 for name, sha256 in answer.prompts.items()},
        "settings": settings,
    }


def _block_quote(citation: Citation) -> str:
    """The quote in the first pair of marks in which the check takes all of it, and nothing else, for one quotation."""
    words = escape_markdown(_CONTROL.sub("�", " ".join(citation.quote.splitlines())))
    words = _ENTITY.sub(r"\\&", words)
    tried = [f"> {marks[0]}{words}{marks[1]}" for marks in _MARKS]
    return next((block for block in tried if [q.quote for q in find_quotations(block)] == [words]), tried[0])


def _fence(rows: dict[str, str]) -> str:
    """The rows that say something as a code block; no row can end it, for each starts with its name."""
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {_line(value)}" for name, value in rows.items() if value]
    return "\n".join(["```", *lines, "```"])


def _code(text: str) -> str:
    """The text as a code span, with apostrophes for grave accents, which would end it."""
    return f"`{_line(text).replace('`', '’')}`"


def _markers(numbers: Sequence[int]) -> str:
    return " ".join(f"`[{number}]`" for number in numbers)


def _line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split()) or "–"


def _encode(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which a file name can hold, as its escape in JSON."""
    return text.encode("utf-8", "backslashreplace")
