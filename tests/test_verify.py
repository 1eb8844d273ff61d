"""A draft against the articles: verbatim, altered, misattributed or not found."""

import contextlib
import json
import re
import threading
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rag.errors import CitewellError, StoppedError
from rag.schema import Article, Span
from rag.split import split_article
from rag.verify import verify, verify_answer

PORT = """The port of Genoa

Mayor Marco Bucci said on Monday: ‘We don’t want a wall around the port. We want it open to the world’, and left.

Trade through the port grew from $1.4 billion in 2021 to $3.1 billion in 2024. It has "twelve berths” and 245 cranes.

Anna Rossi, head of the dockers’ union, warned that ‘the sale will cost 1,200 jobs’ – and more."""
CITY = """The city of Genoa

Anna Rossi said that the “old town is empty”. The city has 560,000 people."""


def make_article(source, text, publisher):
    return Article(source, text, "0" * 64, text.splitlines()[0], publisher, "2024-05-01", "", (Span(0, len(text)),))


ARTICLES = [make_article("port.txt", PORT, "The Gazette"), make_article("city.txt", CITY, "City Post")]


def check(draft):
    return verify(draft, ARTICLES)


def check_one(draft):
    (quotation,) = check(draft).quotations
    return quotation


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ("Bucci said “We don’t want a wall around the port”.", "We don’t want a wall around the port"),
        ('Bucci said "We don\'t want a wall around the port."', "We don’t want a wall around the port"),
        ("Bucci said “we don't want a wall”.", "We don’t want a wall"),
        ("“[W]e want it open to the world,” said Bucci.", "We want it open to the world"),
        ("Bucci wants it “[o]pen to the world”.", "open to the world"),
        (
            "«grew from $1.4 billion … 245 cranes»",
            'grew from $1.4 billion in 2021 to $3.1 billion in 2024. It has "twelve berths” and 245 cranes',
        ),
        ("Bucci: «We want it [...] to the world»", "We want it open to the world"),
        ("“We don’t want [it] around the port”", "We don’t want a wall around the port"),
        ("“We **don’t** want a wall”", "We don’t want a wall"),
        ("> We don’t want a wall around\n> the port.", "We don’t want a wall around the port"),
        ("It has “twelve berths and 245 cranes”.", "twelve berths” and 245 cranes"),
        ("Rossi warned of it: ‘the sale will cost 1,200 jobs – and more’", "the sale will cost 1,200 jobs’ – and more"),
        ("“jobs”", "jobs"),
    ],
)
def test_what_stands_in_an_article_is_verbatim(draft, words):
    checked = check_one(draft)
    assert (checked.status, checked.nearest) == ("verbatim", words)
    assert PORT[checked.start : checked.end] == words
    assert checked.source == "port.txt"


@pytest.mark.parametrize(
    ("draft", "diff"),
    [
        ("“We want a wall around the port”", "We [-don’t-] want a wall around the port"),
        ("“We don’t want a fence around the port”", "We don’t want a [-wall-]{+fence+} around the port"),
        ("“the sale will cost 1,300 jobs”", "the sale will cost [-1,200-]{+1,300+} jobs"),
        ("“Trade grew from $1.4 billion in 2021”", "Trade [-through the port-] grew from $1.4 billion in 2021"),
    ],
)
def test_what_was_changed_is_shown_word_by_word(draft, diff):
    checked = check_one(draft)
    assert (checked.status, checked.diff) == ("altered", diff)


@pytest.mark.parametrize(
    "draft",
    [
        "“We shall build a tower on the moon”",
        "“zebra”",
        "“We … port”",
        "“port the around wall a want don’t We”",
    ],
)
def test_what_stands_nowhere_is_not_found(draft):
    assert check_one(draft).status == "not_found"


