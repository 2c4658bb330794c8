"""Following a run from outside: the newest row of its log, until it ends."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from athanor.artifacts import Run, Store
from athanor.core.progress import plain, tell

LOG = "metrics.jsonl"  # `train.loop.METRICS`, which cannot be imported here: it brings torch
PAUSE = 1.0  # seconds
TAIL = 4096  # bytes read from the end of the log


def follow(store: Store, name: str) -> None:
    """Say who makes what the name shall stand for, and each newer row of its log; return when nobody does any more."""
    said = None
    while (runs := [run for run in store.runs_for(name) if run.is_live]) or store.maker(name):
        rows = [row for run in runs if (row := newest(run)) is not None]
        words = _words(rows[0]) if rows else f"{name} is being made by {store.maker(name)}"
        if words != said:
            said = words
            tell(f"{plain(words)}\n", sys.stderr)
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
