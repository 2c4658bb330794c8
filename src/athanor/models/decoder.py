"""A decoder: embedding, trunk, head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from athanor.nn.attention import Frame, Memory
from athanor.nn.frame import causal_frame
from athanor.nn.rotary import rotary_table
from athanor.nn.trunk import Trunk
from athanor.specs.decoder import DecoderSpec


class Decoder(nn.Module):
    """ids (B, T) → logits (B, T, V)."""

    rotary: Tensor

    def __init__(self, spec: DecoderSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = nn.Embedding(spec.vocabulary, spec.width)
        self.trunk = Trunk(spec)
        self.head = self.embedding if spec.tied else nn.Linear(spec.width, spec.vocabulary, bias=False)
        table = rotary_table(spec.context, spec.head_width, spec.rope_theta)
        self.register_buffer("rotary", table, persistent=False)  # (2, context, K)

    def hidden(self, ids: Tensor, frame: Frame, memory: Memory | None = None) -> Tensor:
        """ids (B, T) int64 → normed hidden states (B, T, D)."""
        return self.trunk(self.embedding(ids), frame, memory)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden (..., D) → logits (..., V)."""
        return functional.linear(hidden, self.head.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T) int64, each row one document from its beginning → logits (B, T, V)."""
        return self.logits(self.hidden(ids, causal_frame(self.rotary, ids.shape[1])))


def initialise(network: Decoder, seed: int) -> None:
    """Fresh weights: normal with deviation 0.02, and 0.02 / √(2L) where a block writes into the residual stream.

    GPT-2's scheme (Radford et al. 2019, §2.3); norms start at 1.
    """
    generator = torch.Generator().manual_seed(seed)
    into_residual = 0.02 / math.sqrt(2 * network.spec.layers)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                writes = name.endswith(("attention.out.weight", "mlp.down.weight"))
                parameter.normal_(0.0, into_residual if writes else 0.02, generator=generator)
