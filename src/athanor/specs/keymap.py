"""Key maps: published tensor names ↔ ours, as data that is read in both directions.

Five moves, of names and bytes and never of numbers, so that a round trip (read → our names → write) is byte-equal:
rename; join (several of theirs are one of ours, stacked by rows); split (rows of one of theirs are ours); transpose;
and unpair (rotary pairs that lie side by side, as some families store them, are taken apart into two halves).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Pairs:
    """Rows of `heads` heads, `width` each, whose first `turned` are rotary pairs side by side."""

    heads: int
    width: int
    turned: int

    def order(self) -> npt.NDArray[np.int64]:
        """For each of our rows the row of theirs."""
        turned = np.arange(self.turned)
        head = np.concatenate((turned[::2], turned[1::2], np.arange(self.turned, self.width)))
        return (np.arange(self.heads)[:, None] * self.width + head).ravel()


@dataclass(frozen=True)
class Part:
    """What one of theirs gives to one of ours."""

    theirs: str
    size: int | None = None
    """Rows it gives; None: all there are, and it is the only part."""
    start: int | None = None
    """First row of theirs that is taken; None: theirs is taken whole."""
    transposed: bool = False
    lead: int = 0
    """Axes of one that stand in front of theirs and not of ours."""
    pairs: Pairs | None = None


@dataclass(frozen=True)
class Rule:
    """One of ours and where its rows come from, from the top."""

    ours: str
    parts: tuple[Part, ...]


def rename(theirs: str, ours: str) -> Rule:
    """One of theirs is one of ours."""
    return Rule(ours, (Part(theirs),))


def both(theirs: str, ours: str) -> list[Rule]:
    """Weight and bias of one of theirs are those of one of ours."""
    return [rename(f"{theirs}.{end}", f"{ours}.{end}") for end in ("weight", "bias")]


def transpose(theirs: str, ours: str) -> Rule:
    """One of theirs, (in, out), is one of ours, (out, in)."""
    return Rule(ours, (Part(theirs, transposed=True),))


def join(theirs: Sequence[str], ours: str, rows: Sequence[int]) -> Rule:
    """Several of theirs, with so many rows each, are one of ours."""
    return Rule(ours, tuple(Part(name, size) for name, size in zip(theirs, rows, strict=True)))


def renamed(rules: Sequence[Rule], prefix: str) -> list[Rule]:
    """The rules of a part of a network, ours behind a prefix."""
    return [Rule(prefix + rule.ours, rule.parts) for rule in rules]


def published_names(rules: Sequence[Rule]) -> set[str]:
    """The name of every published tensor."""
    return {part.theirs for rule in rules for part in rule.parts}


def published_shapes(rules: Sequence[Rule], ours: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """The shape each published tensor must have, from the shapes of ours."""
    shapes: dict[str, tuple[int, ...]] = {}
    for rule in rules:
        whole = tuple(ours[rule.ours])
        given = sum(part.size or whole[0] for part in rule.parts) if whole else 0
        assert not whole or given == whole[0], (rule.ours, whole, given)
        for part in rule.parts:
            shape = (part.size or whole[0], *whole[1:]) if whole else whole
            shape = (1,) * part.lead + (shape[::-1] if part.transposed else shape)
            if part.start is not None:
                known = shapes.get(part.theirs, (0,))[0]
                shape = (max(known, part.start + shape[0]), *shape[1:])
            shapes[part.theirs] = shape
    return shapes
