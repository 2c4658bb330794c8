"""Days of the town's calendar, which has no years: nobody agrees on them."""

from __future__ import annotations

import random

from athanor.data.sample.things import Language, Pair, date

WEEKDAYS: dict[Language, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("礼拜一", "礼拜二", "礼拜三", "礼拜四", "礼拜五", "礼拜六", "礼拜天"),
}


def random_date(rng: random.Random) -> Pair:
    """Some day of the year."""
    return date(rng.randint(1, 12), rng.randint(1, 28))
