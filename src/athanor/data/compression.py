"""Reading `.gz` and `.xz` in bounded memory, with a stop for bombs.

Own loops over zlib and lzma objects rather than GzipFile and LZMAFile, because only these take a limit on memory
(an .xz may ask for a 4 GiB dictionary) and on what one call may return.
"""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from athanor.data.documents import Limits, Unusable

SUFFIXES = (".gz", ".xz")
CHUNK = 1 << 18
LZMA_MEMORY = 256 << 20  # bytes; `xz -9` needs 65 MiB to decompress


def open_source(path: Path, limits: Limits) -> BinaryIO:
    """The file's bytes, decompressed when its name says so. Raises Unusable here or while reading."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise Unusable("unreadable") from error
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        return file
    return io.BufferedReader(_Stream(file, _inflated(file, suffix, limits)), CHUNK)


class _Stream(io.RawIOBase):
    """An iterator of byte pieces as a raw stream."""

    def __init__(self, file: BinaryIO, pieces: Iterator[bytes]) -> None:
        self._file = file
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class _Gzip:
    """zlib's object with lzma's names."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, size: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, size)

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data


def _decompressor(suffix: str) -> Any:
    return _Gzip() if suffix == ".gz" else lzma.LZMADecompressor(memlimit=LZMA_MEMORY)


def _inflated(file: BinaryIO, suffix: str, limits: Limits) -> Iterator[bytes]:
    read = written = 0
    work, pending, began = _decompressor(suffix), b"", False
    while True:
        if work.eof:  # files may hold several streams one after another, padded with zeros
            pending = (pending or work.unused_data).lstrip(b"\0")
            work, began = _decompressor(suffix), False
        data = b""
        if work.needs_input:
            data, pending = (pending, b"") if pending else (_read(file), b"")
            read += len(data)
            if not data and not began:
                return
            if not began and not data.strip(b"\0"):
                continue
        began = True
        try:
            piece = work.decompress(data, CHUNK)
        except (zlib.error, lzma.LZMAError, EOFError) as error:
            raise Unusable("unreadable") from error
        if not data and not piece and work.needs_input and not work.eof:
            raise Unusable("unreadable")  # it ends in the middle
        written += len(piece)
        if written > limits.decompressed_bytes:
            raise Unusable("too_large")
        if written > limits.ratio_after and written > read * limits.ratio:
            raise Unusable("bomb")
        if piece:
            yield piece


def _read(file: BinaryIO) -> bytes:
    try:
        return file.read(CHUNK)
    except OSError as error:
        raise Unusable("unreadable") from error
