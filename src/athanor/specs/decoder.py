"""The spec of a decoder: every number that `nn` needs to build it.

Letters: B batch, T positions, S key positions, D width, N heads, G key/value heads, K width of a head, F inner width,
V vocabulary, L layers.
"""

from __future__ import annotations

import msgspec

from athanor.core.errors import RecipeError

# Beyond every published decoder: names and shapes are made for every layer to compare weights with, so that a foreign
# config must not be able to ask for endless ones.
MOST = {
    "vocabulary": 1 << 24, "width": 1 << 20, "layers": 1 << 12, "heads": 1 << 14, "kv_heads": 1 << 14,
    "head_width": 1 << 14, "inner": 1 << 22, "context": 1 << 22,
}  # fmt: skip


class DecoderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pre-norm decoder: RMS norms, rotary positions, grouped heads with q/k norms, SwiGLU."""

    family: str
    """The family page that reads and writes its config: a module of `specs`."""
    vocabulary: int
    """V: rows of the embedding."""
    width: int
    """D."""
    layers: int
    """L."""
    heads: int
    """N: query heads."""
    kv_heads: int
    """G: key/value heads; divides N."""
    head_width: int
    """K; even, since rotary positions turn pairs."""
    inner: int
    """F: width inside the MLP."""
    context: int
    """Longest sequence, in tokens."""
    rope_theta: float = 10000.0
    """Base of the rotary wavelengths."""
    norm_epsilon: float = 1e-6
    tied: bool = True
    """The output head is the embedding."""

    def check(self) -> DecoderSpec:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        for name, most in MOST.items():
            _within(f"model.{name}", getattr(self, name), most)
        if self.heads % self.kv_heads:
            raise RecipeError(
                f"model.heads is {self.heads}, which model.kv_heads {self.kv_heads} does not divide.",
                value=self.heads,
                limit=f"a multiple of {self.kv_heads}",
                remedy="Choose model.kv_heads so that it divides model.heads.",
            )
        if self.head_width % 2:
            raise RecipeError(
                f"A head's width is {self.head_width}; rotary positions need an even one.",
                value=self.head_width,
                limit="even",
                remedy="Choose model.width and model.heads so that width / heads is even.",
            )
        return self


def _within(path: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise RecipeError(
            f"{path} is {value}.", value=value, limit=[1, most], remedy=f"Give a number between 1 and {most}."
        )


def parameters(spec: DecoderSpec) -> dict[str, int]:
    """Parameters by part: embedding, attention, mlp, norm, head; their sum is the model's."""
    rows = (spec.heads + 2 * spec.kv_heads) * spec.head_width
    attention = spec.width * rows + spec.heads * spec.head_width * spec.width
    return {
        "embedding": spec.vocabulary * spec.width,
        "attention": spec.layers * attention,
        "mlp": spec.layers * 3 * spec.width * spec.inner,
        "norm": spec.layers * (2 * spec.width + 2 * spec.head_width) + spec.width,
        "head": 0 if spec.tied else spec.vocabulary * spec.width,
    }


def training_flops_per_token(spec: DecoderSpec, sequence: int) -> int:
    """Floating-point operations of forward and backward for one token in sequences of `sequence` tokens.

    6 per parameter that multiplies (the embedding look-up does not, the head does) plus causal attention's scores
    and sums, 6·L·N·K·T (Kaplan et al. 2020, arXiv:2001.08361, §2.1, with the causal half taken off).
    """
    parts = parameters(spec)
    matrices = parts["attention"] + parts["mlp"] + spec.vocabulary * spec.width
    return 6 * matrices + 6 * spec.layers * spec.heads * spec.head_width * sequence
