"""The training part of a recipe."""

from __future__ import annotations

from typing import Literal

import msgspec

from athanor.core.errors import RecipeError
from athanor.core.seeds import MAX_SEED
from athanor.specs.machine import Precision

Method = Literal["muon", "adamw"]
MOST_ROWS = 1 << 16


class TrainRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How weights are learned. What is None is chosen by calibration and recorded under `resolved`."""

    learning_rate: float | None = None
    """Peak rate of the schedule."""
    batch_size: int | None = None
    """Rows an optimiser step, 65,536 at the most."""
    steps: int | None = None
    """Optimiser steps in all; None: the clock rules."""
    warm_up: int | None = None
    """Steps over which the rate rises."""
    falls: list[tuple[int, int]] | None = None
    """First step and length in steps of the fall of the rate, and of each new plan of it; None: by share of the
    steps, or by the clock."""
    precision: Precision | None = None
    """Type of weights and activations in the network; the optimiser keeps float32 masters either way."""
    seed: int | None = None
    """Overrides --seed for weights and data order, and leaves the corpus alone."""
    accumulate: int = 1
    """Micro-batches an optimiser step at the least; more where memory asks for them."""
    optimiser: Method | None = None
    """What moves the matrices inside blocks; the rest is always moved by AdamW. None: muon."""
    compile: bool | None = None
    """Compile the network's blocks; None: where there is a compiler and the time pays for it."""

    def check(self) -> None:
        """Raise RecipeError with the dotted path of a value that cannot be."""
        _above("learning_rate", self.learning_rate, 0, strictly=True)
        _above("batch_size", self.batch_size, 1)
        _below("batch_size", self.batch_size, MOST_ROWS)
        _above("steps", self.steps, 1)
        _above("warm_up", self.warm_up, 0)
        for start, steps in self.falls or ():
            _above("falls", start, 0)
            _above("falls", steps, 1)
        _above("accumulate", self.accumulate, 1)
        _above("seed", self.seed, 0)
        _below("seed", self.seed, MAX_SEED)


def _above(name: str, value: float | None, least: float, strictly: bool = False) -> None:
    if value is not None and (value < least or (strictly and value == least)):
        raise _out(name, value, f"{'more than' if strictly else 'at least'} {least}")


def _below(name: str, value: int | None, most: int) -> None:
    if value is not None and value > most:
        raise _out(name, value, f"at most {most}")


def _out(name: str, value: float, limit: str) -> RecipeError:
    return RecipeError(
        f"train.{name} is {value}; it must be {limit}.",
        value=value,
        limit=limit,
        remedy=f"Give a train.{name} {limit}.",
    )
