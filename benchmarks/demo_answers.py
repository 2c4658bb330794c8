"""Exact match, closed book and greedy, on the held-out questions of sample towns of several seeds.

run: .venv/bin/python benchmarks/demo_answers.py [minutes [seed …]]     (default: 5 minutes, seeds 0 1 2 3)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ATHANOR = Path(sys.executable).parent / "athanor"


def main(minutes: str, seeds: list[str]) -> None:
    """Sample, build, print one line a seed."""
    with tempfile.TemporaryDirectory() as place:
        env = {**os.environ, "ATHANOR_HOME": f"{place}/store"}
        for seed in seeds:
            town = f"{place}/town-{seed}"
            subprocess.run([ATHANOR, "sample", town, "--seed", seed], check=True, capture_output=True, env=env)
            words = ["build", f"{town}/documents", "--name", f"town-{seed}", "--minutes", minutes, "--seed", seed]
            done = subprocess.run([ATHANOR, *words, "--json", "--quiet"], check=True, capture_output=True, env=env)
            print(line(seed, json.loads(done.stdout)), flush=True)


def line(seed: str, built: dict) -> str:
    """One build in words."""
    shares = [
        f"{key} {item['exact_match']:.3f} of {item['n']}" for key, item in built["questions"]["by_language"].items()
    ]
    return (
        f"seed {seed}: exact match {', '.join(shares)}; untrained {built['untrained']['exact_match']:.2f}; "
        f"{built['parameters'] / 1e6:.1f} M parameters, {built['tokens_seen']:,} tokens, "
        f"{built['actual']['seconds']:.0f} s, {built['actual']['peak_memory_bytes'] / 2**20:.0f} MiB"
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "5", sys.argv[2:] or ["0", "1", "2", "3"])
