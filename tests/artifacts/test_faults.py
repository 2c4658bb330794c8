"""The disk fills, or the process is killed, at every single step of storing and collecting; the store stays whole.

A shim counts each change of the file system (open for writing, mkdir, write, fsync, rename, unlink, rmdir) in a child
process, and at the n-th raises ENOSPC, or kills the child before or after it.
Run: pytest tests/artifacts/test_faults.py
"""

from __future__ import annotations

import errno
import io
import os
import signal
import time
from collections.abc import Callable

import pytest

from athanor.artifacts import Store
from athanor.artifacts.collect import gc, remove
from athanor.artifacts.layout import entries
from athanor.artifacts.verify import verify

DONE, MENDED, FULL, OTHER = 0, 1, 5, 9
STORING = ("mkdir", "fsync", "rename", "replace")
DELETING = ("rename", "unlink", "rmdir")


class Shim:
    """Strikes at the n-th change."""

    def __init__(self, action: str, at: int) -> None:
        self.action, self.at, self.count = action, at, 0

    def around(self, function: Callable) -> Callable:
        def shimmed(*args, **options):
            self.count += 1
            if self.count != self.at:
                return function(*args, **options)
            if self.action == "full":
                raise OSError(errno.ENOSPC, "No space left on device", str(args[0]))
            if self.action == "kill after":
                function(*args, **options)
            os.kill(os.getpid(), signal.SIGKILL)
            return None

        return shimmed

    def install(self, names: tuple[str, ...]) -> None:
        """Only ever called in a child process."""
        for name in names:
            setattr(os, name, self.around(getattr(os, name)))
        if "fsync" in names:
            plain_open, shim = os.open, self

            def opening(path, flags, *args, **options):
                function = shim.around(plain_open) if flags & os.O_CREAT else plain_open
                return function(path, flags, *args, **options)

            class Raw(io.FileIO):
                write = shim.around(io.FileIO.write)

            plain_fdopen = os.fdopen
            os.open = opening
            os.fdopen = lambda handle, mode, *rest: (
                io.BufferedWriter(Raw(handle, "w")) if mode == "wb" else plain_fdopen(handle, mode, *rest)
            )


def strike(action: str, at: int, names: tuple[str, ...], work: Callable[[], None]) -> int:
    """The exit code of a child that does the work under the shim."""
    child = os.fork()
    if child == 0:
        code = OTHER
        try:
            shim = Shim(action, at)
            shim.install(names)
            work()
            code = DONE if shim.count < at else MENDED
        except OSError as error:
            code = FULL if error.errno == errno.ENOSPC else OTHER
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def until_it_goes_through(
    action: str, names: tuple[str, ...], work: Callable, check: Callable[[int, bool], None]
) -> int:
    """Strike at 1, 2, 3 …; how many places there were to strike."""
    wanted = FULL if action == "full" else -signal.SIGKILL
    for at in range(1, 1000):
        code = strike(action, at, names, lambda at=at: work(at))
        assert code in (wanted, DONE, MENDED), f"{action} at {at}: {code}"
        check(at, code in (DONE, MENDED))
        if code == DONE:
            return at - 1
    raise AssertionError("it never went through")


def temporary(store: Store) -> list[str]:
    return [path.name for path in entries(store.home / "tmp")]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Versions of packages are read from hundreds of files; not the subject here."""
    monkeypatch.setattr("athanor.artifacts.manifest.environment", lambda: {"cores": 2})


@pytest.mark.parametrize("action", ["full", "kill before", "kill after"])
def test_storing(tmp_path, make, action):
    """Commit and bind: the draft is whole in the store or not there; what a fault leaves, gc takes."""
    outcomes = set()

    def work(at: int) -> None:
        store = Store.open(tmp_path / str(at))
        store.bind("mine", make(store, files={"a": "1", "deep/b": "2"}).id)

    def check(at: int, went_through: bool) -> None:
        store = Store.open(tmp_path / str(at))
        assert verify(store)["damaged"] == []
        left = temporary(store)
        if action == "full":
            assert left == []
        named, found = store.names(), store.artifacts()
        if went_through:
            assert (len(found), len(named)) == (1, 1)
        outcomes.add((len(found), len(named)))
        gc(store)
        assert len(store.artifacts()) == len(named)
        files = {path.relative_to(store.home).parts[0] for path in store.home.rglob("*") if path.is_file()}
        assert files <= ({"artifacts", "names", "steps", "locks"} if named else {"locks"})
        work(at)  # the same command again
        assert store.resolve("mine").file("deep/b").read_text() == "2"

    places = until_it_goes_through(action, STORING, work, check)
    assert places > 20
    assert outcomes >= {(0, 0), (1, 0), (1, 1)}


@pytest.mark.parametrize("action", ["kill before", "kill after"])
def test_collecting(tmp_path, make, action):
    """remove and gc: what stays verifies, what goes is gone after the next gc."""

    def prepare(at: int) -> Store:
        store = Store.open(tmp_path / str(at))
        corpus = make(store, files={"a": "1"})
        shared = make(store, files={"b": "2"})
        store.bind("goes", make(store, "model", [corpus.id, shared.id], {"w": "1", "deep/v": "2"}).id)
        store.bind("stays", make(store, "model", [shared.id], {"w": "2"}).id)
        return store

    def work(at: int) -> None:
        store = Store.open(tmp_path / str(at))
        remove(store, "goes")
        gc(store)

    def check(at: int, went_through: bool) -> None:
        store = Store.open(tmp_path / str(at))
        assert verify(store)["damaged"] == []
        assert store.resolve("stays").is_there()
        gc(store)
        assert not (went_through and "goes" in store.names())
        if "goes" not in store.names():
            assert len(store.artifacts()) == 2
        assert temporary(store) == []
        prepare(at + 1)

    prepare(1)
    assert until_it_goes_through(action, DELETING, work, check) > 8


def test_killed_at_any_time(tmp_path, make):
    """The same by the clock: twenty moments, real SIGKILLs, the real path with its hashing."""
    store = Store.open(tmp_path / "home")

    def work() -> None:
        for number in range(1000):
            made = make(store, files={f"f{place}": str(number) * 5000 for place in range(5)})
            store.bind("mine", made.id, replace=True)

    for moment in range(20):
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os._exit(OTHER)
        time.sleep(0.01 + moment * 0.004)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert verify(store)["damaged"] == []
        if moment % 5 == 4:
            gc(store)
            assert temporary(store) == []
            assert len(store.artifacts()) == len(store.names())
