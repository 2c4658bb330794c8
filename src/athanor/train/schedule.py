"""Learning rates: warm up, hold, fall to zero (Hägele et al. 2024, arXiv:2405.18392).

Holding until a late fall leaves the end open: a clock may decide when the fall begins, and a run can go on from any
point before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

WARM_UP_SHARE, MOST_WARM_UP, LEAST_WARM_UP = 0.02, 200, 10
DECAY_SHARE = 0.4  # of steps or time


@dataclass(frozen=True)
class Schedule:
    """rate(step) for steps counted from 0.

    decay_start: first step of the fall, None while it is still open. decay_steps: its planned length.
    """

    peak: float
    warm_up: int
    decay_start: int | None = None
    decay_steps: int = 1

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        rising = min(1.0, (step + 1) / max(1, self.warm_up))
        if self.decay_start is None or step < self.decay_start:
            return self.peak * rising
        left = 1 - (step - self.decay_start + 1) / (self.decay_steps + 1)
        return self.peak * rising * max(0.0, left)

    def falling_from(self, step: int, steps: int) -> Schedule:
        """The same schedule with its fall fixed."""
        return replace(self, decay_start=step, decay_steps=max(1, steps))


def for_steps(peak: float, steps: int) -> Schedule:
    """The schedule of a run of known length."""
    decay = max(1, round(steps * DECAY_SHARE))
    return Schedule(peak, warm_up(steps), steps - decay, decay)


def warm_up(steps: int) -> int:
    """Steps of warming up in a run of about `steps`."""
    return max(1, min(MOST_WARM_UP, max(LEAST_WARM_UP, round(steps * WARM_UP_SHARE)), steps // 2))
