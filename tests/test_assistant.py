import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import rag.assistant
import rag.current
from rag import Assistant, Config, answer
from rag.articles import read_articles
from rag.errors import CorpusError, IndexRefusedError

COMPANIES = "How many Azerbaijani companies operate in Beijing?"
QUESTIONS = [
    COMPANIES,
    "What was the volume of trade between China and Azerbaijan in 2007?",
    "How long is the delivery time of goods from China to the Black Sea?",
    "What is the capital of Mongolia?",
    "Who told OC Media that closer ties could lead to a standstill?",
]


@pytest.fixture(scope="module")
def assistant(seeds_config):
    with Assistant.open(seeds_config) as assistant:
        yield assistant


@pytest.fixture
def own(seeds_config, tmp_path):
    """An assistant over a copy of the seeds that the test may edit."""
    config = seeds_config.model_copy(update={"corpus": tmp_path / "seeds", "index": tmp_path / "index"})
    shutil.copytree(seeds_config.corpus, config.corpus)
    shutil.copytree(seeds_config.index, config.index)
    with Assistant.open(config) as assistant:
        yield assistant


def edit(assistant, old, new):
    """Changes words in whichever file has them."""
    for path in assistant.config.corpus.glob("*.txt"):
        text = path.read_bytes()
        if old.encode() in text:
            path.write_bytes(text.replace(old.encode(), new.encode()))
            return path
    raise AssertionError(f"no file has {old}")


def check_verbatim(given, config):
    for citation in (*given.citations, *given.nearest):
        text = (config.corpus / citation.source).read_bytes().decode("utf-8")
        assert text[citation.start : citation.end] == citation.quote
        assert text[: citation.start].endswith(citation.prefix)
        assert text[citation.end :].startswith(citation.suffix)


def test_an_answer_is_made_of_verbatim_numbered_quotes(assistant):
    given = assistant.ask(COMPANIES)
    assert given.answered
    assert "around 245 Azerbaijani companies operating in Beijing" in given.citations[0].quote
    assert [citation.number for citation in given.citations] == list(range(1, len(given.citations) + 1))
    assert all(f"[{citation.number}]" in given.text for citation in given.citations)
    assert 0 <= given.confidence <= 1
    assert given.short is None or given.short in given.citations[0].quote
    check_verbatim(given, assistant.config)


def test_a_refusal_cites_nothing_and_shows_the_nearest_passages(assistant):
    given = assistant.ask("What is the boiling point of tungsten?")
    assert (given.answered, given.citations, given.short) == (False, (), None)
    assert given.nearest
    check_verbatim(given, assistant.config)


def test_an_answer_survives_json(assistant):
    given = assistant.ask(COMPANIES)
    assert json.loads(given.to_json()) == json.loads(json.dumps(given.to_dict()))
    assert json.loads(given.to_json())["citations"][0]["quote"] == given.citations[0].quote


def test_twenty_threads_get_the_answers_that_one_gets(assistant):
    questions = QUESTIONS * 4
    expected = {question: comparable(assistant.ask(question)) for question in QUESTIONS}
    with ThreadPoolExecutor(20) as pool:
        for question, given in zip(questions, pool.map(assistant.ask, questions), strict=True):
            assert comparable(given) == expected[question]


