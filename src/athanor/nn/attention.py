"""Attention with grouped heads (Ainslie et al. 2023, arXiv:2305.13245), q/k norms and rotary positions.

Who may look at whom is not decided here: a `Frame` says where each position stands and what it sees, and a `Memory`
(generation only) keeps the keys and values of earlier positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from athanor.nn.norm import RMSNorm
from athanor.nn.rotary import rotate
from athanor.specs.trunk import TrunkSpec


@dataclass(frozen=True)
class Frame:
    """What one forward pass shares among all layers.

    positions: (B or 1, T) int64, where each stands in its own text.
    places: (B or 1, T) int64, which of the S keys is its own.
    turns: (2, B or 1, T, 1, R), cosine and sine of the rotary table there, in the network's dtype; None without.
    bias: (B or 1, 1 or N, T, S), 0 where a query may look and −inf where it may not, in the network's dtype.
    source: what a trunk with cross-attention looks at.
    """

    positions: Tensor
    places: Tensor
    turns: Tensor | None
    bias: Tensor
    source: Source | None = None


@dataclass(frozen=True)
class Source:
    """What another trunk made, for cross-attention.

    parts: for each layer its keys and values, (B, G, S, K) each. bias: (B or 1, 1, 1, S), −inf where there is no text.
    """

    parts: Sequence[tuple[Tensor, Tensor]]
    bias: Tensor


class Memory(Protocol):
    """Keys and values of earlier positions, one entry a layer."""

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keep keys, values (B, G, T, K) of new positions; give those of all S positions, (B, G, S, K)."""
        ...


class Attention(nn.Module):
    """x (B, T, D) → (B, T, D)."""

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = spec.heads, spec.kv_heads, spec.head_width
        self.scale = spec.head_width**-0.5 if spec.scaled else 1.0
        self.qkv = nn.Linear(spec.width, (spec.heads + 2 * spec.kv_heads) * spec.head_width, bias=spec.qkv_bias)
        self.q_norm = RMSNorm(spec.head_width, spec.norm_epsilon) if spec.qk_norm else nn.Identity()
        self.k_norm = RMSNorm(spec.head_width, spec.norm_epsilon) if spec.qk_norm else nn.Identity()
        self.out = nn.Linear(spec.heads * spec.head_width, spec.width, bias=spec.out_bias)

    def forward(self, x: Tensor, frame: Frame, layer: int, memory: Memory | None = None) -> Tensor:
        batch, length, _ = x.shape
        parts = self.qkv(x).view(batch, length, -1, self.head_width)  # (B, T, N + 2G, K)
        queries, keys, values = parts.split((self.heads, self.kv_heads, self.kv_heads), dim=2)
        queries, keys = self.q_norm(queries), self.k_norm(keys)
        if frame.turns is not None:
            cos, sin = frame.turns
            queries, keys = rotate(queries, cos, sin), rotate(keys, cos, sin)
        # (B, N, T, K), (B, G, T, K), (B, G, T, K)
        queries, keys, values = queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)
        if memory is not None:
            keys, values = memory.extend(layer, keys, values)  # (B, G, S, K)
        mixed = attend(queries, keys, values, frame.bias, self.scale)  # (B, N, T, K)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, -1))


class CrossAttention(nn.Module):
    """Queries of x (B, T, D) over keys and values of a source → (B, T, D)."""

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.kv_heads, self.head_width = spec.kv_heads, spec.head_width
        self.scale = spec.head_width**-0.5 if spec.scaled else 1.0
        self.q = nn.Linear(spec.width, spec.heads * spec.head_width, bias=spec.qkv_bias)
        self.kv = nn.Linear(spec.width, 2 * spec.kv_heads * spec.head_width, bias=spec.qkv_bias)
        self.out = nn.Linear(spec.heads * spec.head_width, spec.width, bias=spec.out_bias)

    def keys_values(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """source (B, S, D) → its keys and values, (B, G, S, K) each; made once, whatever is asked of them."""
        parts = self.kv(source).unflatten(-1, (2 * self.kv_heads, self.head_width)).transpose(1, 2)
        return parts[:, : self.kv_heads], parts[:, self.kv_heads :]

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        queries = self.q(x).unflatten(-1, (-1, self.head_width)).transpose(1, 2)  # (B, N, T, K)
        mixed = attend(queries, keys, values, bias, self.scale)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Products(torch.autograd.Function):
    """Every query · every key: (…, T, K), (…, S, K) → (…, T, S).

    Its gradients come out in the layout of queries and keys; differentiating a product with transposed keys gives the
    keys' gradient transposed, which costs a copy and which torch 2.13's compiler reads wrongly in bf16.
    """

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor) -> Tensor:
        ctx.save_for_backward(queries, keys)
        return queries @ keys.mT

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor]:
        (gradient,), (queries, keys) = grad_outputs, ctx.saved_tensors
        return gradient @ keys, gradient.mT @ queries


def attend(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor, scale: float) -> Tensor:
    """softmax(q·k · scale + bias) · v by explicit batched products.

    queries (B, N, T, K), keys and values (B, G, S, K), bias (B or 1, 1 or N, 1 or T, S) → (B, N, T, K). The N/G query
    heads of a key/value head are laid along T, so that grouped heads cost no copy of keys or values. On CPUs the
    explicit products beat the fused kernel up to a few hundred positions (benchmarks/train_throughput.py).
    """
    batch, heads, length, head_width = queries.shape
    groups = keys.shape[1]
    queries = queries.reshape(batch, groups, heads // groups * length, head_width)
    scores = Products.apply(queries * scale if scale != 1.0 else queries, keys)  # (B, G, N/G · T, S)
    bias = bias[:, :, None] if bias.shape[1] == 1 else bias.unflatten(1, (groups, -1))
    scores = scores.view(batch, groups, heads // groups, length, -1) + bias
    weights = torch.softmax(scores, dim=-1).view(batch, groups, heads // groups * length, -1)
    return torch.matmul(weights, values).view(batch, heads, length, head_width)
