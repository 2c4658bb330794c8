"""A network drawn in letters, from its spec: what enters, the blocks, what leaves. Plain ASCII, so that every terminal
and every language's font shows it in line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from athanor.specs.arithmetic import number
from athanor.specs.trunk import TrunkSpec

WIDTH = 66
NORMS = {"rms": "RMS norm", "layer": "layer norm"}
WORDS = {"silu": "SiLU", "gelu": "GELU", "gelu_tanh": "GELU (by tanh)", "quick_gelu": "quick GELU", "relu": "ReLU"}
ARROW = " " * (WIDTH // 2) + "|"
HEADS = {
    "masked": "head: the token behind a mask", "classes": "head: a class of the text",
    "tokens": "head: a class a token",
    "answers": "head: where an answer begins and ends",
}  # fmt: skip


def draw(spec: Any) -> str:
    """Lines of at most 66 letters."""
    return "\n".join(f"{ARROW}\n".join("\n".join([*box, ""]) for box in _boxes(spec)).splitlines())


def _boxes(spec: Any, inner: bool = False) -> list[list[str]]:
    """inner: a part of something larger, which has no head of its own."""
    parts = [(name, getattr(spec, name)) for name in spec.__struct_fields__]
    boxes = [_box("", words)] if (words := list(_enters(spec))) else []
    if isinstance(spec, TrunkSpec):
        boxes.append(_box(f"{spec.layers} x block", _block(spec)))
    elif trunks := [(name, part) for name, part in parts if isinstance(part, TrunkSpec)]:
        for name, part in trunks:
            first, *rest = _boxes(part, inner=True)
            boxes += [[f"{name}:", *first], *rest]
    else:
        boxes.append(_box("", [f"{name}: {value}" for name, value in parts]))
    return [*boxes, _box("", words)] if (words := list(_leaves(spec, inner))) else boxes


def _box(title: str, words: Sequence[str]) -> list[str]:
    lines = [line for word in words for line in textwrap.wrap(word, WIDTH - 4, subsequent_indent="  ")]
    head = f"+- {title} ".ljust(WIDTH - 1, "-") + "+" if title else f"+{'-' * (WIDTH - 2)}+"
    return [head, *(f"| {line:<{WIDTH - 4}} |" for line in lines), f"+{'-' * (WIDTH - 2)}+"]


def _enters(spec: Any) -> Iterable[str]:
    width = number(spec, "width")
    if vocabulary := getattr(spec, "vocabulary", None):
        yield f"embedding: {vocabulary:,} tokens" + (f" x {width:,} numbers" if width else "")
    if patch := getattr(spec, "patch", None):
        yield f"a picture of {spec.image} x {spec.image} pixels, in patches of {patch} x {patch}"
    if getattr(spec, "learned_positions", False) or hasattr(spec, "types"):
        yield f"+ a learned vector for each of {spec.context:,} positions"
    if types := getattr(spec, "types", 0):
        yield f"+ one for each of {types} kinds of segments"
    if hasattr(spec, "types") and spec.norm_place == "after":
        yield NORMS[spec.norm]


def _leaves(spec: Any, inner: bool) -> Iterable[str]:
    if isinstance(spec, TrunkSpec) and spec.last_norm:
        yield NORMS[spec.norm]
    if getattr(spec, "pooler", False):
        yield "pooler: a layer over the first position"
    if head := getattr(spec, "head", None):
        yield HEADS.get(head, f"head: {head}")
    if labels := getattr(spec, "labels", None) if hasattr(spec, "patch") else None:
        yield f"head: a score for each of {labels:,} classes"
    if projection := getattr(spec, "projection", None):
        yield f"both: {projection:,} numbers in one space"
    if not inner and (tied := getattr(spec, "tied", None)) is not None:
        owner = "the embedding once more (tied)" if tied else "weights of its own"
        yield f"head: a score for each of {number(spec, 'vocabulary'):,} tokens; {owner}"


def _block(spec: TrunkSpec) -> list[str]:
    norm = [NORMS[spec.norm]]
    before = norm if spec.norm_place in ("before", "around") else []
    behind = norm if spec.norm_place == "around" else []
    last = norm if spec.norm_place == "after" else []
    parts = [_attention(spec), *(["cross-attention: the same over the source"] * spec.cross), _mlp(spec)]
    return [word for part in parts for word in (*before, part, *behind, "+ what came in", *last)]


def _attention(spec: TrunkSpec) -> str:
    words = [f"{spec.heads} heads of {spec.head_width}"]
    if spec.kv_heads != spec.heads:
        words.append(f"{spec.kv_heads} key/value heads")
    if spec.rotary is not None:
        stretched = "" if spec.rotary.kind == "default" else f" ({spec.rotary.kind}, {spec.rotary.factor:g} times)"
        words.append(f"rotary positions{stretched}")
    if spec.relative is not None:
        words.append("relative positions")
    if spec.window is not None:
        words.append(f"a window of {spec.window:,} tokens")
    words += ["queries and keys normed"] * spec.qk_norm + ["biases"] * (spec.qkv_bias or spec.out_bias)
    return f"attention: {', '.join(words)}"


def _mlp(spec: TrunkSpec) -> str:
    kind = ("gated " if spec.gated else "") + WORDS[spec.activation]
    experts = spec.experts
    inner = spec.inner if experts is None else experts.inner
    shape = f"{kind}, {spec.width:,} -> {inner:,} -> {spec.width:,}{', biases' if spec.mlp_bias else ''}"
    if experts is None:
        return f"MLP: {shape}"
    return f"{experts.number} experts, of which a router chooses {experts.chosen} for each token; each an MLP: {shape}"
