"""GGUF headers come from strangers: each lie is an InputError naming the file, within a second and without memory.

Also: what the reference library writes is read as it reads it, and what we write is what it reads. The fuzz prints its
failing example, which hypothesis replays by itself. Run: pytest tests/specs/test_gguf_header.py
"""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError
from athanor.specs.gguf import KINDS, MAX_HEADER_BYTES, MOST_ITEMS, read_floats, read_header
from athanor.specs.gguf_write import Slot, write_gguf

SECONDS, BYTES = 1.0, 50 << 20
FEW = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def text(word: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(word) if length is None else length) + word


def key(name: bytes, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def tensor(name: bytes = b"a", sides: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0, dimensions=None) -> bytes:
    count = len(sides) if dimensions is None else dimensions
    return text(name) + struct.pack(f"<I{len(sides)}QIQ", count, *sides, kind, offset)


def container(keys=(), tensors=(), data: int = 0, version: int = 3, claimed: tuple[int, int] | None = None) -> bytes:
    """claimed: the numbers of tensors and keys that it says it has."""
    head = b"GGUF" + struct.pack("<IQQ", version, *(claimed or (len(tensors), len(keys))))
    head += b"".join(keys) + b"".join(tensors)
    return head + b"\0" * (-len(head) % 32) + b"\0" * data


def array(kind: int, number: int, items: bytes = b"", name: bytes = b"k") -> bytes:
    return key(name, 9, struct.pack("<IQ", kind, number) + items)


GOOD = container(
    [key(b"a.b", 8, text(b"hi")), key(b"n", 4, b"\1\0\0\0")], [tensor(), tensor(b"b", (32, 2), 8, 32)], 128
)
BROKEN = {
    "empty": b"",
    "magic alone": b"GGUF",
    "another magic": b"GGML" + GOOD[4:],
    "cut in the counts": GOOD[:20],
    "cut in the keys": GOOD[:40],
    "cut in the tensors": GOOD[:100],
    "cut in the data": GOOD[:-40],
    "a tail": GOOD + b"\0" * 33,
    "version 1": container(version=1),
    "version 99": container(version=99),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "2^60 tensors": container(claimed=(2**60, 0)),
    "2^62 keys": container(claimed=(0, 2**62)),
    "70 000 keys": container([key(b"%d" % at, 0, b"\0") for at in range(70_000)]),
    "a key of 2^63": container([text(b"", 2**63)]) + b"\0" * 64,
    "a key of 2^64 - 1": container([text(b"", 2**64 - 1)]) + b"\0" * 64,
    "a key no text": container([key(b"\xff\xfe", 0, b"\0")]),
    "a string of 2^40": container([key(b"k", 8, text(b"", 2**40))]) + b"\0" * 64,
    "a string no text": container([key(b"k", 8, text(b"\xc3\x28"))]),
    "an unknown type": container([key(b"k", 13, b"\0" * 8)]),
    "a truth of 2": container([key(b"k", 7, b"\2")]),
    "truths of 2": container([array(7, 2, b"\1\2")]),
    "a key twice": container([key(b"k", 0, b"\0"), key(b"k", 0, b"\1")]),
    "an array of 2^61 numbers": container([array(4, 2**61)]) + b"\0" * 64,
    "an array of 2^64 - 1 strings": container([array(8, 2**64 - 1)]) + b"\0" * 64,
    "too many items": container([array(0, MOST_ITEMS + 1, bytes(MOST_ITEMS + 1))]),
    "too many items together": container([array(0, MOST_ITEMS, bytes(MOST_ITEMS)), array(0, 1, b"\0", b"x")]),
    "a string of an array past the end": container([array(8, 2, text(b"a") + text(b"", 2**50))]) + b"\0" * 64,
    "strings no text": container([array(8, 1, text(b"\xff"))]),
    "an array of arrays": container([array(9, 1, struct.pack("<IQ", 4, 0))]),
    "an array of the unknown": container([array(99, 1, b"\0" * 8)]),
    "alignment 0": container([key(b"general.alignment", 4, b"\0\0\0\0")], [tensor()], 16),
    "alignment 24": container([key(b"general.alignment", 4, b"\x18\0\0\0")], [tensor()], 16),
    "alignment 2^31": container([key(b"general.alignment", 4, b"\0\0\0\x80")], [tensor()], 16),
    "alignment text": container([key(b"general.alignment", 8, text(b"32"))], [tensor()], 16),
    "no dimensions": container([], [tensor(sides=())], 16),
    "five dimensions": container([], [tensor(sides=(1,) * 5)], 16),
    "2^31 dimensions": container([], [tensor(dimensions=2**31)], 16),
    "a side of 0": container([], [tensor(sides=(4, 0))], 16),
    "a side of 2^63": container([], [tensor(sides=(2**63,))], 16),
    "sides whose product wraps to 4": container([], [tensor(sides=(2**33, 2**31, 1, 4))], 16),
    "type 77": container([], [tensor(kind=77)], 16),
    "a type taken out": container([], [tensor(kind=4, sides=(32,))], 16),
    "rows that are no blocks": container([], [tensor(sides=(33, 2), kind=8)], 96),
    "an offset of 2^50": container([], [tensor(offset=2**50)], 16),
    "an offset of 2^64 - 32": container([], [tensor(offset=2**64 - 32)], 16),
    "an offset unaligned": container([], [tensor(offset=8)], 64),
    "overlap": container([], [tensor(), tensor(b"b", (16,))], 64),
    "hole": container([], [tensor(), tensor(b"b", offset=64)], 96),
    "a tensor twice": container([], [tensor(), tensor(offset=32)], 64),
    "a tensor of 2^40": container([], [tensor(sides=(2**40,))], 16),
}  # fmt: skip


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_broken(tmp_path, raw):
    path = tmp_path / "model.gguf"
    path.write_bytes(raw)
    began = time.monotonic()
    with pytest.raises(InputError) as caught:
        read_header(path)
    assert time.monotonic() - began < SECONDS
    tracemalloc.start()  # a run of its own: tracing makes it many times slower
    try:
        with pytest.raises(InputError):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    assert "model.gguf" in str(caught.value) and caught.value.remedy and len(str(caught.value)) < 1000


NAMED = {"type 77": "77", "big-endian": "big-endian", "version 99": "99", "another magic": "GGML"}


@pytest.mark.parametrize("fault", NAMED)
def test_the_fault_is_named(tmp_path, fault):
    path = tmp_path / "model.gguf"
    path.write_bytes(BROKEN[fault])
    with pytest.raises(InputError, match=NAMED[fault]):
        read_header(path)


def test_a_header_without_end_is_not_read(tmp_path):
    """A file of true size whose one string after the other goes on: it stops at the limit of a header."""
    path = tmp_path / "model.gguf"
    piece = 16 << 20
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 9))
        for at in range(9):
            file.write(key(b"%d" % at, 8, struct.pack("<Q", piece)))
            file.seek(piece, 1)
        file.truncate()
    with pytest.raises(InputError, match=str(MAX_HEADER_BYTES)):
        read_header(path)


