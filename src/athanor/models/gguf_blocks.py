"""Numbers in GGUF's tensor types: unpacked row by row into a destination, and packed for writing.

The blocks' arithmetic is the reference library's own (`gguf.quants`), so that what is read equals what it reads, bit
for bit. It works through a few rows at a time: beside the destination there is never a second tensor in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from athanor.core.errors import InputError
from athanor.specs.gguf import Kind

Packed = npt.NDArray[np.uint8]

PLAIN = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
READABLE = (
    *PLAIN, "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "Q2_K", "Q3_K", "IQ1_S", "IQ1_M", "IQ2_XXS",
    "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4",
)  # fmt: skip
WRITABLE = (*PLAIN, "Q8_0", "Q4_0")
MOST_FLOAT16 = 65504.0
# Blocks keep their scale in float16: the largest number over the largest code.
LARGEST = {"F16": MOST_FLOAT16, "Q8_0": MOST_FLOAT16 * 127, "Q4_0": MOST_FLOAT16 * 8}
CHUNK = 1 << 17
"""Numbers worked on at a time; half a megabyte of float32 and what it is made of stay in a processor's cache."""


def unpack(kind: Kind, packed: Packed, into: Tensor, order: npt.NDArray[np.int64] | None = None) -> None:
    """Copy packed rows (R, bytes of a row) into a tensor (R, numbers of a row) of any float type.

    order: which packed row each row of the destination is; None: as they come.
    """
    step = max(1, CHUNK // max(1, into.shape[1]))
    for at in range(0, len(into), step):
        rows = packed[at : at + step] if order is None else packed[order[at : at + step]]
        into[at : at + step] = numbers(kind.name, rows)


def numbers(kind: str, packed: Packed) -> Tensor:
    """Packed rows (R, bytes) → numbers (R, K): float32, or the plain type they are stored in."""
    if kind in PLAIN:
        return torch.from_numpy(np.ascontiguousarray(packed)).view(PLAIN[kind])
    if kind == "Q4_0":
        return _q4_0(torch.from_numpy(np.ascontiguousarray(packed)))
    quants, kinds = _library()
    # Blocks know nothing of rows: as one long row they go through the library at once, not sixteen rows at a time.
    line = np.ascontiguousarray(packed).reshape(1, -1)
    with np.errstate(all="ignore"):  # a file may hold scales that are no numbers
        return torch.from_numpy(quants.dequantize(line, kinds[kind])).view(len(packed), -1)


def _q4_0(packed: Tensor) -> Tensor:
    """As the library does it, in a quarter of its time."""
    blocks = packed.view(-1, 18)
    scale, codes = blocks[:, :2].contiguous().view(torch.float16).float(), blocks[:, 2:]  # (M, 1), (M, 16)
    found = torch.empty(len(blocks), 32, dtype=torch.int8)
    found[:, :16], found[:, 16:] = codes & 15, codes >> 4
    return (found.sub_(8) * scale).view(len(packed), -1)


def pack(name: str, kind: str, rows: Tensor) -> Iterator[memoryview]:
    """The bytes of rows (R, K) in a type of WRITABLE, some rows at a time.

    Raises InputError naming the tensor where a number is too large for the type, or none where blocks need one.
    """
    step = max(1, CHUNK // max(1, rows.shape[1]))
    for at in range(0, len(rows), step):
        some = rows[at : at + step].detach()
        _check_range(name, kind, some)
        yield _packed(kind, some).data


def _packed(kind: str, rows: Tensor) -> Packed:
    if kind in PLAIN:
        return rows.to(PLAIN[kind]).contiguous().view(-1).view(torch.uint8).numpy()
    quants, kinds = _library()
    with np.errstate(all="ignore"):  # the scale of a row of tiny numbers has no inverse
        return quants.quantize(rows.float().reshape(1, -1).numpy(), kinds[kind]).reshape(-1)


def _check_range(name: str, kind: str, rows: Tensor) -> None:
    limit = LARGEST.get(kind)
    if limit is None or not rows.numel():
        return
    largest = rows.abs().max().item()  # no number where one of them is none
    if largest > limit or (largest != largest and kind not in PLAIN):
        raise InputError(
            f"The tensor {name} holds {largest:g}, which {kind.lower()} cannot hold.",
            value=largest,
            limit=limit,
            remedy="Export as f32 or bf16, which hold every number of the model.",
        )


def _library() -> tuple[Any, Any]:
    """The reference library's arithmetic and its types by name."""
    from gguf import GGMLQuantizationType, quants

    return quants, GGMLQuantizationType.__members__
