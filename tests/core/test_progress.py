"""Work goes on in silence where nobody reads what it says. Run: pytest tests/core/test_progress.py"""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest

from athanor.core import progress
from athanor.core.progress import Reporter


@pytest.mark.parametrize("reader", ["gone", "full"])
def test_a_stream_that_fails_ends_no_work(monkeypatch, reader):
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.0)
    reading, writing = os.pipe() if reader == "gone" else (None, os.open("/dev/full", os.O_WRONLY))
    if reading is not None:
        os.close(reading)
    with os.fdopen(writing, "w") as stream:  # closing it flushes what is left
        reporter = Reporter(stream=stream)
        reporter.say("one")
        with reporter.bar("two", 2.0) as bar:
            bar.update(1.0, "three")
        reporter.warn("four")


def test_a_terminal_that_is_closed_ends_no_work(monkeypatch):
    """A build in the background outlives its terminal, which refuses the next line of the bar."""
    monkeypatch.setenv("TERM", "xterm")
    ours, its = pty.openpty()
    with os.fdopen(its, "w") as stream, Reporter(stream=stream).bar("read", 2.0) as bar:
        bar.update(1.0, "before")
        os.close(ours)
        bar.update(2.0, "after")


def test_each_line_as_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.0)
    path: Path = tmp_path / "said"
    with path.open("w", encoding="ascii") as stream:
        reporter = Reporter(stream=stream)
        reporter.say("港")
        reporter.say("a\x1b[31m\u202e\nb")
        with reporter.bar("read", 2.0) as bar:
            bar.update(1.0, "half")
        reporter.warn("w")
    assert path.read_text().splitlines() == [
        "\\u6e2f", "a\\x1b[31m\\u202e", "b",
        "read \\u2026", "read 50% half", "warning: w",
    ]  # fmt: skip
    with path.open("w") as stream:
        quiet = Reporter(quiet=True, stream=stream)
        quiet.say("x")
        with quiet.bar("read", 2.0) as bar:
            bar.update(1.0)
        quiet.warn("w")
    assert path.read_text() == "warning: w\n"
