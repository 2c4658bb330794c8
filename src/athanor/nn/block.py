"""A block: attention, then an MLP, each added to what came in."""

from __future__ import annotations

from torch import Tensor, nn

from athanor.nn.attention import Attention, Frame, Memory
from athanor.nn.mlp import mlp
from athanor.nn.norm import norm
from athanor.specs.trunk import TrunkSpec


class Block(nn.Module):
    """x (B, T, D) → (B, T, D).

    Norms stand before attention and MLP (x + f(norm(x))), after the addition (norm(x + f(x))), or before and behind
    each (x + norm(f(norm(x)))).
    """

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.place = spec.norm_place
        self.attention_norm = norm(spec)
        self.attention = Attention(spec)
        self.mlp_norm = norm(spec)
        self.mlp = mlp(spec)
        if spec.norm_place == "around":
            self.attention_out_norm = norm(spec)
            self.mlp_out_norm = norm(spec)

    def forward(self, x: Tensor, frame: Frame, layer: int, memory: Memory | None = None) -> Tensor:
        if self.place == "after":
            x = self.attention_norm(x + self.attention(x, frame, layer, memory))
            return self.mlp_norm(x + self.mlp(x))
        seen = self.attention(self.attention_norm(x), frame, layer, memory)
        x = x + (self.attention_out_norm(seen) if self.place == "around" else seen)
        made = self.mlp(self.mlp_norm(x))
        return x + (self.mlp_out_norm(made) if self.place == "around" else made)
