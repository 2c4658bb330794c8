"""Generation takes no more threads than this process has cores. Run: pytest tests/generate/test_threads.py"""

from __future__ import annotations

import subprocess
import sys

import pytest

ANSWERING = """
import os, sys
import torch
from athanor.core.hardware import cores
from athanor.generate.handle import load
torch.set_num_threads(int(sys.argv[2]))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
load(sys.argv[1]).generate("The ferry", max_tokens=2)
print(cores(), torch.get_num_threads())
"""


@pytest.mark.parametrize("before", [1, 7])
def test_threads_while_answering(model_folder, before: int) -> None:
    """torch counted more before; what was chosen smaller stays."""
    words = [sys.executable, "-c", ANSWERING, str(model_folder), str(before)]
    allowed, threads = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert int(threads) == min(before, int(allowed))
