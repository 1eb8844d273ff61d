import json
import logging
import subprocess
import sys
import threading
import time

import pytest

from rag.errors import CitewellError, IndexRefusedError
from rag.generations import current_generation, holding, make_current, new_generation, sweep, writing


@pytest.fixture
def index(tmp_path):
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def publish(index):
    generation = new_generation(index)
    (generation / "manifest.json").write_text("{}")
    make_current(index, generation)
    return generation


def names(index):
    return sorted(path.name for path in index.glob("gen-*"))


@pytest.mark.parametrize("there", [[], ["write.lock"], [".gitignore", "gen-000001", "CURRENT.tmp"]])
def test_a_folder_that_is_empty_or_holds_only_remains_has_no_generation_yet(index, there):
    for name in there:
        (index / name).mkdir()
    assert current_generation(index) is None
    assert current_generation(index / "missing") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b"null", b'{"generation": 3}', b'{"generation": null}', b'{"generation": "gen-000009"}',
     b'{"generation": "../corpus"}', b'{"generation": "."}', b"\xff"],
)  # fmt: skip
def test_a_pointer_to_nothing_is_refused_with_the_command_that_rebuilds(index, content):
    publish(index)
    (index / "CURRENT").write_bytes(content)
    with pytest.raises(IndexRefusedError, match=r"is damaged: CURRENT cannot be used .*citewell index --rebuild"):
        current_generation(index)


def test_the_newest_published_generation_is_current_and_the_one_before_is_kept(index):
    published = [publish(index) for _ in range(4)]
    assert current_generation(index) == published[-1]
    assert names(index) == ["gen-000003", "gen-000004"]
    assert json.loads((index / "CURRENT").read_text()) == {"generation": "gen-000004", "previous": "gen-000003"}


def test_remains_of_killed_writers_are_swept_and_other_things_are_not(index):
    publish(index)
    (index / "gen-000007" / "chroma").mkdir(parents=True)
    (index / "gen-notes").mkdir()
    (index / "notes.txt").write_text("mine")
    assert new_generation(index).name == "gen-000002"
    assert names(index) == ["gen-000001", "gen-000002", "gen-notes"]
    assert (index / "notes.txt").exists()


def test_a_generation_that_a_reader_holds_is_swept_only_when_it_lets_go(index):
    first = publish(index)
    with holding(first):
        for _ in range(3):
            publish(index)
        assert names(index) == ["gen-000001", "gen-000003", "gen-000004"]
    sweep(index)
    assert names(index) == ["gen-000003", "gen-000004"]


def test_a_reader_that_was_killed_holds_nothing(index):
    first = publish(index)
    script = (
        "from pathlib import Path\nfrom rag.generations import holding\n"
        f"with holding(Path({str(first)!r})): print('held', flush=True); input()"
    )
    reader = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdout.readline() == "held\n"
    publish(index), publish(index)
    assert names(index) == ["gen-000001", "gen-000002", "gen-000003"]
    reader.kill()
    reader.wait()
    publish(index)
    assert names(index) == ["gen-000003", "gen-000004"]


def test_a_second_writer_waits_and_says_so(index, caplog):
    def write_first():
        with writing(index, 0):
            started.set()
            time.sleep(0.5)
            order.append("first")

    started, order = threading.Event(), []
    first = threading.Thread(target=write_first)
    first.start()
    started.wait()
    with caplog.at_level(logging.WARNING), writing(index, 30):
        order.append("second")
    first.join()
    assert order == ["first", "second"]
    assert f"Another process is writing the index in '{index}': waiting up to 30 seconds." in caplog.text


def test_a_second_writer_that_waited_in_vain_says_so(index):
    with (
        writing(index, 0),
        pytest.raises(CitewellError, match=r"has been writing .* Try again when it is done"),
        writing(index, 0.2),
    ):
        pass
    with writing(index, 0):
        pass


def test_a_writer_that_fails_lets_the_next_one_in(index):
    with pytest.raises(ZeroDivisionError), writing(index, 0):
        raise ZeroDivisionError
    with writing(index, 0):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CitewellError, match=r"index' cannot be written: Not a directory"),
        writing(tmp_path / "file" / "index", 0),
    ):
        pass
