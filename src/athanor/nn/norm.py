"""Norms: RMS (Zhang & Sennrich 2019, arXiv:1910.07467) and layer (Ba et al. 2016, arXiv:1607.06450)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from athanor.specs.trunk import TrunkSpec


class RMSNorm(nn.Module):
    """x / rms(x) · weight over the last axis."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """x (..., D) → (..., D), same dtype."""
        return functional.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def norm(spec: TrunkSpec) -> nn.Module:
    """The norm of a trunk, over its width."""
    kind = RMSNorm if spec.norm == "rms" else nn.LayerNorm
    return kind(spec.width, spec.norm_epsilon)
