"""A checkpoint through the key map and back, one tensor at a time: what export writes, and import's proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from athanor.core.errors import ProofError
from athanor.models import keys
from athanor.models.folder import map_tensor, our_shapes, tensor_bytes
from athanor.specs.checkpoint import Checkpoint


def order(found: Checkpoint, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The published names in the order in which `rewritten` gives them."""
    empty = keys.publish(found.rules, shapes, lambda name: torch.empty(shapes[name], device="meta"))
    return [name for name, _ in empty]


def rewritten(found: Checkpoint, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, Tensor]]:
    """(published name, tensor): read, brought into our names, and out of them again."""
    rules = {rule.ours: rule for rule in found.rules}

    def ours(name: str) -> Tensor:
        rule = rules[name]
        parts = {part.theirs: map_tensor(found.weights[part.theirs]) for part in rule.parts}
        kinds = {part.dtype for part in parts.values()}
        # Parts of several types meet in float32, which holds each of them.
        tensor = torch.empty(shapes[name], dtype=kinds.pop() if len(kinds) == 1 else torch.float32)
        keys.fill(rule, tensor, parts.__getitem__)
        return tensor

    for name, tensor in keys.publish(found.rules, shapes, ours):
        yield name, tensor.to(map_tensor(found.weights[name]).dtype)


def prove(found: Checkpoint, progress: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """That every stored tensor comes back byte-equal: {"method", "tensors", "bytes", "equal"}. Raises ProofError."""
    shapes, done, number = our_shapes(found), 0, 0
    for name, tensor in rewritten(found, shapes):
        stored = map_tensor(found.weights[name])
        if tensor.shape != stored.shape or tensor_bytes(tensor) != tensor_bytes(stored):
            raise ProofError(
                f"The tensor {name} does not come back as it was stored.",
                value=name,
                limit="byte-equal",
                remedy="This is a mistake in the family's key map; please report it.",
            )
        number, done = number + 1, done + stored.nbytes
        progress(done)
    return {"method": "round trip through the key map", "tensors": number, "bytes": done, "equal": True}