def test_a_string_as_long_as_the_file_is_not_read(tmp_path):
    """Also as an item of an array, whose strings have no limit of their own."""
    path = tmp_path / "model.gguf"
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    for value in (array(8, 1, text(b"", 1 << 28)), key(b"k", 8, text(b"", 1 << 28))):
        path.write_bytes(head + value)
        os.truncate(path, len(head + value) + (1 << 28))
        tracemalloc.start()
        try:
            with pytest.raises(InputError, match=str(1 << 28)):
                read_header(path)
            assert tracemalloc.get_traced_memory()[1] < BYTES
        finally:
            tracemalloc.stop()


def test_good(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(GOOD)
    header = read_header(path)
    assert header.metadata == {"a.b": "hi", "n": 1}
    begin = len(GOOD) - 128
    assert [(e.name, e.kind.name, e.shape, e.start - begin, e.bytes) for e in header.tensors.values()] == [
        ("a", "F32", (4,), 0, 16),
        ("b", "Q8_0", (2, 32), 32, 68),
    ]
    assert read_floats(header, "a", 4) == [0.0] * 4
    for name, most in (("a", 3), ("b", 100)):
        with pytest.raises(InputError, match=f"model.gguf.*{name} has"):
            read_floats(header, name, most)


def consistent(path: Path) -> None:
    """The header is refused, or its tensors lie apart and inside the file."""
    try:
        header = read_header(path)
    except InputError as error:
        assert path.name in str(error)
        return
    at = 24
    for entry in header.tensors.values():
        assert entry.bytes == np.prod(entry.shape, dtype=object) // entry.kind.items * entry.kind.bytes
        assert at <= entry.start
        at = entry.start + entry.bytes
    assert at <= path.stat().st_size


@FEW
@given(at=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255))
def test_any_flipped_byte(tmp_path, at, value):
    path = tmp_path / "model.gguf"
    path.write_bytes(GOOD[:at] + bytes([value]) + GOOD[at + 1 :])
    consistent(path)


