"""The counts that take minutes: 100 kills, 100 000 draws. Run: pytest -m long tests/long/test_long_counts.py

The tests are those of the fast suite, with their counts raised by the environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CASES = {
    "train/test_exact_resume.py": {"ATHANOR_KILLS": "100"},
    "generate/test_sampling_law.py": {"ATHANOR_DRAWS": "100000"},
}


@pytest.mark.long
@pytest.mark.parametrize("file", CASES)
def test_with_the_full_count(file):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS / file)]
    found = subprocess.run(command, env={**os.environ, **CASES[file]}, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-5000:]
