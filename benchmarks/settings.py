"""The same number of tokens of one sample town under other settings: rows a step, and what moves the matrices.

Each line is a build of 682 k tokens (3.4 epochs) into a 3.4 M network; exact match is on the held-out questions.

run: .venv/bin/python benchmarks/settings.py [seed]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ATHANOR = Path(sys.executable).parent / "athanor"
SHAPE = ("model.layers=6", "model.width=192", "model.heads=3", "model.kv_heads=3")
INSIDE = ("model.inner=512", "model.context=256")
TOKENS, ROW = 682_000, 256
SETTINGS = (("muon", 16, 4e-3), ("muon", 8, 4e-3), ("muon", 4, 3e-3), ("adamw", 4, 1e-3), ("adamw", 4, 3e-3))


def main(seed: str) -> None:
    """Build once a setting and print a line."""
    with tempfile.TemporaryDirectory() as place:
        env = {**os.environ, "ATHANOR_HOME": f"{place}/store"}
        subprocess.run([ATHANOR, "sample", f"{place}/town", "--seed", seed], check=True, capture_output=True, env=env)
        for method, rows, rate in SETTINGS:
            asked = {"optimiser": method, "batch_size": rows, "learning_rate": rate, "steps": TOKENS // (rows * ROW)}
            words = [*SHAPE, *INSIDE, *(f"train.{key}={value}" for key, value in asked.items()), "--seed", seed]
            command = [ATHANOR, "build", f"{place}/town/documents", *words, "--json", "--quiet"]
            built = json.loads(subprocess.run(command, check=True, capture_output=True, env=env).stdout)
            shares = [f"{key} {item['exact_match']:.3f}" for key, item in built["questions"]["by_language"].items()]
            print(
                f"{method:<5} {rows:>2} × {ROW}, {asked['steps']:>4} steps, rate {rate:g}: "
                f"held-out loss {built['heldout_loss']:.3f}, exact match {', '.join(shares)}, "
                f"{built['actual']['seconds']:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "0")
