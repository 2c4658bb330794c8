"""Files that are whole or not there, locks that say for whom one waits, hashes.

A file is written aside, fsynced and renamed; a folder likewise. What was acknowledged is on disk. Everything is
private (0600 / 0700) whatever the umask says.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from athanor.core.errors import NameTakenError

CHUNK = 1 << 20
_MOMENT = 0.25  # seconds for which `is_locked` of another process may hold a lock that is free


def sha256_bytes(data: bytes) -> str:
    """Hex sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file, read in chunks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fsync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_private(folder: Path) -> Path:
    """The folder and its parents, made with mode 0700 where they are new."""
    missing = []
    at = folder
    while not at.exists():
        missing.append(at)
        at = at.parent
    for new in reversed(missing):
        with contextlib.suppress(FileExistsError):
            new.mkdir(mode=0o700)
            new.chmod(0o700)
    return folder


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends well, and leaves nothing when it does not."""
    make_private(path.parent)
    # Its name does not hold the file's: that may already be as long as a file system allows.
    aside = path.with_name(f".{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    file = os.fdopen(os.open(aside, flags, 0o600), "wb")
    try:
        with file:
            os.fchmod(file.fileno(), 0o600)
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        fsync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write all of it, or leave what was there."""
    with replacing(path) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


def fsync_tree(folder: Path) -> None:
    """Make every file and folder below durable."""
    for root, _, names in os.walk(folder):
        for name in names:
            handle = os.open(Path(root, name), os.O_RDONLY | os.O_NOFOLLOW)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        fsync_folder(Path(root))


def remove_tree(folder: Path) -> None:
    """Remove a folder whatever the modes inside; what is gone already is no error."""

    def pass_over(_: Callable[..., object], __: str, error: tuple[Any, BaseException, Any]) -> None:
        if not isinstance(error[1], FileNotFoundError):
            raise error[1]

    _unlock_folders(folder)
    shutil.rmtree(folder, onerror=pass_over)


def _unlock_folders(folder: Path) -> None:
    """Give the owner every right on a folder and those below; what a link leads to is not ours to change."""
    waiting = [folder]
    while waiting:
        at = waiting.pop()
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(at.lstat().st_mode):
                at.chmod(0o700)
                with os.scandir(at) as inside:
                    waiting += [Path(entry.path) for entry in inside if entry.is_dir(follow_symlinks=False)]


def tree_bytes(folder: Path) -> int:
    """Sum of the sizes of the files below; what goes away meanwhile counts nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                state = Path(root, name).lstat()
                total += state.st_size if stat.S_ISREG(state.st_mode) else 0
    return total


@contextlib.contextmanager
def locked(
    path: Path,
    who: str,
    waiting: Callable[[str], None] | None,
    *,
    shared: bool = False,
    seconds: float | None = None,
    what: str | None = None,
) -> Iterator[None]:
    """Hold the lock file `path` for the block.

    who: one line, written into the file, so that another process can say for whom it waits; begins "process PID".
    waiting: called once with the holders' words before we wait; None: do not wait but raise
        NameTakenError.
    shared: hold it together with others that hold it shared.
    seconds: how long to wait at most before NameTakenError; None: for ever.
    what: what is locked, in words; the file's name when not given.
    The kernel drops the lock when its process dies, so a lock is never stale. Whoever holds it may unlink the file.
    """
    handle = _acquire(path, waiting, shared, seconds, what or path.name)
    line = " ".join(who.split())
    try:
        _write_lines(handle, [*(_lines(handle) if shared else []), line])
        yield
    finally:
        _write_lines(handle, [other for other in _lines(handle) if other != line])
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on this file or folder; what is not there is not locked."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def holders(path: Path) -> str | None:
    """Who holds the lock on this file, in the words they gave `locked`; None when nobody does."""
    if not is_locked(path):
        return None
    try:
        with path.open("rb") as file:
            return "; ".join(_lines(file.fileno())) or "another process"
    except FileNotFoundError:  # its holder has ended and unlinked it
        return None


def _open_lock(path: Path) -> int:
    make_private(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    os.fchmod(handle, 0o600)
    return handle


def _is_same(handle: int, path: Path) -> bool:
    """Whether the open file is still the one at `path`: a holder may have unlinked it while we waited."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _acquire(path: Path, waiting: Callable[[str], None] | None, shared: bool, seconds: float | None, what: str) -> int:
    """A handle of the lock file that holds its lock."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    told, since = False, time.monotonic()
    handle = _open_lock(path)
    try:
        while True:
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = "; ".join(_lines(handle)) or "another process"
                limit = _MOMENT if waiting is None else seconds
                if limit is not None and time.monotonic() - since >= limit:
                    raise NameTakenError(
                        f"{what} is being used by {holder}.",
                        value=what,
                        limit=seconds,
                        remedy="Wait until it has ended, or stop it.",
                    ) from None
                if not told and waiting is not None:
                    waiting(holder)
                    told = True
                time.sleep(0.05)
                continue
            if _is_same(handle, path):
                return handle
            fresh = _open_lock(path)
            os.close(handle)
            handle = fresh
    except BaseException:
        os.close(handle)
        raise


def _lines(handle: int) -> list[str]:
    """What living holders wrote into a lock file; a process that was killed leaves its line behind."""
    lines = os.pread(handle, 1 << 16, 0).decode("utf-8", "replace").splitlines()
    return [line for line in lines if _is_alive(line)]


def _is_alive(line: str) -> bool:
    words = line.split()
    if len(words) < 2 or words[0] != "process" or not words[1].isdecimal():
        return True
    try:
        os.kill(int(words[1]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _write_lines(handle: int, lines: list[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    with contextlib.suppress(OSError):  # the lock holds without its words: a full disk must not stop `gc`
        os.pwrite(handle, data, 0)
        os.ftruncate(handle, len(data))
