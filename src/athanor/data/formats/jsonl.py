"""JSON Lines: a document a row, text or chat; a row that cannot be read is dropped and its siblings go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.lines import lines
from athanor.data.parts import with_repairs
from athanor.data.records import document

SUFFIXES = (".jsonl", ".ndjson")


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """One document a line that is not blank; place is the line's number."""
    text = CharacterStream(stream)
    return with_repairs(_rows(text, limits), text)


def _rows(text: CharacterStream, limits: Limits) -> Iterator[RawDocument]:
    empty = True
    for place, line in enumerate(lines(text, limits.line_characters)):
        if line is None:
            yield RawDocument(place=place, reason="too_long_line")
        elif line.strip():
            yield document(line, place, limits)
        else:
            continue
        empty = False
    if empty:
        yield RawDocument(place=0, text="")
