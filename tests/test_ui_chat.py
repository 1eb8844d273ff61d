"""What the page's handlers give: answers on their way, evidence to take along, a draft's findings."""

import asyncio
import io
import json
import threading
import zipfile
from contextlib import aclosing
from pathlib import Path

import pytest
from scripted import hang, reply, serve

from rag.assistant import Assistant
from rag.config import Config
from rag.errors import CitewellError, StoppedError
from ui import check
from ui.chat import answer_question, save_evidence
from ui.check import check_draft, find_fault, open_draft, show_finding
from ui.download import keep_file
from ui.filter import make_filters, offer_publishers
from ui.follow import follow_answer
from ui.render import Turn, render_transcript

QUESTION = "How many Azerbaijani companies operate in Beijing?"
CLAIMS = "- Azerbaijani companies operate in Beijing. [S1] [S2] [S3]\n"


@pytest.fixture
def open_assistant(seeds_config):
    opened = []

    def open_one(**settings):
        opened.append(Assistant.open(Config(**seeds_config.model_dump() | settings)))
        return opened[-1]

    yield open_one
    for assistant in opened:
        assistant.close()


def with_model(server):
    return {"llm": "openai-like/scripted", "llm_url": server.url}


async def collect(assistant):
    return [turn async for turn in follow_answer(assistant, QUESTION, [])]


def test_drafts_come_before_the_answer(open_assistant):
    with serve(reply(CLAIMS + "- Trust me.\n", pause=0.02)) as server:
        *drafts, last = asyncio.run(collect(open_assistant(**with_model(server))))
    assert drafts
    assert all(draft.answer is None and draft.draft.startswith("- Azerbaijani companies") for draft in drafts)
    assert last.answer.text.startswith("- Azerbaijani companies")
    assert len(last.answer.dropped) == 1


def test_without_a_model_the_answer_comes_at_once(open_assistant):
    (turn,) = asyncio.run(collect(open_assistant()))
    assert turn.answer.short == "around 245"


def test_who_stops_listening_stops_the_request(open_assistant):
    async def leave_after_the_first_draft(assistant):
        async with aclosing(follow_answer(assistant, QUESTION, [])) as turns:
            async for turn in turns:
                return turn

    with serve(hang(CLAIMS)) as server:
        turn = asyncio.run(leave_after_the_first_draft(open_assistant(**with_model(server))))
        assert turn.draft
        assert server.hung_up.wait(5)


def test_an_answer_that_takes_too_long_is_given_up_and_stopped(open_assistant, monkeypatch):
    stopped = threading.Event()

    def ask(*_, stop, **__):
        stop.wait(20)
        stopped.set()
        raise StoppedError("Stopped.")

    assistant = open_assistant(answer_timeout=0.1)
    monkeypatch.setattr(assistant, "ask", ask)
    (turn,) = asyncio.run(collect(assistant))
    assert stopped.wait(5)
    assert turn.answer is None
    assert turn.notice == "The answer took longer than 0.1 seconds and was stopped. Ask again, or a shorter question."


def test_a_broken_set_up_becomes_a_notice(open_assistant, monkeypatch):
    def ask(*_, **__):
        raise CitewellError("Run citewell index.")

    assistant = open_assistant()
    monkeypatch.setattr(assistant, "ask", ask)
    (turn,) = asyncio.run(collect(assistant))
    assert (turn.notice, turn.answer) == ("Run citewell index.", None)


def ask_page(assistant, *fields):
    async def collect():
        return [c async for c in answer_question(assistant, render_transcript, QUESTION, (), make_filters(*fields))]

    return asyncio.run(collect())


def test_the_fields_below_the_box_restrict_the_question(open_assistant, warnings):
    assistant = open_assistant()
    *_, (turns, html, *_) = ask_page(assistant, " 2024 ", "", ["OC Media"])
    assert {citation.source for citation in turns[0].passages} == {"001_04a1ac37c911923e.txt"}
    assert "Searched: 1 of 5 articles (since 2024, undated ones left out, by OC Media)." in html
    *_, (turns, html, *_) = ask_page(assistant, "", "1999", None)
    assert turns[0].passages == ()
    assert "Searched: 0 of 5 articles (until 1999, undated ones left out)." in html
    assert warnings == []
    assert not make_filters(None, None, None)


def test_a_date_that_is_none_is_said_and_the_question_stays(open_assistant, warnings):
    ((turns, *_, box, _),) = ask_page(open_assistant(), "July", "", [])
    assert warnings == ["since is 'July', which is no date. Write YYYY, YYYY-MM or YYYY-MM-DD."]
    assert turns == box == {"__type__": "update"}


def test_a_conversation_that_is_long_enough_takes_no_further_question(open_assistant, warnings, monkeypatch):
    monkeypatch.setattr("ui.chat.MOST_TURNS", 2)

    async def collect():
        turns = (Turn("One?"), Turn("Two?", notice="No."), Turn("Three?", notice="No."))
        asked = answer_question(open_assistant(), render_transcript, QUESTION, turns, make_filters(None, None, None))
        return [change async for change in asked]

    ((turns, *_, box, _),) = asyncio.run(collect())
    assert warnings == ["This conversation has 3 questions. Clear it to go on."]
    assert turns == box == {"__type__": "update"}


