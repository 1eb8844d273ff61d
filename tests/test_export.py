"""The evidence pack: what another person needs to check an answer again, and nothing that an article could forge."""

import dataclasses
import hashlib
import io
import json
import os
import re
import subprocess
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag import Assistant
from rag.articles import read_articles
from rag.config import Config
from rag.errors import CitewellError
from rag.evidence import Origin, make_annotations, make_json, make_page
from rag.export import check_folder, export_answer, file_name, pack_answer, zip_answer
from rag.schema import Answer, Article, Citation, Claim, Conflict, ConflictSide, Span
from rag.verify import verify, verify_answer

COMPANIES = "How many Azerbaijani companies operate in Beijing?"
DISAGREEMENT = "By how much did trade with China rise in 2024?"
MONGOLIA = "What is the capital of Mongolia?"
FILES = ["SHA256SUMS", "annotations.jsonld", "answer.json", "answer.md"]
EDGES = " .?’”«»#<>"
"""Marks at the ends of a quote, which the check leaves out."""

HOSTILE = (
    "# Quotes\n> He said ‘no’\n---\n```\n</code><script>alert(1)</script> &lt;b&gt; [x](http://evil) ![i](x) "
    "**bold** `code` | ~~~ $3 billion"
)
ORIGIN = Origin("0.1.0", "2026-01-02T03:04:05Z", "all-MiniLM-L6-v2", "sha256:aa", "sha256:bb", None, {"candidates": 50})


@pytest.fixture(scope="module")
def answers(seeds_config) -> dict[str, Answer]:
    with Assistant.open(seeds_config) as assistant:
        return {question: assistant.ask(question) for question in (COMPANIES, DISAGREEMENT, MONGOLIA)}


