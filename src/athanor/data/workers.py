"""Worker processes that cannot outlive their parent, and results in the order of the tasks.

Own loop over pipes and not multiprocessing: its workers import the parent's main module again (which breaks scripts
and notebooks without a guard), survive a parent that is killed, and a pool whose worker dies hangs. Here a worker is
`python -c …`, dies with its parent (PR_SET_PDEATHSIG), leaves SIGINT to it, and its death is an error.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

from athanor.core.errors import AthanorError, ResourceError

_BOOT = "from athanor.data.workers import serve; serve()"
_PR_SET_PDEATHSIG = 1


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0))


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
    pool = _Pool(function, setup, workers)
    waiting: deque[tuple[Any, Future[Any]]] = deque()
    try:
        for task in tasks:
            waiting.append((task, pool.submit(task)))
            if len(waiting) > 3 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    finally:
        pool.close()


class _Pool:
    """Processes, and as many threads that hand them tasks and wait for the answers."""

    def __init__(self, function: Callable[[Any, Any], Any], setup: Any, workers: int) -> None:
        first = pickle.dumps((function, setup))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._all: list[subprocess.Popen[bytes]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="corpus")
        try:
            for _ in range(workers):
                process = subprocess.Popen(
                    [sys.executable, "-c", _BOOT, str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=environment,
                )
                self._all.append(process)
                assert process.stdin is not None
                with contextlib.suppress(BrokenPipeError):  # it died already; the first task says so
                    _send(process.stdin, first)
                self._idle.put(process)
        except BaseException:
            self.close()
            raise

    def submit(self, task: Any) -> Future[Any]:
        return self._threads.submit(self._ask, task)

    def close(self) -> None:
        for process in self._all:
            process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in self._all:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _ask(self, task: Any) -> Any:
        process = self._idle.get()
        try:
            assert process.stdin is not None and process.stdout is not None
            _send(process.stdin, pickle.dumps(task))
            good, answer = pickle.loads(_receive(process.stdout))
        except (EOFError, OSError) as error:
            raise ResourceError(
                f"A worker process ended in the middle of its work (exit code {process.wait()}).",
                value=process.returncode,
                remedy="It was most likely stopped for want of memory: run again with fewer workers (--workers 1).",
            ) from error
        finally:
            self._idle.put(process)
        if not good:
            raise answer
        return answer


def serve() -> None:
    """The worker's loop: read a task, answer it, until the pipe closes."""
    _die_with_parent(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    tasks = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    function, setup = pickle.loads(_receive(tasks))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            task = pickle.loads(_receive(tasks))
            try:
                answer = (True, function(task, setup))
            except AthanorError as error:
                answer = (False, error)
            except Exception:  # noqa: BLE001  the parent raises it, with the worker's traceback
                answer = (False, RuntimeError(f"in a worker process:\n{traceback.format_exc()}"))
            _send(answers, pickle.dumps(answer))


def _die_with_parent(parent: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _send(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(struct.pack("<Q", len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    head = pipe.read(8)
    if len(head) < 8:
        raise EOFError
    size = struct.unpack("<Q", head)[0]
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
