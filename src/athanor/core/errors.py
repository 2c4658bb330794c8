"""One tree of errors; each carries value, limit and remedy, and the exit code of the command line.

AthanorError                1   a bug in Athanor when raised bare
├── UsageError              2   wrong usage
├── InputError              3   bad input
│   └── RecipeError         3   bad recipe key or value
├── NameError_              4   not found, or name taken
│   ├── NotFoundError       4
│   │   └── MissingExtraError   4   a package of an extra is not installed
│   └── NameTakenError      4
├── ResourceError           5   not enough memory, disk or time
└── ProofError              6   a proof, check or verdict failed
Interrupted               130   SIGINT, SIGTERM or SIGHUP; resumable work is saved

Interrupted is no error but, like Python's KeyboardInterrupt, a BaseException: a signal comes at any moment, also where
the code around is ready for errors of its own, and must not be taken for one of these.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable
from typing import Any

# A full disk shows as any of these, by file system and quota.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS)


class Ending(BaseException):
    """Why a command ends, as a person can act on it: what errors and interrupts share.

    message: one sentence that prints the value it talks about.
    value, limit: the offending value and what would have been allowed, as data.
    remedy: what to do next, one sentence, never empty for the sub-classes.
    """

    kind = "bug"
    exit_code = 1

    def __init__(self, message: str, *, value: Any = None, limit: Any = None, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.value = value
        self.limit = limit
        self.remedy = remedy

    def as_dict(self) -> dict[str, Any]:
        """The object `--json` prints under `error`."""
        return {
            "kind": self.kind,
            "message": self.message,
            "value": self.value,
            "limit": self.limit,
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class AthanorError(Ending, Exception):
    """An error a person can act on."""


class UsageError(AthanorError):
    """The command's words are off."""

    kind = "usage"
    exit_code = 2


class InputError(AthanorError):
    """A file, folder or value that cannot be used."""

    kind = "input"
    exit_code = 3


class RecipeError(InputError):
    """A recipe key or value that cannot be used."""

    kind = "recipe"


class NameError_(AthanorError):
    """Something about a name; use one of the two below."""

    kind = "name"
    exit_code = 4


class NotFoundError(NameError_):
    """Nothing goes by this name, id or path."""

    kind = "not_found"


class MissingExtraError(NotFoundError):
    """A package that this command needs belongs to an extra that is not installed."""

    kind = "missing_extra"

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"This needs the package {package}, which is not installed.",
            value=package,
            limit=extra,
            remedy=f"Install the extra that holds it: pip install 'athanor[{extra}]'.",
        )

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Pickle by its own two arguments, since a worker process sends its errors on: the base is pickled by one."""
        return MissingExtraError, (self.value, self.limit)


class NameTakenError(NameError_):
    """The name already points to something else."""

    kind = "name_taken"


class ResourceError(AthanorError):
    """Memory, disk or time do not suffice."""

    kind = "resources"
    exit_code = 5


class ProofError(AthanorError):
    """A proof, check or verdict failed."""

    kind = "proof"
    exit_code = 6


class Interrupted(Ending):
    """A signal asked to stop; what can be resumed is saved."""

    kind = "interrupted"
    exit_code = 130


def disk_full(error: OSError) -> ResourceError:
    """The ResourceError that says which file an ENOSPC or EDQUOT stopped."""
    where = error.filename or "the store"
    return ResourceError(
        f"The disk is full: no space left while writing {where}.",
        value=str(where),
        remedy="Free space (`athanor gc` removes what nothing uses) or set ATHANOR_HOME to a larger disk; then run "
        "the same command again.",
    )


def refused_by_system(error: OSError) -> AthanorError:
    """The error for an OSError with a number: what the system would not do, and with which file."""
    if error.errno in DISK_FULL:
        return disk_full(error)
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "the system"
    reason = os.strerror(error.errno or 0)
    if error.errno in FORBIDDEN:
        return InputError(
            f"No permission for {where}: {reason}.",
            value=where,
            limit=reason,
            remedy="Change its permissions, or set ATHANOR_HOME to a folder you may write to.",
        )
    if error.errno in EXHAUSTED:
        return ResourceError(
            f"The system has no more to give for {where}: {reason}.",
            value=where,
            limit=reason,
            remedy="Close other programs or raise the limit (`ulimit -a` shows it); then run the same command again.",
        )
    return InputError(
        f"{where} cannot be used: {reason}.",
        value=where,
        limit=reason,
        remedy="Check the path, and the disk it lies on; then run the same command again.",
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None when nothing is close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else None
