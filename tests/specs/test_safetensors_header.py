"""Headers come from strangers: each lie is an InputError naming the file, within a second and without memory.

Also: what we write is what the reference library reads, and the reverse. The fuzz prints its failing example, which
hypothesis replays by itself. Run: pytest tests/specs/test_safetensors_header.py
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from athanor.core.errors import InputError
from athanor.specs.safetensors import ITEM_BYTES, MAX_HEADER_BYTES, read_header, write

SECONDS, BYTES = 1.0, 50 << 20


def container(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(shape=(2,), offsets=(0, 8), dtype: object = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def refused(path: Path, raw: bytes) -> InputError:
    """The error for these bytes; fails where it is slow, large, or of another kind."""
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
    assert path.name in str(caught.value) and caught.value.remedy
    return caught.value


BROKEN = {
    "empty": b"",
    "seven bytes": b"\0" * 7,
    "header longer than the file": container({}, length=100),
    "header of 2^63": container({}, length=2**63),
    "header over the limit": container({}, length=MAX_HEADER_BYTES + 1),
    "no JSON": container(b"{]"),
    "no text": container(b"\xff\xff\xff\xff\xff"),
    "a list": container([]),
    "deep": container(b"[" * 200_000),
    "deep inside": container(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a number of 5000 digits": container(b'{"a":' + b"9" * 5000 + b"}"),
    "offsets of 4300 digits": container(
        b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[' + b"9" * 4300 + b"," + b"9" * 4300 + b"]}}"
    ),
    "file longer": container({"a": entry()}, b"\0" * 9),
    "file shorter": container({"a": entry()}, b"\0" * 7),
    "overlap": container({"a": entry(), "b": entry(offsets=(4, 12))}, b"\0" * 12),
    "same place": container({"a": entry(), "b": entry()}, b"\0" * 8),
    "hole": container({"a": entry(), "b": entry(offsets=(12, 20))}, b"\0" * 20),
    "hole at the start": container({"a": entry(offsets=(4, 12))}, b"\0" * 12),
    "reversed": container({"a": entry(offsets=(8, 0))}, b"\0" * 8),
    "negative": container({"a": entry(offsets=(-8, 0))}, b"\0" * 8),
    "dimension of 2^63": container({"a": entry(shape=(2**63,))}, b"\0" * 8),
    "dimensions whose product wraps to 8": container({"a": entry(shape=(2**32, 2**32, 2), dtype="U8")}, b"\0" * 8),
    "negative dimensions": container({"a": entry(shape=(-1, -2))}, b"\0" * 8),
    "nine dimensions": container({"a": entry(shape=(1,) * 8 + (2,))}, b"\0" * 8),
    "200 000 dimensions": container({"a": entry(shape=(1,) * 200_000)}, b"\0" * 4),
    "wrong size": container({"a": entry(shape=(3,))}, b"\0" * 8),
    "unknown type": container({"a": entry(dtype="F3")}, b"\0" * 8),
    "type a list": container({"a": entry(dtype=["F32"])}, b"\0" * 8),
    "type a table": container({"a": entry(dtype={})}, b"\0" * 8),
    "type null": container({"a": entry(dtype=None)}, b"\0" * 8),
    "shape a table": container({"a": entry(shape={})}, b"\0" * 8),
    "shape text": container({"a": entry(shape="22")}, b"\0" * 8),
    "shape of fractions": container({"a": entry(shape=(2.0,))}, b"\0" * 8),
    "shape of truths": container({"a": entry(shape=(True, 2))}, b"\0" * 8),
    "shape null": container({"a": entry(shape=None)}, b"\0" * 8),
    "three offsets": container({"a": entry(offsets=(0, 4, 8))}, b"\0" * 8),
    "offsets text": container({"a": entry(offsets="08")}, b"\0" * 8),
    "offsets missing": container({"a": {"dtype": "F32", "shape": [2]}}, b"\0" * 8),
    "entry a number": container({"a": 3}),
    "entry text": container({"a": "dtype shape"}),
    "entry a list": container({"a": [1, 2, 3]}),
    "duplicate tensor": container(
        b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}", b"\0" * 8
    ),
    "duplicate inside": container(b'{"a":{"dtype":"F32","dtype":"U8","shape":[2],"data_offsets":[0,8]}}', b"\0" * 8),
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_broken(tmp_path, raw):
    refused(tmp_path / "weights.safetensors", raw)


def test_a_message_stays_readable(tmp_path):
    """A hostile header does not decide how much is printed."""
    assert len(str(refused(tmp_path / "w.safetensors", BROKEN["200 000 dimensions"]))) < 2000
    long_name = container({"n" * 1_000_000: entry(dtype="F3")}, b"\0" * 8)
    assert len(str(refused(tmp_path / "w.safetensors", long_name))) < 2000


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NEAR = st.integers(0, 40) | st.integers(-(2**65), 2**65)
ENTRY = st.fixed_dictionaries(
    {"dtype": st.sampled_from([*ITEM_BYTES, "X"]) | ANY, "shape": st.lists(NEAR, max_size=4) | ANY},
    optional={"data_offsets": st.lists(NEAR, min_size=2, max_size=2) | ANY},
)


@settings(max_examples=300, deadline=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.dictionaries(st.text(max_size=4), ENTRY | ANY, max_size=4), size=st.integers(0, 60))
def test_any_header_is_refused_or_covers_the_file(tmp_path, header, size):
    path = tmp_path / "w.safetensors"
    raw = container(json.dumps(header).encode(), b"\0" * size)
    path.write_bytes(raw)
    try:
        found = read_header(path)
    except InputError:
        return
    assert sum(item.bytes for item in found.values()) == size
    for item in found.values():
        assert item.bytes == ITEM_BYTES[item.dtype] * int(np.prod(item.shape, dtype=object))
        assert len(raw) - size <= item.start and item.start + item.bytes <= len(raw)


@settings(max_examples=200, deadline=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 130), value=st.integers(0, 255))
def test_any_flipped_byte_of_the_header(tmp_path, at, value):
    raw = bytearray(container({"abc": entry(), "d": entry(shape=[3], offsets=[8, 11], dtype="U8")}, b"\0" * 11))
    raw[at % len(raw)] = value
    path = tmp_path / "w.safetensors"
    path.write_bytes(raw)
    with contextlib.suppress(InputError):
        assert sum(item.bytes for item in read_header(path).values()) == 11


ARRAYS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda k: k != "__metadata__"),
    st.lists(st.integers(0, 4), max_size=3),
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes=ARRAYS, kind=st.sampled_from([("F32", np.float32), ("I64", np.int64), ("U8", np.uint8)]))
def test_both_ways_with_the_reference_library(tmp_path, shapes, kind):
    name, dtype = kind
    arrays = {key: np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape) for key, shape in shapes.items()}
    ours = io.BytesIO()
    write(ours, [(key, name, array.shape) for key, array in arrays.items()], (a.tobytes() for a in arrays.values()))
    path = tmp_path / "ours.safetensors"
    path.write_bytes(ours.getvalue())
    read = load_file(path)
    assert read.keys() == arrays.keys()
    assert all(np.array_equal(read[key], arrays[key]) and read[key].dtype == dtype for key in arrays)
    assert (len(ours.getvalue()) - sum(a.nbytes for a in arrays.values())) % 8 == 0  # data begins aligned

    if arrays:
        other = tmp_path / "theirs.safetensors"
        save_file(arrays, other)
        raw = other.read_bytes()
        for key, item in read_header(other).items():
            assert item.shape == arrays[key].shape
            assert raw[item.start : item.start + item.bytes] == arrays[key].tobytes()


def test_a_header_of_millions_of_bytes_is_not_parsed(tmp_path):
    path = tmp_path / "wide.safetensors"
    header = b'{"__metadata__":[' + b"[]," * 2_000_000 + b"1]}"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(InputError, match=f"claims {len(header)} bytes"):
        read_header(path)
