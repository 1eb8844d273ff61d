import io
import json
import zipfile
from contextlib import suppress
from hashlib import sha256

import pytest
from archive_files import BRIDGE, CARS, LIMIT, PAGE, PORT, encrypt, make_docx, make_epub, make_pdf, make_zip, read
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, StreamObject

from rag.articles import read_article, read_articles
from rag.formats import READERS, UnreadableError, extract
from rag.jsonl import file_of
from rag.pdf import drop_running_lines, join_lines
from rag.schema import Article, Skipped


def test_of_a_page_the_article_is_read_and_its_menus_are_not(write_corpus):
    (article,) = read(write_corpus({"a.html": PAGE}))
    assert article.text == f"Bridge opens\n\n{BRIDGE}\n\n{CARS}"
    assert (article.title, article.publisher, article.published, article.author) == (
        "Bridge opens",
        "The Herald",
        "2024-03-05",
        "Ann Writer",
    )
    assert article.sha256 == sha256(PAGE.encode()).hexdigest()
    assert article.text_sha256 == sha256(article.text.encode()).hexdigest()
    assert [(span.start, span.end) for span in article.body] == [(0, len(article.text))]


def test_a_page_in_the_encoding_that_it_names_is_read_and_one_in_none_is_not(write_corpus):
    page = (
        f"<html><head><meta charset='windows-1251'></head><body><article><p>Мост. {'Много слов. ' * 20}</p></article>"
    )
    config = write_corpus({"a.htm": page.encode("cp1251"), "b.html": b"<html><p>caf\xe9</p>"})
    article, skipped = read(config)
    assert article.text.startswith("Мост. Много слов.")
    assert skipped == Skipped("b.html", "neither UTF-8 nor in an encoding that it names")


def test_a_date_that_stands_in_the_text_alone_is_not_taken_for_the_article_s(write_corpus):
    page = f"<html><body><article><p>On 5 May 2021 it began. {BRIDGE}</p><p>{CARS}</p></article></body></html>"
    assert read(write_corpus({"a.html": page}))[0].published == ""


def test_the_lines_of_a_pdf_become_paragraphs(write_corpus):
    lines = [
        "The new bridge at Poti cost 48 million euros, the ministry of trans-",
        "port said on Tuesday. It is long.",
        "7",
    ]
    (article,) = read(write_corpus({"a.pdf": make_pdf(lines, title="Bridge")}))
    assert (
        article.text
        == "The new bridge at Poti cost 48 million euros, the ministry of trans-port said on Tuesday. It is long."
    )
    assert article.title == "Bridge"


def test_a_hyphen_at_the_end_of_a_line_goes_where_the_whole_word_is_known():
    page = "The ministry of trans-\nport is a long-\nterm body.\nShort.\nAnother paragraph."
    assert (
        join_lines(page, {"transport"})
        == "The ministry of transport is a long-term body.\n\nShort.\n\nAnother paragraph."
    )


def test_a_docx_is_read_with_its_tables_in_order(write_corpus):
    (article,) = read(write_corpus({"a.docx": make_docx()}))
    assert article.text == f"The bridge\n\n{BRIDGE}\n\nCars | 9,000\n\n{CARS}"
    assert (article.title, article.author, article.published) == ("Works report", "", "")


def test_an_epub_is_read_in_the_order_of_its_spine_and_nothing_outside_of_it(write_corpus):
    (article,) = read(write_corpus({"a.epub": make_epub()}))
    assert article.text == f"The bridge\n\n{BRIDGE}\n\n{CARS}"
    details = article.title, article.publisher, article.published, article.author
    assert details == ("Roads", "Press", "2023-05-06", "Ann Writer, Bo Co")


