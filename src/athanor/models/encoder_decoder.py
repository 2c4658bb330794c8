"""An encoder-decoder: one embedding, two trunks, a head."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from athanor.nn.attention import Frame, Memory, Source
from athanor.nn.frame import cached_frame, causal_frame, open_frame, source_bias
from athanor.nn.trunk import Trunk
from athanor.specs.encoder_decoder import EncoderDecoderSpec


class EncoderDecoder(nn.Module):
    """source (B, S), target (B, T) → logits (B, T, V)."""

    def __init__(self, spec: EncoderDecoderSpec) -> None:
        super().__init__()
        self.spec = spec
        width = spec.decoder.width
        self.embedding = nn.Embedding(spec.vocabulary, width)
        self.encoder = Trunk(spec.encoder)
        self.decoder = Trunk(spec.decoder)
        self.head = self.embedding if spec.tied else nn.Linear(width, spec.vocabulary, bias=False)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and activations."""
        return self.embedding.weight.dtype

    def encode(self, source: Tensor) -> Source:
        """source (B, S) int64 → what the decoder looks at."""
        padding = self.spec.padding
        seen = torch.ones_like(source, dtype=torch.bool) if padding is None else source != padding
        frame = open_frame(seen, self.dtype)
        hidden = self.encoder(self._entering(source, frame.positions), frame)
        return self.decoder.source(hidden, source_bias(seen, self.dtype))

    def cached(self, positions: Tensor, span: int, source: Source) -> Frame:
        """The frame of new positions (B, T) that look back over keys at positions 0 … span − 1, and at the source."""
        return replace(cached_frame(None, positions, span, self.dtype), source=source)

    def hidden(self, ids: Tensor, frame: Frame, memory: Memory | None = None) -> Tensor:
        """ids (B, T) int64 → normed hidden states of the decoder (B, T, D)."""
        return self.decoder(self._entering(ids, frame.positions), frame, memory)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden (..., D) → logits (..., V)."""
        scale = self.spec.head_scale
        return functional.linear(hidden * scale if scale != 1.0 else hidden, self.head.weight)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """source (B, S), target (B, T) int64, which begins with the start id → logits (B, T, V)."""
        frame = replace(causal_frame(None, target.shape[1], self.dtype), source=self.encode(source))
        return self.logits(self.hidden(target, frame))

    def _entering(self, ids: Tensor, positions: Tensor) -> Tensor:
        x = self.embedding(ids)
        if self.spec.embedding_scale != 1.0:
            x = x * self.spec.embedding_scale
        return x + sinusoids(positions, x.shape[-1]).to(x.dtype) if self.spec.sinusoids else x


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """positions (B, T) → sines and cosines in turns, (B, T, D) float32 (Vaswani et al. 2017, §3.5)."""
    slowness = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-math.log(10000.0) / width))
    angles = positions[..., None] * slowness  # (B, T, D/2)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)[..., :width].float()
