"""The clock of a run with a budget in minutes: what is spent, what is left, over interruptions too."""

from __future__ import annotations

import time


class Clock:
    """Counts seconds from `spent`, the ledger of earlier attempts at the same run."""

    def __init__(self, total: float | None, spent: float = 0.0) -> None:
        """total: seconds the whole command may take; None: no limit."""
        self.total = total
        self._began = time.monotonic() - spent

    @property
    def spent(self) -> float:
        """Seconds used, earlier attempts included."""
        return time.monotonic() - self._began

    def excuse(self, seconds: float) -> None:
        """Do not count these seconds, which were spent waiting for another process."""
        self._began += seconds

    def left(self, reserve: float = 0.0) -> float:
        """Seconds until `reserve` before the end; infinite without a limit."""
        return float("inf") if self.total is None else self.total - reserve - self.spent
