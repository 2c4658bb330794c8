"""Key maps: published tensor names ↔ ours, as data that is read in both directions.

Rules move names and bytes, never numbers, so a round trip (read → our names → write) is byte-equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rename:
    """One published tensor is one of ours."""

    theirs: str
    ours: str


@dataclass(frozen=True)
class Join:
    """Several published matrices, stacked by rows, are one of ours.

    rows: how many rows each has, in order.
    """

    theirs: tuple[str, ...]
    ours: str
    rows: tuple[int, ...]


Rule = Rename | Join


def published_names(rules: Sequence[Rule]) -> set[str]:
    """The name of every published tensor."""
    return {name for rule in rules for name in ((rule.theirs,) if isinstance(rule, Rename) else rule.theirs)}


def published_shapes(rules: Sequence[Rule], ours: dict[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """The shape each published tensor must have, from the shapes of ours."""
    shapes: dict[str, tuple[int, ...]] = {}
    for rule in rules:
        whole = tuple(ours[rule.ours])
        if isinstance(rule, Rename):
            shapes[rule.theirs] = whole
        else:
            assert whole[0] == sum(rule.rows), (rule.ours, whole, rule.rows)
            shapes.update({name: (rows, *whole[1:]) for name, rows in zip(rule.theirs, rule.rows, strict=True)})
    return shapes
