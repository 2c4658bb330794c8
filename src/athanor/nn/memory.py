"""Contiguous key/value memory: every slot owns one row of `span` positions in each layer."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import torch
from torch import Tensor

from athanor.specs.trunk import TrunkSpec


class ContiguousMemory:
    """Keys and values of up to `slots` sequences, (L, slots, G, span, K) each."""

    def __init__(self, spec: TrunkSpec, slots: int, span: int, dtype: torch.dtype) -> None:
        shape = (spec.layers, slots, spec.kv_heads, span, spec.head_width)
        self.keys = torch.zeros(shape, dtype=dtype)
        self.values = torch.zeros(shape, dtype=dtype)
        self.slots, self.span = slots, span

    def grow(self, span: int) -> None:
        """Let every slot hold `span` positions at least."""
        if span <= self.span:
            return
        wider = (*self.keys.shape[:3], max(span, 2 * self.span), self.keys.shape[4])
        for name in ("keys", "values"):
            old: Tensor = getattr(self, name)
            new = old.new_zeros(wider)
            new[:, :, :, : self.span] = old
            setattr(self, name, new)
        self.span = wider[3]

    def fork(self, pairs: Sequence[tuple[int, int]], length: int) -> None:
        """Copy the first `length` positions between slots, (from, to) each."""
        for kept in (self.keys, self.values):
            for source, target in pairs:
                kept[:, target, :, :length] = kept[:, source, :, :length]

    def clone(self) -> ContiguousMemory:
        """A memory of its own with the same keys and values."""
        twin = copy(self)
        twin.keys, twin.values = self.keys.clone(), self.values.clone()
        return twin

    def window(self, slots: Tensor, positions: Tensor, span: int) -> Window:
        """The view one forward pass works on.

        slots (B,) int64: the memory row of each batch row. positions (B, T) int64: where the new keys go.
        span: how many key positions to look at.
        """
        return Window(self, slots, positions, span)


class Window:
    """A Memory (see nn.attention) over chosen slots of a ContiguousMemory."""

    def __init__(self, memory: ContiguousMemory, slots: Tensor, positions: Tensor, span: int) -> None:
        self._memory, self._slots, self._positions, self._span = memory, slots, positions, span

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """keys, values (B, G, T, K) → those of positions 0 … span − 1, (B, G, span, K)."""
        found = []
        for kept, new in ((self._memory.keys[layer], keys), (self._memory.values[layer], values)):
            kept[self._slots[:, None], :, self._positions] = new.transpose(1, 2)  # (B, T, G, K)
            found.append(kept[self._slots, :, : self._span])
        return found[0], found[1]
