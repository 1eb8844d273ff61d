from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.schema import Answer, Article, Citation, Conflict, ConflictSide, Span
from rag.verify import verify
from ui import column
from ui.column import render_column, render_contents, render_empty_column, render_message
from ui.draft import render_findings, render_problem, summarize
from ui.render import Turn, confidence_words, long_date, outlet, render_answer, render_transcript

HOSTILE = (
    """<script>window.hacked=1</script> <img src=x onerror="window.hacked=1"> & '"> </mark> $3 billion **x** [1]"""
)
TAGS = set(
    "article aside blockquote br button del details div figcaption figure footer h2 h3 header i ins li mark nav ol p q "
    "section span strong summary sup time ul".split()
)
ATTRIBUTES = set(
    "aria-label class data-by data-copy data-key data-label data-number data-question data-save data-source".split()
) | set("data-state data-turn datetime dir open role tabindex type data-back aria-hidden style".split())
texts = st.text(max_size=60) | st.sampled_from([HOSTILE, "<b", "&lt;", "a\n\nb", "\\<i>", "**<u>**", "[1]", "> <a>"])


class Page(HTMLParser):
    """What a browser would make of the HTML: its elements, its text, and the text within each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.texts: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in {*self.open, "all"}:
            self.texts[tag] = self.texts.get(tag, "") + data

    def assert_ours(self) -> None:
        assert self.tags <= TAGS
        assert {name for name, _ in self.attributes} <= ATTRIBUTES
        assert all(re.fullmatch(r"width:\d{1,3}%", value) for name, value in self.attributes if name == "style")
        assert not self.open


def make_citation(number: int = 1, quote: str = "Trade grew by 43%.", **changes) -> Citation:
    values = {
        "number": number,
        "source": "a.txt",
        "title": "A title",
        "publisher": "OC Media",
        "published": "2024-07-11",
        "author": "",
        "quote": quote,
        "start": 0,
        "end": len(quote),
        "sha256": "f" * 64,
    }
    return Citation(**{**values, **changes})


def make_answer(**changes) -> Answer:
    values = {
        "question": "How much?",
        "standalone_question": "How much?",
        "answered": True,
        "text": "**43%** [1]",
        "short": "43%",
        "confidence": 0.91,
        "citations": (make_citation(),),
        "conflicts": (),
        "nearest": (),
        "answerer": "quotes",
        "timings": {},
    }
    return Answer(**{**values, **changes})


def make_article(text: str, **changes) -> Article:
    values = {
        "source": "a.txt",
        "text": text,
        "sha256": "f" * 64,
        "title": "A title",
        "publisher": "OC Media",
        "published": "2024-07-11",
        "author": "",
        "body": (Span(0, len(text)),),
    }
    return Article(**{**values, **changes})


@given(texts, texts, texts, texts, texts)
def test_no_text_of_an_answer_becomes_markup(question, text, quote, title, short):
    citation = make_citation(
        quote=quote, title=title, publisher=title, published=short, source=question, speaker=title, hedges=(text,)
    )
    conflict = Conflict(title, (ConflictSide(short, (1, 9)), ConflictSide(text, ())))
    common = {"question": question, "text": text, "short": short, "standalone_question": title, "answerer": text}
    for answer in (
        make_answer(**common, citations=(citation,), conflicts=(conflict,)),
        make_answer(**{**common, "answerer": "quotes"}, citations=(citation,)),
        make_answer(**common, answered=False, citations=(), nearest=(citation,)),
    ):
        Page(render_transcript((Turn(question, answer), Turn(text, notice=title), Turn(text)))).assert_ours()
    Page(render_transcript((), (question, text))).assert_ours()


@given(texts, texts, texts)
def test_no_text_of_an_article_becomes_markup(text, title, author):
    article = make_article(text, title=title, author=author, publisher=author, published=title, source=author)
    citation = make_citation(quote=text, source=author, publisher=title)
    Page(render_column(article, (citation, citation), citation, turn=3, key=title)).assert_ours()
    Page(render_contents((article, make_article(text, title="")))).assert_ours()
    Page(render_message(text)).assert_ours()


@given(texts, texts)
def test_no_text_of_a_draft_becomes_markup(draft, text):
    article = make_article(f"{HOSTILE} {text}", source=text or "a.txt", publisher=text)
    draft = f"{draft} “{HOSTILE}” He paid “{text}” or 250 billion.\n\n> {text}\n"
    page = Page(render_findings(draft, verify(draft, [article])))
    page.assert_ours()
    Page(render_problem(text)).assert_ours()


@given(texts)
def test_quote_card_shows_the_quote_verbatim(quote):
    page = Page(render_answer(0, make_answer(citations=(make_citation(quote=quote),), short=quote[:3] or None)))
    assert page.texts.get("blockquote", "") == quote


@given(st.text(alphabet="ab<& \n\r\u00a0é", max_size=80), st.integers(0, 80), st.integers(0, 80), st.integers(0, 80))
def test_the_mark_holds_exactly_the_quote_and_the_article_is_whole(text, start, length, body):
    start, end, body = min(start, len(text)), min(start + length, len(text)), min(body, len(text))
    article = make_article(text, body=(Span(body, len(text)),))
    citation = make_citation(quote=text[start:end], start=start, end=end)
    page = Page(column.render_text(article, (citation,), citation, 0))

    filled = [line for line in text.replace("\r", "\n").split("\n") if line.strip(" \u00a0")]
    assert page.texts.get("all", "") == "".join(filled)
    assert page.texts.get("mark", "").split() == in_filled_lines(text, start, end).split()


def in_filled_lines(text: str, start: int, end: int) -> str:
    """The quote without line ends and without the lines of the text that are blank."""
    kept, position = "", 0
    for line in text.replace("\r", "\n").split("\n"):
        if line.strip(" \u00a0"):
            kept += line[max(0, start - position) : max(0, end - position)]
        position += len(line) + 1
    return kept


def test_text_outside_of_the_body_is_set_apart():
    text = "JOIN TODAY\nTrade grew."
    page = Page(column.render_text(make_article(text, body=(Span(11, len(text)),)), (), None, -1))
    assert page.texts["span"] == "JOIN TODAY"
    assert page.texts["all"] == "JOIN TODAYTrade grew."


def test_of_overlapping_quotes_the_current_one_is_on_top():
    text = "One two three."
    first, second = make_citation(1, "One two", end=7), make_citation(2, "two three.", start=4, end=14)
    html = column.render_text(make_article(text), (first, second), second, 0)
    assert [(tag[1]["data-number"], tag[1].get("class")) for tag in Page(html).elements if tag[0] == "mark"] == [
        ("1", None),
        ("2", "current"),
        ("2", "current"),
    ]
    assert Page(html).texts["mark"] == text


def test_quotes_of_other_articles_are_offered_but_not_marked():
    text = "Trade grew by 43%."
    here, there = make_citation(1, text), make_citation(2, text, source="b.txt")
    page = Page(render_column(make_article(text), (here, there), here, turn=0))
    assert [tag[1]["data-number"] for tag in page.elements if tag[1].get("class") == "chip"] == ["1", "2"]
    assert [tag[1]["data-number"] for tag in page.elements if tag[0] == "mark"] == ["1"]


def test_a_very_long_article_is_shown_around_the_quote(monkeypatch):
    monkeypatch.setattr(column, "MAX_SHOWN", 100)
    text = "".join(f"Sentence number {n:03}.\n" for n in range(100))
    start = text.index("Sentence number 050.")
    citation = make_citation(1, "Sentence number 050.", start=start, end=start + 20)
    page = Page(column.render_text(make_article(text), (citation,), citation, 0))
    assert page.texts["mark"] == "Sentence number 050."
    assert "Sentence number 049." in page.texts["all"]
    assert "Sentence number 000." not in page.texts["all"]
    assert page.texts["all"].count("characters") == 2


def test_the_short_answer_comes_first_with_its_marker():
    page = Page(render_answer(4, make_answer()))
    assert page.elements[1] == ("p", {"class": "short"})
    assert page.elements[3][1]["data-turn"] == "4"
    assert page.elements[3][1]["aria-label"] == "Show quote 1 in its article, OC Media · 11 July 2024"


def test_a_refusal_shows_its_words_and_the_nearest_passages():
    text = "**The articles do not say.**\n\nThey never mention: “bread”.\n\nNearest:\n\nOC Media:\n> Trade grew by 43%."
    answer = make_answer(
        answered=False, text=text, short=None, citations=(), nearest=(make_citation(),), confidence=0.04
    )
    page = Page(render_answer(0, answer))
    assert page.elements[0] == ("div", {"class": "reply refusal"})
    assert page.texts["strong"] == "The articles do not say."
    assert page.texts["p"].startswith("The articles do not say.They never mention: “bread”.Nearest:")
    assert page.texts["blockquote"] == "Trade grew by 43%."


def test_a_rewritten_question_is_shown_and_an_unchanged_one_is_not():
    assert "q" not in Page(render_answer(0, make_answer())).tags
    page = Page(render_answer(0, make_answer(question="And in 2017?", standalone_question="How much in 2017?")))
    assert page.texts["q"] == "How much in 2017?"


def test_a_conflict_shows_each_side_with_outlet_and_date():
    cited = (make_citation(1), make_citation(2, publisher="", published=""))
    sides = (ConflictSide("43%", (1,)), ConflictSide("20.7%", (2,)))
    page = Page(render_answer(0, make_answer(citations=cited, conflicts=(Conflict("growth in 2024", sides),))))
    shown = page.texts["all"]
    assert "The articles give different figures for growth in 2024" in shown
    assert "43%1 OC Media · 11 July 202420.7%2 Outlet not given · undated" in shown


def render_sides(kind, *values):
    sides = tuple(ConflictSide(value, (number,)) for number, value in enumerate(values, 1))
    cited = tuple(make_citation(number, speaker="an economist") for number in range(1, len(values) + 1))
    return render_answer(0, make_answer(citations=cited, conflicts=(Conflict("", sides, kind),)))


def test_figures_of_one_unit_have_bars_as_long_as_they_are_large():
    html = render_sides("figures", "$2.5 billion", "$5bn")
    assert re.findall(r"width:(\d+%)", html) == ["50%", "100%"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [("figures", ("14 francs", "14 euros")), ("dates", ("4 July", "3 July")), ("figures", ("many", "12"))],
)
def test_what_has_no_common_measure_has_no_bars(kind, values):
    assert 'class="bar"' not in render_sides(kind, *values)


def test_each_sides_value_is_set_off_in_its_quotes():
    quotes = (make_citation(1, "In 2024, 20 came, police said; 4,020 <i>did</i>."), make_citation(2, "A fifth, or 30."))
    quotes += (make_citation(3, "Of $5m, some thirty took none."),)
    sides = (ConflictSide("20", (1,)), ConflictSide("4,020", (1,)), ConflictSide("30", (2, 3)))
    html = render_answer(0, make_answer(citations=quotes, short="20", conflicts=(Conflict("", sides),)))
    assert "In 2024, <strong>20</strong> came, police said; <strong>4,020</strong> &lt;i&gt;did&lt;/i&gt;." in html
    assert "A fifth, or <strong>30</strong>." in html
    assert "Of $5m, <strong>some thirty</strong> took none." in html


def test_a_side_that_is_the_whole_quote_is_not_set_off():
    sides = (ConflictSide("Trade grew by 43%.", (1,)), ConflictSide("It will harm.", (2,)))
    cited = (make_citation(1), make_citation(2, "It will harm."))
    html = render_answer(0, make_answer(citations=cited, conflicts=(Conflict("", sides, "judgements"),)))
    assert "<strong>" not in html


def test_judgements_stand_in_their_words_with_who_says_them():
    html = render_sides("judgements", "It will <b>help</b>.", "It will harm.")
    assert 'class="value words" dir="auto">It will &lt;b&gt;help&lt;/b&gt;.' in html
    assert "An economist · OC Media" in html


def test_prose_of_a_model_keeps_its_markers_and_shows_everything_else_as_text():
    text = "It grew by **43\\*%** [1], not <b>20</b> [7]."
    page = Page(render_answer(0, make_answer(text=text, answerer="gpt")))
    assert page.texts["all"].startswith("It grew by 43*% 1, not <b>20</b> [7].")
    assert page.texts["strong"] == "43*%43%"
    assert "written by gpt, quotes checked" in page.texts["all"]


def test_copied_text_holds_quote_outlet_date_and_title():
    page = Page(render_answer(0, make_answer()))
    copied = next(tag[1]["data-copy"] for tag in page.elements if "data-copy" in tag[1])
    assert copied == "“Trade grew by 43%.” (OC Media · 11 July 2024, “A title”)"


def test_dates_and_outlets_say_what_is_missing():
    assert long_date("2024-07-11") == "11 July 2024"
    assert long_date("last Tuesday") == "last Tuesday"
    assert outlet(make_citation(publisher="", published="")) == "Outlet not given · undated"


def test_confidence_is_words_and_percent():
    assert confidence_words(make_answer(confidence=0.914)) == "Confidence: high, 91%"
    assert confidence_words(make_answer(confidence=0.2)) == "Confidence: low, 20%"


def test_the_list_names_an_article_without_title_by_its_file_and_first_words():
    page = Page(render_contents((make_article("As Baku deepens ties.", title="", source="003.txt"),)))
    assert page.texts["button"] == "003.txt As Baku deepens ties."
    assert next(tag[1]["data-source"] for tag in page.elements if tag[0] == "button") == "003.txt"


def test_a_long_list_says_how_many_more_there_are(monkeypatch):
    monkeypatch.setattr(column, "MAX_LISTED", 2)
    page = Page(render_contents(tuple(make_article("Text.", source=f"{n}.txt") for n in range(5))))
    assert sum(tag[0] == "button" for tag in page.elements) == 2
    assert "and 3 more" in page.texts["all"]


DRAFT = "A wall reads “we want it open” and “we want a fence, ever”. It has 245 cranes, 12 “big 12” ones. Zebras: 77."


def check(draft):
    text = "We want it open. We don’t want a fence, ever.\n\nThe port has 245 cranes and 14 ones."
    return verify(draft, [make_article(text, source="port.txt")])


def test_the_findings_are_summed_up_in_one_line():
    assert summarize(check(DRAFT)) == (
        "3 quotations: 1 verbatim, 1 altered, 1 not found; 3 figures: 1 verbatim, 1 altered, 1 not found."
    )
    assert summarize(check("Words.")) == "The draft holds no quotations and no figures."
    assert summarize(check("“we want it open”")) == "1 quotation: 1 verbatim."


def test_each_finding_is_marked_where_it_stands_and_the_draft_is_whole():
    html = render_findings(DRAFT, check(DRAFT))
    page = Page(html)
    assert page.texts["mark"] == "we want it openwe want a fence, ever24512big 1277"
    drafted = re.sub(r"<sup>\d+</sup>", "", html[html.index('<div class="draft"') :])
    assert Page(drafted.removesuffix("</section>")).texts["all"] == DRAFT
    assert [element[1]["class"] for element in page.elements if element[0] == "mark"] == [
        "verbatim",
        "altered",
        "verbatim",
        "altered",
        "not_found",
        "not_found",
    ]


def test_a_finding_has_its_place_and_what_differs():
    page = Page(render_findings(DRAFT, check(DRAFT)))
    assert page.texts["li"].startswith("2altered we want a fence, ever")
    assert page.texts["del"] == "don’t"
    assert "port.txt, characters" in page.texts["li"]
    chips = [element[1] for element in page.elements if element[1].get("class") == "chip"]
    assert chips[0]["data-number"] == "2"
    assert {chip["data-turn"] for chip in chips} == {"-1"}


def test_each_answer_offers_its_own_evidence():
    page = Page(
        render_transcript((Turn("How?", make_answer()), Turn("Why?", make_answer(answered=False, citations=()))))
    )
    assert [element[1]["data-save"] for element in page.elements if "data-save" in element[1]] == ["0", "1"]


def test_the_answer_round_trips_into_the_history():
    from ui.chat import history

    turns = (Turn("How much?", make_answer()), Turn("Broken?", notice="The index is gone."), Turn("Waiting?"))
    assert json.dumps(history(turns)) == json.dumps(
        [{"role": "user", "content": "How much?"}, {"role": "assistant", "content": "**43%** [1]"}]
    )


def test_the_empty_column_says_what_it_is_for():
    assert "The source appears here" in Page(render_empty_column()).texts["all"]


def test_a_card_names_the_speaker_and_the_hedges():
    said = make_citation(speaker="the <b>mayor</b>", hedges=("could", "not"))
    page = render_answer(0, make_answer(citations=(said,)))
    assert '<span class="speaker" dir="auto">— The &lt;b&gt;mayor&lt;/b&gt;</span>' in page
    assert '<span class="hedges" dir="auto">hedged: could; negated: not</span>' in page
    assert 'data-copy="“Trade grew by 43%.” — The &lt;b&gt;mayor&lt;/b&gt; (OC Media' in page


def test_a_card_in_the_outlets_own_voice_names_no_speaker():
    page = render_answer(0, make_answer())
    assert "speaker" not in page
    assert "hedges" not in page
