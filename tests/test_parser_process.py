import os
import threading
import time
from pathlib import Path

import pytest

from rag import parser_process
from rag.formats import Extract, UnreadableError
from rag.parser_process import ParserProcess, extract_apart

PAGE = b"<html><head><title>Bridge</title></head><body><article><p>%s</p></article></body></html>"
SLOW = PAGE % (b"<b>a</b>" * 24_000)


def make_page(words: str) -> bytes:
    return PAGE % words.encode()


@pytest.fixture(autouse=True)
def no_idle():
    parser_process._end_idle()
    yield
    parser_process._end_idle()


@pytest.fixture
def process():
    process = ParserProcess()
    yield process
    process.end()


def test_a_file_is_read_by_one_process_after_the_other_file():
    assert extract_apart(make_page("The bridge cost 48 million euros."), "html").title == "Bridge"
    (process,) = parser_process._idle
    number = process._process.pid
    assert extract_apart(make_page("The port employs 312 people."), "html").text == "The port employs 312 people."
    assert [each._process.pid for each in parser_process._idle] == [number]


def test_what_is_read_at_once_is_not_mixed_up():
    found: dict[int, Extract] = {}

    def read(number: int) -> None:
        found[number] = extract_apart(make_page(f"The port employs {number} people."), "html")

    threads = [threading.Thread(target=read, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: each.text for number, each in found.items()} == {
        number: f"The port employs {number} people." for number in range(5)
    }
    assert len(parser_process._idle) <= parser_process.MOST_IDLE


def test_a_refusal_keeps_its_reason_and_the_process():
    with pytest.raises(UnreadableError, match=r"^it holds no article text$"):
        extract_apart(b"<html><body></body></html>", "html")
    assert len(parser_process._idle) == 1


def test_a_file_that_takes_too_long_is_refused_and_its_process_ended(monkeypatch):
    extract_apart(make_page("Warm."), "html")
    (process,) = parser_process._idle
    start = time.monotonic()
    with monkeypatch.context() as limits:
        limits.setattr(parser_process, "MOST_SECONDS", 1)
        with pytest.raises(UnreadableError, match=r"^reading it takes more than 1 seconds$"):
            extract_apart(SLOW, "html")
    assert time.monotonic() - start < 5
    assert process._process.returncode < 0
    assert not parser_process._idle
    assert extract_apart(make_page("The next file."), "html").text == "The next file."


def test_a_file_that_takes_too_much_memory_is_refused(monkeypatch):
    monkeypatch.setattr(parser_process, "MOST_MEMORY", 1 << 20)
    with pytest.raises(
        UnreadableError, match=r"^(reading it takes too much memory|its reader crashed, or cannot be started)$"
    ):
        extract_apart(SLOW, "html")


def test_a_process_that_is_killed_while_it_reads_is_a_reason_and_the_next_file_is_read(process):
    killer = threading.Timer(1, process._process.kill)
    killer.start()
    with pytest.raises(UnreadableError, match=r"^its reader crashed, or cannot be started$"):
        process.parse(SLOW, "html")
    assert not process.usable
    assert extract_apart(make_page("The next file."), "html").text == "The next file."


def test_a_process_that_died_while_it_was_idle_is_replaced():
    extract_apart(make_page("First."), "html")
    (process,) = parser_process._idle
    process._process.kill()
    process._process.wait()
    assert extract_apart(make_page("Second."), "html").text == "Second."


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
def test_the_process_sees_no_keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    extract_apart(make_page("First."), "html")
    (process,) = parser_process._idle
    environment = Path(f"/proc/{process._process.pid}/environ").read_bytes()
    assert b"PYTHONPATH=" in environment
    assert b"secret" not in environment


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_does_not_share_the_process():
    extract_apart(make_page("First."), "html")
    (process,) = parser_process._idle
    child = os.fork()
    if not child:
        os._exit(1 if process.usable else 0)
    assert os.waitpid(child, 0)[1] == 0
    assert process.usable


def test_it_ends_with_its_parent(process):
    process._process.stdin.close()
    assert process._process.wait(timeout=20) == 0


def test_a_process_that_crashes_at_its_second_file_says_that_the_file_is_damaged(process):
    assert process.parse(make_page("First."), "html").text == "First."
    threading.Timer(0.5, process._process.kill).start()
    with pytest.raises(UnreadableError, match=r"^damaged: its reader crashed$"):
        process.parse(SLOW, "html")


def test_a_reader_that_cannot_be_started_is_a_reason(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(UnreadableError, match=r"^its reader cannot be started: No such file or directory$"):
        extract_apart(make_page("First."), "html")
