"""Models known from their papers alone: their shapes, for the plan's arithmetic. Nothing here can be loaded."""

from __future__ import annotations

from athanor.specs import decoder
from athanor.specs.decoder import DecoderSpec


class PaperSpec(DecoderSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decoder from a paper's table."""

    position_matrices: bool = False
    """Each layer has a matrix for relative positions (Transformer-XL, Dai et al. 2019, arXiv:1901.02860): D × N·K."""


def parameters(spec: PaperSpec) -> dict[str, int]:
    """Parameters by part."""
    found = decoder.parameters(spec)
    extra = spec.layers * spec.width * spec.heads * spec.head_width * spec.position_matrices
    return {**found, "attention": found["attention"] + extra}


def training_flops_per_token(spec: PaperSpec, sequence: int) -> int:
    """As for any decoder, and 6 a parameter of the matrices for relative positions."""
    extra = parameters(spec)["attention"] - decoder.parameters(spec)["attention"]
    return decoder.training_flops_per_token(spec, sequence) + 6 * extra


def _gpt3(layers: int, width: int, heads: int, head_width: int) -> PaperSpec:
    """Every second layer's attention is sparse in an unpublished way; it is counted as dense."""
    return PaperSpec(
        family="gpt-3", vocabulary=50_257, context=2048, layers=layers, width=width, heads=heads, kv_heads=heads,
        head_width=head_width, inner=4 * width, norm="layer", qkv_bias=True, out_bias=True, mlp_bias=True,
        qk_norm=False, gated=False, activation="gelu_tanh", rotary=None, learned_positions=True,
    )  # fmt: skip


def _palm(layers: int, width: int, heads: int) -> PaperSpec:
    """Attention and MLP of a block run side by side and share one norm, which is counted as two."""
    return PaperSpec(
        family="palm", vocabulary=256_000, context=2048, layers=layers, width=width, heads=heads, kv_heads=1,
        head_width=256, inner=4 * width, qk_norm=False,
    )  # fmt: skip


def _gopher(width: int, heads: int, layers: int = 80) -> PaperSpec:
    return PaperSpec(
        family="gopher", vocabulary=32_000, context=2048, layers=layers, width=width, heads=heads, kv_heads=heads,
        head_width=128, inner=4 * width, qk_norm=False, mlp_bias=True, gated=False, activation="gelu", rotary=None,
        position_matrices=True,
    )  # fmt: skip


PRESETS: dict[str, PaperSpec] = {
    # Brown et al. 2020, arXiv:2005.14165, table 2.1; 13B is printed with a width of 5140, which its 40 heads of 128
    # do not divide
    "gpt-3-small": _gpt3(12, 768, 12, 64),
    "gpt-3-medium": _gpt3(24, 1024, 16, 64),
    "gpt-3-large": _gpt3(24, 1536, 16, 96),
    "gpt-3-xl": _gpt3(24, 2048, 24, 128),
    "gpt-3-2.7b": _gpt3(32, 2560, 32, 80),
    "gpt-3-6.7b": _gpt3(32, 4096, 32, 128),
    "gpt-3-13b": _gpt3(40, 5140, 40, 128),
    "gpt-3-175b": _gpt3(96, 12_288, 96, 128),
    # Chowdhery et al. 2022, arXiv:2204.02311, table 1
    "palm-8b": _palm(32, 4096, 16),
    "palm-62b": _palm(64, 8192, 32),
    "palm-540b": _palm(118, 18_432, 48),
    # Rae et al. 2021, arXiv:2112.11446, table 1
    "gopher-280b": _gopher(16_384, 128),
    # Hoffmann et al. 2022, arXiv:2203.15556, table 4
    "chinchilla-70b": _gopher(8192, 64),
}
