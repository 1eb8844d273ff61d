import os
from hashlib import sha256

import pytest

from rag.articles import first_line, read_articles, scan
from rag.errors import CorpusError
from rag.schema import Article, Skipped, Span

LIMIT = 1_000_000


def read(config, limit=LIMIT):
    return list(read_articles(config.corpus, limit))


def test_text_and_hash_are_those_of_the_file_with_newlines_and_byte_order_mark_untouched(write_corpus):
    data = b"\xef\xbb\xbfOne line.\r\nAnother\rline.\n\xc9\x99 end"
    (article,) = read(write_corpus({"a.txt": data}))
    assert article == Article(
        "a.txt",
        "\ufeffOne line.\r\nAnother\rline.\nə end",
        sha256(data).hexdigest(),
        "One line.",
        "",
        "",
        "",
        (Span(1, 31),),
    )
    assert article.text == data.decode("utf-8")


def test_txt_and_md_are_read_from_folders_below_and_other_files_are_not(write_corpus):
    config = write_corpus({"b.txt": "B.", "deep/er/c.MD": "C.", "a.md": "A.", "x.rtf": "X.", "noext": "N."})
    assert [article.source for article in read(config)] == ["a.md", "b.txt", "deep/er/c.MD"]


def test_hidden_files_and_folders_are_left_out(write_corpus):
    config = write_corpus({"a.txt": "A.", ".b.txt": "B.", ".git/c.txt": "C."})
    assert [article.source for article in read(config)] == ["a.txt"]


def test_links_that_leave_the_folder_links_to_folders_and_loops_are_not_followed(write_corpus, tmp_path):
    config = write_corpus({"a.txt": "A.", "sub/b.txt": "B."})
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "s.txt").write_text("Secret.")
    (config.corpus / "out.txt").symlink_to(tmp_path / "secret" / "s.txt")
    (config.corpus / "folder").symlink_to(tmp_path / "secret")
    (config.corpus / "folder.txt").symlink_to(config.corpus / "sub")
    (config.corpus / "loop.txt").symlink_to(config.corpus / "loop.txt")
    (config.corpus / "dangling.txt").symlink_to(config.corpus / "nothing.txt")
    assert [state.source for state in scan(config.corpus)] == ["a.txt", "sub/b.txt"]


def test_a_corpus_that_is_itself_a_link_is_read(write_corpus, tmp_path):
    config = write_corpus({"a.txt": "A."})
    (tmp_path / "link").symlink_to(config.corpus)
    assert [state.source for state in scan(tmp_path / "link")] == ["a.txt"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t\xc2\xa0\n", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        ("\u2003\u2028".encode(), "empty"),
        (b"Caf\xe9 au lait", "not UTF-8: byte 0xe9 at position 3"),
        ("Wide text".encode("utf-16"), "binary: it holds NUL bytes"),
        (b"PNG\x00\x01", "binary: it holds NUL bytes"),
        (b"x" * 2_001, "larger than CITEWELL_MAX_FILE_BYTES: 2,001 of 2,000"),
    ],
)
def test_a_file_that_is_no_article_is_named_with_the_reason_and_the_others_are_read(write_corpus, content, reason):
    skipped, article = read(write_corpus({"bad.txt": content, "good.txt": "Good."}), limit=2_000)
    assert skipped == Skipped("bad.txt", reason)
    assert article.source == "good.txt"


def test_a_second_file_with_the_same_text_is_named(write_corpus):
    config = write_corpus({"a.txt": "Same.", "b.txt": "Same.", "c.txt": "Other."})
    assert [item if isinstance(item, Skipped) else item.source for item in read(config)] == [
        "a.txt",
        Skipped("b.txt", "same text as a.txt"),
        "c.txt",
    ]


@pytest.mark.timeout(10)
def test_a_pipe_is_named_and_not_waited_for(write_corpus):
    config = write_corpus({"a.txt": "A."})
    os.mkfifo(config.corpus / "pipe.txt")
    assert read(config)[1] == Skipped("pipe.txt", "not a regular file")


def test_a_folder_named_like_an_article_is_walked(write_corpus):
    assert [item.source for item in read(write_corpus({"x.txt/a.txt": "A."}))] == ["x.txt/a.txt"]


