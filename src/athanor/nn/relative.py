"""Relative positions as learned biases on scores (Raffel et al. 2019, arXiv:1910.10683, §2.1, and their code).

Distances up to a quarter of the buckets (half, where only the past is seen) have one each; longer ones share buckets
that grow with the logarithm of the distance, and all from `farthest` on are one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from athanor.specs.trunk import Relative


class RelativeBias(nn.Module):
    """places (B, T) of queries among S keys → biases on their scores (B, N, T, S)."""

    def __init__(self, spec: Relative, heads: int, causal: bool) -> None:
        super().__init__()
        self.causal, self.farthest = causal, spec.farthest
        self.weight = nn.Parameter(torch.zeros(spec.buckets, heads))

    def forward(self, places: Tensor, keys: int) -> Tensor:
        distance = torch.arange(keys) - places[..., None]  # (B, T, S), negative for what stands before
        return self.weight[self._bucket(distance)].permute(0, 3, 1, 2)

    def _bucket(self, distance: Tensor) -> Tensor:
        number = self.weight.shape[0]
        if self.causal:
            behind, far = 0, (-distance).clamp(min=0)
        else:
            number //= 2
            behind, far = (distance > 0) * number, distance.abs()
        near = number // 2
        steps = torch.log(far.clamp(min=1).float() / near) / math.log(self.farthest / near) * (number - near)
        return behind + torch.where(far < near, far, (near + steps.long()).clamp(max=number - 1))
