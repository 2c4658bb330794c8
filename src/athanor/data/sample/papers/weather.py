"""The weather book: CSV, a fortnight a file, with a remark by whoever was on duty."""

from __future__ import annotations

import csv
import io

from athanor.data.sample.papers.dates import WEEKDAYS
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

SHARE = 2
HEADS: dict[Language, tuple[str, ...]] = {
    "en": ("day", "wind", "glass", "gulls counted", "remark"),
    "zh": ("日子", "风", "气压", "海鸥数", "附记"),
}
WINDS: dict[Language, tuple[str, ...]] = {
    "en": ("south", "north-east", "west", "none", "all of it", "south-west", "undecided", "east by habit"),
    "zh": ("南", "东北", "西", "无", "全有", "西南", "未定", "照例偏东"),
}


def write(scribe: Scribe, number: int) -> Paper:
    """Eight days; every other remark is a fact that the observer could not keep to himself."""
    language, rng = scribe.language, scribe.rng
    sheet = io.StringIO()
    rows = csv.writer(sheet, lineterminator="\n")
    rows.writerow(HEADS[language])
    first = rng.randrange(7)
    for day in range(8):
        remark = scribe.colour() if day % 2 else scribe.fact(scribe.facts(1)[0])
        rows.writerow(
            (
                WEEKDAYS[language][(first + day) % 7],
                rng.choice(WINDS[language]),
                975 + rng.randrange(60),
                rng.randint(40, 900),
                remark,
            )
        )
    return Paper(f"weather-book/{language}/week-{number:05}.csv", sheet.getvalue())
