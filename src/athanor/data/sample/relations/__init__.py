"""What can be asked about the town's subjects: one file a kind of subject, the folder is the list."""

from __future__ import annotations

import importlib
import pkgutil

from athanor.data.sample.things import Relation


def relations() -> dict[str, tuple[Relation, ...]]:
    """Kind of subject → its relations, in the files' order."""
    found: dict[str, tuple[Relation, ...]] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        listed: tuple[Relation, ...] = importlib.import_module(f"{__name__}.{module.name}").RELATIONS
        found[listed[0].kind] = listed
    return found
