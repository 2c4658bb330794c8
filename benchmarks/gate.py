"""Rounds that count: each candidate in turn, rounds thrown away in which other programs used the machine."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

MOST_FOREIGN = 0.15  # cores other processes may use during a measurement
TICKS = os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Seconds all cores together have worked since the machine started (user, nice, system, irq, steal)."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6] + fields[7]) / TICKS


def rounds(
    candidates: Mapping[str, Callable[[], float]], wanted: int = 5, budget_seconds: float = 300
) -> dict[str, list[float]]:
    """Figures of quiet rounds by candidate; a round runs every candidate once, in turn.

    Each candidate returns its own figure (a rate). Ends after `wanted` quiet rounds or when the budget is spent.
    """
    kept: dict[str, list[float]] = {name: [] for name in candidates}
    began, tried = time.monotonic(), 0
    while len(next(iter(kept.values()))) < wanted and time.monotonic() - began < budget_seconds:
        tried += 1
        found, quiet = {}, True
        for name, run in candidates.items():
            before, own, clock = busy_seconds(), time.process_time(), time.perf_counter()
            found[name] = run()
            seconds = time.perf_counter() - clock
            foreign = (busy_seconds() - before - (time.process_time() - own)) / seconds
            quiet = quiet and foreign < MOST_FOREIGN
        if quiet:
            for name, value in found.items():
                kept[name].append(value)
    print(f"{len(next(iter(kept.values())))} quiet rounds of {tried}")
    return kept


def show(kept: Mapping[str, list[float]], unit: str) -> None:
    """Minimum, median, maximum of each."""
    for name, values in kept.items():
        if values:
            low, middle, high = min(values), statistics.median(values), max(values)
            print(f"  {name:<34}{low:>10.1f} {middle:>10.1f} {high:>10.1f}  {unit} (min, median, max)")


def ratio(kept: Mapping[str, list[float]], ours: str, theirs: str) -> float:
    """Median over rounds of ours / theirs."""
    found = [a / b for a, b in zip(kept[ours], kept[theirs], strict=True)]
    value = statistics.median(found) if found else float("nan")
    spread = f"{min(found):.2f} … {max(found):.2f}" if found else "no quiet round"
    print(f"  {ours} / {theirs}: {value:.2f} ({spread})")
    return value
