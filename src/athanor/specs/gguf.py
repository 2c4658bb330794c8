"""The GGUF container's header, read without torch and checked before anything is allocated.

Layout (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), all little-endian: magic, version, number of
tensors, number of keys; the keys with typed values; for each tensor its name, dimensions (the fastest first), type and
offset; padding; the tensors' bytes, each padded to the alignment. A header comes from strangers: every count and length
is held against what is left of the file, and the tensors must cover the rest of it without overlap or hole, as
llama.cpp writes them. Left out on purpose: version 1, whose counts were narrower, big-endian files, arrays of arrays.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from athanor.core.errors import InputError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT = 32
"""Where a file names none."""
MOST_ALIGNMENT = 1 << 16
MAX_HEADER_BYTES = 48_000_000  # the largest vocabularies with their merges take 15 MB
MOST_ITEMS = 2_000_000  # of all arrays together; 262,144 tokens with scores, types and merges are 1.3 million
MOST_KEYS = MOST_TENSORS = 1 << 16
MOST_NAME_BYTES = 1 << 16
MOST_STRING_BYTES = 1 << 24
MOST_DIMENSIONS = 4


class Kind(NamedTuple):
    """How a tensor's numbers are stored: blocks of so many `items` in so many `bytes`."""

    name: str
    items: int
    bytes: int


# https://github.com/ggml-org/ggml/blob/master/include/ggml.h (ggml_type), block sizes from ggml-common.h
KINDS = {
    0: Kind("F32", 1, 4), 1: Kind("F16", 1, 2), 2: Kind("Q4_0", 32, 18), 3: Kind("Q4_1", 32, 20),
    6: Kind("Q5_0", 32, 22), 7: Kind("Q5_1", 32, 24), 8: Kind("Q8_0", 32, 34), 9: Kind("Q8_1", 32, 40),
    10: Kind("Q2_K", 256, 84), 11: Kind("Q3_K", 256, 110), 12: Kind("Q4_K", 256, 144), 13: Kind("Q5_K", 256, 176),
    14: Kind("Q6_K", 256, 210), 15: Kind("Q8_K", 256, 292), 16: Kind("IQ2_XXS", 256, 66), 17: Kind("IQ2_XS", 256, 74),
    18: Kind("IQ3_XXS", 256, 98), 19: Kind("IQ1_S", 256, 50), 20: Kind("IQ4_NL", 32, 18), 21: Kind("IQ3_S", 256, 110),
    22: Kind("IQ2_S", 256, 82), 23: Kind("IQ4_XS", 256, 136), 24: Kind("I8", 1, 1), 25: Kind("I16", 1, 2),
    26: Kind("I32", 1, 4), 27: Kind("I64", 1, 8), 28: Kind("F64", 1, 8), 29: Kind("IQ1_M", 256, 56),
    30: Kind("BF16", 1, 2), 34: Kind("TQ1_0", 256, 54), 35: Kind("TQ2_0", 256, 66), 39: Kind("MXFP4", 32, 17),
}  # fmt: skip
NUMBERS = {kind.name: number for number, kind in KINDS.items()}

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Types of metadata values by their numbers, as `struct` spells them."""
STRING, ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Entry:
    """One tensor of a file: where its bytes lie."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    """As torch has it: the fastest dimension last."""
    start: int
    """Offset of its first byte from the beginning of the file."""
    bytes: int


@dataclass(frozen=True)
class Header:
    """What a GGUF file says before its tensors' bytes."""

    path: Path
    metadata: Mapping[str, Any]
    """Numbers, truths, strings and lists of these by key."""
    tensors: Mapping[str, Entry]
    """By name, in the order of their bytes."""


