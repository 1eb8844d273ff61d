import subprocess
import sys
import threading
import time

import pytest

from rag.turns import in_turn


def test_what_is_done_in_turn_returns_or_raises_as_it_would():
    assert in_turn(divmod, 7, 2) == (3, 1)
    assert in_turn(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]
    with pytest.raises(ZeroDivisionError):
        in_turn(divmod, 7, 0)
    assert in_turn(divmod, 7, 2) == (3, 1)


def test_one_is_done_after_the_other_in_the_same_thread():
    running, most, threads = [], [], set()

    def work():
        running.append(1)
        most.append(len(running))
        threads.add(threading.get_ident())
        time.sleep(0.01)
        running.pop()

    callers = [threading.Thread(target=in_turn, args=(work,)) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert most == [1] * 8
    assert len(threads) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_forked_process_takes_turns_of_its_own():
    script = (
        "import os; from rag.turns import in_turn; in_turn(int)\n"
        "child = os.fork()\n"
        "if not child: os._exit(in_turn(int, 7))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "7", done.stderr
