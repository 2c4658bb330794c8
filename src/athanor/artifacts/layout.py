"""The store's folders: real folders below its home, private, never links."""

from __future__ import annotations

import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

from athanor.core.errors import InputError
from athanor.core.files import fsync_folder, make_private

DEFAULT = "~/.athanor"


def find_home() -> Path:
    """$ATHANOR_HOME or ~/.athanor, absolute."""
    try:
        return Path(os.environ.get("ATHANOR_HOME") or DEFAULT).expanduser().absolute()
    except RuntimeError:
        raise InputError(
            "There is no home folder for the store.",
            value=DEFAULT,
            remedy="Set ATHANOR_HOME to the folder that shall hold the store.",
        ) from None


def own_folder(home: Path, *parts: str) -> Path:
    """The folder `parts` below the store's home, made where it is new. A link in its place is refused."""
    folder = make_private(home)
    for part in parts:
        folder = folder / part
        try:
            folder.mkdir(mode=0o700)
            folder.chmod(0o700)
            fsync_folder(folder.parent)
        except FileExistsError:
            if not stat.S_ISDIR(folder.lstat().st_mode):
                raise InputError(
                    f"{folder} is no folder; the store writes into folders of its own only.",
                    value=str(folder),
                    remedy="Move it away, or set ATHANOR_HOME to another folder.",
                ) from None
    return folder


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted; nothing when the folder is missing or is none."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def stays_inside(relative: str) -> bool:
    """Whether a path leads to something below the folder it is taken from: relative, and with no step upwards."""
    return "\0" not in relative and not any(part in ("", ".", "..") for part in relative.split("/"))


def native(relative: str) -> str:
    """A path of the store as this locale's Python writes it: on disk it is UTF-8, also under LANG=C or zh_CN.GBK."""
    return os.fsdecode(relative.encode("utf-8", "surrogateescape"))


def portable(path: str | Path) -> str:
    """The other way round: a path that was read from disk as the store's text."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def utc_now() -> str:
    """Now, as ISO 8601 in UTC to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def this_process() -> str:
    """This process in words, for those who wait for it. Options are left out: they may hold a key."""
    words = [Path(sys.argv[0]).name if sys.argv else "python"]
    for word in sys.argv[1:]:
        if word.startswith("-") or len(words) > 2:
            words.append("…")
            break
        words.append("".join(letter if letter.isprintable() else "?" for letter in word)[:60])
    return f"process {os.getpid()} ({' '.join(words)}) since {datetime.now(UTC):%H:%M:%S} UTC"
