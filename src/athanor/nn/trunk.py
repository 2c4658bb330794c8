"""The trunk: a stack of blocks over (B, T, D) and a last norm. What enters and what leaves stand beside it."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from athanor.nn.attention import Frame, Memory, Source
from athanor.nn.block import Block
from athanor.nn.norm import norm
from athanor.nn.relative import RelativeBias
from athanor.specs.trunk import TrunkSpec


class Trunk(nn.Module):
    """x (B, T, D) → hidden states (B, T, D)."""

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.relative = RelativeBias(spec.relative, spec.heads, spec.causal) if spec.relative else None
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.layers))
        self.norm = norm(spec) if spec.last_norm else nn.Identity()

    def forward(self, x: Tensor, frame: Frame, memory: Memory | None = None) -> Tensor:
        if self.relative is not None:
            frame = replace(frame, bias=frame.bias + self.relative(frame.places, frame.bias.shape[-1]))
        for layer, block in enumerate(self.blocks):
            x = block(x, frame, layer, memory)
        return self.norm(x)

    def source(self, hidden: Tensor, bias: Tensor) -> Source:
        """What the blocks' cross-attention looks at: hidden (B, S, D) of another trunk, bias (B or 1, 1, 1, S)."""
        return Source([block.cross.keys_values(hidden) for block in self.blocks], bias)  # type: ignore[union-attr]
