"""Frames: who may look at whom, in training (packed documents) and in generation (earlier positions)."""

from __future__ import annotations

import torch
from torch import Tensor

from athanor.nn.attention import Frame


def packed_frame(table: Tensor, documents: Tensor, positions: Tensor) -> Frame:
    """The frame of rows that hold several documents one after the other.

    table: the rotary table (2, P, K). documents (B, T) int: equal numbers are one document. positions (B, T) int64:
    from 0 within each. A position sees its own document up to itself, nothing else.
    """
    length = documents.shape[1]
    same = documents[:, :, None] == documents[:, None, :]  # (B, T, T)
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    return Frame(*_turns(table, positions), bias=_bias(same & causal, table.dtype))


def causal_frame(table: Tensor, length: int) -> Frame:
    """The frame of whole rows, each one document from position 0."""
    seen = torch.ones(1, length, length, dtype=torch.bool).tril()
    return Frame(*_turns(table, torch.arange(length)[None]), bias=_bias(seen, table.dtype))


def cached_frame(table: Tensor, positions: Tensor, span: int) -> Frame:
    """The frame of new positions (B, T) int64 that look back over keys at positions 0 … span − 1."""
    seen = torch.arange(span)[None, None, :] <= positions[:, :, None]  # (B, T, S)
    return Frame(*_turns(table, positions), bias=_bias(seen, table.dtype))


def _turns(table: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    cos, sin = table[:, positions].unsqueeze(-2)  # (2, B, T, 1, K)
    return cos, sin


def _bias(seen: Tensor, dtype: torch.dtype) -> Tensor:
    bias = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, float("-inf"))
    return bias[:, None]  # (B, 1, T, S)
