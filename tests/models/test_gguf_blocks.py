"""Block formats against the reference library, bit for bit, in both directions; what a type cannot hold is refused.

Run: pytest tests/models/test_gguf_blocks.py
"""

from __future__ import annotations

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError
from athanor.models import gguf_blocks
from athanor.models.gguf_blocks import READABLE, WRITABLE, numbers, pack, unpack
from athanor.specs.gguf import KINDS, NUMBERS

FEW = settings(max_examples=25, deadline=None)


def packed_rows(kind: str, rows: int, blocks: int, seed: int) -> np.ndarray:
    """Any bytes: every code, and scales that are huge, tiny or no number."""
    size = KINDS[NUMBERS[kind]].bytes
    return np.random.default_rng(seed).integers(0, 256, (rows, blocks * size), dtype=np.uint8)


def reference(kind: str, packed: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return gguf.quants.dequantize(packed, GGMLQuantizationType[kind])


def same_bits(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Equal to the bit, but for which of the bit patterns says that a number is none."""
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype == np.float32
    none = np.isnan(theirs)
    assert np.array_equal(np.isnan(ours), none)
    assert np.array_equal(ours.view(np.uint32)[~none], theirs.view(np.uint32)[~none])


@pytest.mark.parametrize("kind", READABLE)
@FEW
@given(rows=st.integers(1, 9), blocks=st.integers(1, 3), seed=st.integers(0, 1 << 30))
def test_any_bytes_are_read_as_the_reference_reads_them(kind, rows, blocks, seed):
    packed = packed_rows(kind, rows, blocks, seed)
    same_bits(numbers(kind, packed).float().numpy(), reference(kind, packed))


@pytest.mark.parametrize("kind", ["F32", "BF16", "Q4_0", "Q6_K"])
@pytest.mark.parametrize("chunk", [1, 300, 1 << 20])
def test_rows_in_another_order_into_any_type(kind, chunk, monkeypatch):
    monkeypatch.setattr(gguf_blocks, "CHUNK", chunk)
    packed = packed_rows(kind, 7, 2, 5)
    packed[:] = np.random.default_rng(1).integers(0, 60, packed.shape)  # scales that are numbers
    wanted = torch.from_numpy(reference(kind, packed).copy())
    order = np.array([6, 0, 0, 3])
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        into = torch.empty(4, wanted.shape[1], dtype=dtype)
        unpack(KINDS[NUMBERS[kind]], packed, into, order)
        assert torch.equal(into, wanted[order].to(dtype))
        turned = torch.empty(wanted.shape[1], 7, dtype=dtype)
        unpack(KINDS[NUMBERS[kind]], packed, turned.mT)
        assert torch.equal(turned, wanted.T.to(dtype))


@pytest.mark.parametrize("kind", WRITABLE)
@FEW
@given(
    rows=st.integers(1, 9), blocks=st.integers(1, 3), seed=st.integers(0, 1 << 30),
    scale=st.sampled_from([1e-30, 1e-6, 0.02, 1.0, 3e3]), zeros=st.booleans(),
)  # fmt: skip
def test_written_as_the_reference_writes(kind, rows, blocks, seed, scale, zeros):
    values = np.random.default_rng(seed).standard_normal((rows, 32 * blocks)).astype(np.float32) * np.float32(scale)
    if zeros:
        values[:, :32] = 0.0
        values[0, -3:] = values[0, -4]  # the largest stands twice
    ours = b"".join(bytes(chunk) for chunk in pack("x", kind, torch.from_numpy(values)))
    with np.errstate(all="ignore"):
        assert ours == gguf.quants.quantize(values, GGMLQuantizationType[kind]).tobytes()


@pytest.mark.parametrize("kind", WRITABLE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_in_chunks_as_in_one(kind, dtype, monkeypatch):
    values = torch.randn(9, 64, generator=torch.Generator().manual_seed(0)).to(dtype)
    whole = b"".join(bytes(chunk) for chunk in pack("x", kind, values.mT.contiguous().mT))
    monkeypatch.setattr(gguf_blocks, "CHUNK", 130)
    assert b"".join(bytes(chunk) for chunk in pack("x", kind, values)) == whole


@pytest.mark.parametrize(("kind", "value", "fine"), [
    ("F16", 65504.0, True), ("F16", -65505.0, False), ("F16", 1e9, False), ("F16", float("inf"), False),
    ("F16", float("nan"), True),
    ("BF16", 1e9, True), ("F32", 1e30, True), ("Q8_0", 8e6, True), ("Q8_0", 9e6, False), ("Q8_0", float("nan"), False),
    ("Q4_0", 5e5, True), ("Q4_0", -6e5, False), ("Q4_0", float("inf"), False),
])  # fmt: skip
def test_what_a_type_cannot_hold_is_refused_by_name(kind, value, fine):
    rows = torch.zeros(3, 32)
    rows[2, 7] = value
    if fine:
        raw = bytearray(b"".join(bytes(chunk) for chunk in pack("x.y", kind, rows)))
        read = numbers(kind, np.frombuffer(raw, np.uint8).reshape(3, -1))
        assert torch.isfinite(read).all() or value != value
        return
    with pytest.raises(InputError, match=r"The tensor x\.y holds .* which .* cannot hold") as caught:
        list(pack("x.y", kind, rows))
    assert "bf16" in caught.value.remedy
