"""Two towers, one for texts and one for pictures, whose vectors meet in one space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from athanor.models.decoder import Decoder
from athanor.models.encoder import Encoder
from athanor.models.vision import Vision
from athanor.nn.frame import causal_frame
from athanor.specs.decoder import DecoderSpec
from athanor.specs.towers import TowersSpec


class Towers(nn.Module):
    """`text` (B, T) → (B, D) and `image` (B, C, H, W) → (B, D), both of length 1."""

    def __init__(self, spec: TowersSpec) -> None:
        super().__init__()
        self.spec = spec
        self.texts: Decoder | Encoder = Decoder(spec.text) if isinstance(spec.text, DecoderSpec) else Encoder(spec.text)
        self.pictures = Vision(spec.image)
        self.image_norm = nn.LayerNorm(spec.image.width, spec.image.norm_epsilon)
        self.text_projection = nn.Linear(spec.text.width, spec.projection, bias=False)
        self.image_projection = nn.Linear(spec.image.width, spec.projection, bias=False)
        self.scale = nn.Parameter(torch.zeros(()))
        """Logarithm of what products of vectors are multiplied by."""

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and activations."""
        return self.scale.dtype

    def text(self, ids: Tensor) -> Tensor:
        """ids (B, T) int64, each with its end → vectors (B, D) of length 1."""
        if isinstance(self.texts, Encoder):
            pooled = self.texts(ids)[:, 0]
        else:
            hidden = self.texts.hidden(ids, causal_frame(None, ids.shape[1], self.dtype))
            marks = ids if self.spec.end is None else (ids == self.spec.end).int()
            pooled = hidden[torch.arange(len(ids)), marks.argmax(dim=-1)]
        return functional.normalize(self.text_projection(pooled), dim=-1)

    def image(self, pixels: Tensor) -> Tensor:
        """pixels (B, C, H, W) → vectors (B, D) of length 1."""
        pooled = self.image_norm(self.pictures.hidden(pixels)[:, 0])
        return functional.normalize(self.image_projection(pooled), dim=-1)
