"""NaN and infinity are counted as numpy and the reference library count them, for every bit pattern.

Run: pytest tests/specs/test_nonfinite.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from athanor.specs.folder import Stored
from athanor.specs.nonfinite import PIECE_BYTES, nonfinite
from athanor.specs.safetensors import ITEM_BYTES, Entry

TORCH = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E5M2": torch.float8_e5m2, "F8_E4M3": torch.float8_e4m3fn,
}  # fmt: skip


def counted(path: Path, dtype: str, raw: bytes, start: int = 0) -> int:
    path.write_bytes(b"\xff" * start + raw)
    tensor = Stored(path, Entry("x", dtype, (len(raw) // ITEM_BYTES[dtype],), start, len(raw)))
    return sum(number for _, number in nonfinite([tensor], lambda _: None))


@pytest.mark.parametrize("dtype", TORCH)
def test_every_exponent_is_told_apart(tmp_path: Path, dtype):
    """All patterns of the upper 16 bits (of 8-bit types all there are), whatever stands below them."""
    wide = ITEM_BYTES[dtype]
    upper = np.arange(1 << min(16, 8 * wide), dtype="<u8") << (8 * wide - min(16, 8 * wide))
    raw = upper.astype(f"<u{wide}").tobytes()
    values = torch.frombuffer(bytearray(raw), dtype=TORCH[dtype]).to(torch.float64)
    assert counted(tmp_path / "x", dtype, raw, start=24) == int((~torch.isfinite(values)).sum()) > 0


def test_pieces_are_joined_without_a_gap(tmp_path: Path):
    values = np.zeros(PIECE_BYTES // 4 * 2 + 3, np.float32)
    values[[0, PIECE_BYTES // 4 - 1, PIECE_BYTES // 4, -1]] = np.nan
    assert counted(tmp_path / "x", "F32", values.tobytes()) == 4


def test_whole_numbers_are_no_matter(tmp_path: Path):
    assert counted(tmp_path / "x", "I32", b"\xff" * 400) == 0
