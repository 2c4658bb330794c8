"""JSON: one object, or an array of them, read value by value so that a broken one costs only itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.jsonvalues import values
from athanor.data.parts import with_repairs
from athanor.data.records import document

SUFFIXES = (".json",)


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """One document a value of the top-level array, or the one value there is."""
    text = CharacterStream(stream)
    return with_repairs(_documents(text, limits), text)


def _documents(text: CharacterStream, limits: Limits) -> Iterator[RawDocument]:
    empty = True
    for place, value in enumerate(values(text, limits.line_characters)):
        if value.reason:
            yield RawDocument(place=place, reason=value.reason)
        else:
            yield document(value.text, place, limits)
        empty = False
    if empty:
        yield RawDocument(place=0, text="")