def test_each_line_of_json_lines_is_an_article(write_corpus):
    rows = [
        {
            "text": f"{BRIDGE}\r\nMore.\u2028",
            "title": "Bridge",
            "publisher": "P",
            "published": "2024",
            "author": "A",
            "id": 7,
        },
        {"text": PORT, "id": "https://x.org/a b#1"},
        {"text": "No id."},
    ]
    data = "\ufeff" + "\r\n".join(json.dumps(row) for row in rows) + "\n\n"
    config = write_corpus({"sub/a.jsonl": data})
    one, two, three = read(config)
    assert (one.source, one.text, one.title, one.publisher) == ("sub/a.jsonl#7", rows[0]["text"], "Bridge", "P")
    assert (two.source, two.title) == ("sub/a.jsonl#https:%2F%2Fx%2Eorg%2Fa b%231", PORT)
    assert three.source == "sub/a.jsonl#3"
    assert {a.sha256 for a in (one, two, three)} == {sha256(data.encode()).hexdigest()}
    assert one.text_sha256 == sha256(one.text.encode()).hexdigest()
    for article in (one, two, three):
        assert file_of(article.source) == "sub/a.jsonl"
        assert read_article(config.corpus, article.source, LIMIT) == article
    assert read_article(config.corpus, "sub/a.jsonl#nine", LIMIT).reason == "no line of it is named nine"


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        ("{", "line 2", "no JSON"),
        ("[" * 100_000, "line 2", "no JSON"),
        ("[]", "line 2", 'no object with a "text" in quotation marks'),
        ('{"text": 5}', "line 2", 'no object with a "text" in quotation marks'),
        ('{"text": " "}', "line 2", "empty"),
        ('{"text": "\\ud800"}', "line 2", "its text holds characters that are none"),
        ('{"text": "x", "title": []}', "line 2", "its title is no text"),
        ('{"text": "x", "id": 1}', "line 2", "a line before it is named 1"),
        ('{"text": "First.", "id": 2}', "2", "same text as a.jsonl#1"),
    ],
)
def test_a_line_that_is_no_article_is_named_and_the_others_are_read(write_corpus, line, name, reason):
    first, skipped, last = read(write_corpus({"a.jsonl": f'{{"text": "First."}}\n{line}\n{{"text": "Last."}}'}))
    assert (first.text, skipped, last.text) == ("First.", Skipped(f"a.jsonl#{name}", reason), "Last.")


def test_of_many_faulty_lines_most_are_counted(write_corpus):
    items = read(write_corpus({"a.jsonl": "{\n" * 50}))
    assert len(items) == 21
    assert items[-1] == Skipped("a.jsonl", "30 more lines are no articles")


def test_the_catalog_s_word_goes_first_also_for_a_line_and_the_body_is_found_in_the_extracted_text(write_corpus):
    catalog = f"""
[[article]]
file = "a.html"
publisher = "Outlet"
body_before = "{CARS[:10]}"
[[article]]
file = "b.jsonl"
publisher = "Wire"
[[article]]
file = "b.jsonl#2"
publisher = "Second"
"""
    lines = f'{{"text": "{PORT}", "publisher": "Own"}}\n{{"text": "Two.", "title": "T"}}'
    page, one, two = read(write_corpus({"catalog.toml": catalog, "a.html": PAGE, "b.jsonl": lines}))
    assert (page.publisher, page.author) == ("Outlet", "Ann Writer")
    assert [page.text[span.start : span.end] for span in page.body] == [f"Bridge opens\n\n{BRIDGE}\n\n"]
    assert [(a.publisher, a.title) for a in (one, two)] == [("Wire", PORT), ("Second", "T")]


