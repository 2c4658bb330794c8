"""The town's papers: one file a kind of paper, the folder is the list.

`guide`, `registers` and `house_rules` are written once; the guide holds every fact. The others, which offer `SHARE`
and `write(scribe, number)`, go on for as long as somebody wants more: newspaper, diaries, minutes, log books, letters,
weather book.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Paper


def periodicals(scribe: Scribe) -> Iterator[Paper]:
    """Paper after paper without end, each kind as often as its SHARE says."""
    kinds = _kinds()
    numbers = dict.fromkeys((kind.__name__ for kind in kinds), 0)
    while True:
        week = [kind for kind in kinds for _ in range(kind.SHARE)]
        scribe.rng.shuffle(week)
        for kind in week:
            numbers[kind.__name__] += 1
            yield kind.write(scribe, numbers[kind.__name__])


def _kinds() -> list[ModuleType]:
    """The modules of this folder that can be written again and again, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [module for module in modules if hasattr(module, "SHARE")]
