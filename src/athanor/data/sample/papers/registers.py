"""The town's registers: one CSV for each kind of subject and language, a row for each subject, a column a relation."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from athanor.data.sample.things import Language, Pair, Paper, World

NAMES = {
    "shop": Pair("shop", "店铺"),
    "ship": Pair("ship", "船名"),
    "person": Pair("name", "姓名"),
    "rule": Pair("forbidden", "禁止事项"),
    "event": Pair("feast", "节庆"),
    "house": Pair("sight", "名胜"),
}
TRADED = ("shop", "ship")  # kinds that come in sorts, which get a column of their own
SORT = Pair("kind", "种类")


def sheets(world: World, language: Language) -> Iterator[Paper]:
    """One table a kind."""
    for kind, name in NAMES.items():
        subjects = [subject for subject in world.subjects if subject.kind == kind]
        relations = [fact.relation for fact in world.by_subject[subjects[0].name.en]]
        sheet = io.StringIO()
        rows = csv.writer(sheet, lineterminator="\n")
        sort = [SORT.of(language)] if kind in TRADED else []
        rows.writerow([name.of(language), *sort, *(relation.of(language).label for relation in relations)])
        for subject in subjects:
            trade = [subject.trade.of(language)] if kind in TRADED else []
            answers = [fact.answer.of(language) for fact in world.by_subject[subject.name.en]]
            rows.writerow([subject.name.of(language), *trade, *answers])
        yield Paper(f"registers/{language}/{kind}.csv", sheet.getvalue())
