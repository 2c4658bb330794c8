"""Numbers in weight files that are none: NaN and infinity, told by an exponent of ones. Read in pieces of 16 MiB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from athanor.specs.folder import Stored

# How an item is read, and the bits of its exponent (IEEE 754; bfloat16 is float32's upper half; FP8: Micikevicius et
# al. 2022, arXiv:2209.05433). E4M3 has no infinity and a single NaN.
EXPONENTS = {
    "F64": ("<u8", 0x7FF0000000000000), "F32": ("<u4", 0x7F800000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80),
    "F8_E5M2": ("<u1", 0x7C), "F8_E4M3": ("<u1", 0x7F),
}  # fmt: skip
PIECE_BYTES = 16 << 20


def nonfinite(tensors: Iterable[Stored], done: Callable[[int], None]) -> Iterator[tuple[Stored, int]]:
    """(tensor, how many of its numbers are NaN or infinite) for each tensor that has some. done: told of bytes read."""
    total = 0
    for tensor in tensors:
        count = _count(tensor) if tensor.entry.dtype in EXPONENTS else 0
        total += tensor.entry.bytes
        done(total)
        if count:
            yield tensor, count


def _count(tensor: Stored) -> int:
    kind, exponent = EXPONENTS[tensor.entry.dtype]
    found, left = 0, tensor.entry.bytes
    with tensor.path.open("rb") as file:
        file.seek(tensor.entry.start)
        while left and (piece := file.read(min(PIECE_BYTES, left))):
            bits = np.frombuffer(piece, dtype=kind)
            found += int(np.count_nonzero((bits & bits.dtype.type(exponent)) == exponent))
            left -= len(piece)
    return found