HOSTILE = {
    "plain.pdf": (b"No PDF at all.", "no PDF: it does not begin with %PDF-"),
    "cut.pdf": (b"%PDF-1.4\n1 0 obj\n<<", "damaged: it cannot be read as PDF"),
    "locked.pdf": (encrypt(make_pdf(["Secret."])), "encrypted: save it without a password"),
    "image.pdf": (make_pdf([]), "it holds no text, only images: it needs text recognition first"),
    "plain.docx": (b"PK but no zip", "no DOCX: it is no whole zip file"),
    "cut.docx": (make_docx()[:-30], "no DOCX: it is no whole zip file"),
    "other.docx": (make_zip({"a.txt": "x"}), "no DOCX: it holds no word/document.xml"),
    "broken.docx": (make_zip({"word/document.xml": "<a"}), "damaged: it cannot be read as DOCX"),
    "bomb.docx": (make_zip({"word/document.xml": b"0" * 20_000_000}), "it unpacks to 20,000,000 bytes in 1 files"),
    "docx.epub": (make_docx(), "no EPUB: it holds no META-INF/container.xml"),
    "empty.epub": (make_epub(**{"OEBPS/book.opf": "<package/>"}), "it holds no text"),
    "broken.epub": (make_epub(**{"META-INF/container.xml": "<a"}), "damaged: it cannot be read as EPUB"),
    "words.html": (b"Just words, and a < b.", "no HTML: it holds no tags of a page"),
    "empty.html": (b"<html><body></body></html>", "it holds no article text"),
    "wide.jsonl": ('{"text": "x"}'.encode("utf-16"), "binary: it holds NUL bytes"),
    "latin.jsonl": (b'{"text": "\xe9"}', "not UTF-8: byte 0xe9 at position 10"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_damaged_or_hostile_file_is_skipped_with_the_reason(write_corpus, name):
    data, reason = HOSTILE[name]
    skipped, article = read(write_corpus({name: data, "z.txt": "Good."}))
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith(reason)
    assert article.text == "Good."


def test_an_external_entity_is_not_read(tmp_path):
    (tmp_path / "secret.txt").write_text("SECRET")
    entity = f"<!DOCTYPE a [<!ENTITY x SYSTEM 'file://{tmp_path}/secret.txt'>]>"
    container = f"{entity}<container><rootfile full-path='OEBPS/book.opf'/>&x;</container>"
    chapter = f"{entity}<html><body><p>Chapter &x; one.</p></body></html>"
    book = make_epub(**{"META-INF/container.xml": container, "OEBPS/one.xhtml": chapter})
    assert "SECRET" not in extract(book, "epub").text
    body = "<w:body><w:p><w:r><w:t>Some &x; words</w:t></w:r></w:p></w:body>"
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(io.BytesIO(make_docx())) as good:
        members = {each: good.read(each) for each in good.namelist()}
    members["word/document.xml"] = f"{entity}<w:document xmlns:w='{name}'>{body}</w:document>"
    assert "SECRET" not in extract(make_zip(members), "docx").text


@pytest.mark.timeout(60)
def test_a_cell_that_claims_to_be_a_billion_columns_wide_is_read_once():
    with zipfile.ZipFile(io.BytesIO(make_docx())) as good:
        members = {each: good.read(each) for each in good.namelist()}
    wide = b'<w:tcPr><w:gridSpan w:val="1000000000"/>'
    members["word/document.xml"] = members["word/document.xml"].replace(b"<w:tcPr>", wide)
    assert wide in members["word/document.xml"]
    assert "\n\nCars | 9,000\n\n" in extract(make_zip(members), "docx").text


def test_a_page_of_nothing_but_tags_is_refused():
    with pytest.raises(UnreadableError, match="more than 50,000 tags"):
        extract(b"<p>" * 50_001, "html")


@pytest.mark.timeout(60)
def test_a_pdf_whose_pages_draw_the_same_large_stream_again_and_again_is_refused():
    writer, buffer = PdfWriter(), io.BytesIO()
    page = PdfReader(io.BytesIO(make_pdf([BRIDGE]))).pages[0]
    for _ in range(10):
        writer.add_page(page)
    stream = StreamObject()
    stream.set_data(b"%" + b"x" * 8_000_000)
    reference = writer._add_object(stream.flate_encode())
    for added in writer.pages:
        added[NameObject("/Contents")] = reference
    writer.write(buffer)
    with pytest.raises(UnreadableError, match="too complex"):
        extract(buffer.getvalue(), "pdf")


@pytest.mark.timeout(60)
def test_entities_that_multiply_are_not_expanded():
    entities = "<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    package = f"<!DOCTYPE p [{entities}]><package><metadata><title>&a11;</title></metadata></package>"
    with pytest.raises(UnreadableError):
        extract(make_epub(**{"OEBPS/book.opf": package}), "epub")


def test_a_reader_that_is_not_installed_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "trafilatura", None)
    with pytest.raises(UnreadableError, match=r"pip install 'citewell\[formats\]' && citewell index --rebuild"):
        extract(PAGE.encode(), "html")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([*READERS, ".jsonl"]),
    st.binary(max_size=300),
    st.sampled_from([b"", b"%PDF-1.7\n", b"PK\x03\x04", b"<p>"]),
)
@example(".html", "<html><p>\ud800</p>".encode("utf-8", "surrogatepass"), b"")
def test_random_bytes_never_raise(tmp_path, suffix, data, start):
    (tmp_path / f"a{suffix}").write_bytes(start + data)
    for item in read_articles(tmp_path, LIMIT):
        assert isinstance(item, Article | Skipped)
    (tmp_path / f"a{suffix}").unlink()