def test_a_file_that_cannot_be_opened_is_named(write_corpus, monkeypatch):
    config = write_corpus({"a.txt": "A.", "b.txt": "B."})
    opened = type(config.corpus).read_bytes

    def read_bytes(path):
        if path.name == "a.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path)

    monkeypatch.setattr(type(config.corpus), "read_bytes", read_bytes)
    assert read(config)[0] == Skipped("a.txt", "cannot be read: Permission denied")


def test_a_file_name_that_is_not_utf8_is_named(write_corpus):
    config = write_corpus({"a.txt": "A."})
    with open(os.fsencode(config.corpus) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"Text.")
    assert read(config)[1] == Skipped(r"'caf\udce9.txt'", "its name is not UTF-8")


def test_a_folder_that_cannot_be_listed_is_an_error_with_its_name(write_corpus, monkeypatch):
    config = write_corpus({"a.txt": "A.", "locked/b.txt": "B."})
    listed = os.scandir

    def scandir(folder):
        if os.path.basename(folder) == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(CorpusError, match=r"locked' cannot be read: Permission denied"):
        scan(config.corpus)


def test_a_missing_corpus_folder_is_an_error_with_its_name(tmp_path):
    with pytest.raises(CorpusError, match=r"nowhere' does not exist\. Name a folder"):
        scan(tmp_path / "nowhere")


def test_the_catalog_gives_the_details_and_the_body_between_its_phrases(write_corpus):
    catalog = """
[[article]]
file = "a.txt"
title = "Title"
publisher = "Outlet"
published = "2024-07-11"
author = "A. Writer"
body_after = "JOIN"
body_before = "MORE"
"""
    (article,) = read(write_corpus({"catalog.toml": catalog, "a.txt": "Menu JOIN\nThe body.\nMORE\nTeaser JOIN MORE"}))
    assert (article.title, article.publisher, article.published, article.author) == (
        "Title",
        "Outlet",
        "2024-07-11",
        "A. Writer",
    )
    assert [article.text[span.start : span.end] for span in article.body] == ["\nThe body.\n"]


@pytest.mark.parametrize(
    ("catalog", "message"),
    [
        ('[[article]]\nfile = "b.txt"', "names 'b.txt', which is not in the folder"),
        ('[[article]]\nfile = "a.txt"\nbody_after = "Absent"', "looks for “Absent” in 'a.txt'"),
        ('[[article]]\nfile = "a.txt"\nbody_after = "body."\nbody_before = "The"', "looks for “The” in 'a.txt'"),
        ('[[article]]\nfile = "a.txt"\npublished = 2024-07-11', "published of 'a.txt' must be text"),
        ('[[article]]\nfile = "a.txt"\ncolour = "red"', "'a.txt' has 'colour'; known are file, title"),
        ('[[article]]\ntitle = "No file"', "holds an [[article]] without file"),
        ('[[article]]\nfile = "a.txt"\n[[article]]\nfile = "a.txt"', "names a file twice"),
        ("article = 3", "in double brackets"),
        ("[article]\nfile = 'a.txt'", "in double brackets"),
        ("[[article", "cannot be read"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_wrong_catalog_is_an_error_that_says_where(write_corpus, catalog, message):
    with pytest.raises(CorpusError) as error:
        read(write_corpus({"catalog.toml": catalog, "a.txt": "The body."}))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_state_of_a_file_changes_with_every_write_even_one_that_restores_size_and_time(write_corpus):
    config = write_corpus({"a.txt": "245"})
    before = scan(config.corpus)
    stat = (config.corpus / "a.txt").stat()
    (config.corpus / "a.txt").write_text("312")
    os.utime(config.corpus / "a.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = scan(config.corpus)
    assert (after[0].size, after[0].modified) == (before[0].size, before[0].modified)
    assert after != before
    assert scan(config.corpus) == after


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\ufeff\r\n## A heading \r\nText", "A heading"),
        ("\n \n###\nText", "Text"),
        ("x" * 201, "x" * 199 + "…"),
        ("", ""),
    ],
)
def test_the_first_line_with_words_is_the_title(text, title):
    assert first_line(text) == title
