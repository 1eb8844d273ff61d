from __future__ import annotations

import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.config import Config
from rag.reader import Reader

pytestmark = pytest.mark.browser

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
HOSTILE_FILE = "zebra'<b>\"&.txt"
HOSTILE = """<img src=x onerror="window.hacked=1">Zebras & <b>bold</b>

The zebra council of Nakhchivan paid $3 billion and then $1.4 billion for **stars** on Tuesday.

The zebra council heard <script>window.hacked=1</script> and <img src=x onerror="window.hacked=1"> from its chairman.

The zebra council read [click](javascript:window.hacked=1) and ${window.hacked=1} and {{window.hacked=1}} aloud.

</mark></p></section><script>window.hacked=1</script><svg onload=window.hacked=1>
"""
COMPANIES = "How many Azerbaijani companies operate in Beijing?"
BREAD = "How do I bake sourdough bread?"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
BUSY = ".log[data-state$='busy']"


class StagedReader:
    """The real reader, which waits before it reads a question that holds "slowly", and breaks on "crash"."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.go_on = threading.Event()

    def read(self, question, *rest):
        if "slowly" in question.question:
            self.go_on.wait(30)
        if "crash" in question.question:
            raise RuntimeError("a bug")
        return self.reader.read(question, *rest)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "articles"
    shutil.copytree(SEEDS, folder)
    (folder / HOSTILE_FILE).write_text(HOSTILE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def assistant(corpus, tmp_path_factory) -> Iterator[Assistant]:
    with Assistant.open(Config(corpus=corpus, index=tmp_path_factory.mktemp("index") / "index")) as assistant:
        assistant._reader = StagedReader(assistant._reader)
        yield assistant


@pytest.fixture(scope="module")
def url(assistant) -> Iterator[str]:
    from ui.chat import build_page
    from ui.serve import serve

    page = build_page(assistant)
    yield serve(page, "127.0.0.1", None)
    page.close(verbose=False)


@pytest.fixture(scope="module")
def browser():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        if os.environ.get("CI") == "true":
            pytest.fail("No Chromium is installed, and CI needs one: apt-get install chromium")
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, url):
    """Opens pages of their own sessions; afterwards none may have asked for anything elsewhere, or run hostile code."""
    contexts, requests, errors = [], [], []

    def open_one(width: int = 1400, height: int = 900, theme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}/?__theme={theme}")
        page.wait_for_selector("#contents li")
        return page

    yield open_one
    hacked = [page.evaluate("window.hacked") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert not any(hacked)
    assert not errors
    assert requests
    assert [asked for asked in requests if not asked.startswith((f"{url}/", "data:", "blob:"))] == []


@pytest.fixture
def page(open_page):
    return open_page()


def ask(page, question: str) -> None:
    turns = page.locator(".turn").count()
    send(page, question)
    settle(page, turns + 1)


def send(page, question: str) -> None:
    """Types the question and presses Enter two frames later: Gradio takes a text over in the next one."""
    page.fill("#question textarea", question)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.press("#question textarea", "Enter")


def settle(page, turns: int) -> None:
    page.wait_for_selector(f".log[data-state='{turns} idle']")


def shown_quote(page, number: int) -> str:
    """The text of the current mark, once it is the one of that number and in view."""
    mark = page.locator(f"#column mark.current[data-number='{number}']")
    mark.first.wait_for()
    page.wait_for_function(
        """() => {
            const mark = document.querySelector("#column mark.current").getBoundingClientRect();
            const head = document.querySelector("#column header").getBoundingClientRect();
            return mark.top >= head.bottom && mark.top < innerHeight - 40;
        }"""
    )
    return "".join(mark.all_text_contents())


def test_an_answer_shows_its_quotes_verbatim_and_marks_the_first_in_view(page, assistant):
    ask(page, COMPANIES)
    quotes = [citation.quote for citation in assistant.ask(COMPANIES).citations]
    assert page.locator(".card blockquote").all_text_contents() == quotes
    assert "245 Azerbaijani companies" in quotes[0]
    assert shown_quote(page, 1) == quotes[0]
    assert page.locator("#column header p").inner_text().split("\n") == ["OC Media", "11 July 2024"]
    assert "courts Chinese investors" in page.locator("#column h2").inner_text()
    assert "Interested in" in page.locator("#column .text").inner_text()


def test_another_marker_switches_the_source(page, assistant):
    question, passages = question_with_passages(assistant)
    ask(page, question)
    assert shown_quote(page, 1) == passages[0].quote
    page.click(".card .chip[data-number='2']")
    assert shown_quote(page, 2) == passages[1].quote
    assert page.get_attribute("#column .sheet", "data-source") == passages[1].source
    assert page.get_attribute(".card .chip[data-number='2']", "aria-current") == "true"
    page.click("#column header .chip[data-number='1']")
    assert shown_quote(page, 1) == passages[0].quote


def question_with_passages(assistant):
    """A question with more than one quote, or else the refusal, whose nearest passages lead to the source as well."""
    for question in (
        "What do experts say about dependency on China?",
        "How much was the trade with China in 2024?",
        BREAD,
    ):
        answer = assistant.ask(question)
        passages = answer.citations or answer.nearest
        if len(passages) > 1:
            return question, passages
    raise AssertionError("no question has two passages")


def test_a_marker_of_an_earlier_answer_still_leads_to_its_quote(page, assistant):
    ask(page, COMPANIES)
    ask(page, "What was the volume of trade between China and Azerbaijan in 2007?")
    page.click(".card .chip[data-turn='0'][data-number='1']")
    page.wait_for_selector("#column .sheet[data-turn='0']")
    assert shown_quote(page, 1) == assistant.ask(COMPANIES).citations[0].quote


def test_a_follow_up_is_answered_and_shown_as_it_was_read(page):
    ask(page, "What was the volume of trade between China and Azerbaijan in 2007?")
    ask(page, "And in 2017?")
    read_as = page.locator(".turn").nth(1).locator(".read-as").inner_text()
    assert "trade" in read_as
    assert "2017" in read_as


def test_a_refusal_looks_different_and_offers_the_nearest_passages(page):
    ask(page, BREAD)
    assert page.locator(".reply.refusal").inner_text().startswith("The articles do not say.")
    assert page.locator(".reply.answer").count() == 0
    page.click(".refusal .chip[data-number='2']")
    assert shown_quote(page, 2)


def test_hostile_articles_and_questions_are_shown_as_text(page):
    question = '<img src=x onerror="window.hacked=1"> What did the zebra council of Nakhchivan pay in billion?'
    ask(page, question)
    assert page.locator(".asked").inner_text() == question
    page.click("#contents li:has-text('Zebras')")
    page.wait_for_selector("#column .sheet[data-by='reader']")
    lines = [line for line in HOSTILE.splitlines() if line]
    assert page.locator("#column .text p").all_text_contents() == lines
    assert page.locator("#column h2").inner_text() == lines[0]
    assert page.locator("#column .text :is(script, img, b, a, svg), .log :is(script, img, b, a, svg)").count() == 0


def test_dollar_amounts_and_asterisks_in_quotes_stay_as_they_are(page):
    ask(page, "How much did the zebra council of Nakhchivan pay for stars?")
    sentence = "The zebra council of Nakhchivan paid $3 billion and then $1.4 billion for **stars** on Tuesday."
    assert any(sentence in quote for quote in page.locator(".card blockquote").all_text_contents())


def test_an_example_question_is_asked_by_a_click(page):
    page.click(f".example >> text={COMPANIES}")
    settle(page, 1)
    assert page.locator(".asked").inner_text() == COMPANIES
    assert page.locator(".card").count() >= 1


def test_the_list_opens_an_article_without_a_question(page):
    assert page.locator("#contents li").count() == 6
    page.click("#contents li >> text=New Era of Strategic Partnership")
    page.wait_for_selector("#column .sheet[data-source='004_61376625041b5dca.txt']")
    assert "by Irina Khalturina" in page.locator("#column header").inner_text()
    assert page.locator("#column mark").count() == 0


@pytest.mark.parametrize(
    ("question", "notice"),
    [("   ", "The question is empty"), ("x" * 2_001, "2,001 characters"), ("a\x01b", "control character U+0001")],
)
def test_a_question_that_cannot_be_asked_gets_a_notice_and_stays_in_the_box(page, question, notice):
    page.fill("#question textarea", question)
    page.click("#ask")
    page.wait_for_selector(f".toast-body:has-text('{notice}')")
    assert page.locator(".turn").count() == 0
    assert page.input_value("#question textarea") == question


def test_clear_empties_conversation_and_source(page):
    ask(page, COMPANIES)
    page.click("#clear")
    page.wait_for_selector(".welcome")
    page.wait_for_selector("#column .sheet.empty")
    assert page.locator(".turn").count() == 0
    ask(page, "And in 2017?")
    assert page.locator(".read-as").count() == 0


def test_stop_gives_the_question_back_at_once(page, assistant):
    ask(page, COMPANIES)
    send(page, "How many companies slowly operate in Beijing?")
    page.wait_for_selector(BUSY)
    page.wait_for_selector("#stop:enabled")
    page.click("#stop")
    settle(page, 1)
    assert page.input_value("#question textarea") == "How many companies slowly operate in Beijing?"
    page.wait_for_selector("#stop:disabled")
    assistant._reader.go_on.set()
    ask(page, BREAD)
    assert page.locator(".asked").all_inner_texts() == [COMPANIES, BREAD]
    assert page.locator(".toast-body").count() == 0
    assistant._reader.go_on.clear()


def test_clear_while_an_answer_is_made_leaves_nothing(page, assistant):
    send(page, "How slowly did trade rise?")
    page.wait_for_selector(BUSY)
    page.click("#clear")
    page.wait_for_selector(".welcome")
    assistant._reader.go_on.set()
    page.wait_for_timeout(500)
    assert page.locator(".turn").count() == 0
    assert page.locator(".toast-body").count() == 0
    assistant._reader.go_on.clear()


def test_a_bug_gives_the_question_back_and_the_chat_goes_on(page):
    send(page, "Does this crash?")
    page.wait_for_selector(".toast-body")
    page.wait_for_selector(".welcome")
    assert page.input_value("#question textarea") == "Does this crash?"
    ask(page, COMPANIES)
    assert page.locator(".asked").all_inner_texts() == [COMPANIES]


def test_two_sessions_do_not_share_their_history(open_page):
    one, other = open_page(), open_page()
    ask(one, "What was the volume of trade between China and Azerbaijan in 2007?")
    ask(other, "And in 2017?")
    assert other.locator(".turn").count() == 1
    assert other.locator(".read-as").count() == 0
    ask(one, "And in 2017?")
    assert one.locator(".read-as").count() == 1


def test_a_broken_set_up_is_told_in_the_chat_and_does_not_end_it(page, corpus):
    away = corpus.with_name("away")
    corpus.rename(away)
    try:
        ask(page, COMPANIES)
        assert "does not exist" in page.locator(".notice").inner_text()
    finally:
        away.rename(corpus)
    ask(page, COMPANIES)
    assert page.locator(".reply.answer").count() == 1


def test_an_article_that_changed_since_is_neither_marked_nor_saved_as_it_was(page, corpus):
    ask(page, COMPANIES)
    with page.expect_download():
        page.click(".save")
    file = corpus / "001_04a1ac37c911923e.txt"
    text = file.read_bytes()
    file.chmod(0o644)
    try:
        file.write_bytes(text + b"\nAdded later.\n")
        page.click(".card .chip[data-number='1']")
        page.wait_for_selector("#column [role=alert]")
        assert "has changed since it was quoted" in page.locator("#column").inner_text()
        downloads = []
        page.on("download", lambda download: downloads.append(download.suggested_filename))
        page.click(".save")
        page.wait_for_selector(".toast-body:has-text('has changed since it was quoted')")
        page.wait_for_timeout(500)
        assert downloads == []
    finally:
        file.write_bytes(text)


def test_an_answers_evidence_is_downloaded_as_one_zip(page, corpus, tmp_path):
    ask(page, BREAD)
    ask(page, COMPANIES)
    with page.expect_download() as download:
        page.locator(".save").nth(1).click()
    download.value.save_as(tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert archive.namelist() == ["answer.json", "annotations.jsonld", "answer.md", "SHA256SUMS"]
        answer = json.loads(archive.read("answer.json"))
    assert answer["question"] == COMPANIES
    cited = answer["citations"][0]
    assert (corpus / cited["source"]).read_text(encoding="utf-8")[cited["start"] : cited["end"]] == cited["quote"]
    with page.expect_download() as download:
        page.locator(".save").nth(0).click()
    assert download.value.suggested_filename == "evidence-how-do-i-bake-sourdough-bread.zip"


DRAFT = f"They wrote of “around 254 Azerbaijani companies operating in Beijing”. {HOSTILE.splitlines()[2]}"
DROP = """([name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    const options = {dataTransfer: data, bubbles: true, cancelable: true};
    const [box, input] = ["#draft textarea", "#checker input[type=file]"].map((s) => document.querySelector(s));
    return Boolean(box && input) && !box.dispatchEvent(new DragEvent("drop", options));
}"""
"""True once the page has taken the file: right after the tab has come into view it does not listen yet."""


def test_a_draft_is_dropped_checked_compared_with_its_article_and_saved(page, tmp_path):
    page.click("role=tab[name='Check a draft']")
    page.wait_for_function(DROP, arg=["draft.md", DRAFT + HOSTILE])
    page.wait_for_function("() => document.querySelector('#draft textarea').value.includes('254')")
    page.click("#check")
    page.wait_for_selector(".findings[data-state='done']")
    assert page.locator(".findings .summary").inner_text().startswith("1 quotation: 1 altered; ")
    assert page.locator(".found ins").first.inner_text() == "254"
    assert page.locator(".draft mark").first.inner_text() == "around 254 Azerbaijani companies operating in Beijing"
    assert page.locator(".findings :is(script, img, b, a, svg)").count() == 0
    page.click(".findings .chip[data-number='1']")
    assert "245" in shown_quote(page, 1)
    page.wait_for_function("() => document.activeElement.matches('mark.current')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.matches('#findings .chip')")
    with page.expect_download() as download:
        page.click("#save-draft")
    download.value.save_as(tmp_path / "checked.md")
    assert (tmp_path / "checked.md").read_text(encoding="utf-8").startswith("They wrote of “around 254")
    page.click("role=tab[name='Ask']")
    ask(page, COMPANIES)


def test_on_a_phone_a_draft_is_checked_within_the_screen(open_page):
    phone = open_page(390, 844)
    phone.click("role=tab[name='Check a draft']")
    phone.click("#check")
    phone.wait_for_selector(".toast-body:has-text('The draft is empty')")
    phone.fill("#draft textarea", DRAFT)
    phone.click("#check")
    phone.wait_for_selector(".findings[data-state='done']")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.click(".findings .chip[data-number='1']")
    assert "245" in shown_quote(phone, 1)
    phone.click("#column .back")
    phone.wait_for_function("() => document.activeElement.matches('#findings .chip')")


def test_on_a_phone_nothing_is_wider_than_the_screen_and_a_tap_leads_to_the_quote(open_page):
    phone = open_page(390, 844)
    ask(phone, COMPANIES)
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.click(".card .chip[data-number='1']")
    assert "245" in shown_quote(phone, 1)
    phone.click("#column .back")
    phone.wait_for_function("() => document.activeElement.matches('.card .chip, .short .chip')")
    assert phone.evaluate("document.activeElement.getBoundingClientRect().top") > 0
    phone.wait_for_function("() => document.activeElement.getBoundingClientRect().top < innerHeight")


def test_everything_works_from_the_keyboard(page):
    page.focus("#question textarea")
    page.keyboard.type(COMPANIES)
    page.keyboard.press("Enter")
    settle(page, 1)
    page.focus(".card .chip[data-number='1']")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.matches('mark.current')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.matches('#transcript .chip')")


def test_a_question_is_restricted_from_the_keyboard(page):
    page.focus("#filter > .label-wrap")
    page.keyboard.press("Enter")
    page.wait_for_selector("#since textarea, #since input")
    page.keyboard.press("Tab")
    page.keyboard.type("2024")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("OC M")
    # All publishers are offered until the typed letters have been read: Enter would pick another one. And where the
    # list came from the server after the letters, none is chosen yet: the arrow does what a person would do then.
    page.wait_for_function("() => document.querySelectorAll('[role=option]').length === 1")
    page.keyboard.press("ArrowDown")
    page.locator("[role='option'].active", has_text="OC Media").wait_for()
    page.keyboard.press("Enter")
    page.locator("#publishers .token", has_text="OC Media").wait_for()
    ask(page, COMPANIES)
    articles = page.locator("#contents li").count()
    searched = f"Searched: 1 of {articles} articles (since 2024, undated ones left out, by OC Media)."
    assert page.locator(".reply .aside").inner_text() == searched
    assert {text.split(" · ")[0] for text in page.locator(".card .outlet").all_inner_texts()} == {"OC Media"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_aa_contrast(open_page, theme):
    page = open_page(theme=theme)
    low = contrasts(page, ".welcome :is(h2, h3, p, button), .mast :is(h1, p), #contents :is(h2, span), .sheet p")
    ask(page, COMPANIES)
    ask(page, BREAD)
    shown_quote(page, 1)
    page.click(".card .chip[data-turn='0'][data-number='1']")
    page.wait_for_selector("#column .sheet[data-turn='0']")
    low += contrasts(
        page,
        ".asked, .card blockquote, .card :is(.outlet, .title), .copy, .save, .chip, .confidence, .prose, #ask, #clear, "
        "#question textarea, #column :is(h2, .outlet, time, .outside, .text p, mark, footer p, .file)",
    )
    page.click("role=tab[name='Check a draft']")
    page.fill("#draft textarea", DRAFT)
    page.click("#check")
    page.wait_for_selector(".findings[data-state='done']")
    low += contrasts(
        page,
        ".findings :is(.summary, strong, q, .detail, ins, del, .chip, .draft), #tabs [role=tab], #check-actions button",
    )
    assert low == []


def contrasts(page, selector: str) -> list[str]:
    """The elements whose text stands out less than 4.5 to 1 from what is behind it."""
    return page.evaluate(
        """(selector) => {
            const parse = (color) => color.match(/[\\d.]+/g).map(Number);
            const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
                .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
            const behind = (element) => {
                for (let e = element; e; e = e.parentElement) {
                    const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
                    if (a > 0.99) return [r, g, b];
                }
                return [255, 255, 255];
            };
            const found = [...document.querySelectorAll(selector)];
            if (found.length < 5) return ["too few elements"];
            return found.map((e) => {
                const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
                return [e, (a + 0.05) / (b + 0.05)];
            }).filter(([, ratio]) => ratio < 4.5)
                .map(([e, ratio]) => `${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
        }""",
        selector,
    )


def test_the_server_refuses_other_host_names_and_tells_browsers_to_load_nothing_from_elsewhere(url):
    from http.client import HTTPConnection

    def get(host: str):
        connection = HTTPConnection(url.removeprefix("http://"))
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse()

    assert get("articles.example").status == 400
    page = get("127.0.0.1")
    assert page.status == 200
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self' data: blob:;")
