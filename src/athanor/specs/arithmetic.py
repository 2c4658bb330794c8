"""What a model takes: parameters by part, bytes to run and to train it, operations to train it. From its spec alone.

Letters as in `trunk`. Bytes are those of weights and tensors; the program around them comes on top.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from athanor.specs.decoder import DecoderSpec
from athanor.specs.trunk import TrunkSpec

PARTS = ("embedding", "attention", "mlp", "norm", "head", "other")
RUN_DTYPES = ("float32", "bf16", "int8", "int4")
RUN_CONTEXTS, RUN_BATCHES = (1024, 8192, 32_768), (1, 8)
ITEM_BYTES = {"float32": 4.0, "bf16": 2.0, "float16": 2.0, "int8": 1.0, "int4": 0.5}
GROUP = 64
"""Weights that share a scale of two bytes where they are packed as int8 or int4."""
AT_ONCE = 2048
"""Positions that a decoder works on at one time: longer prompts go through in pieces."""
TRAINED_ROW = 2048
"""Tokens of the one row that memory to train is counted for; longer batches go row by row, adding up gradients."""
RANK = 16
"""Rank of the adapters that memory to train with LoRA is counted for."""


class TrainingMemory(NamedTuple):
    """Bytes by kind."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    def total(self) -> int:
        """Their sum."""
        return sum(self)


def parameters(spec: Any) -> dict[str, int] | None:
    """Parameters by part, all of PARTS; None where the spec's own module has no arithmetic."""
    own = getattr(sys.modules[type(spec).__module__], "parameters", None)
    return None if own is None else {part: own(spec).get(part, 0) for part in PARTS}


def trunks(spec: Any) -> Iterator[tuple[str, TrunkSpec]]:
    """The stacks of blocks of a model, with the field's name of each; a decoder is one, without a name."""
    if isinstance(spec, TrunkSpec):
        yield "", spec
    elif isinstance(spec, msgspec.Struct):
        for name in spec.__struct_fields__:
            yield from ((name, trunk) for _, trunk in trunks(getattr(spec, name)))


def number(spec: Any, name: str) -> int | None:
    """A number of a spec, or of the first part of it that has one of this name."""
    found = getattr(spec, name, None)
    if isinstance(found, int):
        return found
    inner = (getattr(spec, field) for field in getattr(spec, "__struct_fields__", ()))
    parts = (number(part, name) for part in inner if isinstance(part, msgspec.Struct))
    return next((part for part in parts if part is not None), None)


def weight_bytes(parts: Mapping[str, int], dtype: str) -> int:
    """Bytes of the weights.

    int8 and int4 hold for the matrices of attention and MLP, with a scale of two bytes for every 64 weights;
    embedding, norms and head stay bf16.
    """
    if dtype not in ("int8", "int4"):
        return round(sum(parts.values()) * ITEM_BYTES[dtype])
    packed = parts["attention"] + parts["mlp"]
    return round(packed * (ITEM_BYTES[dtype] + 2 / GROUP)) + 2 * (sum(parts.values()) - packed)


def cache_bytes(spec: Any, dtype: str, context: int, batch: int) -> int:
    """Keys and values of a decoder: 2·L·G·K a token, in bf16 where weights are narrower; no more than the window's.
    Nothing else keeps them from step to step."""
    if not isinstance(spec, DecoderSpec):
        return 0
    kept = min(context, spec.window or context)
    a_token = 2 * spec.layers * spec.kv_heads * spec.head_width
    return round(batch * kept * a_token * max(2.0, ITEM_BYTES[dtype]))


def run_bytes(spec: Any, parts: Mapping[str, int], dtype: str, context: int, batch: int) -> int:
    """Bytes to run `batch` texts of `context` tokens at one time: weights + keys and values + working memory.

    Working memory is that of one block, 4·D + 2·F numbers for each of the positions that are worked on at one time (a
    decoder takes 2,048, what sees both ways all of them), and the logits of one position a text in float32.
    """
    found = weight_bytes(parts, dtype) + cache_bytes(spec, dtype, context, batch)
    positions = min(AT_ONCE, batch * context) if isinstance(spec, DecoderSpec) else batch * context
    widest = max((4 * trunk.width + 2 * _inner(trunk) for _, trunk in trunks(spec)), default=0)
    found += round(positions * widest * max(2.0, ITEM_BYTES[dtype]))
    return found + 4 * batch * (number(spec, "vocabulary") or 0)


def run_table(spec: Any, parts: Mapping[str, int]) -> list[dict[str, Any]]:
    """CONTRACT's `memory_to_run`."""
    return [
        {"dtype": dtype, "context": context, "batch": batch, "bytes": run_bytes(spec, parts, dtype, context, batch)}
        for dtype in RUN_DTYPES
        for context in RUN_CONTEXTS
        for batch in RUN_BATCHES
    ]


