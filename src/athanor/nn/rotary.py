"""Rotary positions (Su et al. 2021, arXiv:2104.09864), in the half-split layout of LLaMA and Qwen checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor


def rotary_table(positions: int, head_width: int, theta: float) -> Tensor:
    """cos and sin of every position, (2, positions, K) float32.

    Both halves of the last axis hold the same K/2 angles; sin's first half carries the minus sign of the rotation, so
    that turning is x · cos + swap(x) · sin with halves swapped and no negation.
    """
    frequencies = theta ** (-torch.arange(0, head_width, 2, dtype=torch.float64) / head_width)  # (K/2,)
    angles = torch.outer(torch.arange(positions, dtype=torch.float64), frequencies)  # (positions, K/2)
    cos, sin = angles.cos(), angles.sin()
    return torch.stack((torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1))).float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn pairs (i, i + K/2) of x (..., K) by the angles in cos, sin (broadcast to x)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((second, first), dim=-1) * sin
