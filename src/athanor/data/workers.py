"""Worker processes that cannot outlive their parent, and results in the order of the tasks.

Own loop over pipes and not multiprocessing: its workers import the parent's main module again (which breaks scripts
and notebooks without a guard), survive a parent that is killed, and a pool whose worker dies hangs. Here a worker is
`python -c …`, dies with its parent (PR_SET_PDEATHSIG), leaves signals to it, and its death is an error.

The parent has one thread and waits in `select`. Threads that wait for the workers would share locks with it that are
written in Python (threading.Condition), and an interrupt that lands in such a lock leaves it taken: the end would hang.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from athanor.core import offline
from athanor.core.errors import AthanorError, ResourceError

# -P: a worker starts where the command was called, and a module in that folder is not ours to run.
_BOOT = [sys.executable, "-P", "-c", "from athanor.data.workers import serve; serve()"]
_PR_SET_PDEATHSIG = 1
_AHEAD = 3  # tasks drawn ahead of the results that were taken, for each worker
_AT_HAND = 2  # of these, how many lie with the worker itself: the next one waits in its pipe
_CHUNK = 1 << 20  # bytes
_LENGTH = struct.Struct("<Q")


def in_order(
    function: Callable[[Any, Any], Any], tasks: Iterable[Any], setup: Any, workers: int
) -> Iterator[tuple[Any, Any]]:
    """(task, function(task, setup)) in the order of the tasks, whatever the number of workers; 1 works in-process.

    Tasks are drawn only a few ahead of the results that were taken, so that memory stays bounded. function: a
    module-level function. Leaving the iterator, by an exception too, ends the workers at once.
    """
    if workers <= 1:
        for task in tasks:
            yield task, function(task, setup)
        return
    pool = _Pool()
    try:
        pool.start(pickle.dumps((function, setup)), workers)
        waiting: deque[_Job] = deque()
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) > _AHEAD * workers:
                yield pool.finish(waiting.popleft())
        while waiting:
            yield pool.finish(waiting.popleft())
    finally:
        pool.close()


def apart(function: Callable[[Any, Any], Any], task: Any, setup: Any = None) -> Any:
    """function(task, setup), done in a process of its own: what it takes of memory and changes ends with it."""
    pool = _Pool()
    try:
        pool.start(pickle.dumps((function, setup)), 1)
        return pool.finish(pool.submit(task))[1]
    finally:
        pool.close()


class _Job:
    """A task and, once `answer` is there, whether it went well and what came of it."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.answer: tuple[bool, Any] | None = None


class _Worker:
    """A process, its jobs from the oldest on, and the bytes on their way to it and from it."""

    def __init__(self, first: bytes) -> None:
        self.jobs: deque[_Job] = deque()
        self.unsent = bytearray(_framed(first))
        self.process = subprocess.Popen(
            [*_BOOT, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.tasks, self.answers = self.process.stdin, self.process.stdout
        os.set_blocking(self.tasks.fileno(), False)
        self._received = bytearray()

    def give(self, job: _Job) -> None:
        self.unsent += _framed(pickle.dumps(job.task))
        self.jobs.append(job)

    def write(self) -> None:
        try:
            del self.unsent[: os.write(self.tasks.fileno(), self.unsent)]
        except BrokenPipeError:
            self.unsent.clear()  # it has died; the end of its answers says so

    def read(self) -> None:
        data = os.read(self.answers.fileno(), _CHUNK)
        if not data:
            raise ResourceError(
                f"A worker process ended in the middle of its work (exit code {self.process.wait()}).",
                value=self.process.returncode,
                remedy="It was most likely stopped for want of memory: run again with fewer workers (--workers 1).",
            )
        self._received += data
        while (answer := _unframed(self._received)) is not None:
            self.jobs.popleft().answer = pickle.loads(answer)

    def close(self) -> None:
        self.process.wait()
        self.tasks.close()
        self.answers.close()


class _Pool:
    """The workers, and the jobs that none of them has yet."""

    def __init__(self) -> None:
        self._all: list[_Worker] = []
        self._queue: deque[_Job] = deque()

    def start(self, first: bytes, workers: int) -> None:
        for _ in range(workers):
            self._all.append(_Worker(first))

    def submit(self, task: Any) -> _Job:
        job = _Job(task)
        self._queue.append(job)
        self._exchange(0)
        return job

    def finish(self, job: _Job) -> tuple[Any, Any]:
        """Wait for a job: its task and what came of it."""
        while job.answer is None:
            self._exchange(None)
        good, answer = job.answer
        if not good:
            raise answer
        return job.task, answer

    def close(self) -> None:
        for worker in self._all:
            worker.process.kill()
        for worker in self._all:
            worker.close()

    def _exchange(self, seconds: float | None) -> None:
        """Hand out jobs and move what bytes can be moved; wait so long until some can be, None: for ever."""
        while self._queue:
            idlest = min(self._all, key=lambda worker: len(worker.jobs))
            if len(idlest.jobs) == _AT_HAND:
                break
            idlest.give(self._queue.popleft())
        with selectors.PollSelector() as ready:
            for worker in self._all:
                ready.register(worker.answers, selectors.EVENT_READ, worker.read)
                if worker.unsent:
                    ready.register(worker.tasks, selectors.EVENT_WRITE, worker.write)
            for key, _ in ready.select(seconds):
                key.data()


def serve() -> None:
    """The worker's loop: read a task, answer it, until the pipe closes."""
    _die_with_parent(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    offline.guard()
    tasks = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    with contextlib.suppress(EOFError, BrokenPipeError):
        function, setup = pickle.loads(_receive(tasks))
        while True:
            answers.write(_framed(pickle.dumps(_answer(function, pickle.loads(_receive(tasks)), setup))))
            answers.flush()


def _answer(function: Callable[[Any, Any], Any], task: Any, setup: Any) -> tuple[bool, Any]:
    """Whether it went well, and the result or the error that the parent raises."""
    try:
        return True, function(task, setup)
    except AthanorError as error:
        return False, error
    except Exception:  # noqa: BLE001  with the worker's traceback
        return False, RuntimeError(f"in a worker process:\n{traceback.format_exc()}")


def _die_with_parent(parent: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _framed(data: bytes) -> bytes:
    """The bytes with their length in front, as they go through a pipe."""
    return _LENGTH.pack(len(data)) + data


def _unframed(received: bytearray) -> bytes | None:
    """Take the first whole message out of what was received, None while there is none."""
    if len(received) < _LENGTH.size:
        return None
    end = _LENGTH.size + _LENGTH.unpack_from(received)[0]
    if len(received) < end:
        return None
    data = bytes(received[_LENGTH.size : end])
    del received[:end]
    return data


def _receive(pipe: IO[bytes]) -> bytes:
    """The next message of a pipe; EOFError when it is closed."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    size = _LENGTH.unpack(head)[0]
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
