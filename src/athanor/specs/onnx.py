"""How many numbers an ONNX file has learned: its initializers, counted without a library (onnx/onnx onnx.proto)."""

from __future__ import annotations

import math
from pathlib import Path

from athanor.core.errors import InputError
from athanor.core.protobuf import fields, varint

GRAPH, INITIALIZER, DIMS = 7, 5, 1  # ModelProto.graph, GraphProto.initializer, TensorProto.dims
MOST_BYTES = 2 << 30  # what a protocol buffer can hold


def onnx_parameters(path: Path) -> int:
    """Numbers in the initializers of the file's graph. Raises InputError naming it."""
    size = path.stat().st_size
    try:
        if size > MOST_BYTES:
            raise ValueError(f"it has {size} bytes")
        graphs = [value for number, value in fields(path.read_bytes()) if number == GRAPH and isinstance(value, bytes)]
        return sum(_items(value) for graph in graphs for number, value in fields(graph) if number == INITIALIZER)
    except ValueError as error:
        raise InputError(
            f"{path.name} is no whole ONNX file: {error}.",
            value=str(path),
            limit=MOST_BYTES,
            remedy="Copy or download it again.",
        ) from None


def _items(tensor: object) -> int:
    if not isinstance(tensor, bytes):
        raise ValueError("a tensor is none")
    sides: list[int] = []
    for number, value in fields(tensor):
        if number == DIMS and isinstance(value, int):
            sides.append(value)
        elif number == DIMS and isinstance(value, bytes):  # packed
            at = 0
            while at < len(value):
                side, at = varint(value, at)
                sides.append(side)
    return math.prod(sides)
