"""An encoder: embeddings, trunk, pooler and head, as in BERT (Devlin et al. 2018, arXiv:1810.04805)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from athanor.nn.frame import open_frame
from athanor.nn.mlp import ACTIVATIONS
from athanor.nn.trunk import Trunk
from athanor.specs.encoder import EncoderSpec


class Encoder(nn.Module):
    """ids (B, T) → hidden states (B, T, D); `head` makes logits of them."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = nn.Embedding(spec.vocabulary, spec.width)
        self.positions = nn.Embedding(spec.first_position + spec.context, spec.width)
        if spec.types:
            self.types = nn.Embedding(spec.types, spec.width)
        if spec.tasks:
            self.tasks = nn.Embedding(spec.tasks, spec.width)
        self.embedding_norm = nn.LayerNorm(spec.width, spec.norm_epsilon)
        self.trunk = Trunk(spec)
        if spec.pooler:
            self.pooler = nn.Linear(spec.width, spec.width)
        if spec.head == "masked":
            self.masked = MaskedHead(spec)
        elif spec.head is not None:
            self.outputs = nn.Linear(spec.width, 2 if spec.head == "answers" else spec.labels)
        if spec.next_sentence:
            self.follows = nn.Linear(spec.width, 2)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and activations."""
        return self.embedding.weight.dtype

    def forward(self, ids: Tensor, types: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """ids (B, T) int64 → hidden states (B, T, D).

        types (B, T): the segment of each token, 0 when not given. seen (B, T) bool: what is text; by default
        everything but the padding.
        """
        if seen is None:
            seen = torch.ones_like(ids, dtype=torch.bool) if self.spec.padding is None else ids != self.spec.padding
        frame = open_frame(seen, self.dtype)
        x = self.embedding(ids) + self.positions(frame.positions + self.spec.first_position)
        if self.spec.types:
            x = x + self.types(torch.zeros_like(ids) if types is None else types)
        if self.spec.tasks:
            x = x + self.tasks.weight[0]
        return self.trunk(self.embedding_norm(x), frame)

    def pooled(self, hidden: Tensor) -> Tensor:
        """hidden (B, T, D) → what stands for the whole text, (B, D)."""
        return torch.tanh(self.pooler(hidden[:, 0]))

    def head(self, hidden: Tensor) -> Tensor:
        """hidden (B, T, D) → logits: masked (B, T, V), tokens (B, T, labels), answers (B, T, 2: begin and end), classes
        (B, labels)."""
        if self.spec.head == "masked":
            return self.masked(hidden, self.embedding.weight)
        return self.outputs(self.pooled(hidden) if self.spec.head == "classes" else hidden)


class MaskedHead(nn.Module):
    """hidden (..., D) → logits (..., V) of the words that were masked, over the embedding."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        self.dense = nn.Linear(spec.width, spec.width)
        self.norm = nn.LayerNorm(spec.width, spec.norm_epsilon)
        self.bias = nn.Parameter(torch.zeros(spec.vocabulary))
        self.activation = ACTIVATIONS[spec.activation]

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        return functional.linear(self.norm(self.activation(self.dense(hidden))), embedding, self.bias)
