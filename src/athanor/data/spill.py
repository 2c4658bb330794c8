"""Rows put aside on disk in order, read again by number or from first to last: memory stays bounded, order stays."""

from __future__ import annotations

import array
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec


class Spill:
    """A file of msgpack records of one struct type, removed when the block ends."""

    def __init__(self, path: Path, kind: type) -> None:
        self._path = path
        self._file = path.open("w+b", buffering=1 << 20)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._offsets = array.array("Q", [0])
        self._written = True

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def add(self, record: Any) -> int:
        """Put a record at the end; its number."""
        data = self._encode(record)
        if not self._written:
            self._file.seek(0, 2)
            self._written = True
        self._file.write(data)
        self._offsets.append(self._offsets[-1] + len(data))
        return len(self._offsets) - 2

    def __getitem__(self, number: int) -> Any:
        start, end = self._offsets[number], self._offsets[number + 1]
        self._file.seek(start)  # writes what is buffered
        self._written = False
        return self._decoder.decode(self._file.read(end - start))

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self)):
            yield self[number]