def read_header(path: Path) -> Header:
    """The metadata and tensors of a file. Raises InputError naming the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(24)
        tensors, keys = _counts(path, head, size)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            cursor = _Cursor(path, data, 24)
            metadata = _metadata(cursor, keys)
            entries = [_entry(cursor) for _ in range(cursor.count(tensors, 33, MOST_TENSORS, "tensors"))]
    align = _alignment(path, metadata)
    begin = _padded(cursor.at, align)
    entries = sorted((_placed(entry, begin) for entry in entries), key=lambda entry: (entry.start, entry.bytes))
    _check_places(path, entries, begin, align, size)
    if len({entry.name for entry in entries}) != len(entries):
        raise _broken(path, "a tensor stands in it twice")
    return Header(path, metadata, {entry.name: entry for entry in entries})


def read_floats(header: Header, name: str, most: int) -> list[float]:
    """The numbers of a small F32 tensor. Raises InputError where it is another or longer than `most`."""
    entry = header.tensors[name]
    if entry.kind.name != "F32" or entry.bytes > 4 * most:
        raise _broken(header.path, f"{name} has {entry.bytes} bytes of {entry.kind.name}; at most {most} F32 are read")
    return np.fromfile(header.path, "<f4", entry.bytes // 4, offset=entry.start).tolist()


def _counts(path: Path, head: bytes, size: int) -> tuple[int, int]:
    """The numbers of tensors and of keys."""
    if head[:4] != MAGIC:
        raise _broken(path, f"it begins with {head[:4]!r} instead of {MAGIC!r}")
    if len(head) < 24:
        raise _broken(path, f"it has {size} bytes; the header alone needs 24")
    version, tensors, keys = struct.unpack_from("<IQQ", head, 4)
    if version not in VERSIONS:
        turned = int.from_bytes(head[4:8], "big")
        if turned in VERSIONS:
            raise _broken(
                path, f"it is big-endian (version {turned} with its bytes turned); only little-endian is read"
            )
        raise _broken(path, f"its version is {version}; versions {VERSIONS[0]} and {VERSIONS[1]} are read")
    return tensors, keys


class _Cursor:
    """Reads one value after the other and never past the end."""

    def __init__(self, path: Path, data: mmap.mmap, at: int) -> None:
        self.path, self.data, self.at = path, data, at
        self.end = min(len(data), MAX_HEADER_BYTES)
        self.items = MOST_ITEMS

    def take(self, bytes: int) -> int:
        """Where the next `bytes` begin; steps over them."""
        at = self.at
        if bytes > self.end - at:
            where = f"the file ends at {self.end}" if self.end == len(self.data) else f"{self.end} are read of a header"
            raise _broken(self.path, f"its header claims {bytes} bytes from byte {at} on, but {where} (truncated?)")
        self.at = at + bytes
        return at

    def number(self, letter: str) -> Any:
        """A scalar."""
        at = self.take(struct.calcsize("<" + letter))
        if letter == "?" and self.data[at] > 1:
            raise _broken(self.path, f"the truth at byte {at} is {self.data[at]}")
        return struct.unpack_from("<" + letter, self.data, at)[0]

    def text(self, most: int) -> str:
        """A string of at most so many bytes."""
        length = self.number("Q")
        if length > most:
            raise _broken(self.path, f"a string at byte {self.at} claims {length} bytes; {most} are read")
        at = self.take(length)
        try:
            return str(self.data[at : at + length], "utf-8")
        except UnicodeDecodeError:
            raise _broken(self.path, f"the string at byte {at} is no UTF-8") from None

    def count(self, number: int, least: int, most: int, what: str) -> int:
        """A number of things of at least so many bytes each, held against the rest of the file."""
        if number > min(most, (self.end - self.at) // least):
            left = self.end - self.at
            raise _broken(self.path, f"it claims {number} {what}; {left} bytes are left, and at most {most} are read")
        return number

    def array(self) -> list[Any]:
        """A list of scalars or strings."""
        kind, number = self.number("I"), self.number("Q")
        if kind not in SCALARS and kind != STRING:
            raise _broken(
                self.path, f"an array at byte {self.at} is of type {kind}; arrays of scalars and strings are read"
            )
        letter = SCALARS.get(kind, "Q")  # a string's length, which it has at least
        self.items -= self.count(number, struct.calcsize("<" + letter), self.items, "items of an array")
        return self.texts(number) if kind == STRING else self.numbers(letter, number)

    def numbers(self, letter: str, number: int) -> list[Any]:
        at = self.take(number * struct.calcsize("<" + letter))
        found = np.frombuffer(self.data[at : self.at], np.dtype("u1" if letter == "?" else letter).newbyteorder("<"))
        if letter != "?":
            return found.tolist()
        if number and found.max() > 1:
            raise _broken(self.path, f"the array at byte {at} holds a truth of {found.max()}")
        return found.astype(bool).tolist()

    def texts(self, number: int) -> list[str]:
        """As `text` for each, without its checks' cost: vocabularies have hundreds of thousands."""
        data, at, end, found = self.data, self.at, self.end, []
        try:
            for _ in range(number):
                begin = at + 8
                at = begin + _LENGTH.unpack_from(data, at)[0]
                if at > end:
                    raise _broken(self.path, f"a string at byte {begin} claims {at - begin} bytes (truncated?)")
                found.append(str(data[begin:at], "utf-8"))
        except (struct.error, UnicodeDecodeError) as error:
            raise _broken(self.path, f"an array of strings is damaged near byte {at} ({error})"[:300]) from None
        self.at = at
        return found

    def value(self) -> Any:
        """A value of any type."""
        kind = self.number("I")
        if kind in SCALARS:
            return self.number(SCALARS[kind])
        if kind == STRING:
            return self.text(MOST_STRING_BYTES)
        if kind == ARRAY:
            return self.array()
        raise _broken(self.path, f"the value at byte {self.at} is of the unknown type {kind}")


