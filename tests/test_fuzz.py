"""Whatever bytes a file, a catalog, an index, a model's reply or a kept answer holds: a result, or an error of ours."""

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.articles import read_article, read_articles
from rag.claims import check_reply
from rag.errors import CitewellError
from rag.generations import current_generation
from rag.manifest import read_manifest
from rag.schema import Article, Candidate, Skipped, Span
from rag.split import split_article
from rag.verify import verify_answer

TEXT = "There are 245 companies. Trade rose by 20.7 percent in 2024. ‘We do not know,’ he said."
PIECES = st.sampled_from(
    [
        "[[article]]",
        "[article]",
        "\n",
        'file = "a.txt"',
        "title = 1",
        'body_after = "Trade"',
        'body_before = "x"',
        'file = "../a.txt"',
        "file = []",
        '"""',
        "\x00",
        "published = 2024-01-01",
        'author = "İ\\u0130"',
        "=",
        "é",
    ]
)
MARKERS = st.sampled_from(
    [
        "[1]",
        "[S2]",
        "[1-99999999999999999]",
        "(S1)",
        "NO ANSWER",
        "<think>",
        '{"claims": [',
        '{"text": ',
        "245",
        "\n",
        "】",
        "[",
        "- ",
        "Trade rose",
        "²",
        "٣",
        "1" * 400,
        "{" * 50,
        "‘We do not know,’",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["citations", "source", "start", "end", "quote"]), inner, max_size=5)
    ),
    max_leaves=12,
)


def refusal_of(action):
    """What our error says that the action raises; None where it raises none."""
    try:
        action()
    except CitewellError as error:
        return str(error)
    return None


def make_article(text=TEXT):
    return Article("a.txt", text, "0" * 64, "", "", "", "", (Span(0, len(text)),))


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@example(b"\xef\xbb\xbf")
@example("İstanbul\u2028ﬁn\r\n".encode())
def test_a_file_of_any_bytes_is_an_article_letter_by_letter_or_skipped_with_a_reason(data):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.txt").write_bytes(data)
        item = read_article(Path(folder), "a.txt", 250)
    if isinstance(item, Skipped):
        assert item.reason
        return
    assert item.text.encode() == data
    for sentence in split_article(item).sentences:
        assert item.text[sentence.start : sentence.end] == sentence.text


@given(st.lists(PIECES, max_size=12).map("\n".join) | st.text(max_size=80))
def test_a_catalog_of_any_text_is_read_or_refused_in_one_line(text):
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder)
        (corpus / "a.txt").write_text(TEXT, encoding="utf-8")
        (corpus / "catalog.toml").write_text(text, encoding="utf-8", newline="")
        articles = []
        refusal = refusal_of(lambda: articles.extend(read_articles(corpus, 1_000)))
    if refusal is None:
        assert [article.source for article in articles] == ["a.txt"]
        assert all(isinstance(value, str) for value in (articles[0].title, articles[0].published))
    else:
        assert "catalog.toml" in refusal


@given(st.lists(MARKERS | st.text(max_size=20), max_size=15).map("".join))
@example("[" * 5_000)
@example('{"claims": ' + "[" * 5_000)
def test_a_reply_of_any_text_leaves_only_claims_that_name_sentences_shown(reply):
    split = split_article(make_article())
    whole = Span(0, len(TEXT))
    shown = [Candidate(n, split, n, whole, 0.0, 0.0, 0.0, 0.0) for n in range(len(split.sentences))]
    claims = check_reply(reply, "Did trade rise?", shown)
    assert all(0 <= number < len(shown) for claim in claims.claims for number in claim.sentences)
    assert all(claim.sentences for claim in claims.claims)


@given(VALUES)
def test_a_kept_answer_of_any_form_is_checked_or_refused(citations):
    with contextlib.suppress(CitewellError):
        found = verify_answer({"citations": citations}, [make_article()])
        assert all(TEXT[q.start : q.end] == q.quote for q in found.quotations if q.status == "verbatim")


@pytest.mark.parametrize("name", ["CURRENT", "gen-000001/manifest.json"])
@given(content=st.binary(max_size=60) | VALUES.map(json.dumps).map(str.encode))
@example(content=b'{"generation": "gen-000001"}')
@example(content=b'{"generation": "../gen-000001"}')
@example(content=b'{"generation": "CURRENT"}')
def test_an_index_folder_with_any_pointer_or_manifest_is_opened_or_refused(name, content):
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder)
        (index / "gen-000001").mkdir()
        (index / "CURRENT").write_text('{"generation": "gen-000001", "previous": null}')
        (index / name).write_bytes(content)
        refusal = refusal_of(lambda: read_manifest(index, current_generation(index)))
    assert refusal is None or "citewell index --rebuild" in refusal
