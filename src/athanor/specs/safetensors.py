"""The safetensors container, read without torch and checked before anything is allocated; written by streaming.

Layout (https://github.com/huggingface/safetensors#format): 8 bytes little-endian header length, a JSON header
`{name: {dtype, shape, data_offsets}}`, then the bytes. A header comes from strangers: its size, every offset, every
product of dimensions is checked against the file's length first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from athanor.core.errors import InputError

ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
MAX_HEADER_BYTES = 4_000_000  # some 30,000 tensors in one file; more takes seconds to check
MOST_DIMENSIONS = 8
ALIGNMENT = 8


@dataclass(frozen=True)
class Entry:
    """One tensor of a file: where its bytes lie."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    """Offset of its first byte from the beginning of the file."""
    bytes: int

    @property
    def items(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)


def read_header(path: Path) -> dict[str, Entry]:
    """The tensors of a file by name, in the order of their bytes. Raises InputError naming the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if len(head) < 8:
            raise _broken(path, f"it has {size} bytes; the header alone needs 8")
        length = int.from_bytes(head, "little")
        if length > min(MAX_HEADER_BYTES, size - 8):
            raise _broken(path, f"its header claims {length} bytes of a file of {size}")
        raw = file.read(length)
    begin = 8 + length
    entries = [_entry(path, name, item, begin) for name, item in _parse(path, raw).items() if name != "__metadata__"]
    entries.sort(key=lambda entry: (entry.start, entry.bytes))
    at = begin
    for entry in entries:
        if entry.start != at:
            raise _broken(path, f"{entry.name[:200]} begins at byte {entry.start} instead of {at} (overlap or hole)")
        at += entry.bytes
    if at != size:
        raise _broken(path, f"its tensors end at byte {at}, the file at {size} (truncated or with a tail)")
    return {entry.name: entry for entry in entries}


def write(
    file: BinaryIO, tensors: Iterable[tuple[str, str, tuple[int, ...]]], chunks: Iterable[bytes | memoryview]
) -> None:
    """Write a container: the header for (name, dtype, shape) in order, then their bytes in the same order."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, dtype, shape in tensors:
        length = ITEM_BYTES[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + length]}
        at += length
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    file.write(len(text).to_bytes(8, "little") + text)
    for chunk in chunks:
        file.write(chunk)


def _parse(path: Path, raw: bytes) -> Mapping[str, Any]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            raise ValueError("a key stands twice")
        return found

    try:
        header = json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise _broken(path, f"its header is no JSON ({error})") from None
    if not isinstance(header, dict):
        raise _broken(path, "its header is no JSON object")
    return header


def _entry(path: Path, name: str, item: Any, begin: int) -> Entry:
    try:
        dtype, shape, (start, end) = item["dtype"], item["shape"], item["data_offsets"]
        whole = type(dtype) is str and type(shape) is list and len(shape) <= MOST_DIMENSIONS
        whole = whole and all(type(n) is int and 0 <= n < 1 << 63 for n in (*shape, start, end))
    except (TypeError, KeyError, ValueError):
        raise _broken(path, f"the entry of {name[:200]} is not of the form dtype, shape, data_offsets") from None
    if not whole or dtype not in ITEM_BYTES:
        found = f"dtype {dtype!r}, shape {shape!r}, offsets {[start, end]!r}"
        raise _broken(path, f"the entry of {name[:200]} has {found[:400]}")
    if end - start != ITEM_BYTES[dtype] * math.prod(shape):
        raise _broken(path, f"{name[:200]} of shape {shape} and type {dtype} cannot lie in {end - start} bytes")
    return Entry(name, dtype, tuple(shape), begin + start, end - start)


def _broken(path: Path, why: str) -> InputError:
    return InputError(
        f"The weights file {path.name} is broken: {why}.",
        value=str(path),
        remedy="Copy or download it again; `athanor store verify` tells whether the store itself is whole.",
    )
