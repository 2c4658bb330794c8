"""The trunk: a stack of blocks over (B, T, D) and a last norm. What enters and what leaves stand beside it."""

from __future__ import annotations

from torch import Tensor, nn

from athanor.nn.attention import Frame, Memory
from athanor.nn.block import Block
from athanor.nn.norm import norm
from athanor.specs.trunk import TrunkSpec


class Trunk(nn.Module):
    """x (B, T, D) → hidden states (B, T, D), normed."""

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.layers))
        self.norm = nn.Identity() if spec.norm_place == "after" else norm(spec)

    def forward(self, x: Tensor, frame: Frame, memory: Memory | None = None) -> Tensor:
        for layer, block in enumerate(self.blocks):
            x = block(x, frame, layer, memory)
        return self.norm(x)
