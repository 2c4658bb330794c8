"""Following a run from outside: the newest row of its log, until it ends."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from athanor.artifacts import Run

LOG = "metrics.jsonl"  # what a training run writes beside its checkpoints
PAUSE = 1.0  # seconds
TAIL = 4096  # bytes read from the end of the log


def follow(run: Run) -> None:
    """Print a line whenever the log has a newer row; return when nobody is at the run any more."""
    last = None
    while run.is_live:
        row = newest(run)
        if row is not None and row != last:
            last = row
            print(_words(row), file=sys.stderr, flush=True)
        time.sleep(PAUSE)


def newest(run: Run) -> dict[str, Any] | None:
    """The last whole row of a run's log, None while there is none."""
    path = run.folder / LOG
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            return json.loads(line)
        except ValueError:
            continue  # half a row: its first part lies before the tail, or its end is not yet written
    return None


def _words(row: dict[str, Any]) -> str:
    if "loss" not in row:
        return f"step {row['step']}: skipped, {row.get('skipped', '')}"
    return f"step {row['step']}: loss {row['loss']:.3f}, {row['tokens']:,} tokens"
