"""The spec of a decoder: a causal trunk between an embedding and a head."""

from __future__ import annotations

from athanor.specs.trunk import TrunkSpec, trunk_parameters, within

MOST_VOCABULARY, MOST_CONTEXT = 1 << 24, 1 << 22


class DecoderSpec(TrunkSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not said is as in Qwen3: RMS norms before, rotary positions, grouped heads with q/k norms, SwiGLU."""

    family: str
    """The family page that reads and writes its config: a module of `specs`."""
    vocabulary: int
    """V: rows of the embedding."""
    context: int
    """Longest sequence, in tokens."""
    learned_positions: bool = False
    """Each position has an embedding of its own, added to the token's."""
    tied: bool = True
    """The output head is the embedding."""

    def check(self) -> DecoderSpec:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        within("model.vocabulary", self.vocabulary, MOST_VOCABULARY)
        within("model.context", self.context, MOST_CONTEXT)
        return super().check()


def parameters(spec: DecoderSpec) -> dict[str, int]:
    """Parameters by part: embedding, attention, mlp, norm, head; their sum is the model's."""
    return {
        "embedding": (spec.vocabulary + spec.context * spec.learned_positions) * spec.width,
        **trunk_parameters(spec),
        "head": 0 if spec.tied else spec.vocabulary * spec.width,
    }


def training_flops_per_token(spec: DecoderSpec, sequence: int) -> int:
    """Floating-point operations of forward and backward for one token in sequences of `sequence` tokens.

    6 per parameter that multiplies (the embedding look-up does not, the head does, and of experts only those that are
    chosen) plus causal attention's scores and sums, 6·L·N·K·T (Kaplan et al. 2020, arXiv:2001.08361, §2.1, with the
    causal half taken off).
    """
    parts = trunk_parameters(spec)
    idle = 0
    if spec.experts is not None:
        idle = spec.layers * (spec.experts.number - spec.experts.chosen) * 3 * spec.experts.inner * spec.width
    matrices = parts["attention"] + parts["mlp"] - idle + spec.vocabulary * spec.width
    return 6 * matrices + 6 * spec.layers * spec.heads * spec.head_width * sequence
