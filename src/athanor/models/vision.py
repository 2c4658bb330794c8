"""A network that sees: a trunk over the patches of a picture, with or without a head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from athanor.nn.frame import open_frame
from athanor.nn.trunk import Trunk
from athanor.specs.vision import VisionSpec


class Vision(nn.Module):
    """pixels (B, C, H, W) → logits of classes (B, labels), or hidden states (B, 1 + patches, D) without a head."""

    def __init__(self, spec: VisionSpec) -> None:
        super().__init__()
        self.spec = spec
        self.token = nn.Parameter(torch.zeros(spec.width))
        self.patches = nn.Conv2d(spec.channels, spec.width, spec.patch, stride=spec.patch, bias=spec.patch_bias)
        self.positions = nn.Parameter(torch.zeros(spec.positions, spec.width))
        if spec.first_norm:
            self.first_norm = nn.LayerNorm(spec.width, spec.norm_epsilon)
        self.trunk = Trunk(spec)
        if spec.pooler:
            self.pooler = nn.Linear(spec.width, spec.width)
        if spec.labels:
            self.head = nn.Linear(spec.width, spec.labels)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and activations."""
        return self.token.dtype

    def hidden(self, pixels: Tensor) -> Tensor:
        """pixels (B, C, H, W), as the model was trained to have them → hidden states (B, 1 + patches, D)."""
        patches = self.patches(pixels).flatten(2).mT  # (B, patches, D), row by row
        x = torch.cat((self.token.expand(len(patches), 1, -1), patches), dim=1) + self.positions
        if self.spec.first_norm:
            x = self.first_norm(x)
        return self.trunk(x, open_frame(torch.ones(1, x.shape[1], dtype=torch.bool), self.dtype))

    def pooled(self, hidden: Tensor) -> Tensor:
        """hidden (B, T, D) → what stands for the whole picture, (B, D)."""
        return torch.tanh(self.pooler(hidden[:, 0]))

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels (B, C, H, W) → (B, labels), or (B, 1 + patches, D) without a head."""
        hidden = self.hidden(pixels)
        return self.head(hidden[:, 0]) if self.spec.labels else hidden