def training_memory(spec: Any, count: int, dtype: str, row: int) -> TrainingMemory:
    """Bytes to train `count` parameters with AdamW on one row of `row` tokens at a time.

    In 16 bits: weights 2 and gradients 2 a parameter, and the optimiser's float32 masters 4 and moments 8 (mixed
    precision: Micikevicius et al. 2017, arXiv:1710.03740; 16 a parameter as in Rajbhandari et al. 2019,
    arXiv:1910.02054, §3.1). In float32 the weights are the masters: 4, 4, 8.
    """
    item = round(ITEM_BYTES[dtype])
    optimizer = (8 if dtype == "float32" else 12) * count
    return TrainingMemory(item * count, item * count, optimizer, activation_bytes(spec, dtype, row))


def activation_bytes(spec: Any, dtype: str, row: int) -> int:
    """Bytes kept for backward of one row.

    A token and block: 4·D of the norms and what they give, 2·(N + G)·K of attention, and in the MLP 4·F where it is
    gated, else 2·F; F of the chosen experts together. Scores are worked out again, as fused kernels do (Dao et al.
    2022, arXiv:2205.14135); nothing else is. With it the logits and their gradient, in float32.
    """
    numbers = sum(trunk.layers * _kept(trunk) for _, trunk in trunks(spec))
    return round(row * (numbers * ITEM_BYTES[dtype] + 2 * 4 * (number(spec, "vocabulary") or 0)))


def fine_tuning(spec: Any, count: int) -> dict[str, int | None]:
    """CONTRACT's `memory_to_train`, in bf16 with one row of 2,048 tokens (or the whole context): `full`, and `lora`
    with rank 16 on every matrix of attention and MLP; where the trunk is not known `lora` is None."""
    row = min(TRAINED_ROW, number(spec, "context") or TRAINED_ROW)
    full = training_memory(spec, count, "bf16", row)
    if not any(trunks(spec)):
        return {"full": full.total(), "lora": None}
    adapters = training_memory(spec, lora_parameters(spec), "bf16", row)
    return {"full": full.total(), "lora": full.weights + adapters.total()}


def lora_parameters(spec: Any, rank: int = RANK) -> int:
    """Parameters of adapters on every matrix of attention and MLP (Hu et al. 2021, arXiv:2106.09685): rank × (in + out)
    each; every expert has its own."""
    return sum(trunk.layers * rank * sum(map(sum, _matrices(trunk))) for _, trunk in trunks(spec))


def flops_per_token(spec: Any, parts: Mapping[str, int], sequence: int) -> int:
    """Operations of forward and backward for one token: the spec's own arithmetic, as `decoder`'s; 6 for each parameter
    that multiplies and 12·L·N·K·T for attention that sees both ways, where it has none."""
    own = getattr(sys.modules[type(spec).__module__], "training_flops_per_token", None)
    if own is not None:
        return own(spec, sequence)
    attention = sum(12 * trunk.layers * trunk.heads * trunk.head_width * sequence for _, trunk in trunks(spec))
    return 6 * (sum(parts.values()) - parts["embedding"]) + attention


def active(spec: Any, parts: Mapping[str, int]) -> dict[str, int]:
    """The parameters that one token goes through: of a mixture of experts the chosen ones, no look-up."""
    idle = sum(
        trunk.layers * (trunk.experts.number - trunk.experts.chosen) * 3 * trunk.experts.inner * trunk.width
        for _, trunk in trunks(spec)
        if trunk.experts
    )
    tied = bool(getattr(spec, "tied", False))  # the embedding is read as the head
    return {**parts, "mlp": parts["mlp"] - idle, "embedding": parts["embedding"] * tied}


def human(count: int) -> str:
    """135 M or 0.5B or 69B."""
    if count >= 450_000_000:
        return f"{count / 1e9:.1f}B" if count < 9.95e9 else f"{count / 1e9:.0f}B"
    for unit, size in (("M", 1e6), ("K", 1e3)):
        if count >= size:
            return f"{count / size:.1f}{unit}" if count < 9.95 * size else f"{count / size:.0f}{unit}"
    return str(count)


def _inner(trunk: TrunkSpec) -> int:
    return trunk.experts.chosen * trunk.experts.inner if trunk.experts else trunk.inner


def _kept(trunk: TrunkSpec) -> int:
    """Numbers of one token that a block keeps for backward."""
    looks = 2 * trunk.width + 2 * (trunk.heads + trunk.kv_heads) * trunk.head_width
    return (1 + trunk.cross) * looks + 2 * trunk.width + (4 if trunk.gated else 2) * _inner(trunk)


def _matrices(trunk: TrunkSpec) -> Iterator[tuple[int, int]]:
    """(in, out) of each matrix of a block."""
    queries, keys = trunk.heads * trunk.head_width, trunk.kv_heads * trunk.head_width
    for _ in range(1 + trunk.cross):
        yield from ((trunk.width, queries), (trunk.width, keys), (trunk.width, keys), (queries, trunk.width))
    inner, times = (trunk.experts.inner, trunk.experts.number) if trunk.experts else (trunk.inner, 1)
    for _ in range(times * (3 if trunk.gated else 2)):
        yield trunk.width, inner
