"""Plan beside truth: memory and time of `athanor plan NAME --hardware this` and of the run that made NAME.

    python benchmarks/plan_accuracy.py [STEPS]

Three shapes learn the sample town for so many steps (150), each is then planned for the tokens it saw. The plan's time
is of learning alone, so that it is set beside the tokens seen over the tokens a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ATHANOR = Path(sys.executable).with_name("athanor")
SHAPES = {
    "1.4 M": ("model.layers=4", "model.width=128", "model.heads=2"),
    "4 M": ("model.layers=6", "model.width=192", "model.heads=3"),
    "13 M": ("model.layers=8", "model.width=320", "model.heads=5"),
}


def call(home: Path, *words: str) -> dict:
    done = subprocess.run(
        [ATHANOR, *words, "--json"], env={**os.environ, "ATHANOR_HOME": str(home)}, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def main(steps: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        call(home, "sample", f"{folder}/town")
        print("shape: memory planned and true, seconds planned and true, each with planned over true")
        for number, (label, shape) in enumerate(SHAPES.items()):
            words = ("--name", f"shape{number}", *shape, f"train.steps={steps}", "data.holdout=0")
            made = call(home, "build", f"{folder}/town/documents", *words)
            planned = call(home, "plan", f"shape{number}", "--tokens", str(made["tokens_seen"]), "--hardware", "this")
            memory, true = planned["peak_memory_bytes"]["total"], made["actual"]["peak_memory_bytes"]
            seconds, took = planned["device_hours"] * 3600, made["tokens_seen"] / made["tokens_per_second"]
            print(
                f"{label}: {memory / 1e6:.0f} MB, {true / 1e6:.0f} MB ({memory / true:.2f}); "
                f"{seconds:.1f} s, {took:.1f} s ({seconds / took:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
