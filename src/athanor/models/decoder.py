"""A decoder: embedding, trunk, head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from athanor.nn.attention import Frame, Memory
from athanor.nn.frame import cached_frame, causal_frame, packed_frame
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
        if spec.learned_positions:
            self.positions = nn.Embedding(spec.context, spec.width)
        self.trunk = Trunk(spec)
        self.head = self.embedding if spec.tied else nn.Linear(spec.width, spec.vocabulary, bias=False)
        self.register_buffer("turns", torch.empty(2, 0, 0), persistent=False)  # (2, P, R)

    def rotary_of(self, positions: int) -> Tensor | None:
        """The rotary table (2, P, R) of at least the first `positions`; None where positions are not rotary.

        It is made as far as it is asked for: a config may promise a far longer context than is ever used, and the
        table of that would be larger than all weights.
        """
        rotary, made = self.spec.rotary, self.turns.shape[1]
        if rotary is None:
            return None
        stretches = rotary.kind == "dynamic"  # its angles depend on the length, and no longer table serves for it
        if made < positions or (stretches and made != positions):
            enough = min(self.spec.context, max(2 * made, LEAST_POSITIONS))
            length = positions if stretches else max(positions, enough)
            with torch.inference_mode(False):  # a table made while answering must also serve for learning
                table = rotary_table(length, self.spec.head_width, rotary)
                self.turns = table.to(self.embedding.weight.dtype)
        return self.turns

    def packed(self, documents: Tensor, positions: Tensor) -> Frame:
        """The frame of rows that hold several documents: their numbers and the places in each, (B, T) both."""
        table = self.rotary_of(documents.shape[1])
        return packed_frame(table, documents, positions, self.dtype, self.spec.window)

    def cached(self, positions: Tensor, span: int) -> Frame:
        """The frame of new positions (B, T) that look back over keys at positions 0 … span − 1."""
        return cached_frame(self.rotary_of(span), positions, span, self.dtype, self.spec.window)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and activations."""
        return self.embedding.weight.dtype

    def hidden(self, ids: Tensor, frame: Frame, memory: Memory | None = None) -> Tensor:
        """ids (B, T) int64 → normed hidden states (B, T, D)."""
        x = self.embedding(ids)
        if self.spec.learned_positions:
            x = x + self.positions(frame.positions)
        return self.trunk(x, frame, memory)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden (..., D) → logits (..., V)."""
        return functional.linear(hidden, self.head.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, T) int64, each row one document from its beginning → logits (B, T, V)."""
        length = ids.shape[1]
        frame = causal_frame(self.rotary_of(length), length, self.dtype, self.spec.window)
        return self.logits(self.hidden(ids, frame))


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
