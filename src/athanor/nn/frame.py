"""Frames: who may look at whom, in training (packed documents) and in generation (earlier positions).

table: the rotary table (2, P, R), or None where positions are not rotary. window: how many positions back a position
sees, itself included; None: all. Every function gives biases in `dtype`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from athanor.nn.attention import Frame


def packed_frame(
    table: Tensor | None, documents: Tensor, positions: Tensor, dtype: torch.dtype, window: int | None = None
) -> Frame:
    """The frame of rows that hold several documents one after the other.

    documents (B, T) int: equal numbers are one document. positions (B, T) int64: from 0 within each. A position sees
    its own document up to itself, nothing else.
    """
    length = documents.shape[1]
    same = documents[:, :, None] == documents[:, None, :]  # (B, T, T)
    return _frame(table, positions, torch.arange(length)[None], same & _near(length, window), dtype)


def causal_frame(table: Tensor | None, length: int, dtype: torch.dtype, window: int | None = None) -> Frame:
    """The frame of whole rows, each one document from position 0."""
    places = torch.arange(length)[None]
    return _frame(table, places, places, _near(length, window)[None], dtype)


def cached_frame(
    table: Tensor | None, positions: Tensor, span: int, dtype: torch.dtype, window: int | None = None
) -> Frame:
    """The frame of new positions (B, T) int64 that look back over keys at positions 0 … span − 1."""
    back = positions[:, :, None] - torch.arange(span)[None, None, :]  # (B, T, S)
    seen = back >= 0 if window is None else (back >= 0) & (back < window)
    return _frame(table, positions, positions, seen, dtype)


def open_frame(seen: Tensor, dtype: torch.dtype) -> Frame:
    """The frame of rows in which every position sees all that `seen` (B, T) bool names, before and behind it."""
    length = seen.shape[1]
    places = torch.arange(length)[None]
    return _frame(None, places, places, seen[:, None, :].expand(-1, length, -1), dtype)


def source_bias(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """seen (B, S) bool → biases on scores of a source, (B, 1, 1, S)."""
    return torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, float("-inf"))[:, None, None]


def _near(length: int, window: int | None) -> Tensor:
    """(T, T): up to oneself, no further back than the window."""
    seen = torch.ones(length, length, dtype=torch.bool).tril()
    return seen if window is None else seen.triu(1 - window)


def _frame(table: Tensor | None, positions: Tensor, places: Tensor, seen: Tensor, dtype: torch.dtype) -> Frame:
    bias = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, float("-inf"))
    turns = None if table is None else table[:, positions].unsqueeze(-2)  # (2, B, T, 1, R)
    return Frame(positions, places, turns, bias[:, None])