def test_the_nearest_words_are_shown_where_nothing_is_found():
    checked = check_one("“The cranes of the port are rusting away in the rain”")
    assert checked.status == "not_found"
    assert checked.source == "port.txt"
    assert PORT[checked.start : checked.end] == checked.nearest


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ("Rossi said “we don’t want a wall”.", "the words are by Marco Bucci, not by Rossi"),
        ("“The sale will cost 1,200 jobs,” said Bucci.", "the words are by Anna Rossi, not by Bucci"),
        ("According to City Post, “the sale will cost 1,200 jobs”.", "the words are from The Gazette, not City Post"),
        ("Bucci said it has “245 cranes”.", "nothing near the words says that they are by Bucci"),
    ],
)
def test_words_that_somebody_else_said_are_misattributed(draft, reason):
    checked = check_one(draft)
    assert (checked.status, checked.reason) == ("misattributed", reason)


@pytest.mark.parametrize(
    "draft",
    [
        "Marco Bucci said “we want it open to the world”.",
        "The Gazette wrote that it has “245 cranes”.",
        "The head of the union said “the sale will cost 1,200 jobs”.",
        "It has “245 cranes”.",
    ],
)
def test_words_that_are_whose_the_draft_says_are_not(draft):
    assert check_one(draft).status == "verbatim"


@pytest.mark.parametrize(
    ("draft", "found"),
    [
        ("Trade through the port reached $3.1 billion in 2024.", [("$3.1 billion", "verbatim"), ("2024", "verbatim")]),
        ("Trade through the port reached $3,100 million.", [("$3,100 million", "verbatim")]),
        ("Trade through the port reached $4 billion.", [("$4 billion", "altered")]),
        ("The port has 12 berths and 254 cranes.", [("12", "verbatim"), ("254", "altered")]),
        ("The moon is 384,400 kilometres away.", [("384,400", "not_found")]),
        ("Nothing to count here.", []),
    ],
)
def test_figures_in_the_drafts_own_words(draft, found):
    assert [(figure.figure, figure.status) for figure in check(draft).figures] == found


@pytest.mark.parametrize(
    "quote",
    [
        "We **don’t** _want_ a wall",
        "We don’t want [a wall](http://x.y/z)",
        "We don’t want a wall[1]",
        "We don’t want[^2] a wall",
        "We don’t&nbsp;want a wall",
        "We don&rsquo;t want a wall",
        "We don’t\u00a0want a wa\u00adll",
        "We don’t\u200b want a\u2003wall",
        "We don’t want a wall\n> around the port",
        "We <b>don’t</b> want a wall",
        "WE DON’T WANT A WALL",
        "… We don’t want a wall …",
        "We don’t want [sic] a wall",
        "We don\\'t want a wall",
        "We don’t<br>want a wall",
        "\\[W\\]e don’t want \\[sic\\] a wall",
    ],
)
def test_layout_does_not_alter_words(quote):
    assert check_one(f"“{quote}”").status == "verbatim"


@pytest.mark.parametrize(
    "quote",
    [
        "We count on companies, » said Aliyev & left",
        "We count on companies, said Aliyev &amp; left",
        "left. <b>5*3</b> &amp; x[1] of",
        "&amp;amp; x",
        r"left. \<b\>5\*3\</b\> \&amp; x\[1\]",
    ],
)
def test_an_articles_own_marks_and_markup_are_words_like_others(quote):
    article = make_article("a.txt", "«We count on companies, » said Aliyev & left. <b>5*3</b> &amp; x[1] of.", "")
    (checked,) = verify(f"“{quote}”", [article]).quotations
    assert (checked.status, checked.diff) == ("verbatim", "")


@pytest.mark.parametrize("quote", ["to be or not to be", "the of the", "it is of the dog", "it is the dog"])
def test_common_words_alone_are_no_altered_quotation(quote):
    checked = check_one(f"“{quote}”")
    assert (checked.status, checked.diff) == ("not_found", "")


@pytest.mark.parametrize("quote", ["We don’t Want a wall", "We don’t want, a wall", "We don’t want a walls"])
def test_an_altered_quotation_always_says_what_differs(quote):
    checked = check_one(f"“{quote}”")
    assert checked.status == "altered"
    assert "[-" in checked.diff or "{+" in checked.diff