def _metadata(cursor: _Cursor, keys: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(cursor.count(keys, 13, MOST_KEYS, "keys")):
        key = cursor.text(MOST_NAME_BYTES)
        if key in found:
            raise _broken(cursor.path, f"the key {key[:200]} stands in it twice")
        found[key] = cursor.value()
    return found


def _entry(cursor: _Cursor) -> Entry:
    """A tensor as the header has it; `start` counts from where the tensors begin."""
    name = cursor.text(MOST_NAME_BYTES)
    dimensions = cursor.number("I")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise _broken(cursor.path, f"{name[:200]} has {dimensions} dimensions; 1 to {MOST_DIMENSIONS} are read")
    shape = tuple(cursor.number("Q") for _ in range(dimensions))[::-1]
    number, offset = cursor.number("I"), cursor.number("Q")
    kind = KINDS.get(number)
    if kind is None:
        raise _broken(cursor.path, f"{name[:200]} is of the unknown type {number}")
    items = 1
    for side in shape:
        items *= side
    if not 0 < items < 1 << 63 or shape[-1] % kind.items:
        raise _broken(cursor.path, f"{name[:200]} has shape {list(shape)}, which blocks of {kind.items} cannot hold")
    return Entry(name, kind, shape, offset, items // kind.items * kind.bytes)


def _alignment(path: Path, metadata: Mapping[str, Any]) -> int:
    align = metadata.get("general.alignment", ALIGNMENT)
    if type(align) is not int or not 1 <= align <= MOST_ALIGNMENT or align & (align - 1):
        raise _broken(path, f"its alignment is {str(align)[:200]}; a power of two up to {MOST_ALIGNMENT} is wanted")
    return align


def _placed(entry: Entry, begin: int) -> Entry:
    return Entry(entry.name, entry.kind, entry.shape, begin + entry.start, entry.bytes)


def _check_places(path: Path, entries: list[Entry], begin: int, align: int, size: int) -> None:
    """Every tensor begins where the one before ended, padded; the last may lack its padding."""
    at = end = begin
    for entry in entries:
        if entry.start + entry.bytes > size:
            last = entry.start + entry.bytes
            raise _broken(path, f"{entry.name[:200]} ends at byte {last}, the file at {size} (truncated?)")
    for entry in entries:
        if entry.start != at:
            raise _broken(path, f"{entry.name[:200]} begins at byte {entry.start} instead of {at} (overlap or hole)")
        end = at + entry.bytes
        at = _padded(end, align)
    if entries and size > at:
        raise _broken(path, f"its tensors end at byte {end}, the file at {size} (a tail)")


def _padded(at: int, align: int) -> int:
    return at + -at % align


def _broken(path: Path, why: str) -> InputError:
    return InputError(
        f"The GGUF file {path.name} cannot be read: {why}.",
        value=str(path),
        remedy="Copy or download it again, or convert the model anew with a current llama.cpp.",
    )
