"""A checkpoint through the key map and back, one tensor at a time: what export writes, and import's proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from athanor.core.errors import ProofError
from athanor.models import keys
from athanor.models.folder import tensor_bytes
from athanor.models.opened import Opened


def order(found: Opened) -> list[str]:
    """The published names in the order in which `rewritten` gives them."""
    empty = keys.publish(found.rules, found.ours, lambda name: torch.empty(found.ours[name], device="meta"))
    return [name for name, _ in empty]


def rewritten(found: Opened) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(published name, as it was read, as it came back): brought into our names, and out of them again."""
    rules = {rule.ours: rule for rule in found.rules}

    def ours(name: str) -> Tensor:
        rule = rules[name]
        kinds = {found.read(part.theirs).dtype for part in rule.parts}
        tensor = torch.empty(found.ours[name], dtype=_holding(kinds))
        found.fill(rule, tensor)
        return tensor

    for name, tensor in keys.publish(found.rules, found.ours, ours):
        stored = found.read(name)
        yield name, stored, tensor.to(stored.dtype)


def prove(found: Opened, progress: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """That every stored tensor comes back byte-equal: {"method", "tensors", "bytes", "equal"}. Raises ProofError.

    progress: told how many have come back.
    """
    number = done = 0
    for name, stored, back in rewritten(found):
        if back.shape != stored.shape or tensor_bytes(back) != tensor_bytes(stored):
            raise ProofError(
                f"The tensor {name} does not come back as it was stored.",
                value=name,
                limit="byte-equal",
                remedy="This is a mistake in the family's key map; please report it.",
            )
        number, done = number + 1, done + stored.nbytes
        progress(number)
    return {"method": "round trip through the key map", "tensors": number, "bytes": done, "equal": True}


def _holding(kinds: set[torch.dtype]) -> torch.dtype:
    """A type that holds the numbers of several."""
    if len(kinds) == 1:
        return next(iter(kinds))
    return torch.float64 if torch.float64 in kinds else torch.float32


def difference(one: Tensor, two: Tensor) -> float:
    """Largest difference of two tensors; infinite where a number that is none came or went."""
    if not one.numel():
        return 0.0
    wide = torch.float64 if torch.float64 in (one.dtype, two.dtype) else torch.float32
    one, two = one.to(wide), two.to(wide)
    same = (one == two) | (one.isnan() & two.isnan())
    apart = (one - two).abs().masked_fill(same, 0.0).max()
    return float(apart) if bool(apart.isfinite()) else float("inf")