def comparable(given):
    return given.text, given.citations, given.nearest, given.short, round(given.confidence, 6)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "The question is empty"),
        (" \n\t\u00a0", "The question is empty"),
        (None, "The question is empty"),
        (245, "The question is empty"),
        (b"bytes?", "The question is empty"),
        (["a?"], "The question is empty"),
        ("x" * 2_001, "2,001 characters; at most 2,000"),
        ("a\0b", r"U\+0000"),
        ("a\x1b[31m", r"U\+001B"),
        ("a\x85", r"U\+0085"),
        ("a\ud800", r"U\+D800"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_value_error(assistant, question, message):
    with pytest.raises(ValueError, match=message):
        assistant.ask(question)
    with pytest.raises(ValueError, match=message):
        answer(question)


@pytest.mark.parametrize(
    "question", ["x" * 2_000, "a\nb\tc\r\n?", "?", "🎉", "\u202eabc", "<script>alert(1)</script>", "'; DROP --"]
)
def test_an_odd_question_is_answered_or_declined(assistant, question):
    check_verbatim(assistant.ask(question), assistant.config)


@pytest.mark.parametrize(
    "history",
    ["text", [3], [None], [{}], [{"role": "user"}], [{"content": "x"}], [{"role": 1, "content": "x"}],
     [{"role": "user", "content": None}], [{"role": "user", "content": [{"type": "text", "text": "x"}]}]],
)  # fmt: skip
def test_a_history_that_is_none_is_a_value_error(assistant, history):
    with pytest.raises(ValueError, match="history"):
        assistant.ask(COMPANIES, history)


def test_a_follow_up_is_read_with_the_question_before_it(assistant):
    history = [
        {"role": "user", "content": "How much was traded between China and Azerbaijan in 2007?"},
        {"role": "assistant", "content": "$289 million"},
    ]
    given = assistant.ask("And in 2017?", history)
    assert given.question == "And in 2017?"
    assert given.standalone_question == "How much was traded between China and Azerbaijan in 2017?"
    assert any("$1.3 billion in 2017" in citation.quote for citation in given.citations)


def test_histories_of_other_askers_do_not_matter(assistant):
    alone = comparable(assistant.ask(COMPANIES))
    history = [{"role": "user", "content": "How much was traded in 2007?"}]
    with ThreadPoolExecutor(8) as pool:
        others = [pool.submit(assistant.ask, "And in 2017?", history) for _ in range(8)]
        mine = [pool.submit(assistant.ask, COMPANIES, []) for _ in range(8)]
    assert {other.result().standalone_question for other in others} == {"How much was traded in 2017?"}
    assert all(comparable(one.result()) == alone for one in mine)


def test_answers_follow_an_edited_file(own):
    assert "245" in own.ask(COMPANIES).citations[0].quote
    edit(own, "around 245 Azerbaijani", "around 312 Azerbaijani")
    given = own.ask(COMPANIES)
    assert "around 312 Azerbaijani companies" in given.citations[0].quote
    assert "245" not in given.text
    check_verbatim(given, own.config)


def test_an_edit_that_keeps_size_and_time_is_noticed(own):
    own.ask(COMPANIES)
    path = own.config.corpus / "001_04a1ac37c911923e.txt"
    stat = path.stat()
    assert edit(own, "around 245 Azerbaijani", "around 312 Azerbaijani") == path
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert "around 312 Azerbaijani companies" in own.ask(COMPANIES).citations[0].quote


def test_new_and_removed_files_are_noticed(own):
    question = "How many penguins live in Sheki?"
    assert not any("penguins" in citation.quote for citation in own.ask(question).citations)
    new = own.config.corpus / "new.txt"
    new.write_text("Exactly 17 penguins live in Sheki, the zoo said.")
    given = own.ask(question)
    assert next(citation.source for citation in (*given.citations, *given.nearest)) == "new.txt"
    new.unlink()
    given = own.ask(question)
    assert "new.txt" not in [citation.source for citation in (*given.citations, *given.nearest)]


def test_a_file_edited_between_the_look_at_the_folder_and_the_reading_is_answered_from_its_new_text(own, monkeypatch):
    own.ask("wine")
    scanned = rag.current.scan
    edits = []

    def scan_then_edit(corpus):
        states = scanned(corpus)
        if not edits:
            edits.append(edit(own, "around 245 Azerbaijani", "around 312 Azerbaijani"))
        return states

    monkeypatch.setattr(rag.current, "scan", scan_then_edit)
    given = own.ask(COMPANIES)
    assert edits
    check_verbatim(given, own.config)
    assert not any("245 Azerbaijani" in citation.quote for citation in given.citations)


def test_an_article_that_changes_again_and_again_is_left_out_and_the_answer_says_so(own, monkeypatch):
    own.ask("wine")
    retrieved, numbers, changed = rag.assistant.retrieve, ["245", "312", "313", "314"], []

    def edit_and_retrieve(*args):
        old = numbers.pop(0)
        changed.append(edit(own, f"around {old} Azerbaijani", f"around {numbers[0]} Azerbaijani"))
        return retrieved(*args)

    monkeypatch.setattr(rag.assistant, "retrieve", edit_and_retrieve)
    given = own.ask(COMPANIES)
    check_verbatim(given, own.config)
    assert len(changed) == 2
    assert given.notice == f"Left out, since it was being changed: {changed[0].name}."
    assert given.citations + given.nearest
    assert changed[0].name not in {citation.source for citation in (*given.citations, *given.nearest)}


def test_a_broken_catalog_is_said_and_mending_it_is_enough(own):
    catalog = own.config.corpus / "catalog.toml"
    whole = catalog.read_bytes()
    catalog.write_bytes(whole.replace(b"JOIN TODAY", b"JOIN NEVER"))
    with pytest.raises(CorpusError, match=r"looks for “JOIN NEVER” in '000_1cb42ba240766532\.txt'"):
        own.ask(COMPANIES)
    catalog.write_bytes(whole)
    assert own.ask(COMPANIES).answered


def test_questions_while_files_change_always_get_what_some_file_held(own):
    numbers, errors, done = {"245"}, [], threading.Event()

    def ask():
        while not done.is_set():
            try:
                given = own.ask(COMPANIES)
                for citation in given.citations:
                    assert "companies operating in Beijing" not in citation.quote or any(
                        n in citation.quote for n in numbers
                    )
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    before = "245"
    for number in ("312", "313", "314"):
        numbers.add(number)
        edit(own, f"around {before} Azerbaijani", f"around {number} Azerbaijani")
        before = number
        assert f"around {number} Azerbaijani" in own.ask(COMPANIES).citations[0].quote
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []


def test_articles_come_with_their_texts_in_order(assistant):
    read = list(read_articles(assistant.config.corpus, assistant.config.max_file_bytes))
    assert assistant.articles() == read
    assert len(read) == 5


def test_a_closed_assistant_opens_again_when_asked(own):
    own.close()
    own.close()
    assert own.ask(COMPANIES).answered


def test_answer_builds_the_index_at_its_first_use(write_corpus):
    config = write_corpus({"a.txt": "Exactly 17 penguins live in Sheki, the zoo said.\n\nWine is sold in Baku."})
    assert not config.index.exists()
    given = answer("How many penguins live in Sheki?", config=config)
    assert (config.index / "CURRENT").exists()
    assert next(citation.quote for citation in (*given.citations, *given.nearest)).startswith("Exactly 17 penguins")


def test_a_missing_or_empty_corpus_is_said(tmp_path):
    with pytest.raises(CorpusError, match="does not exist"):
        Assistant.open(Config(corpus=tmp_path / "none", index=tmp_path / "index", device="cpu"))
    (tmp_path / "none").mkdir()
    with pytest.raises(CorpusError, match="No articles were found"):
        Assistant.open(Config(corpus=tmp_path / "none", index=tmp_path / "index", device="cpu"))


def test_a_foreign_index_folder_is_refused(write_corpus, tmp_path):
    config = write_corpus({"a.txt": "A fact."})
    config.index.mkdir()
    (config.index / "mine.txt").write_text("mine")
    with pytest.raises(IndexRefusedError, match="is not a Citewell index"):
        Assistant.open(config)


def test_importing_rag_loads_no_model_and_opens_nothing(tmp_path):
    script = (
        "import sys, rag\n"
        "heavy = ['torch', 'chromadb', 'transformers', 'sentence_transformers', 'llama_index', 'bm25s', 'gradio']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert result.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_a_script_that_closes_nothing_ends_without_a_word_on_stderr(seeds_config, tmp_path):
    script = (
        "import sys; from rag import Config, answer\n"
        "print(answer('Anaklia Port?', config=Config(corpus=sys.argv[1], index=sys.argv[2], device='cpu')).question)"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, seeds_config.corpus, seeds_config.index]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert (result.stdout, result.stderr) == ("Anaklia Port?\n", "")
