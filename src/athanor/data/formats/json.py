"""JSON: one object, or an array of them, read value by value so that a broken one costs only itself.

An object that only wraps a list of objects is read as that list.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.jsonvalues import values
from athanor.data.parts import with_repairs
from athanor.data.records import document, documents

SUFFIXES = (".json",)


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """One document a value of the array, or the one value there is."""
    text = CharacterStream(stream)
    return with_repairs(_documents(text, limits), text)


def _documents(text: CharacterStream, limits: Limits) -> Iterator[RawDocument]:
    found = values(text, limits.line_characters)
    first, second = next(found, None), next(found, None)
    if first is None:
        yield RawDocument(place=0, text="")
    elif second is None and not first.reason:
        yield from documents(first.text, limits)
    else:
        for place, value in enumerate(itertools.chain(filter(None, (first, second)), found)):
            if value.reason:
                yield RawDocument(place=place, reason=value.reason)
            else:
                yield document(value.text, place, limits)
