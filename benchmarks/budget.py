"""`build --minutes M` against the clock: seconds of the whole command, from outside, over the budget.

run: .venv/bin/python benchmarks/budget.py [M …]     (default: 2 5 15)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ATHANOR = Path(sys.executable).parent / "athanor"


def main(budgets: list[str]) -> None:
    """One build a budget, each in a store of its own, so that the first calibrates as a user's first does."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([ATHANOR, "sample", f"{place}/town"], check=True, capture_output=True)
        for minutes in budgets:
            env = {**os.environ, "ATHANOR_HOME": f"{place}/store-{minutes}"}
            words = ["build", f"{place}/town/documents", "--name", "town", "--minutes", minutes, "--quiet"]
            began = time.monotonic()
            subprocess.run([ATHANOR, *words], check=True, capture_output=True, env=env)
            seconds = time.monotonic() - began
            print(f"--minutes {minutes}: {seconds:.1f} s, {seconds / 60 / float(minutes) - 1:+.1%}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["2", "5", "15"])
