"""Worker processes: order, death, interrupts at any moment, and what a worker may not do.

`pytest tests/data/test_workers.py`
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from athanor.core.errors import InputError, ResourceError
from athanor.data.workers import apart, in_order


def die(task: object, _: object) -> None:
    os._exit(9)


def fail(task: object, _: object) -> None:
    raise ValueError(f"task {task}")


def square(task: int, _: object) -> int:
    print("libraries print")
    return task * task


def repeat(task: bytes, times: int) -> bytes:
    return task * times


def who(task: int, _: object) -> int:
    return os.getpid()


def can_import(name: str, _: object) -> bool:
    return importlib.util.find_spec(name) is not None


def connect(address: tuple[str, int], _: object) -> None:
    socket.create_connection(address, 0.1)


def ignores(number: int, _: object) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch):
    """This module under a name that a worker can import."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import test_workers

    return test_workers


def test_answers_come_in_order_and_a_death_is_an_error(tasks) -> None:
    assert list(in_order(tasks.square, range(50), None, 2)) == [(n, n * n) for n in range(50)]
    with pytest.raises(RuntimeError, match="task 1"):
        list(in_order(tasks.fail, [1, 2], None, 2))
    with pytest.raises(ResourceError, match=r"worker.*exit code 9"):
        list(in_order(tasks.die, range(5), None, 2))


def test_tasks_and_answers_larger_than_a_pipe(tasks) -> None:
    sent = [bytes([n]) * 300_000 for n in range(12)]
    assert [answer for _, answer in in_order(tasks.repeat, sent, 3, 2)] == [task * 3 for task in sent]


def test_tasks_are_drawn_only_a_few_ahead(tasks) -> None:
    drawn: list[int] = []
    results = in_order(tasks.square, (drawn.append(n) or n for n in range(1000)), None, 2)
    next(results)
    assert len(drawn) <= 8
    results.close()


def test_few_tasks_are_shared_out(tasks) -> None:
    assert len({answer for _, answer in in_order(tasks.who, range(3), None, 3)}) == 3


def test_one_task_apart(tasks) -> None:
    assert apart(tasks.repeat, b"ab", 3) == b"ababab"
    assert apart(tasks.who, 0) != os.getpid()
    with pytest.raises(ResourceError, match="exit code 9"):
        apart(tasks.die, 0)


def test_the_folder_one_stands_in_holds_no_modules_of_ours(
    tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "canary_module.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert list(in_order(tasks.can_import, ["canary_module"], None, 2)) == [("canary_module", False)]


def test_a_worker_connects_to_nobody_and_leaves_signals_to_its_parent(tasks) -> None:
    with pytest.raises(InputError, match="refused"):
        list(in_order(tasks.connect, [("192.0.2.1", 80)], None, 2))
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    assert [answer for _, answer in in_order(tasks.ignores, numbers, None, 2)] == [True] * 3


INTERRUPTED = """
import faulthandler, sys
from operator import mul
from athanor.data.workers import in_order

def interrupted(at):
    events = 0

    def trace(frame, event, argument):
        nonlocal events
        events += event in ("call", "c_return")
        if events >= at:
            sys.setprofile(None)
            raise KeyboardInterrupt

    results = in_order(mul, range(40), 2, 2)
    next(results)
    sys.setprofile(trace)
    list(results)

faulthandler.dump_traceback_later(50, exit=True)
for at in range(1, 300, 7):
    try:
        interrupted(at)
    except KeyboardInterrupt:
        continue
    sys.exit(f"the interrupt at event {at} was lost")
"""


def test_an_interrupt_at_any_moment_ends_the_work() -> None:
    """Python delivers one after a call of C and at the begin of a function: a profile function stands there too."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
