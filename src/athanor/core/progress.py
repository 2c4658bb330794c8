"""What a person sees while long work runs: bars on a terminal, a plain line every 10 s elsewhere, silence on request.

Everything goes to stderr; stdout belongs to results. Where nobody reads any more the work goes on in silence.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

PLAIN_EVERY = 10.0  # seconds between lines where stderr is no terminal


class Bar:
    """One step's progress. `update` as often as you like; it is cheap and drawn at most ten times a second."""

    def __init__(self, label: str, total: float | None, stream: TextIO, rich: RichProgress | None) -> None:
        self._label = label
        self._total = total
        self._stream = stream
        self._rich = rich
        self._task = rich.add_task(label, total=total, note="") if rich else None
        self._last = time.monotonic()

    def update(self, done: float, note: str = "") -> None:
        """done: how much of `total`; note: figures to show beside the bar."""
        if self._rich is not None and self._task is not None:
            self._rich.update(self._task, completed=done, note=note)
            return
        now = time.monotonic()
        if now - self._last >= PLAIN_EVERY:
            self._last = now
            share = f" {done / self._total:.0%}" if self._total else ""
            tell(f"{self._label}{share} {note}".rstrip() + "\n", self._stream)


class Reporter:
    """Where a command's words for people go."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.quiet = quiet
        self.stream = stream or sys.stderr

    def say(self, text: str) -> None:
        """A line of information; not printed with --quiet."""
        if not self.quiet:
            self._print(text)

    def waiting(self, who: str) -> None:
        """Say for whom we wait."""
        self.say(f"waiting for {who}")

    def warn(self, text: str) -> None:
        """A line that is printed even with --quiet."""
        self._print(f"warning: {text}")

    def _print(self, text: str) -> None:
        tell("".join(f"{plain(line)}\n" for line in text.split("\n")), self.stream)

    @contextmanager
    def bar(self, label: str, total: float | None = None) -> Iterator[Bar]:
        """A bar for one step of work."""
        if self.quiet:
            yield Bar(label, total, _Nowhere(), None)
        elif self.stream.isatty() and os.environ.get("TERM") != "dumb":
            with _terminal(self.stream) as rich:
                yield Bar(label, total, self.stream, rich)
        else:
            self.say(f"{label} …")
            yield Bar(label, total, self.stream, None)


def plain(text: str) -> str:
    """The text with what a terminal would obey, or what turns the direction of text, shown as escapes."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def tell(text: str, stream: TextIO) -> None:
    """Print, if that can be: a reader that has gone or a full disk must not end the work, nor change its exit code."""
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Let what could not be written go nowhere, or Python's own flush at the exit would fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Steady(TextIO):
    """A terminal, for a bar that is still drawn when it has been closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:
        return self._stream.encoding

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        tell(text, self._stream)
        return len(text)

    def flush(self) -> None: ...


class _Nowhere(TextIO):
    @property
    def encoding(self) -> str:
        return "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...


def _terminal(stream: TextIO) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(file=_Steady(stream)),
    )
