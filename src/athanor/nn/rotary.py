"""Rotary positions (Su et al. 2021, arXiv:2104.09864), in the half-split layout of LLaMA and Qwen checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor

from athanor.specs.rotary import Rotary, frequencies


def rotary_table(positions: int, head_width: int, rotary: Rotary) -> Tensor:
    """cos and sin of every position, (2, positions, R) float32, where R numbers of a head are turned.

    Both halves of the last axis hold the same R/2 angles; sin's first half carries the minus sign of the rotation, so
    that turning is x · cos + swap(x) · sin with halves swapped and no negation.
    """
    turned = torch.from_numpy(frequencies(rotary, head_width, positions))  # (R/2,)
    angles = torch.outer(torch.arange(positions, dtype=torch.float64), turned)  # (positions, R/2)
    cos, sin = angles.cos() * rotary.loudness, angles.sin() * rotary.loudness
    return torch.stack((torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1))).float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn pairs (i, i + R/2) of the first R of x (..., K) by the angles in cos, sin (..., R), broadcast to x."""
    width = cos.shape[-1]
    if width < x.shape[-1]:
        return torch.cat((rotate(x[..., :width], cos, sin), x[..., width:]), dim=-1)
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((second, first), dim=-1) * sin
