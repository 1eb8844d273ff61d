"""A draft with the findings of its check in it."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.annotate import annotate_markdown, annotate_page, write_annotated
from rag.errors import CitewellError
from rag.schema import Article, Span
from rag.verify import verify

TEXT = "Bucci said that ‘we want it open to the world’. The port has 245 cranes & <b>12 berths</b>."
ARTICLES = [Article("port_a.txt", TEXT, "", "", "", "", "", (Span(0, len(TEXT)),))]
DRAFT = "Bucci said “we want it open”. <b>The port</b> has 250 cranes.\n"


def markdown(draft):
    return annotate_markdown(draft, verify(draft, ARTICLES))


def page(draft):
    return annotate_page(draft, verify(draft, ARTICLES))


def test_footnotes_stand_behind_the_marks_and_behind_the_figures():
    text, notes = markdown(DRAFT).split("\n\n")
    assert text == "Bucci said “we want it open”[^1]. <b>The port</b> has 250[^2] cranes."
    assert notes.startswith("[^1]: verbatim; port\\_a.txt 17–32\n[^2]: 250\\: altered; port\\_a.txt ")


@pytest.mark.parametrize(
    ("draft", "annotated"),
    [
        ("“we want it open”[^1]\n\n[^1]: Mine.", "“we want it open”[^c1][^1]"),
        ("[“we want it open”](http://x.y)", "[“we want it open”](http://x.y)[^1]"),
        ("[245 cranes](http://x.y) it has", "[245 cranes](http://x.y)[^1] it has"),
        ("> we want it open\n> — Bucci", "> we want it open[^1]\n> — Bucci"),
        ("| port | 245 cranes |", "| port | 245[^1] cranes |"),
        ("« we want it open », he said", "« we want it open »[^1], he said"),
        ("&quot;we want it open&quot; he said", "&quot;we want it open&quot;[^1] he said"),
        ("“we want it open”\n```\ncode", "“we want it open”[^1]\n```\ncode\n```\n\n[^1]:"),
    ],
)
def test_footnotes_break_neither_links_nor_code_nor_the_drafts_own(draft, annotated):
    assert markdown(draft).startswith(annotated)


def test_notes_show_an_article_as_it_is():
    notes = markdown("The port has 12 cranes.")
    assert "cranes \\& \\<b\\>12 berths\\</b\\>" in notes
    assert "cranes &amp; &lt;b&gt;12 berths&lt;/b&gt;" in page("The port has 12 cranes.")


def test_the_page_marks_quotations_and_figures_of_one_sentence():
    shown = page("Bucci said “we want it open” of 250 <i>cranes</i>.")
    assert '“<mark class="verbatim">we want it open</mark><sup>1</sup>” of' in shown
    assert '<mark class="altered">250</mark><sup>2</sup> &lt;i&gt;cranes' in shown
    assert '<li value="2">250: altered' in shown


PIECES = [
    "“",
    "”",
    "‘",
    "’",
    '"',
    "\n",
    "\n\n",
    "> ",
    "<blockquote>",
    "</blockquote>",
    "<q>",
    "</q>",
    "`",
    "we want it ",
    "5 ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_the_page_has_each_character_once_and_a_note_for_each_finding(draft):
    found = verify(draft, ARTICLES)
    shown = annotate_page(draft, found).partition("</style>\n")[2].partition("\n<ol>\n")
    body = re.sub(r"<sup>\d+</sup>|<mark class=\"\w+\">|</mark>", "", shown[0])
    assert html.unescape(body) == draft
    assert shown[2].count("<li value=") == len(found.quotations) + len(found.figures)


def test_the_annotated_draft_keeps_every_character(tmp_path):
    draft = DRAFT.replace("\n", "\r\n\r\n“zebra” \ud800\r\n")
    write_annotated(tmp_path / "a.md", draft, verify(draft, ARTICLES))
    assert b"\r\n\r\n\xe2\x80\x9czebra" in (tmp_path / "a.md").read_bytes()
    write_annotated(tmp_path / "a.html", DRAFT, verify(DRAFT, ARTICLES))
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page(DRAFT)
    with pytest.raises(CitewellError, match=r"should end in \.md or \.html"):
        write_annotated(tmp_path / "a.txt", DRAFT, verify(DRAFT, ARTICLES))
    with pytest.raises(CitewellError, match="cannot be written"):
        write_annotated(tmp_path / "none" / "a.md", DRAFT, verify(DRAFT, ARTICLES))
