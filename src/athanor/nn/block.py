"""A block: attention, attention to a source where there is one, then an MLP, each added to what came in."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from athanor.nn.attention import Attention, CrossAttention, Frame, Memory
from athanor.nn.mlp import mlp
from athanor.nn.norm import norm
from athanor.specs.trunk import TrunkSpec


class Block(nn.Module):
    """x (B, T, D) → (B, T, D).

    Norms stand before each part (x + f(norm(x))), after the addition (norm(x + f(x))), or before and behind the part
    (x + norm(f(norm(x)))).
    """

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.place = spec.norm_place
        self.attention_norm = norm(spec)
        self.attention = Attention(spec)
        if spec.cross:
            self.cross_norm = norm(spec)
            self.cross = CrossAttention(spec)
        self.mlp_norm = norm(spec)
        self.mlp = mlp(spec)
        if spec.norm_place == "around":
            self.attention_out_norm = norm(spec)
            self.mlp_out_norm = norm(spec)

    def forward(self, x: Tensor, frame: Frame, layer: int, memory: Memory | None = None) -> Tensor:
        x = self._added(x, "attention", lambda seen: self.attention(seen, frame, layer, memory))
        source = frame.source
        if source is not None:
            x = self._added(x, "cross", lambda seen: self.cross(seen, *source.parts[layer], source.bias))
        return self._added(x, "mlp", self.mlp)

    def _added(self, x: Tensor, part: str, function: Callable[[Tensor], Tensor]) -> Tensor:
        before: nn.Module = getattr(self, f"{part}_norm")
        if self.place == "after":
            return before(x + function(x))
        made = function(before(x))
        return x + (getattr(self, f"{part}_out_norm")(made) if self.place == "around" else made)