def test_the_publishers_of_the_articles_are_offered(open_assistant):
    offered = offer_publishers(open_assistant())
    assert [name for name, _ in offered.choices] == ["OC Insider", "OC Media", "SR-CENTER.INFO"]


def test_a_turns_evidence_is_a_zip_of_that_answer_alone(open_assistant, tmp_path):
    assistant = open_assistant()
    turns = (Turn(QUESTION, assistant.ask(QUESTION)), Turn("Broken?", notice="The index is gone."))
    file = Path(save_evidence(assistant.config, turns, "0", str(tmp_path)))
    assert file.name == "evidence-how-many-azerbaijani-companies-operate-in-beijing.zip"
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        assert json.loads(archive.read("answer.json"))["question"] == QUESTION
    for number in ("1", "2", "-1", "x"):
        assert save_evidence(assistant.config, turns, number, str(tmp_path)) is None


def test_evidence_of_an_article_that_is_gone_becomes_a_warning(open_assistant, tmp_path, write_corpus, warnings):
    assistant = open_assistant()
    turns = (Turn(QUESTION, assistant.ask(QUESTION)),)
    config = write_corpus({"other.txt": "Other words."})
    assert save_evidence(config, turns, "0", str(tmp_path)) is None
    assert "cannot be read any more. Ask again" in warnings[0]


def test_two_files_of_one_name_lie_in_folders_that_nobody_can_guess(tmp_path):
    one, other = (Path(keep_file(str(tmp_path / "cache"), "a.md", b"x")) for _ in range(2))
    assert one.name == other.name == "a.md"
    assert one.parent != other.parent
    assert len(one.parent.name) >= 32
    assert one.parent.stat().st_mode & 0o077 == 0


@pytest.fixture
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr("gradio.Warning", lambda message, **_: said.append(message))
    return said


def run_check(config, draft, tmp_path):
    async def collect():
        return [change async for change in check_draft(config, draft, str(tmp_path))]

    return asyncio.run(collect())


DRAFT = "They wrote of “around 245 Azerbaijani companies operating in Beijing” and a “zebra council”."


def test_a_check_that_takes_too_long_is_stopped_and_says_what_to_do(seeds_config, tmp_path):
    hasty = seeds_config.model_copy(update={"answer_timeout": 0.001})
    problem, found, _ = run_check(hasty, DRAFT, tmp_path)[-1]
    assert "The check took longer than 0.001 seconds and was stopped." in problem
    assert "citewell verify" in problem
    assert found == ()


def test_a_draft_is_checked_and_can_be_taken_along(seeds_config, tmp_path):
    (busy, _, hidden), (findings, found, save) = run_check(seeds_config, DRAFT, tmp_path)
    assert "Looking up 2 quotations and 0 sentences with figures" in busy
    assert "2 quotations: 1 verbatim, 1 not found." in findings
    assert [finding.status for finding in found] == ["verbatim", "not_found"]
    assert (hidden.visible, save.visible) == (False, True)
    (annotated,) = tmp_path.rglob("checked-draft.md")
    assert annotated.read_text(encoding="utf-8").startswith(
        "They wrote of “around 245 Azerbaijani companies operating in Beijing”[^1]"
    )


def test_a_finding_opens_its_article_at_its_place(seeds_config, tmp_path):
    *_, (_, found, _) = run_check(seeds_config, DRAFT, tmp_path)
    column = show_finding(seeds_config, found, "1")
    assert 'data-source="001_04a1ac37c911923e.txt"' in column
    assert "around 245 Azerbaijani companies operating in Beijing</mark>" in column
    assert show_finding(seeds_config, found, "9") is None
    assert show_finding(seeds_config, (), "1") is None


def test_a_finding_whose_article_changed_since_is_not_marked_at_the_wrong_place(write_corpus, tmp_path):
    config = write_corpus({"a.txt": "The port of Genoa\n\nIt has 245 cranes."})
    *_, (_, found, _) = run_check(config, "“It has 245 cranes.”", tmp_path)
    (config.corpus / "a.txt").write_text("The old port of Genoa\n\nIt has 245 cranes.")
    assert "has changed since the draft was checked" in show_finding(config, found, "1")
    (config.corpus / "a.txt").unlink()
    (config.corpus / "b.txt").write_text("Another.")
    assert "is no longer in" in show_finding(config, found, "1")


def test_a_draft_that_cannot_be_checked_is_said_in_one_line(seeds_config, tmp_path, monkeypatch, warnings):
    run_check(seeds_config, " \n", tmp_path)
    assert warnings == ["The draft is empty. Paste a text or open a file."]
    monkeypatch.setattr(check, "MOST_CHARACTERS", 10)
    assert find_fault("word " * 3).startswith("The draft has 15 characters; this page takes 10.")
    assert find_fault("word") == ""
    monkeypatch.undo()
    *_, (problem, found, _) = run_check(seeds_config, "“zebra” " * 2_001, tmp_path)
    assert "The draft has more than 2,000 quotations. Check it in parts." in problem
    assert found == ()


def test_an_opened_file_fills_the_box_and_is_deleted(tmp_path, warnings):
    file = tmp_path / "draft.md"
    file.write_bytes("\ufeff“Words”".encode())
    assert open_draft(str(file)) == "“Words”"
    assert not file.exists()
    file.write_bytes(b"\xff\xfe")
    open_draft(str(file))
    assert warnings == ["'draft.md' is no text in UTF-8: byte 0 is 0xff."]
    assert not file.exists()