def test_words_outside_of_an_articles_body_are_not_found_but_a_title_is():
    text = "Menu\nJoin our readers today\nTitle of it all\nThe body says much about ports."
    article = Article("a.txt", text, "", "Title of it all", "", "", "", (Span(text.index("The body"), len(text)),))
    joined, title = verify("“Join our readers today” in “Title of it all”.", [article]).quotations
    assert joined.status == "not_found"
    assert joined.reason == "the words stand only outside of an article's body: a.txt 5–27"
    assert (title.status, title.nearest) == ("verbatim", "Title of it all")


@pytest.mark.parametrize(
    "draft",
    [
        *("“___said”", "“\ud800”", "“[ab]”", "“\\”", "“(?i)”", "“İ ß ı”", "5" * 5_000, "In 2024-86 1e999 ²½", ">"),
        *("“[[[”", "“…”", "\ufeff", "$", "“_”", "“[…] [x]”", "&quot;", "<q>", "[^1]:", "“[a”]", "“the…the…the”"),
    ],
)
def test_odd_drafts_end_in_a_result(draft):
    result = check(draft)
    assert json.loads(result.to_json()).keys() == {"quotations", "figures"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"citations": None},
        {"citations": {}},
        {"citations": ["a"]},
        {"citations": [{"source": "a", "start": 1e999, "end": 2, "quote": "x"}]},
        {"citations": [{"source": "a", "start": True, "end": 2, "quote": "x"}]},
        {"citations": [{"source": 1, "start": 0, "end": 2, "quote": "x"}]},
    ],
)
def test_json_that_is_no_answer_is_refused(answer):
    with pytest.raises(CitewellError, match="This JSON is no answer"):
        verify_answer(answer, ARTICLES)


def test_a_kept_quote_with_half_a_character_is_not_found():
    cited = {"source": "port.txt", "start": 0, "end": 2, "quote": "\ud800 zebra"}
    (checked,) = verify_answer({"citations": [cited]}, ARTICLES).quotations
    assert checked.status == "not_found"
    assert checked.quote.encode()


HOSTILE = [
    "“China" + " " * 500_000 + "port”",
    "> China" + " " * 500_000 + "port\n",
    "“a " * 300_000,
    "‘s’ a " * 100_000,
    "'" * 500_000,
    '"' * 500_000,
    "“” " * 200_000,
    "“" + "the … " * 5_000 + "of the port”",
    "“" + "the [of] " * 5_000 + "of the port”",
    "“" + "we want the port " * 50_000 + "”",
    "> " + "we want the port " * 50_000,
    "The port and the berths have 5 " * 2_000,
    "\n" * 1_000_000,
    "> \n" * 300_000,
    "```\n" * 200_000,
    "1. " * 300_000,
    "](" * 400_000,
    "9" * 1_000_000,
    "five " * 200_000,
    "." * 1_000_000,
    "<q>" * 300_000,
    "&quot;" * 150_000,
    "[^1]" * 200_000,
]


@pytest.mark.parametrize("draft", HOSTILE, ids=[repr(draft[:12]) for draft in HOSTILE])
def test_a_hostile_draft_takes_seconds(draft):
    start = time.perf_counter()
    with contextlib.suppress(CitewellError):
        check(draft)
    assert time.perf_counter() - start < 20  # about 5 on an idle machine


WORDS = sorted(set(re.findall(r"[a-z]{4,}", PORT)))
SENTENCES = [(article, sentence) for article in ARTICLES for sentence in split_article(article).sentences]
MARKS = ["„“", "„”", "«»", "»«", "‹›", "「」", "《》", "❝❞", '""', "“”"]


@given(st.sampled_from(SENTENCES), st.sampled_from(MARKS))
def test_a_sentence_cut_out_of_a_body_is_verbatim_at_its_place(found, marks):
    article, sentence = found
    assume(not set(marks) & set(sentence.text))
    checked = check_one(f"He said {marks[0]}{sentence.text}{marks[1]} there.")
    assert (checked.status, checked.source, checked.quote) == ("verbatim", article.source, sentence.text)
    words = sentence.text.strip('‘’“”".,')
    assert (checked.nearest, checked.start) == (words, article.text.index(words))


