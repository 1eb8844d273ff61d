"""The command line as a person meets it: what is printed, exit codes, and one line for whatever goes wrong."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import fields

import pytest

from rag import Assistant
from rag.cli import main
from rag.console import visible
from rag.schema import Answer

COMPANIES = "How many Azerbaijani companies operate in Beijing?"
MONGOLIA = "What is the capital of Mongolia?"
ZOO = "The Baku zoo\tkeeps 41\u00a0lions \x1b[31mred\x1b[0m and \U0001f389 cats.\n"


@pytest.fixture
def citewell(monkeypatch, capsys):
    """A function that runs the command line in this process: exit code, stdout, stderr."""

    def run(*arguments, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"CITEWELL_{name.upper()}", str(value))
        monkeypatch.setenv("CITEWELL_DEVICE", "cpu")
        monkeypatch.setattr(sys, "argv", ["citewell", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main()
        return exited.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def seeds(seeds_config):
    return "--corpus", seeds_config.corpus, "--index", seeds_config.index


def places(config):
    return "--corpus", config.corpus, "--index", config.index


def assert_refused(result, *words):
    code, out, err = result
    assert (code, out) == (2, "")
    assert re.fullmatch(r"citewell: [^\n]+\n", err)
    assert [word for word in words if word not in err] == []


def test_ask_prints_the_answer_then_each_quote_with_outlet_date_file_and_offsets(citewell, seeds, seeds_config):
    code, out, err = citewell("ask", COMPANIES, *seeds)
    assert (code, err) == (0, "")
    short, _, quote, origin, hedges, place, *_ = out.split("\n")
    assert (short, hedges) == ("around 245", "    hedged: around")
    assert quote.startswith("[1] “As the summit convened, state media reported that there were around 245 Azerbaijani")
    assert origin == (
        "    — State media, in OC Media, 2024-07-11 · "
        "‘One Belt, One Road’: Azerbaijan courts Chinese investors as Xi meets Aliyev"
    )
    file, start, end = re.fullmatch(r"    (\S+), characters (\d+)–(\d+)", place).groups()
    text = (seeds_config.corpus / file).read_bytes().decode("utf-8")
    assert quote == f"[1] “{text[int(start) : int(end)]}”"


def test_json_is_the_whole_answer_and_its_offsets_match_the_file(citewell, seeds, seeds_config):
    code, out, err = citewell("ask", COMPANIES, "--json", *seeds)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert list(answer) == [field.name for field in fields(Answer)]
    assert (answer["question"], answer["answered"], answer["short"]) == (COMPANIES, True, "around 245")
    for citation in answer["citations"]:
        data = (seeds_config.corpus / citation["source"]).read_bytes()
        assert data.decode("utf-8")[citation["start"] : citation["end"]] == citation["quote"]
        assert hashlib.sha256(data).hexdigest() == citation["sha256"]


def test_a_question_is_restricted_to_some_articles(citewell, seeds):
    code, out, err = citewell("ask", COMPANIES, "--since", "2024", "--publisher", "oc media", "--source", "00*", *seeds)
    assert (code, err) == (0, "")
    assert out.startswith(
        "Searched: 1 of 5 articles (since 2024, undated ones left out, by oc media, in 00*).\naround 245\n"
    )
    code, out, err = citewell("ask", COMPANIES, "--until", "2023-12", *seeds)
    assert (code, out, err) == (
        1,
        "Searched: 0 of 5 articles (until 2023-12, undated ones left out).\nThe articles do not say.\n",
        "",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--publisher", "BBC"), ("'BBC'", "OC Insider, OC Media, SR-CENTER.INFO")),
        (("--source", "2025/*.txt"), ("'2025/*.txt'", "000_1cb42ba240766532.txt")),
        (("--since", "July"), ("since is 'July'", "YYYY-MM-DD")),
        (("--since", "2025", "--until", "2024"), ("since 2025 is later than until 2024",)),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(citewell, seeds, options, words):
    assert_refused(citewell("ask", COMPANIES, *options, *seeds), *words)


def test_the_evidence_of_an_answer_is_written_and_holds_when_checked_again(citewell, seeds, seeds_config, tmp_path):
    code, out, err = citewell("ask", COMPANIES, "--json", "--export", tmp_path / "pack", *seeds)
    assert code == 0
    assert json.loads(out)["short"] == "around 245"
    assert err == f"Evidence in '{tmp_path / 'pack'}': answer.json, annotations.jsonld, answer.md, SHA256SUMS\n"
    for name in ("answer.json", "answer.md"):
        code, out, _ = citewell("verify", tmp_path / "pack" / name, *seeds)
        assert (code, out.splitlines()[-1]) == (0, "1 verbatim")
    corpus = shutil.copytree(seeds_config.corpus, tmp_path / "corpus")
    file = corpus / "001_04a1ac37c911923e.txt"
    file.chmod(0o644)
    file.write_text(file.read_text(encoding="utf-8").replace("around 245", "around 254"), encoding="utf-8")
    for name in ("answer.json", "answer.md"):
        code, out, _ = citewell("verify", tmp_path / "pack" / name, "--corpus", corpus)
        assert code == 1
        assert out.startswith("“As the summit convened")
        assert "[-254-]{+245+}" in out
    _, _, err = citewell("ask", COMPANIES, "--export", tmp_path / "pack", *seeds)
    assert err.startswith(f"Evidence in '{tmp_path / 'pack'}', in place of the earlier pack: ")


def test_evidence_is_never_written_over_something_else(citewell, seeds, tmp_path):
    (tmp_path / "notes.txt").write_text("Mine.")
    assert_refused(citewell("ask", COMPANIES, "--export", tmp_path, *seeds), "holds 'notes.txt'", "Name a new folder")
    assert_refused(citewell("ask", COMPANIES, "--export", "", *seeds), "'--export'", "the name is empty")


def test_a_question_that_the_articles_do_not_answer_exits_with_1_and_shows_the_nearest_passages(citewell, seeds):
    code, out, err = citewell("ask", MONGOLIA, *seeds)
    assert (code, err) == (1, "")
    assert out.startswith("The articles do not say.\nThey never mention “Mongolia”.\nThe nearest passages, which")
    assert out.count(" •  “") == out.count(", characters ") == 3
    code, out, err = citewell("ask", MONGOLIA, "--json", *seeds)
    answer = json.loads(out)
    assert (code, err) == (1, "")
    assert (answer["answered"], answer["citations"], answer["short"], len(answer["nearest"])) == (False, [], None, 3)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("", "The question is empty."),
        (" \n\t ", "The question is empty."),
        ("x" * 2_001, "2,001 characters; at most 2,000"),
        ("companies\x07?", "control character U+0007"),
        ("companies\x1b[2J?", "control character U+001B"),
        ("companies\udcff?", "control character U+DCFF"),
    ],
)
def test_a_question_that_cannot_be_asked_is_said(citewell, seeds, question, words):
    assert_refused(citewell("ask", question, *seeds), words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "No such command 'nope'. See: citewell --help"),
        (["ask"], "Missing argument 'question'. See: citewell ask --help"),
        (["ask", "How", "many?"], "unexpected extra argument(s) (many?). See: citewell ask --help"),
        (["ask", "How many?", "--colour"], "No such option: --colour"),
        (["index", "--corpus"], "Option '--corpus' requires an argument."),
        (["index", "--corpus", ""], "Invalid value for '--corpus': the name is empty"),
        (["ask", "How many?", "--index", ""], "Invalid value for '--index': the name is empty"),
        (["doctor", "now"], "See: citewell doctor --help"),
        (["ui", "--port", "99999"], "Invalid value for '--port'"),
        (["eval", "--split", "half"], "'half' is not one of 'dev', 'test', 'all'"),
        (["eval", "--cases", "no-such.jsonl"], "no-such.jsonl"),
    ],
)
def test_wrong_use_is_one_line_that_says_where_help_is(citewell, arguments, words):
    assert_refused(citewell(*arguments), words)


def test_without_a_command_the_help_is_shown(citewell):
    code, out, err = citewell()
    assert (code, err) == (2, "citewell: A command is missing. See: citewell --help\n")
    assert [name for name in ("ask", "index", "doctor", "ui", "eval") if name not in out] == []


@pytest.mark.parametrize("command", ["ask", "index", "doctor", "ui", "eval"])
def test_every_command_takes_corpus_and_index(citewell, command):
    code, out, err = citewell(command, "--help")
    assert (code, err) == (0, "")
    assert "--corpus" in out
    assert "--index" in out


def test_verify_exits_with_1_unless_everything_is_verbatim(citewell, seeds, tmp_path):
    draft, page = tmp_path / "draft.md", tmp_path / "checked.html"
    draft.write_text("There are “around 245 Azerbaijani companies operating in Beijing”.", encoding="utf-8")
    code, out, err = citewell("verify", draft, *seeds)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "“around 245 Azerbaijani companies operating in Beijing”"
    assert out.splitlines()[1].startswith("    verbatim; 001_04a1ac37c911923e.txt ")
    draft.write_text("There are “around 254 Azerbaijani companies operating in Beijing”.", encoding="utf-8")
    code, out, _ = citewell("verify", draft, "--json", "--annotate", page, *seeds)
    assert code == 1
    (quotation,) = json.loads(out)["quotations"]
    assert quotation["status"] == "altered"
    assert quotation["diff"] == "around [-245-]{+254+} Azerbaijani companies operating in Beijing"
    assert '<mark class="altered">' in page.read_text(encoding="utf-8")
    draft.write_bytes(b"\xff")
    code, out, err = citewell("verify", draft, *seeds)
    assert (code, out) == (2, "")
    assert "is no text in UTF-8" in err


def test_a_kept_answer_can_be_verified(citewell, seeds, tmp_path):
    _, out, _ = citewell("ask", COMPANIES, "--json", *seeds)
    (tmp_path / "answer.json").write_text(out, encoding="utf-8")
    code, out, _ = citewell("verify", tmp_path / "answer.json", *seeds)
    assert code == 0
    assert out.splitlines()[-1] == "1 verbatim"
    code, out, err = citewell("verify", tmp_path / "answer.json", "--annotate", tmp_path / "a.md", *seeds)
    assert (code, out) == (2, "")
    assert "is JSON, which cannot be annotated" in err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", "high"),
        ("threshold", "1.5"),
        ("threshold", "nan"),
        ("max_quotes", "0"),
        ("max_file_bytes", "-1"),
        ("batch_size", "many"),
        ("lock_timeout", "-1"),
    ],
)
@pytest.mark.parametrize("command", [["ask", COMPANIES], ["index"], ["doctor"]])
def test_a_wrong_setting_is_said_with_its_variable_and_value(citewell, seeds, command, name, value):
    assert_refused(citewell(*command, *seeds, **{name: value}), f"CITEWELL_{name.upper()} is '{value}': ")


@pytest.mark.parametrize("model", ["nobody/no-such-model", "no-such-model", "/no/such/folder", "no such model"])
def test_a_model_that_is_not_on_this_machine_is_said_at_once(citewell, seeds, model):
    start = time.monotonic()
    assert_refused(citewell("ask", COMPANIES, *seeds, embedding=model), f"'{model}'")
    assert time.monotonic() - start < 20


def test_a_folder_without_a_model_is_said(citewell, seeds, tmp_path):
    assert_refused(citewell("ask", COMPANIES, *seeds, embedding=tmp_path), f"'{tmp_path}' holds no model.safetensors")


def test_options_come_before_the_environment(citewell, seeds, tmp_path):
    code, out, _ = citewell("ask", COMPANIES, *seeds, corpus=tmp_path / "none", index=tmp_path / "none")
    assert (code, out[:11]) == (0, "around 245\n")
    assert_refused(citewell("ask", COMPANIES, corpus=tmp_path / "none"), "none' does not exist", "--corpus")


@pytest.mark.parametrize("command", [["ask", COMPANIES], ["index"]])
def test_a_corpus_that_is_missing_a_file_or_empty_is_said_and_makes_no_index(citewell, tmp_path, command):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("A fact.")
    for name, words in {
        "none": "does not exist",
        "file.txt": "does not exist",
        "empty": "No articles were found",
        "x" * 300: "File name too long",
    }.items():
        arguments = "--corpus", tmp_path / name, "--index", tmp_path / "index"
        assert_refused(citewell(*command, *arguments), words, name)
    assert not (tmp_path / "index").exists()


def test_index_names_each_file_that_it_skips_and_why_and_indexes_the_others(citewell, write_corpus):
    config = write_corpus(
        {
            "a.txt": "There are 245 companies.",
            "b.txt": b"\xff\xfe",
            "c.txt": "",
            "d.txt": b"a\0b",
            "e.txt": "x" * 41,
            "f.txt": "There are 245 companies.",
            "g\nSkipped h.txt": " \n",
            "i\x1b[2J.txt": " \n",
        }
    )
    code, out, err = citewell("index", *places(config), max_file_bytes=40)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"1 articles, 1 sentences in '{config.index}': 1 added, 0 changed, 0 removed, 0 unchanged.",
        "Skipped b.txt: not UTF-8: byte 0xff at position 0",
        "Skipped c.txt: empty",
        "Skipped d.txt: binary: it holds NUL bytes",
        "Skipped e.txt: larger than CITEWELL_MAX_FILE_BYTES: 41 of 40",
        "Skipped f.txt: same text as a.txt",
        r"Skipped g\nSkipped h.txt: empty",
        r"Skipped i\x1b[2J.txt: empty",
    ]


def test_index_says_what_changed_and_rebuild_starts_anew(citewell, write_corpus):
    config = write_corpus({"a.txt": "One fact.", "b.txt": "Two facts."})
    citewell("index", *places(config))
    (config.corpus / "b.txt").write_text("Three facts.")
    assert "0 added, 1 changed, 0 removed, 1 unchanged." in citewell("index", *places(config))[1]
    assert "0 added, 0 changed, 0 removed, 2 unchanged." in citewell("index", *places(config))[1]
    assert "2 added, 0 changed, 0 removed, 0 unchanged." in citewell("index", "--rebuild", *places(config))[1]


@pytest.mark.parametrize(
    ("catalog", "words"),
    [
        ('[[article]]\nfile = "b.txt"', ["'b.txt'", "catalog.toml"]),
        ('[[article]]\nfile = "a.txt"\nbody_after = "a zebra"', ["'a.txt'", "“a zebra”"]),
        ('[[article]]\nfile = "a.txt"\nbody_after = "\\u001b[2J\\n"', ["'a.txt'", r"“\x1b[2J ”"]),
        ('[[article]]\nfile = "a.txt"\nbody = "x"', ["catalog.toml", "'body'"]),
        ("[[article\nfile", ["catalog.toml", "line 1"]),
    ],
)
def test_a_wrong_catalog_is_said_with_file_and_phrase(citewell, write_corpus, catalog, words):
    config = write_corpus({"a.txt": "A fact.", "catalog.toml": catalog})
    assert_refused(citewell("index", *places(config)), *words)
    assert_refused(citewell("ask", COMPANIES, *places(config)), *words)


def test_a_foreign_index_folder_is_refused_with_the_command_and_left_alone(citewell, seeds_config, tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    arguments = "--corpus", seeds_config.corpus, "--index", tmp_path
    words = "'thesis.docx'", f"citewell index --rebuild --index '{tmp_path}'"
    for command in (["ask", COMPANIES], ["index"]):
        assert_refused(citewell(*command, *arguments), *words)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]
    assert (tmp_path / "thesis.docx").read_text() == "years of work"


@pytest.mark.parametrize("name", ["CURRENT", "gen-*/manifest.json", "gen-*/chroma/chroma.sqlite3"])
def test_a_damaged_index_is_refused_with_the_command_that_mends_it(citewell, seeds_config, tmp_path, name):
    index = tmp_path / "index"
    shutil.copytree(seeds_config.index, index)
    (damaged,) = index.glob(name)
    damaged.write_bytes(b"garbage" * 1_000)
    before = sorted(index.rglob("*"))
    arguments = "--corpus", seeds_config.corpus, "--index", index
    for command in (["ask", COMPANIES], ["index"]):
        assert_refused(citewell(*command, *arguments), "damaged", f"citewell index --rebuild --index '{index}'")
    assert [path for path in before if not path.exists()] == []
    assert damaged.read_bytes() == b"garbage" * 1_000


def test_doctor_exits_with_0_when_all_is_well_and_with_1_and_a_remedy_when_not(citewell, seeds, seeds_config, tmp_path):
    code, out, err = citewell("doctor", *seeds)
    assert (code, err) == (0, "")
    assert [line[:2] for line in out.splitlines()] == ["✓ "] * 8
    missing = tmp_path / "none"
    code, out, err = citewell("doctor", "--corpus", missing, "--index", seeds_config.index)
    assert (code, err) == (1, "")
    assert f"✗ Corpus '{missing}'\n  → The corpus folder '{missing}' does not exist. Name a folder" in out


@pytest.mark.parametrize("command", [["ask", COMPANIES], ["ask", COMPANIES, "--json"], ["index"], ["doctor"]])
def test_ctrl_c_ends_without_a_word(citewell, seeds, monkeypatch, command):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Assistant, "open", interrupted)
    monkeypatch.setattr("rag.index.update_index", interrupted)
    monkeypatch.setattr("rag.doctor.examine", interrupted)
    assert citewell(*command, *seeds) == (130, "", "")


def test_a_reader_that_goes_away_is_no_error(seeds):
    command = [sys.executable, "-m", "rag.cli", "ask", COMPANIES, "--json", *map(str, seeds)]
    environment = os.environ | {"CITEWELL_DEVICE": "cpu"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_reader_that_goes_away_from_the_printed_answer_is_no_error(citewell, seeds, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert citewell("ask", COMPANIES, *seeds) == (1, "", "")


@pytest.fixture
def zoo(write_corpus):
    return places(write_corpus({"zoo.txt": ZOO}))


def captured(monkeypatch, encoding):
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", output)
    return output.buffer


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_output_that_lacks_a_character_gets_its_escape(citewell, zoo, monkeypatch, encoding):
    buffer = captured(monkeypatch, encoding)
    code, _, err = citewell("ask", "How many lions does the Baku zoo keep?", *zoo)
    assert (code, err) == (0, "")
    assert rb"and \U0001f389 cats." in buffer.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_exact_in_every_encoding(citewell, zoo, monkeypatch, encoding):
    buffer = captured(monkeypatch, encoding)
    code, _, err = citewell("ask", "How many lions does the Baku zoo keep?", "--json", *zoo)
    assert (code, err) == (0, "")
    assert json.loads(buffer.getvalue().decode(encoding))["citations"][0]["quote"] == ZOO.strip()


def test_a_printed_quote_keeps_its_tabs_and_cannot_steer_the_terminal(citewell, zoo):
    code, out, _ = citewell("ask", "How many lions does the Baku zoo keep?", *zoo)
    assert code == 0
    assert "[1] “The Baku zoo\tkeeps 41\u00a0lions \\x1b[31mred\\x1b[0m and \U0001f389 cats.”\n" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\r\nand more\n", "plain\ttext\r\nand more\n"),
        ("over\rwritten", r"over\rwritten"),
        ("\x1b[2J\x07\x00\x7f\x9b", r"\x1b[2J\x07\x00\x7f\x9b"),
        ("ə « » “”\u00a0\U0001f389", "ə « » “”\u00a0\U0001f389"),
    ],
)
def test_only_control_characters_are_shown_as_escapes(text, shown):
    assert visible(text) == shown


def test_no_color_is_respected(citewell, seeds, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m✓" in citewell("doctor", *seeds)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*[34]\d", citewell("doctor", *seeds)[1])
