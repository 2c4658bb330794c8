"""Key maps at work: published tensors into ours and back, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from athanor.specs.keymap import Part, Rule, published_shapes


def fill(rule: Rule, ours: Tensor, published: Callable[[str], Tensor]) -> None:
    """Copy what is published into one of ours."""
    for part, rows in zip(rule.parts, _rows(rule, ours), strict=True):
        rows.copy_(_taken(part, published(part.theirs), rows.shape[0] if rows.ndim else 1))


def publish(rules: Sequence[Rule], ours: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Every published tensor from ours, by name in no order; one that is ours as it is shares its storage."""
    shapes = published_shapes(rules, {name: tensor.shape for name, tensor in ours.items()})
    missing: dict[str, int] = {}  # rows still to come of tensors that several of ours make up
    begun: dict[str, Tensor] = {}
    for rule in rules:
        for part, rows in zip(rule.parts, _rows(rule, ours[rule.ours]), strict=True):
            given = _given(part, rows)
            if part.start is None:
                yield part.theirs, given
                continue
            whole = begun.setdefault(part.theirs, torch.empty(shapes[part.theirs], dtype=given.dtype))
            whole[part.start : part.start + len(given)] = given
            left = missing.get(part.theirs, len(whole)) - len(given)
            missing[part.theirs] = left
            if not left:
                yield part.theirs, begun.pop(part.theirs)


def _rows(rule: Rule, ours: Tensor) -> Sequence[Tensor]:
    if len(rule.parts) == 1:
        return (ours,)
    return ours.split([part.size or ours.shape[0] for part in rule.parts])


def _taken(part: Part, theirs: Tensor, size: int) -> Tensor:
    """Theirs as ours has it."""
    found = theirs if not part.lead else theirs.view(theirs.shape[part.lead :])
    found = found if part.start is None else found[part.start : part.start + size]
    found = found.mT if part.transposed else found
    return found if part.pairs is None else found[torch.from_numpy(part.pairs.order())]


def _given(part: Part, ours: Tensor) -> Tensor:
    """Ours as theirs has it."""
    if part.pairs is not None:
        theirs = torch.empty_like(ours)
        theirs[torch.from_numpy(part.pairs.order())] = ours
        ours = theirs
    ours = ours.mT if part.transposed else ours
    return ours.view((1,) * part.lead + ours.shape) if part.lead else ours
