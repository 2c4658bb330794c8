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

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
"""Types of weights and activations that a network runs in, by the word for each."""
LEAST_POSITIONS = 512  # of a rotary table, so that a growing answer does not make a new one at every step


class Decoder(nn.Module):
    """ids (B, T) → logits (B, T, V)."""

    turns: Tensor

    def __init__(self, spec: DecoderSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = nn.Embedding(spec.vocabulary, spec.width)
        self.trunk = Trunk(spec)
        self.head = self.embedding if spec.tied else nn.Linear(spec.width, spec.vocabulary, bias=False)
        self.register_buffer("turns", torch.empty(2, 0, spec.head_width), persistent=False)  # (2, P, K)

    def rotary_of(self, positions: int) -> Tensor:
        """The rotary table (2, P, K) of at least the first `positions`, at most the context.

        It is made as far as it is asked for: a config may promise a far longer context than is ever used, and the
        table of that would be larger than all weights.
        """
        wanted, made = min(positions, self.spec.context), self.turns.shape[1]
        if made < wanted:
            length = min(self.spec.context, max(wanted, 2 * made, LEAST_POSITIONS))
            with torch.inference_mode(False):  # a table made while answering must also serve for learning
                self.turns = rotary_table(length, self.spec.head_width, self.spec.rope_theta).to(self.turns)
        return self.turns

    def hidden(self, ids: Tensor, frame: Frame, memory: Memory | None = None) -> Tensor:
        """ids (B, T) int64 → normed hidden states (B, T, D)."""
        return self.trunk(self.embedding(ids), frame, memory)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden (..., D) → logits (..., V)."""
        return functional.linear(hidden, self.head.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T) int64, each row one document from its beginning → logits (B, T, V)."""
        length = ids.shape[1]
        return self.logits(self.hidden(ids, causal_frame(self.rotary_of(length), length)))


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
