"""ONNX: the numbers in the initializers, from a file written by hand. Run: pytest tests/specs/test_onnx.py"""

from __future__ import annotations

import pytest

from athanor.core.errors import InputError
from athanor.specs.onnx import onnx_parameters


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def whole(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def part(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(*sides: int, packed: bool = False) -> bytes:
    """TensorProto: dims = 1, data_type = 2 (FLOAT is 1), name = 8, raw_data = 9."""
    dims = part(1, b"".join(map(varint, sides))) if packed else b"".join(whole(1, side) for side in sides)
    return dims + whole(2, 1) + part(8, b"w") + part(9, b"\0" * 8)


def model(*tensors: bytes) -> bytes:
    """ModelProto: ir_version = 1, producer_name = 2, graph = 7; GraphProto: node = 1, initializer = 5, input = 11."""
    graph = part(1, part(4, b"Conv")) + b"".join(part(5, its) for its in tensors) + part(11, part(1, b"x"))
    return whole(1, 8) + part(2, b"test") + part(7, graph)


@pytest.mark.parametrize(
    ("tensors", "numbers"),
    [
        ((), 0), ((tensor(),), 1), ((tensor(300),), 300), ((tensor(3, 4), tensor(2, 5, 7)), 82), ((tensor(3, 0),), 0),
        ((tensor(3, 400, packed=True), tensor(6)), 1206),
    ],
)  # fmt: skip
def test_numbers_of_all_initializers(tmp_path, tensors, numbers):
    (tmp_path / "m.onnx").write_bytes(model(*tensors))
    assert onnx_parameters(tmp_path / "m.onnx") == numbers


def test_cut_anywhere_it_is_refused_or_holds_nothing(tmp_path):
    data, path = model(tensor(3, 4)), tmp_path / "m.onnx"
    begin = data.index(varint(7 << 3 | 2))  # before the graph there is nothing to miss
    for end in range(begin + 1, len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(InputError, match=r"m\.onnx"):
            onnx_parameters(path)


@pytest.mark.parametrize(
    "data", [part(7, whole(5, 3)), b"\xff" * 20, b"\x3a\xff\xff\xff\xff\x0f", b"\x3b", model(part(1, b"\xff"))]
)
def test_what_is_no_such_file(tmp_path, data):
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(InputError, match=r"m\.onnx"):
        onnx_parameters(tmp_path / "m.onnx")
