"""The frozen values that the stages hand to each other, from an article to an answer.

Every offset counts characters (Unicode code points) of the article's text; `end` is exclusive. That text is the file
decoded as UTF-8, newlines and byte order mark untouched, or what was extracted from a file of another format.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from typing_extensions import TypedDict  # pydantic, which reads runs, takes no other before Python 3.12

Status = Literal["verified", "repaired"]


class Message(TypedDict):
    """One turn of an OpenAI-style history; `role` is "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an article's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Article:
    """One file of the corpus, or one line of JSON Lines. What catalog and file leave open is an empty string.

    `sha256` is the file's; `text_sha256` that of the text as UTF-8 where the text was extracted, "" for plain text.
    """

    source: str
    text: str = field(repr=False)
    sha256: str
    title: str
    publisher: str
    published: str
    author: str
    body: tuple[Span, ...]
    text_sha256: str = ""

    @property
    def label(self) -> str:
        """What a person would call the article: its title, or its file name where it has none."""
        return self.title or self.source


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not in the index, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or list item: the smallest thing that is ever quoted.

    `paragraph` counts the article's blocks of text. `heading` is the heading above it. `quotation` is the shortest run
    of whole sentences that holds the quotation which this sentence is part of, together with the words that say whose
    it is; None outside of quotations and where the sentence says it itself.
    """

    start: int
    end: int
    text: str
    paragraph: int
    heading: str = ""
    quotation: Span | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring sentences of one article, by their numbers: `first` to `last`, both included."""

    start: int
    end: int
    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SplitArticle:
    """An article and its sentences, in order."""

    article: Article
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer, with the scores that brought it here.

    `row` is its number in the index, `number` its number in its article. `cosine` and `passage_cosine` lie in -1..1;
    `bm25` is at least 0 and has no upper bound; `score` is the fused value that candidates are sorted by.
    """

    row: int
    split: SplitArticle = field(repr=False)
    number: int
    passage: Span
    cosine: float
    passage_cosine: float
    bm25: float
    score: float

    @property
    def article(self) -> Article:
        return self.split.article

    @property
    def sentence(self) -> Sentence:
        return self.split.sentences[self.number]

    @property
    def key(self) -> tuple[str, int]:
        """Identifies the sentence across questions: file name and number in it."""
        return self.article.source, self.number

    @property
    def previous(self) -> Sentence | None:
        return self.split.sentences[self.number - 1] if self.number else None


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A candidate as the reader sees it; `score` sorts, its size means nothing across questions."""

    candidate: Candidate
    score: float


DisputeKind = Literal["figures", "dates", "times", "names", "judgements", "development"]


@dataclass(frozen=True, slots=True)
class DisputeSide:
    """One value, or the words of one judgement, and the sentences that give it, the likeliest first."""

    value: str
    sentences: tuple[ScoredSentence, ...]


@dataclass(frozen=True, slots=True)
class Dispute:
    """Different answers of the articles to one question, before the gate has looked at the sentences.

    Of a "development" the sides are no contradiction but follow each other in time.
    """

    topic: str
    kind: DisputeKind
    sides: tuple[DisputeSide, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of the candidates: all of them best first, those it would quote, and how sure it is.

    `confidence` is the calibrated probability, 0..1, that the articles answer and the first quote supports it. `unmet`
    are the question's years, numbers and names that the best sentence and what is around it do not mention; `turned`
    is whether it tells the reverse of what is asked.
    """

    sentences: tuple[ScoredSentence, ...]
    chosen: tuple[ScoredSentence, ...]
    answered: bool
    confidence: float
    short: str | None
    unmet: tuple[str, ...] = ()
    turned: bool = False
    disputes: tuple[Dispute, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """A run of text that is to be cited, before the gate has looked at it."""

    source: str
    start: int
    end: int
    text: str
    sha256: str
    text_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote that passed the gate: the file hashes to `sha256` and its characters `start` to `end` are `quote`.

    Where the text was extracted from the file, the characters are the text's, which hashes to `text_sha256`.

    `speaker` is whom the article gives the words to, "" where they are the outlet's own; `hedges` are the quote's words
    that weaken or deny what it says, or figures' "about", as they stand in it, each once.
    """

    number: int
    source: str
    title: str
    publisher: str
    published: str
    author: str
    quote: str
    start: int
    end: int
    sha256: str
    status: Status = "verified"
    prefix: str = field(default="", repr=False)
    suffix: str = field(default="", repr=False)
    speaker: str = ""
    hedges: tuple[str, ...] = ()
    text_sha256: str = ""

    def selector(self) -> list[dict[str, Any]]:
        """The quote as W3C Web Annotation selectors (https://www.w3.org/TR/annotation-model/#selectors)."""
        return [
            {"type": "TextQuoteSelector", "exact": self.quote, "prefix": self.prefix, "suffix": self.suffix},
            {"type": "TextPositionSelector", "start": self.start, "end": self.end},
        ]


@dataclass(frozen=True, slots=True)
class ConflictSide:
    """One value that the articles give, and the numbers of the citations that give it."""

    value: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Different answers to the same question; of a "development" the sides follow each other in time."""

    topic: str
    sides: tuple[ConflictSide, ...]
    kind: DisputeKind = "figures"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a question is restricted to; the default leaves nothing out.

    `since` and `until`, both inclusive, are YYYY, YYYY-MM or YYYY-MM-DD and leave out what has no date. Of `publishers`
    (whole names, in any case) and of `sources` (globs of file names, "**" for any folders) one has to fit.
    """

    since: str | None = None
    until: str | None = None
    publishers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is set."""
        return self.since is not None or self.until is not None or bool(self.publishers or self.sources)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a language model says, and the numbers of the citations that bear it out."""

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that a language model wrote and that is not shown, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a language model was asked: requests that brought a reply in the end, with all attempts, the tokens where
    the provider counts them, and requests that brought none.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets: verified quotes, or a refusal with the nearest passages. `timings` are seconds by stage.

    `unmentioned` are words of a declined question that no article uses in any form; `unmet` its years, numbers and
    names that the articles use, but not in or around the nearest passage; `turned` is whether that tells the reverse of
    what is asked.

    `developments` are what later articles tell differently because it has come to be so since: no conflicts.

    With a language model, `answerer` is its name if it wrote the `claims` of the text, or declined; `dropped` is what
    it wrote and the sentences do not bear out; `shown` counts the sentences it was shown; `prompts` are the SHA-256 of
    the prompts used, by name; `notice` says why it does not answer where it was asked to. `index` is the fingerprint of
    the index that was searched: `searched` of its `articles`, those that `filters` left.
    """

    question: str
    standalone_question: str
    answered: bool
    text: str
    short: str | None
    confidence: float
    citations: tuple[Citation, ...]
    conflicts: tuple[Conflict, ...]
    nearest: tuple[Citation, ...]
    answerer: str
    timings: dict[str, float]
    unmentioned: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    turned: bool = False
    claims: tuple[Claim, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    shown: int = 0
    usage: Usage = Usage()
    prompts: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    developments: tuple[Conflict, ...] = ()
    index: str = ""
    filters: Filters = Filters()
    searched: int = 0
    articles: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain lists and dicts that `json.dumps` takes."""
        return dataclasses.asdict(self)

    def to_json(self, indent: int | None = None) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)
