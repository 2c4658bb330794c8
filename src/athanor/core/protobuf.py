"""The wire format of protocol buffers, one message at a time; every length is checked before it is used.

https://protobuf.dev/programming-guides/encoding. Left out: groups; what packed fields hold is for the caller to read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10


def fields(raw: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """The fields of a message in their order: (number, value). FIXED32 is a float, BYTES stays bytes.

    Raises ValueError with the place of what is broken.
    """
    at = 0
    while at < len(raw):
        key, at = varint(raw, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = varint(raw, at)
            yield number, value
            continue
        if wire == BYTES:
            size, at = varint(raw, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"field {number} at byte {at} has the unknown wire type {wire}")
        if size > len(raw) - at:
            raise ValueError(f"field {number} at byte {at} says {size} bytes, {len(raw) - at} are left")
        part = raw[at : at + size]
        at += size
        if wire == FIXED32:
            yield number, struct.unpack("<f", part)[0]
        elif wire == BYTES:
            yield number, part


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """(number, place behind it). Raises ValueError where it has no end."""
    value = 0
    for turn in range(LONGEST_VARINT):
        if at + turn >= len(raw):
            break
        byte = raw[at + turn]
        value |= (byte & 0x7F) << (7 * turn)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + turn + 1
    raise ValueError(f"the number at byte {at} has no end")
