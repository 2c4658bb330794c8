"""A pre-norm block: x + attention(norm(x)), then x + mlp(norm(x))."""

from __future__ import annotations

from torch import Tensor, nn

from athanor.nn.attention import Attention, Frame, Memory
from athanor.nn.mlp import SwiGLU
from athanor.nn.norm import RMSNorm
from athanor.specs.decoder import DecoderSpec


class Block(nn.Module):
    """x (B, T, D) → (B, T, D)."""

    def __init__(self, spec: DecoderSpec) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(spec.width, spec.norm_epsilon)
        self.attention = Attention(spec.width, spec.heads, spec.kv_heads, spec.head_width, spec.norm_epsilon)
        self.mlp_norm = RMSNorm(spec.width, spec.norm_epsilon)
        self.mlp = SwiGLU(spec.width, spec.inner)

    def forward(self, x: Tensor, frame: Frame, layer: int, memory: Memory | None = None) -> Tensor:
        x = x + self.attention(self.attention_norm(x), frame, layer, memory)
        return x + self.mlp(self.mlp_norm(x))
