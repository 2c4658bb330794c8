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
from athanor.generate.talk import converse

class Keyboard:
    def isatty(self):
        return False

    def readline(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(20)

signals.install()
try:
    converse(None, Keyboard(), sys.stdout, Reporter())
except Interrupted as stop:
    sys.exit(stop.exit_code)
"""


@pytest.mark.parametrize(("number", "code"), [(2, 0), (15, 130), (1, 130)])
def test_at_the_prompt(number: int, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROMPT, str(number)], capture_output=True, text=True, timeout=20)
    assert done.returncode == code, done.stderr
