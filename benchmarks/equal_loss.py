"""Held-out loss of one network after the same steps on the same text in float32 and in bf16.

The text is a folder of the caller's, or the sample town's papers at 10 MB.

run: .venv/bin/python benchmarks/equal_loss.py [FOLDER [steps]]     (default: 1500 steps)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ATHANOR = Path(sys.executable).parent / "athanor"
SHAPE = ("model.layers=6", "model.width=192", "model.heads=3", "model.inner=512", "model.context=256")


def main(folder: str | None, steps: str) -> None:
    """Build twice and compare."""
    with tempfile.TemporaryDirectory() as place:
        if folder is None:
            folder = f"{place}/town/documents"
            subprocess.run([ATHANOR, "sample", f"{place}/town", "--megabytes", "10"], check=True, capture_output=True)
        env = {**os.environ, "ATHANOR_HOME": f"{place}/store"}
        losses = {}
        for precision in ("float32", "bf16"):
            words = [
                "build",
                folder,
                *SHAPE,
                f"train.steps={steps}",
                "train.batch_size=4",
                f"train.precision={precision}",
            ]
            done = subprocess.run([ATHANOR, *words, "--json", "--quiet"], check=True, capture_output=True, env=env)
            built = json.loads(done.stdout)
            losses[precision] = built["heldout_loss"]
            print(f"{precision}: held-out loss {built['heldout_loss']:.4f}, {built['tokens_per_second']:,.0f} tokens/s")
        print(f"bf16 / float32 − 1: {losses['bf16'] / losses['float32'] - 1:+.2%}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None, sys.argv[2] if len(sys.argv) > 2 else "1500")
