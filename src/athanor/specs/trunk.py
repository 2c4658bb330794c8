"""The spec of a trunk: every number and choice that `nn` needs to build a stack of blocks.

Letters: B batch, T positions, S key positions, D width, N heads, G key/value heads, K width of a head, F inner width,
V vocabulary, L layers, E experts.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from athanor.core.errors import RecipeError
from athanor.specs.rotary import Rotary, width_turned

Norm = Literal["rms", "layer"]
Place = Literal["before", "after", "around"]
Activation = Literal["silu", "gelu", "gelu_tanh", "quick_gelu", "relu"]

# Beyond every published model: names and shapes are made for every layer to compare weights with, so that a foreign
# config must not be able to ask for endless ones.
MOST = {
    "width": 1 << 20, "layers": 1 << 12, "heads": 1 << 14, "kv_heads": 1 << 14, "head_width": 1 << 14,
    "inner": 1 << 22,
}  # fmt: skip
MOST_EXPERTS, MOST_IN_ALL = 1 << 10, 1 << 16
MOST_BUCKETS, MOST_DISTANCE = 1 << 12, 1 << 22


class Experts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mixture of experts in place of each MLP."""

    number: int
    """E."""
    chosen: int
    """How many a position goes through."""
    inner: int
    """F of each."""
    normalised: bool = True
    """The weights of the chosen ones sum to 1."""


class Relative(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Positions as learned biases on scores, by how far query and key are apart (Raffel et al. 2019, §2.1)."""

    buckets: int = 32
    farthest: int = 128
    """Distance from which on all share a bucket."""


class TrunkSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stack of blocks; what is not said is as in Qwen3 and in Athanor's own decoders."""

    width: int
    """D."""
    layers: int
    """L."""
    heads: int
    """N: query heads."""
    kv_heads: int
    """G: key/value heads; divides N."""
    head_width: int
    """K; even where positions are rotary, since they turn pairs."""
    inner: int
    """F: width inside the MLP."""
    norm: Norm = "rms"
    norm_epsilon: float = 1e-6
    norm_place: Place = "before"
    """Where a block norms: before attention and MLP, after adding what they gave, or before and behind each."""
    last_norm: bool = True
    """What leaves the last block is normed."""
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = True
    """Queries and keys are RMS-normed, each head alone."""
    gated: bool = True
    """The MLP is gated."""
    activation: Activation = "silu"
    rotary: Rotary | None = Rotary()
    relative: Relative | None = None
    scaled: bool = True
    """Scores are divided by √K."""
    causal: bool = True
    """A position sees what stands before it and nothing behind it."""
    cross: bool = False
    """Each block also looks at a source: what another trunk made."""
    window: int | None = None
    """How many positions back, itself included, a position sees; None: all."""
    experts: Experts | None = None

    def check(self) -> Any:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        for name, most in MOST.items():
            within(f"model.{name}", getattr(self, name), most)
        if self.heads % self.kv_heads:
            raise RecipeError(
                f"model.heads is {self.heads}, which model.kv_heads {self.kv_heads} does not divide.",
                value=self.heads,
                limit=f"a multiple of {self.kv_heads}",
                remedy="Choose model.kv_heads so that it divides model.heads.",
            )
        if self.window is not None:
            within("window", self.window, MOST_DISTANCE)
        if self.rotary is not None:
            _check_rotary(self.rotary, self.head_width)
        if self.rotary is not None and (width_turned(self.rotary, self.head_width) % 2 or self.head_width < 2):
            raise RecipeError(
                f"A head's width is {self.head_width}; rotary positions need an even one.",
                value=self.head_width,
                limit="even",
                remedy="Choose model.width and model.heads so that width / heads is even.",
            )
        if self.relative is not None:
            within("buckets of distances", self.relative.buckets // 4, MOST_BUCKETS)
            near = self.relative.buckets // (2 if self.causal else 4)
            within("farthest distance", self.relative.farthest - near, MOST_DISTANCE)
        if self.experts is not None:
            within("experts", self.experts.number, MOST_EXPERTS)
            within("experts of all layers", self.layers * self.experts.number, MOST_IN_ALL)
            within("experts chosen", self.experts.chosen, self.experts.number)
            within("inner width of experts", self.experts.inner, MOST["inner"])
        return self


def _check_rotary(rotary: Rotary, head_width: int) -> None:
    """Raise RecipeError for turns that have no angles."""
    least = 4 if rotary.kind == "dynamic" else 2
    wrong = (
        ("share of a head that is turned", rotary.share, "above 0, at most 1", not 0 < rotary.share <= 1),
        ("rotary base", rotary.theta, "above 1", rotary.kind == "yarn" and rotary.theta <= 1),
        ("numbers of a head that are turned", head_width * rotary.share, least, head_width * rotary.share < least),
    )
    for what, value, limit, is_wrong in wrong:
        if is_wrong:
            raise RecipeError(
                f"The {what} is {value:g}; {limit} is wanted.", value=value, limit=limit,
                remedy="Use the config the model came with.",
            )  # fmt: skip


def within(path: str, value: int, most: int) -> None:
    """Raise RecipeError where a number is not in 1 … most."""
    if not 1 <= value <= most:
        raise RecipeError(
            f"{path} is {value}.", value=value, limit=[1, most], remedy=f"Give a number between 1 and {most}."
        )


def trunk_parameters(spec: TrunkSpec) -> dict[str, int]:
    """Parameters of a trunk by part: attention, mlp, norm."""
    rows = (spec.heads + 2 * spec.kv_heads) * spec.head_width
    attention = spec.width * rows + spec.heads * spec.head_width * spec.width
    attention += rows * spec.qkv_bias + spec.width * spec.out_bias
    attention *= spec.layers * (1 + spec.cross)
    if spec.relative is not None:
        attention += spec.relative.buckets * spec.heads
    a_norm = spec.width * (1 if spec.norm == "rms" else 2)
    in_block = (4 if spec.norm_place == "around" else 2) + spec.cross
    norms = spec.layers * (in_block * a_norm + 2 * spec.head_width * spec.qk_norm) + a_norm * spec.last_norm
    return {"attention": attention, "mlp": spec.layers * _mlp(spec), "norm": norms}


def _mlp(spec: TrunkSpec) -> int:
    if spec.experts is not None:
        return spec.experts.number * (3 * spec.experts.inner + 1) * spec.width
    matrices = 3 if spec.gated else 2
    biases = (matrices - 1) * spec.inner + spec.width
    return matrices * spec.width * spec.inner + biases * spec.mlp_bias