def test_lines_that_run_at_the_top_or_bottom_of_most_pages_are_left_out():
    facts = ["Trade rose\n\nby a tenth.", "Wine fell.", "Tea is dear.", "Nobody knows why\nit rains."]
    pages = [f"The Daily Tide\n\nPage {n} of 4\n{fact}\n{n} © Tide" for n, fact in enumerate(facts, 1)]
    assert drop_running_lines(pages) == facts
    odd = ["Left\nSame words.\nA.", "Right\nSame words.\nB.", "Left\nC.", "Right\nD.", "Left\nE.", "Right\nF."]
    assert drop_running_lines(odd) == ["Same words.\nA.", "Same words.\nB.", "C.", "D.", "E.", "F."]
    assert drop_running_lines(["Same\nA.", "Same\nB."]) == ["Same\nA.", "Same\nB."]
    assert drop_running_lines(["Same", "Same", "Same", ""]) == ["Same", "Same", "Same", ""]


def test_a_docx_is_read_as_word_shows_it_with_tracked_changes():
    words = "<w:r><w:t>%s</w:t></w:r>"
    paragraph = (
        f"<w:p>{words % 'Sheki has '}<w:del><w:r><w:delText>12</w:delText></w:r></w:del><w:ins>{words % '17'}</w:ins>"
        f"<w:moveFrom>{words % ' sad'}</w:moveFrom><w:sdt><w:sdtContent>{words % ' penguins'}</w:sdtContent></w:sdt>"
        "<w:r><w:tab/><w:br/><w:br w:type='page'/><w:noBreakHyphen/></w:r></w:p>"
    )
    with zipfile.ZipFile(io.BytesIO(make_docx())) as good:
        members = {name: good.read(name) for name in good.namelist()}
    document = members["word/document.xml"].decode()
    members["word/document.xml"] = document.replace("<w:body>", f"<w:body>{paragraph}", 1).encode()
    assert extract(make_zip(members), "docx").text.startswith("Sheki has 17 penguins\n-\n\n")


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["pdf", "docx", "epub", "html"]), st.data())
def test_a_file_with_wrong_bytes_is_read_or_refused(reader, data):
    good = {"pdf": make_pdf([BRIDGE]), "docx": make_docx(), "epub": make_epub(), "html": PAGE.encode()}[reader]
    spoilt = bytearray(good)
    for place in data.draw(st.lists(st.integers(0, len(good) - 1), min_size=1, max_size=8)):
        spoilt[place] = data.draw(st.integers(0, 255))
    with suppress(UnreadableError):
        assert extract(bytes(spoilt), reader).text