@pytest.mark.parametrize("end", range(0, len(GOOD), 3))
def test_any_cut(tmp_path, end):
    path = tmp_path / "model.gguf"
    path.write_bytes(GOOD[:end])
    if end < len(GOOD) - 28:  # the padding of the last tensor may lack
        with pytest.raises(InputError, match=r"model\.gguf"):
            read_header(path)


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1), st.floats(width=32, allow_nan=False), st.binary(max_size=9),
    st.lists(st.booleans(), min_size=1, max_size=4),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), min_size=1, max_size=4),
    st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=1, max_size=4),
    st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=4),
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=4),
)  # fmt: skip
NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=6)

SHAPES = st.dictionaries(NAMES, st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=4)


def plain(value):
    return list(value) if isinstance(value, bytes) else value


@FEW
@given(metadata=st.dictionaries(NAMES.map("k.{}".format), VALUES, max_size=5), shapes=SHAPES)
def test_what_we_write_the_reference_library_reads(tmp_path, metadata, shapes):
    path = tmp_path / "ours.gguf"
    arrays = {name: np.random.default_rng(1).standard_normal(shape).astype("<f4") for name, shape in shapes.items()}
    slots = [Slot(name, "F32", array.shape) for name, array in arrays.items()]
    write_gguf(path, metadata, slots, ([array.tobytes()] for array in arrays.values()))
    reader, header = gguf.GGUFReader(path), read_header(path)
    assert dict(header.metadata) == {name: plain(value) for name, value in metadata.items()}
    for name, value in metadata.items():
        field = reader.fields[name]
        if value != b"":
            assert field.contents() == plain(value), name
    for item in reader.tensors:
        assert np.array_equal(item.data, arrays[item.name])
        assert header.tensors[item.name].start == item.data_offset
        assert header.tensors[item.name].shape == tuple(reversed(item.shape.tolist())) == arrays[item.name].shape


@pytest.mark.parametrize("alignment", [32, 8, 256])
def test_what_the_reference_library_writes(tmp_path, alignment):
    path = tmp_path / "theirs.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(alignment)
    writer.add_string("general.name", "ships · 船")
    writer.add_array("tokenizer.ggml.tokens", ["a", "Ġb", "船"])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.0])
    writer.add_float64("x.y", 0.1)
    writer.add_int64("x.z", -(1 << 40))
    writer.add_bool("x.t", True)
    arrays = {"a": np.ones((3, 5), np.float32), "b": np.arange(7, dtype=np.float16), "c": np.zeros((2, 64), np.float32)}
    for name, values in arrays.items():
        kind = gguf.GGMLQuantizationType.Q8_0 if name == "c" else None
        writer.add_tensor(name, values if kind is None else gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header, reader = read_header(path), gguf.GGUFReader(path)
    assert header.metadata == {
        name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")
    }
    assert [entry.start for entry in header.tensors.values()] == [item.data_offset for item in reader.tensors]
    assert [entry.shape for entry in header.tensors.values()] == [(3, 5), (7,), (2, 64)]
    assert [entry.kind.name for entry in header.tensors.values()] == ["F32", "F16", "Q8_0"]


def test_block_sizes_are_the_reference_librarys():
    for number, kind in KINDS.items():
        theirs = gguf.GGMLQuantizationType(number)
        assert (kind.name, kind.items, kind.bytes) == (theirs.name, *gguf.GGML_QUANT_SIZES[theirs])


@pytest.mark.parametrize("value", [None, [1, "a"], [None], 1 << 64, {"a": 1}, [[1]], [1 << 63, -1]])
def test_a_value_that_has_no_type(tmp_path, value):
    with pytest.raises(InputError, match=r"The metadata x\.y holds"):
        write_gguf(tmp_path / "x.gguf", {"x.y": value}, [], [])
    assert not list(tmp_path.iterdir())
