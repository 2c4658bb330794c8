"""Learning rates: warm up, hold, fall to zero (Hägele et al. 2024, arXiv:2405.18392).

Holding until a late fall leaves the end open: a clock may decide when the fall begins, and a run can go on from any
point before it. A fall may be planned anew while it lasts, when the steps turn out faster or slower than foretold: the
rate then falls on a new line from where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

WARM_UP_SHARE, MOST_WARM_UP, LEAST_WARM_UP = 0.02, 200, 10
DECAY_SHARE = 0.4  # of steps or time

Falls = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Schedule:
    """rate(step) for steps counted from 0.

    falls: (first step, steps until zero) of the fall and of each new plan of it, in order; empty while it is open.
    """

    peak: float
    warm_up: int
    falls: Falls = ()

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.peak * min(1.0, (step + 1) / max(1, self.warm_up)) * self._share(step)

    @property
    def end(self) -> int | None:
        """The step at which the rate is zero, None while the fall is open."""
        return sum(self.falls[-1]) if self.falls else None

    def falling(self, step: int, steps: int) -> Schedule:
        """The same schedule, falling to zero within `steps` from `step` on."""
        return replace(self, falls=(*self.falls, (step, max(1, steps))))

    def _share(self, step: int) -> float:
        """What the falls leave of the peak; a fall of n steps goes down by 1 / (n + 1) of its beginning each step."""
        level = 1.0
        for (start, steps), (until, _) in pairwise((*self.falls, (step + 1, 0))):
            if step < start:
                break
            level *= max(0.0, 1 - (min(step + 1, until) - start) / (steps + 1))
        return level


def for_steps(peak: float, steps: int) -> Schedule:
    """The schedule of a run of known length."""
    decay = max(1, round(steps * DECAY_SHARE))
    return Schedule(peak, warm_up(steps), ((steps - decay, decay),))


def as_falls(rows: Sequence[Sequence[int]]) -> Falls:
    """Falls from a recipe's lists."""
    return tuple((int(start), int(steps)) for start, steps in rows)


def warm_up(steps: int) -> int:
    """Steps of warming up in a run of about `steps`."""
    return max(1, min(MOST_WARM_UP, max(LEAST_WARM_UP, round(steps * WARM_UP_SHARE)), steps // 2))
