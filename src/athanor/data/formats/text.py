"""Plain text: one document, or parts of it where it is long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.parts import documents

SUFFIXES = (".txt", ".text")


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """The text in parts."""
    return documents(CharacterStream(stream), limits)
