"""Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon/): momentum, made orthogonal, for hidden matrices.

The update of a matrix is its Nesterov momentum with all singular values brought near 1 by five Newton–Schulz steps,
scaled by 0.2·√max(rows, columns) so that its size matches AdamW's and one learning rate serves both (Liu et al. 2025,
arXiv:2502.16982, §2.2). Matrices of one shape are turned together in batched products.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor

# Quintic coefficients with the steepest slope at 0 that still converge to about [0.7, 1.2] (Jordan 2024).
A, B, C = 3.4445, -4.7750, 2.0315
NEWTON_SCHULZ_STEPS = 5


class Muon:
    """Updates matrices in place. `matrices` are views that may share storage with a joined parameter."""

    def __init__(self, matrices: Mapping[str, Tensor], momentum: float, weight_decay: float) -> None:
        groups: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
        for name, matrix in matrices.items():
            groups[tuple(matrix.shape)].append(name)
        self._matrices = dict(matrices)
        self._groups = list(groups.values())
        self._momentum, self._weight_decay = momentum, weight_decay
        # Moments of one shape lie together, (M, rows, columns); `state` gives each by name.
        self._moments = [torch.zeros(len(names), *matrices[names[0]].shape) for names in self._groups]
        self.state = {
            name: moment
            for names, moments in zip(self._groups, self._moments, strict=True)
            for name, moment in zip(names, moments, strict=True)
        }

    def step(self, gradients: Mapping[str, Tensor], rate: float) -> None:
        """One step. gradients: float32, by the names of the matrices."""
        for names, moments in zip(self._groups, self._moments, strict=True):
            given = torch.stack([gradients[name] for name in names])  # (M, rows, columns)
            moments.lerp_(given, 1 - self._momentum)
            updates = orthogonal(given.lerp_(moments, self._momentum))
            size = 0.2 * max(given.shape[-2:]) ** 0.5
            for name, update in zip(names, updates, strict=True):
                self._matrices[name].mul_(1 - rate * self._weight_decay).add_(update, alpha=-rate * size)


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest (about) orthogonal matrices: U·Vᵀ of each (M, rows, columns), same shape and dtype."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x.mT if tall else x