@pytest.fixture
def own_seeds(seeds_config, tmp_path) -> Config:
    """The corpus as a copy that a test may change; the answers' quotes stand in it."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for file in seeds_config.corpus.iterdir():
        (corpus / file.name).write_bytes(file.read_bytes())
    return Config(**seeds_config.model_dump() | {"corpus": corpus})


def read_corpus(config):
    return [item for item in read_articles(config.corpus, config.max_file_bytes) if isinstance(item, Article)]


def make_citation(quote="Trade grew by 43%.", **changes):
    values = {
        "number": 1,
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
    return Citation(**values | changes)


def make_answer(*citations, **changes):
    values = {
        "question": "How much?",
        "standalone_question": "How much?",
        "answered": True,
        "text": "",
        "short": "43%",
        "confidence": 0.91,
        "citations": citations,
        "conflicts": (),
        "nearest": (),
        "answerer": "quotes",
        "timings": {},
    }
    return Answer(**values | changes)


@pytest.mark.parametrize("question", [COMPANIES, DISAGREEMENT, MONGOLIA])
def test_the_check_finds_each_quote_of_the_page_verbatim_and_nothing_else(answers, seeds_config, question):
    answer = answers[question]
    page = pack_answer(answer, seeds_config)["answer.md"].decode()
    checked = verify(page, read_corpus(seeds_config))
    shown = answer.citations or answer.nearest
    assert [(q.status, q.source) for q in checked.quotations] == [("verbatim", c.source) for c in shown]
    assert checked.figures == ()


def test_the_json_is_the_answer_and_says_how_it_was_made(answers, seeds_config, seeds_index):
    answer = answers[COMPANIES]
    kept = json.loads(pack_answer(answer, seeds_config)["answer.json"])
    evidence = kept.pop("evidence")
    assert kept == json.loads(answer.to_json())
    assert evidence["format"] == "citewell-evidence/1"
    assert evidence["index"] == kept["index"] == seeds_index.manifest.identity
    assert evidence["embedding_fingerprint"] == seeds_index.manifest.fingerprint
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", evidence["created"])
    assert evidence["settings"]["candidates"] == 50
    assert evidence["files"] == {c.source: c.sha256 for c in answer.citations}
    assert str(seeds_config.corpus) not in json.dumps(evidence)


def test_the_json_is_checked_again_until_a_cited_file_changes(answers, own_seeds):
    answer = answers[COMPANIES]
    kept = json.loads(pack_answer(answer, own_seeds)["answer.json"])
    assert verify_answer(kept, read_corpus(own_seeds)).holds
    file = own_seeds.corpus / answer.citations[0].source
    file.chmod(0o644)
    file.write_text(file.read_text(encoding="utf-8").replace("around 245", "around 254"), encoding="utf-8")
    checked = verify_answer(kept, read_corpus(own_seeds))
    assert not checked.holds
    assert checked.quotations[0].quote == answer.citations[0].quote


def test_a_refusal_holds_its_nearest_passages_as_no_citations(answers, seeds_config):
    pack = pack_answer(answers[MONGOLIA], seeds_config)
    page = pack["answer.md"].decode()
    assert page.startswith("# The articles do not say\n")
    assert "**The articles never mention:** `Mongolia`" in page
    assert "## Quotes" not in page
    assert "**These are no citations:**" in page
    assert len(re.findall(r"^no citation  passage \d$", page, re.MULTILINE)) == 3
    assert json.loads(pack["annotations.jsonld"])["total"] == 0
    assert json.loads(pack["answer.json"])["citations"] == []


def test_a_disagreement_shows_its_sides():
    cited = make_citation(), make_citation("It grew by 20.7%.", number=2)
    conflict = Conflict("2024", (ConflictSide("43%", (1,)), ConflictSide("20.7%", (2,))))
    page = make_page(make_answer(*cited, conflicts=(conflict,)), ORIGIN).decode()
    assert "**The articles give different figures:** `2024`\n\n- `43%` `[1]`\n- `20.7%` `[2]`\n" in page
    assert "Short answer" not in page


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("figures", "The articles give different figures"),
        ("dates", "The articles give different dates"),
        ("times", "The articles give different times"),
        ("names", "The articles give different names"),
        ("judgements", "The articles judge it differently"),
    ],
)
def test_what_the_sides_differ_in_is_said_in_words(kind, words):
    sides = (ConflictSide("one", (1,)), ConflictSide("two", (2,)))
    cited = make_citation(), make_citation(number=2)
    page = make_page(make_answer(*cited, conflicts=(Conflict("the port", sides, kind),)), ORIGIN).decode()
    assert f"**{words}:** `the port`\n\n- `one` `[1]`\n- `two` `[2]`\n" in page


def test_a_development_stands_behind_the_short_answer():
    sides = (ConflictSide("under way", (1,)), ConflictSide("done", (2,)))
    cited = make_citation(), make_citation(number=2)
    development = Conflict("", sides, "development")
    page = make_page(make_answer(*cited, short="done", developments=(development,)), ORIGIN).decode()
    short, changed = page.index("**Short answer:** `done`"), page.index("**It has changed over time:** `–`")
    assert short < changed
    assert "- `under way` `[1]`\n- `done` `[2]`\n" in page


@pytest.mark.parametrize("answered", [True, False])
def test_a_caption_names_the_speaker_and_the_hedges(answered):
    said = make_citation(speaker="the mayor\n# of", hedges=("could", "not"))
    cited = {"citations": (said,)} if answered else {"nearest": (said,), "answered": False, "short": None}
    page = make_page(dataclasses.replace(make_answer(), **cited), ORIGIN).decode()
    assert re.search(r"^speaker +The mayor # of\nnote +hedged: could; negated: not\noutlet", page, re.MULTILINE)
    own = make_page(make_answer(make_citation()), ORIGIN).decode()
    assert "speaker" not in own
    assert "note " not in own


def test_claims_of_a_language_model_are_named_as_its_own():
    claims = (Claim("Trade grew by 43 %.", (1,)),)
    page = make_page(make_answer(make_citation(), claims=claims, answerer="gpt"), ORIGIN).decode()
    assert "**Answer,** written by `gpt`:\n\n- `Trade grew by 43 %.` `[1]`\n" in page


def test_annotations_follow_the_web_annotation_model():
    citation = make_citation(source="a folder/zebra'&.txt", prefix="Then: ", suffix=" So.")
    collection = json.loads(make_annotations(make_answer(citation), ORIGIN))
    assert collection["@context"][0] == "http://www.w3.org/ns/anno.jsonld"
    assert (collection["type"], collection["total"]) == ("AnnotationCollection", 1)
    (annotation,) = collection["first"]["items"]
    assert annotation["type"] == "Annotation"
    assert annotation["motivation"] == "highlighting"
    assert annotation["body"]["value"] == "How much?"
    target = annotation["target"]
    assert target["source"] == "a%20folder/zebra%27%26.txt"
    assert target["selector"] == citation.selector()
    assert target["state"] == {"type": "TimeState", "sourceDate": ORIGIN.created, "sha256": "f" * 64}


def test_the_same_quote_for_the_same_question_keeps_its_identifier():
    def identify(answer, origin=ORIGIN):
        return json.loads(make_annotations(answer, origin))["first"]["items"][0]["id"]

    first = identify(make_answer(make_citation()))
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", first)
    assert identify(make_answer(make_citation()), dataclasses.replace(ORIGIN, created="2027")) == first
    assert identify(make_answer(make_citation(end=17))) != first
    assert identify(make_answer(make_citation(), question="How many?")) != first


texts = st.text(max_size=60) | st.sampled_from(
    [HOSTILE, "a\n\n# b", "> q", "```", "`", "“", "”»", "\\", "&amp;", "\x1b[2J"]
)


@given(texts.filter(str.strip), texts, texts)
def test_no_text_adds_anything_to_the_page(quote, title, question):
    citation = make_citation(
        quote, title=title, publisher=title, source=title or "a.txt", author=question, speaker=title, hedges=(title,)
    )
    sides = (ConflictSide(title, (1,)), ConflictSide(question, (1,)))
    changed = (Conflict(title, sides, "development"),)
    claims = (Claim(title, (1,)),)
    for answer in (
        make_answer(citation, question=question, short=title or None, conflicts=(Conflict(title, sides),)),
        make_answer(
            citation, question=question, standalone_question=title, claims=claims, notice=title, developments=changed
        ),
        make_answer(answered=False, short=None, nearest=(citation,), question=question, unmentioned=(title,)),
    ):
        page = make_page(answer, ORIGIN).decode()
        assert structure(page) == structure(make_page(plain(answer), ORIGIN).decode())
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", page)


def plain(answer):
    """The same answer with a word in place of each text."""

    def replaced(citation):
        return make_citation("Word.", title="Word", author="Word" if citation.author else "")

    return dataclasses.replace(
        answer,
        question="Word",
        standalone_question="Other" if answer.standalone_question.strip() != answer.question.strip() else "Word",
        short=answer.short and "Word",
        notice=answer.notice and "Word",
        unmentioned=tuple("Word" for _ in answer.unmentioned),
        citations=tuple(map(replaced, answer.citations)),
        nearest=tuple(map(replaced, answer.nearest)),
        claims=tuple(Claim("Word", claim.citations) for claim in answer.claims),
        conflicts=tuple(map(plain_sides, answer.conflicts)),
        developments=tuple(map(plain_sides, answer.developments)),
    )


def plain_sides(conflict):
    sides = tuple(ConflictSide("Word", side.citations) for side in conflict.sides)
    return dataclasses.replace(conflict, topic="Word", sides=sides)


def structure(page):
    """The blocks and the inline elements that Markdown makes of the page; text aside."""
    tokens = MarkdownIt("commonmark").parse(page)
    inline = [child.type for token in tokens for child in token.children or []]
    return [token.type for token in tokens], [kind for kind in inline if kind not in ("text", "text_special")]


@given(texts.filter(str.strip))
def test_a_quote_reads_as_it_stands_in_the_article(quote):
    page = make_page(make_answer(make_citation(quote)), ORIGIN).decode()
    tokens = MarkdownIt("commonmark").parse(page)
    place = next(n for n, token in enumerate(tokens) if token.type == "blockquote_open")
    shown = "".join(child.content for child in tokens[place + 2].children)
    assert shown[1:-1].split() == re.sub(r"[\x00-\x1f\x7f-\x9f]", "�", " ".join(quote.splitlines())).split()


@pytest.mark.parametrize(
    "text",
    [
        "He said: “We will not bend”, and 'left' the \"room”.",
        "«We count on them, » said Aliyev, and left. ``` So be it.",
        "She asked «who?», “why?” and ‘when?’",
        "# The **file** is snake_case, 5*3 <b> & so… or not [its own] &lt;b&gt; ~~thing~~ | <script>.",
        "It cost $3 billion; the rest was 'paid' in 2024 \\ 25.",
        r"A \*literal\*, `code`, [a link](http://x.y), x[1], [sic], &amp; &quot;mark&quot; <q> &amp;lt; too.",
    ],
)
def test_quotes_with_marks_and_markup_of_their_own_are_found_verbatim(text):
    whole = f"Before.\n\n{text}\n\nAfter."
    article = Article("a.txt", whole, "f" * 64, "T", "OC Media", "", "", (Span(0, len(whole)),))
    page = make_page(make_answer(make_citation(text, start=9, end=9 + len(text))), ORIGIN).decode()
    (checked,) = verify(page, [article]).quotations
    assert checked.status == "verbatim"
    assert checked.nearest.strip(EDGES) == text.strip(EDGES)


def test_the_folder_holds_four_files_whose_sums_agree(answers, seeds_config, tmp_path):
    files = export_answer(answers[COMPANIES], tmp_path / "deep" / "pack", seeds_config)
    assert sorted(file.name for file in files) == sorted(os.listdir(tmp_path / "deep" / "pack")) == FILES
    sums = (tmp_path / "deep" / "pack" / "SHA256SUMS").read_text().splitlines()
    assert sums == [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(files) if file.suffix
    ]


def test_an_earlier_pack_of_the_question_is_replaced_and_nothing_else_is(answers, seeds_config, tmp_path):
    folder = tmp_path / "pack"
    assert not check_folder(folder, COMPANIES)
    export_answer(answers[COMPANIES], folder, seeds_config)
    assert check_folder(folder, COMPANIES)
    export_answer(answers[COMPANIES], folder, seeds_config)
    with pytest.raises(CitewellError, match="holds the evidence of another question"):
        export_answer(answers[MONGOLIA], folder, seeds_config)
    with (folder / "answer.md").open("a") as page:
        page.write("A note of mine.\n")
    with pytest.raises(CitewellError, match="not whole or was changed by hand, which is not overwritten"):
        export_answer(answers[COMPANIES], folder, seeds_config)
    assert (folder / "answer.md").read_text().endswith("A note of mine.\n")


def test_a_folder_with_other_files_is_refused(answers, seeds_config, tmp_path):
    (tmp_path / "answer.md").write_text("Mine.")
    with pytest.raises(CitewellError, match="not whole or was changed"):
        export_answer(answers[COMPANIES], tmp_path, seeds_config)
    (tmp_path / "notes.txt").write_text("Mine.")
    with pytest.raises(CitewellError, match=r"holds 'notes.txt', which is not overwritten"):
        export_answer(answers[COMPANIES], tmp_path, seeds_config)
    with pytest.raises(CitewellError, match="cannot be used for the evidence: Not a directory"):
        export_answer(answers[COMPANIES], tmp_path / "notes.txt", seeds_config)
    assert sorted(os.listdir(tmp_path)) == ["answer.md", "notes.txt"]


def test_a_failed_write_leaves_nothing(answers, seeds_config, tmp_path, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rag.export.os.fsync", fail)
    with pytest.raises(CitewellError, match=r"cannot be written to .*: No space left on device"):
        export_answer(answers[COMPANIES], tmp_path / "pack", seeds_config)
    assert os.listdir(tmp_path / "pack") == []


def test_a_quote_whose_file_has_changed_is_not_packed(answers, own_seeds):
    file = own_seeds.corpus / answers[COMPANIES].citations[0].source
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(CitewellError, match="has changed since it was quoted"):
        pack_answer(answers[COMPANIES], own_seeds)
    file.unlink()
    with pytest.raises(CitewellError, match="cannot be read any more"):
        pack_answer(answers[COMPANIES], own_seeds)


def test_the_zip_holds_the_pack_and_no_time_of_its_own(answers, seeds_config, monkeypatch):
    pack = pack_answer(answers[COMPANIES], seeds_config)
    monkeypatch.setattr("rag.export.pack_answer", lambda *_: pack)
    data = zip_answer(answers[COMPANIES], seeds_config)
    assert zip_answer(answers[COMPANIES], seeds_config) == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == pack
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_zips_name_comes_from_the_question():
    assert file_name(make_answer(question="How many? ../../x\n")) == "evidence-how-many-x.zip"
    assert file_name(make_answer(question="Çöl")) == "evidence-l.zip"
    assert len(file_name(make_answer(question="word " * 400))) <= 64


def test_sha256sum_agrees(answers, seeds_config, tmp_path):
    export_answer(answers[COMPANIES], tmp_path / "pack", seeds_config)
    command = ["sha256sum", "-c", "SHA256SUMS"]
    assert subprocess.run(command, cwd=tmp_path / "pack", capture_output=True, check=False).returncode == 0


def test_a_file_name_with_half_a_surrogate_is_still_json():
    citation = make_citation(source="a\udcff.txt")
    kept = json.loads(make_json(make_answer(citation), ORIGIN))
    assert kept["citations"][0]["source"] == "a\udcff.txt"
    assert json.loads(make_annotations(make_answer(citation), ORIGIN))["first"]["items"][0]["target"]["source"] == (
        "a%FF.txt"
    )
