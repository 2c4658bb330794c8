"""The GGUF container, written by streaming: see `gguf` for the layout. Always version 3, little-endian."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from athanor.core.errors import InputError
from athanor.core.files import replacing
from athanor.specs.gguf import ALIGNMENT, ARRAY, KINDS, MAGIC, NUMBERS, SCALARS, STRING, VERSIONS

_TYPES = {letter: number for number, letter in SCALARS.items()}


class Slot(NamedTuple):
    """A tensor that is going to be written."""

    name: str
    kind: str
    """Its type by name, such as Q8_0."""
    shape: tuple[int, ...]
    """As torch has it."""

    @property
    def bytes(self) -> int:
        """What it takes without padding."""
        _, items, size = KINDS[NUMBERS[self.kind]]
        return math.prod(self.shape) // items * size


def write_gguf(
    path: Path, metadata: Mapping[str, Any], slots: Sequence[Slot], data: Iterable[Iterable[bytes | memoryview]]
) -> None:
    """Write a whole file or nothing: metadata, then for each slot its bytes, which come in chunks.

    metadata: values are str, bool, int, float (stored in 32 bits where it fits), bytes, or a list of one of these.
    """
    head = bytearray(MAGIC + struct.pack("<IQQ", VERSIONS[-1], len(slots), len(metadata)))
    for key, value in metadata.items():
        head += _text(key) + _value(key, value)
    at = 0
    for slot in slots:
        sides = slot.shape[::-1]
        head += _text(slot.name) + struct.pack(f"<I{len(sides)}QIQ", len(sides), *sides, NUMBERS[slot.kind], at)
        at += slot.bytes + _padding(slot.bytes)
    with replacing(path) as file:
        file.write(head + bytes(_padding(len(head))))
        for slot, chunks in zip(slots, data, strict=True):
            written = sum(file.write(chunk) for chunk in chunks)
            assert written == slot.bytes, (slot, written)
            file.write(bytes(_padding(written)))


def _padding(bytes: int) -> int:
    return -bytes % ALIGNMENT


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(key: str, value: Any) -> bytes:
    """A value behind its type."""
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _text(value)
    if isinstance(value, bytes):
        return struct.pack("<IIQ", ARRAY, _TYPES["B"], len(value)) + value
    if isinstance(value, list | tuple):
        return struct.pack("<I", ARRAY) + _array(key, value)
    letter = _letter(key, [value], "I")
    return struct.pack(f"<I{letter}", _TYPES[letter], value)


def _array(key: str, values: Sequence[Any]) -> bytes:
    if values and all(isinstance(value, str) for value in values):
        return struct.pack("<IQ", STRING, len(values)) + b"".join(map(_text, values))
    letter = _letter(key, values, "i")  # as the reference library stores lists of whole numbers
    return struct.pack(f"<IQ{len(values)}{letter}", _TYPES[letter], len(values), *values)


def _letter(key: str, values: Sequence[Any], first: str) -> str:
    """The narrowest type that holds every value, 32 bits at least."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "?"
    if kinds and kinds <= {float, int} and float in kinds:
        return "f"
    if kinds <= {int}:
        low, high = min(values, default=0), max(values, default=0)
        fitting = {"I": (0, 1 << 32), "i": (-1 << 31, 1 << 31), "Q": (0, 1 << 64), "q": (-1 << 63, 1 << 63)}
        for letter in (first, *fitting):
            if fitting[letter][0] <= low and high < fitting[letter][1]:
                return letter
    raise InputError(
        f"The metadata {key} holds {str(values)[:100]}, which GGUF cannot store.",
        value=key,
        limit="strings, truths, whole numbers of 64 bits, numbers, bytes, or a list of one of these",
        remedy="Leave it out or give it as a string.",
    )
