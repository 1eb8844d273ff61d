"""Files that visitors add: what is taken, and what is refused with which reason."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest
from archive_files import make_zip
from visits import Visitor

from rag.articles import scan
from rag.assistant import Assistant
from rag.config import Config
from ui.upload import RefusedError, add_files, find_largest, take_file
from ui.users import add_user, read_users

HARBOUR = "The harbour of Genoa\n\nThe harbour of Genoa has 371 cranes, said the port authority."


@pytest.fixture
def config(write_corpus):
    return write_corpus({"a.txt": "Another article."}, upload=True, upload_bytes=100_000, upload_files=3)


@pytest.fixture
def offer(config, tmp_path):
    """Offers a file of that name and content, and gives its source."""

    def offer(name, content, known=None):
        file = tmp_path / "offered" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return take_file(config, file, known or {})

    return offer


def stored(config):
    folder = config.corpus / "uploads"
    return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []


def test_a_text_is_stored_as_it_is_and_is_an_article(config, offer):
    assert offer("harbour.txt", "\ufeff" + HARBOUR) == "uploads/harbour.txt"
    assert (config.corpus / "uploads" / "harbour.txt").read_text(encoding="utf-8") == "\ufeff" + HARBOUR
    assert [state.source for state in scan(config.corpus)] == ["a.txt", "uploads/harbour.txt"]
    assert stored(config) == ["harbour.txt"]


def test_each_known_format_is_taken(config, offer):
    pytest.importorskip("trafilatura")
    offer("lines.jsonl", json.dumps({"text": HARBOUR}) + "\n")
    offer(
        "Page.HTML", f"<html><body><article><p>{HARBOUR}</p><p>{'More words of it. ' * 20}</p></article></body></html>"
    )
    container = '<container><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>'
    package = '<package><manifest><item id="c" href="c.xhtml"/></manifest><spine><itemref idref="c"/></spine></package>'
    offer(
        "book.epub", make_zip({"META-INF/container.xml": container, "p.opf": package, "c.xhtml": f"<p>{HARBOUR}</p>"})
    )
    assert stored(config) == ["Page.HTML", "book.epub", "lines.jsonl"]


@pytest.mark.parametrize(
    "name",
    ["notes.exe", "catalog.toml", "page.html.zip", "noending", ".txt", "a.txt.part"],
)
def test_a_name_of_no_known_format_is_refused(config, offer, name):
    with pytest.raises(RefusedError, match=r"ends in none of \.txt|cannot be used"):
        offer(name, HARBOUR)
    assert stored(config) == []


@pytest.mark.parametrize(
    "name",
    [
        "..\\..\\a.txt",
        ".hidden.txt",
        " a.txt",
        "a\n.txt",
        "a\u202etxt.md",
        "con.txt",
        "COM1.txt",
        "a.jsonl#1.txt",
        "C:a.txt",
        "a\x7f.txt",
    ],
)
def test_a_name_that_could_mean_something_else_is_refused(config, offer, name):
    with pytest.raises(RefusedError, match="cannot be used here"):
        offer(name, HARBOUR)
    assert stored(config) == []


def test_a_path_in_a_name_leads_nowhere(config, tmp_path):
    outside = tmp_path / "offered" / ".." / "outside.txt"
    (tmp_path / "offered").mkdir()
    outside.write_text(HARBOUR)
    assert take_file(config, outside, {}) == "uploads/outside.txt"
    assert {path.name for path in config.corpus.iterdir()} == {"a.txt", "uploads"}


def test_a_name_that_is_too_long_is_refused(offer):
    with pytest.raises(RefusedError, match="more than 200 bytes"):
        offer("ə" * 99 + ".txt", HARBOUR)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"\xff\xfe", "not UTF-8"),
        ("a.md", b"words\0", "NUL bytes"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"%PDF-1.7\nwords", "no plain text"),
        ("a.txt", b"\x1b[2Jwords", "no plain text"),
        ("a.pdf", HARBOUR, "no PDF"),
        ("a.docx", HARBOUR, "no DOCX: it is no whole zip file"),
        ("a.docx", make_zip({"META-INF/container.xml": "<container/>"}), "no DOCX: it holds no word/document.xml"),
        ("a.epub", make_zip({"word/document.xml": "<document/>"}), "no EPUB: it holds no META-INF/container.xml"),
        ("a.html", HARBOUR, "no HTML"),
        ("a.jsonl", HARBOUR, "line 1: no JSON"),
        ("a.jsonl", '{"text": "One."}\n{"title": "No text"}', 'line 2: no object with a "text"'),
        ("a.jsonl", "\n", "empty"),
        ("a.docx", make_zip({"word/document.xml": b" " * 20_000_000}), "it unpacks to 20,000,000 bytes"),
        ("a.txt", "x" * 100_001, "more than 100,000 bytes"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused_and_nothing_stays(config, offer, name, content, reason):
    pytest.importorskip("trafilatura")
    with pytest.raises(RefusedError, match=reason):
        offer(name, content)
    assert stored(config) == []


def test_a_name_that_is_taken_is_refused_and_the_file_stays(config, offer):
    offer("Harbour é.txt", HARBOUR)
    for name in ("Harbour é.txt", "harbour E\u0301.TXT"):
        with pytest.raises(RefusedError, match="there is a file of that name"):
            offer(name, "Other words.")
    assert (config.corpus / "uploads" / "Harbour é.txt").read_text(encoding="utf-8") == HARBOUR
    assert stored(config) == ["Harbour é.txt"]


def test_no_more_files_are_taken_than_are_set(offer):
    for number in range(3):
        offer(f"{number}.txt", f"Words {number}.")
    with pytest.raises(RefusedError, match="there are 3 uploaded files"):
        offer("3.txt", "Words 3.")


def test_a_text_that_is_there_already_is_refused(config, offer):
    with pytest.raises(RefusedError, match=r"it has the same text as a\.txt"):
        offer("b.txt", "Words.", {hashlib.sha256(b"Words.").hexdigest(): "a.txt"})
    assert stored(config) == []


def test_a_folder_that_leads_elsewhere_takes_nothing(config, offer, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (config.corpus / "uploads").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="'uploads' is a link"):
        offer("a.txt", HARBOUR)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_largest_file_is_a_draft_or_an_article():
    assert find_largest(Config()) == 10_000_000
    assert find_largest(Config(upload_bytes=20_000_000)) == 10_000_000
    assert find_largest(Config(upload=True, upload_bytes=20_000_000)) == 20_000_000
    assert find_largest(Config(upload=True, upload_bytes=5)) == 10_000_000


@pytest.fixture
def assistant(config, embedder):
    with Assistant.open(config) as assistant:
        yield assistant


def test_what_was_added_and_what_was_not_is_said(assistant, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("gradio.Info", lambda message, **_: said.append(message))
    monkeypatch.setattr("gradio.Warning", lambda message, **_: said.append(message))
    files = [tmp_path / name for name in ("harbour.txt", "<b>.txt", "same.txt", "x.exe")]
    for file in files:
        file.write_text("Another article." if file.name == "same.txt" else HARBOUR)
    add_files(assistant, files)
    assert said == [
        "“&lt;b&gt;.txt” is not added: its name cannot be used here. Rename it.",
        "“same.txt” is not added: it has the same text as a.txt.",
        "“x.exe” is not added: its name ends in none of .txt .md .jsonl .html .htm .pdf .docx .epub.",
        "Added: harbour.txt",
    ]
    assert not any(file.exists() for file in files)


def upload(visitor, *files):
    paths = visitor.client.post("/gradio_api/upload", files=[("files", file) for file in files]).json()
    data = [{"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": Path(path).name} for path in paths]
    return paths, visitor.fire("add-articles", "upload", [data])


def test_an_article_that_was_added_is_quoted_in_the_next_answer(start_page, assistant):
    visitor = Visitor(start_page(assistant), "adding")
    paths, seen = upload(visitor, ("../../harbour.txt", HARBOUR.encode()), ("bad.pdf", b"no PDF"))
    assert "uploads/harbour.txt" in seen
    assert "no PDF: it does not begin with %PDF-" in seen
    assert not any(Path(path).exists() for path in paths)
    assert "371 cranes" in visitor.ask("How many cranes does the harbour of Genoa have?")
    assert stored(assistant.config) == ["harbour.txt"]


def test_the_page_has_the_button_only_where_it_is_switched_on_and_for_users_alone(start_page, seeds_config, tmp_path):
    with Assistant.open(seeds_config) as assistant:
        url = start_page(assistant)
        assert "add-articles" not in Visitor(url, "off").parts
        on = Assistant.open(Config(**seeds_config.model_dump(), upload=True))
        add_user(tmp_path / "users.txt", "ada", "engine no. 1")
        locked = start_page(on, read_users(tmp_path / "users.txt"))
        files = {"files": ("a.txt", b"words")}
        assert httpx.post(f"{locked}/gradio_api/upload", files=files, trust_env=False).status_code == 401
        on.close()
