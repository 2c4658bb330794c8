"""Signals at the chat's prompt: the keys end a chat, the others are answered with the contract's code.

Run: pytest tests/generate/test_talk_signals.py
"""

from __future__ import annotations

import subprocess
import sys

import pytest

PROMPT = """
import os, signal, sys, time
from athanor.core import signals
from athanor.core.errors import Interrupted
from athanor.core.progress import Reporter
from athanor.generate.talk import Talk, converse

class Keyboard:
    def isatty(self):
        return False

    lines = sys.argv[2:]

    def readline(self):
        if self.lines:
            return self.lines.pop(0)
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(20)

signals.install()
try:
    converse(Talk(None, None, None), Keyboard(), sys.stdout, Reporter())
except Interrupted as stop:
    sys.exit(stop.exit_code)
"""


@pytest.mark.parametrize("lines", [[], ['"""\n', "half a text\n"]])
@pytest.mark.parametrize(("number", "code"), [(2, 0), (15, 130), (1, 130)])
def test_at_the_prompt(number: int, code: int, lines: list[str]) -> None:
    """A text that was being written then is not asked: there is no model here that could answer."""
    words = [sys.executable, "-c", PROMPT, str(number), *lines]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    assert done.returncode == code, done.stderr
