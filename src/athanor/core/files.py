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
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from athanor.core.errors import NameTakenError

CHUNK = 1 << 20


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
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    file = os.fdopen(os.open(aside, flags, 0o600), "wb")
    try:
        with file:
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
    """Remove a folder whatever the modes inside; a folder that is gone is no error."""

    def force(function: Callable[..., object], path: str, _: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            Path(path).parent.chmod(0o700)
            Path(path).chmod(0o700)
            function(path)

    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder, onerror=force)


def tree_bytes(folder: Path) -> int:
    """Sum of the sizes of the files below."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


@contextlib.contextmanager
def locked(path: Path, who: str, waiting: Callable[[str], None] | None) -> Iterator[None]:
    """Hold the lock file `path` for the block.

    who: written into the file, so that another process can say for whom it waits.
    waiting: called once with the holder's words before we wait; None: do not wait but raise NameTakenError.
    The kernel drops the lock when its process dies, so a lock is never stale.
    """
    make_private(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _acquire(handle, path, waiting)
        os.ftruncate(handle, 0)
        os.pwrite(handle, who.encode("utf-8"), 0)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, waiting: Callable[[str], None] | None) -> None:
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = os.pread(handle, 500, 0).decode("utf-8", "replace") or "another process"
            if waiting is None:
                raise NameTakenError(
                    f"{path.stem} is being written by {holder}.",
                    value=path.stem,
                    remedy="Wait until it has ended, or stop it.",
                ) from None
            if not told:
                waiting(holder)
                told = True
            time.sleep(0.1)
