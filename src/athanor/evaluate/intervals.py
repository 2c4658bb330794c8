"""Figures with their 95 % intervals: `{value, interval, n}`, or `{value: None, reason}` for one that cannot be had."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution
RESAMPLES = 1000
DRAWS_AT_ONCE = 1 << 20  # so that many items need no more memory than some


def share(hits: float, n: int) -> dict[str, Any]:
    """A share of n with Wilson's score interval (Wilson 1927)."""
    if not n:
        return missing("no items")
    p = hits / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    interval = [min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half))]
    return {"value": p, "interval": interval if n > 1 else None, "n": n}


def mean(values: Sequence[float]) -> dict[str, Any]:
    """A mean with its percentile bootstrap interval (Efron 1979), from a fixed seed."""
    if not values:
        return missing("no items")
    found = np.asarray(values, dtype=np.float64)
    value = float(found.mean())
    if len(found) == 1:
        return single(value)
    low, high = np.quantile(_resampled_means(found), (0.025, 0.975))
    return {"value": value, "interval": [min(value, float(low)), max(value, float(high))], "n": len(found)}


def _resampled_means(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Means of RESAMPLES draws with replacement, each as many as there are values."""
    random, rows = np.random.default_rng(0), max(1, DRAWS_AT_ONCE // len(values))
    blocks = [min(rows, RESAMPLES - at) for at in range(0, RESAMPLES, rows)]
    return np.concatenate(
        [values[random.integers(0, len(values), (block, len(values)))].mean(axis=1) for block in blocks]
    )


def single(value: float) -> dict[str, Any]:
    """One measurement, without an interval."""
    if not math.isfinite(value):
        return missing("no finite number came out")
    return {"value": value, "interval": None, "n": 1}


def missing(reason: str) -> dict[str, Any]:
    """A figure that cannot be had, and why."""
    return {"value": None, "interval": None, "n": 0, "reason": reason}
