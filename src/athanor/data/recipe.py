"""What a caller may set about the way from a folder to a corpus: the `data.*` keys of a recipe."""

from __future__ import annotations

import math
from typing import Literal, get_args

import msgspec

from athanor.core.errors import RecipeError, nearest

Redact = Literal["identifiers", "all", "none"]


class DataRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The recipe of a corpus; part of its key."""

    holdout: float = 0.05
    """Share of the documents kept away from training to measure with, 0 <= x < 0.5."""

    near_duplicates: float = 0.8
    """Jaccard similarity at and above which a document is a near-duplicate, 0 < x <= 1; 1 drops only exact copies."""

    redact: str = "identifiers"
    """`identifiers` masks what patterns and check digits find; `all` also what a trained recogniser finds; `none`."""

    def check(self) -> DataRecipe:
        """Itself, or RecipeError with the dotted path of the first value that cannot be used."""
        _within("data.holdout", self.holdout, "0 <= x < 0.5", 0 <= self.holdout < 0.5)
        _within("data.near_duplicates", self.near_duplicates, "0 < x <= 1", 0 < self.near_duplicates <= 1)
        known = get_args(Redact)
        if self.redact not in known:
            close = nearest(str(self.redact), known)
            raise RecipeError(
                f"data.redact = {self.redact!r} is not known.",
                value=self.redact,
                limit=list(known),
                remedy=f"Use one of {', '.join(known)}" + (f"; {close} is the closest." if close else "."),
            )
        return self


def _within(path: str, value: float, limit: str, good: bool) -> None:
    if not math.isfinite(value) or not good:
        raise RecipeError(
            f"{path} = {value} is out of range.",
            value=value,
            limit=limit,
            remedy=f"Choose a number with {limit}.",
        )
