"""SIGINT, SIGTERM and SIGHUP end a command cleanly: at once, or at the next safe point of work that saves itself.

Outside a `deferred` block a signal raises Interrupted where the program stands. Inside one it only sets a flag, which
the work reads at its next step boundary; a second signal then raises at once.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from athanor.core.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopFlag:
    """Tells work in a `deferred` block whether it is to save and stop."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def is_set(self) -> bool:
        return self.signal is not None


_flag: StopFlag | None = None


def _handle(number: int, _: FrameType | None) -> None:
    received = signal.Signals(number)
    if _flag is not None and not _flag.is_set:
        _flag.signal = received
        return
    raise interrupted(received)


def interrupted(received: signal.Signals, remedy: str = "Run the same command again.") -> Interrupted:
    """The error for a signal."""
    return Interrupted(f"Stopped by {received.name}.", value=received.name, remedy=remedy)


def install() -> None:
    """Take over the three signals; called once by the command line. An ignored SIGHUP (nohup) stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN or number is not signal.SIGHUP:
            signal.signal(number, _handle)


@contextlib.contextmanager
def deferred() -> Iterator[StopFlag]:
    """A block whose work looks at the flag instead of being interrupted."""
    global _flag
    before, _flag = _flag, StopFlag()
    try:
        yield _flag
    finally:
        _flag = before