@given(st.data())
def test_a_quotation_with_a_changed_word_is_not_verbatim(data):
    words = "We don’t want a wall around the port. We want it open to the world".split()
    place = data.draw(st.integers(0, len(words) - 1))
    other = data.draw(st.sampled_from([word for word in WORDS if word not in words[place].lower()]))
    quote = " ".join([*words[:place], other, *words[place + 1 :]])
    checked = check_one(f"«{quote}»")
    assert checked.status != "verbatim"
    assert bool(checked.diff) == (checked.status == "altered")


def test_the_json_is_what_scripts_expect():
    data = json.loads(check("Rossi said “old town is empty”. The port has 245 cranes.").to_json())
    (quotation,), (figure,) = data["quotations"], data["figures"]
    assert quotation["quote"] == "old town is empty"
    assert quotation["status"] == "verbatim"
    assert CITY[quotation["start"] : quotation["end"]] == quotation["nearest"]
    assert (quotation["source"], quotation["diff"]) == ("city.txt", "")
    assert (figure["figure"], figure["status"], figure["source"]) == ("245", "verbatim", "port.txt")


def test_a_draft_without_anything_to_check_holds():
    assert check("").holds
    assert check("Words alone.").holds
    assert not check("“zebra”").holds


def test_a_kept_answer_is_checked_against_todays_files():
    start = PORT.index("245 cranes")
    cited = {"source": "port.txt", "start": start, "end": start + 10, "quote": "245 cranes"}
    gone = cited | {"source": "gone.txt"}
    moved = cited | {"start": 0, "end": 10}
    changed = cited | {"quote": "It has twelve berths and 254 cranes"}
    checked = verify_answer({"citations": [cited, gone, moved, changed]}, ARTICLES).quotations
    assert [(q.status, q.reason) for q in checked] == [
        ("verbatim", ""),
        ("misattributed", "'gone.txt' is gone"),
        ("verbatim", "'port.txt' does not hold it at 0–10 any more"),
        ("altered", f"'port.txt' does not hold it at {start}–{start + 10} any more"),
    ]
    with pytest.raises(CitewellError, match="This JSON is no answer"):
        verify_answer({"citations": [{}]}, ARTICLES)


def test_a_kept_quote_that_moved_within_its_file_holds_and_says_so():
    other = make_article("a.txt", "It has 245 cranes. It is new.", "Other")
    own = make_article("port.txt", "Words put in before. It has 245 cranes. It is new.", "The Gazette")
    cited = {"source": "port.txt", "start": 0, "end": 18, "quote": "It has 245 cranes."}
    verification = verify_answer({"citations": [cited]}, [other, own])
    (checked,) = verification.quotations
    assert (checked.status, checked.source, checked.start) == ("verbatim", "port.txt", 21)
    assert checked.reason == "'port.txt' does not hold it at 0–18 any more"
    assert verification.holds


def test_a_draft_with_too_much_to_check_is_refused():
    with pytest.raises(CitewellError, match="more than 2,000 quotations"):
        check("“zebra” " * 2_001)


def test_a_hundred_quotations_are_checked_at_once():
    draft = "Bucci said “we don’t want a fence around the port, or the world” in 2023.\n\n" * 100
    start = time.perf_counter()
    assert len(check(draft).quotations) == 100
    assert time.perf_counter() - start < 2
    check(f"“{'we want the port ' * 600}”")
    assert time.perf_counter() - start < 4


def test_a_check_that_nobody_waits_for_ends_between_two_articles():
    stop, read = threading.Event(), []

    def give():
        for article in ARTICLES:
            read.append(article.source)
            stop.set()
            yield article

    with pytest.raises(StoppedError):
        verify("They said that “the old town is empty”.", give(), stop)
    assert read == ["port.txt"]
    with pytest.raises(StoppedError):
        verify_answer({"citations": []}, give(), stop)
