"""Locks: alone or together, with the holder's words, never stale; files private and whole whatever their name;
trees removed whatever their modes.

Run: pytest tests/core/test_files_locks.py
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from athanor.core.errors import NameTakenError
from athanor.core.files import is_locked, locked, remove_tree, tree_bytes, write_atomic


def test_shared_and_alone(tmp_path):
    path = tmp_path / "locks" / "store"
    me = f"process {os.getpid()} (test)"
    with locked(path, f"{me} one", None, shared=True), locked(path, f"{me} two", None, shared=True):
        assert is_locked(path)
        told: list[str] = []
        alone = locked(path, "x", told.append, seconds=0.2, what="The store")
        with pytest.raises(NameTakenError, match="The store is being used by") as caught, alone:
            pass
        assert told == [f"{me} one; {me} two"]
        assert caught.value.limit == 0.2
    assert path.read_text() == ""
    together = locked(path, "x", None, shared=True)
    with locked(path, me, None), pytest.raises(NameTakenError, match="test"), together:
        pass
    assert not is_locked(path)
    assert not is_locked(tmp_path / "none")


def test_words_of_the_dead_are_not_shown(tmp_path):
    path = tmp_path / "store"
    path.write_text(f"process {2**22 + 1} (long gone)\n")
    with locked(path, f"process {os.getpid()} (test)", None, shared=True):
        assert path.read_text() == f"process {os.getpid()} (test)\n"


def test_a_lock_file_that_its_holder_unlinks(tmp_path):
    """Whoever waited for the unlinked file takes the lock of the new one, so that two never hold it at once."""
    path = tmp_path / "lock"
    inside, go = threading.Event(), threading.Event()

    def other() -> None:
        with locked(path, "other", lambda _: inside.set()):
            go.wait(10)

    with locked(path, "first", None):
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        assert inside.wait(10)
        path.unlink()
    deadline = time.monotonic() + 5
    while not is_locked(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_locked(path)
    with pytest.raises(NameTakenError), locked(path, "third", None):
        pass
    go.set()
    thread.join(10)


def test_a_planted_link_is_not_followed(tmp_path):
    (tmp_path / "outside").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError), locked(tmp_path / "lock", "x", None):
        pass
    assert (tmp_path / "outside").read_text() == "precious"


@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_private_whatever_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "deep" / ("n" * 255), "x")
        with locked(tmp_path / "lock", "x", None):
            pass
    finally:
        os.umask(before)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["n" * 255]
    for path in ("deep/" + "n" * 255, "lock"):
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o600


@pytest.fixture
def nobody() -> Iterator[Callable[[Callable[[Path], None]], Path]]:
    """nobody(work) -> a folder in which a user without privileges did the work: root may enter any folder."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o777)

        def run(work: Callable[[Path], None]) -> Path:
            child = os.fork()
            if not child:
                try:
                    if os.getuid() == 0:
                        os.setuid(65534)
                    work(Path(name))
                    os._exit(0)
                except BaseException:  # noqa: BLE001  a fork of the test runner must end here
                    traceback.print_exc()
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            return Path(name)

        yield run


def test_a_tree_is_removed_whatever_its_modes(nobody):
    def work(place):
        for locked_folder in ("going", "going/in/side", "going/in"):
            (place / locked_folder / "deep").mkdir(parents=True, exist_ok=True)
        (place / "going/in/side/file").write_text("x")
        for locked_folder, mode in (("going/in/side", 0o000), ("going/in", 0o500), ("going", 0o000)):
            (place / locked_folder).chmod(mode)
        remove_tree(place / "going")
        remove_tree(place / "going")

    assert not os.path.lexists(nobody(work) / "going")


def test_what_a_link_leads_to_is_left_alone(nobody):
    def work(place):
        (place / "kept").mkdir(mode=0o555)
        (place / "mine").write_text("x")
        (place / "mine").chmod(0o444)
        (place / "going").mkdir()
        (place / "going/folder").symlink_to(place / "kept")
        (place / "going/file").symlink_to(place / "mine")
        (place / "going").chmod(0o500)
        remove_tree(place / "going")

    place = nobody(work)
    assert not os.path.lexists(place / "going")
    assert [stat.S_IMODE((place / name).stat().st_mode) for name in ("kept", "mine")] == [0o555, 0o444]


def test_bytes_of_a_tree_that_changes_meanwhile(tmp_path):
    (tmp_path / "kept").write_text("12345")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    assert tree_bytes(tmp_path) == 5
    over = threading.Event()

    def stir():
        while not over.is_set():
            for number in range(20):
                (tmp_path / f"{number}").touch()
            for number in range(20):
                (tmp_path / f"{number}").unlink()

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        assert {tree_bytes(tmp_path) for _ in range(300)} == {5}
    finally:
        over.set()
        thread.join()


def test_a_lock_file_that_becomes_a_link_while_one_waits(tmp_path):
    """The error is the link's, and no handle is closed twice: it may by then be another file's."""
    path = tmp_path / "lock"
    waits, told = threading.Event(), []

    def other() -> None:
        try:
            with locked(path, "other", lambda _: waits.set()):
                pass
        except OSError as error:
            told.append(error.errno)

    with locked(path, "first", None):
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        assert waits.wait(10)
        path.unlink()
        path.symlink_to(tmp_path / "outside")
    thread.join(10)
    assert told == [errno.ELOOP]
