"""JSON: one object, or an array of them, read value by value so that a broken one costs only itself.

An object that only wraps a list of objects is read as that list, row by row where it is too long to be held.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.jsonvalues import Value, table_start, values
from athanor.data.parts import with_repairs
from athanor.data.records import document, documents, may_wrap

SUFFIXES = (".json",)
_MEMBER = re.compile(r'"(?:[^"\\]|\\.)*+"\s*:')


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """One document a value of the array, or the one value there is."""
    text = CharacterStream(stream)
    return with_repairs(_documents(text, limits), text)


def _documents(text: CharacterStream, limits: Limits) -> Iterator[RawDocument]:
    pieces = iter(text)
    head = _head(pieces, limits.line_characters)
    start = _start_of_rows(head, limits)
    if start is not None:
        yield from _unwrapped(head, start, pieces, limits)
        return
    found = values(itertools.chain([head], pieces), limits.line_characters)
    first, second = next(found, None), next(found, None)
    if first is None:
        yield RawDocument(place=0, text="")
    elif second is None and not first.reason:
        yield from documents(first.text, limits)
    else:
        for place, value in enumerate(itertools.chain(filter(None, (first, second)), found)):
            yield _of(value, place, limits)


def _of(value: Value, place: int, limits: Limits) -> RawDocument:
    return RawDocument(place=place, reason=value.reason) if value.reason else document(value.text, place, limits)


def _head(pieces: Iterator[str], size: int) -> str:
    """What a file begins with, more than `size` characters where it has them."""
    held, length = [], 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length > size:
            break
    return "".join(held).lstrip()


def _start_of_rows(head: str, limits: Limits) -> int | None:
    """Where the rows begin of a wrapper that is too long to be held whole; None for any other file."""
    size = limits.line_characters
    if len(head) <= size or not head.startswith("{") or not next(values([head], size)).reason:
        return None
    start = table_start(head)
    return start if start is not None and may_wrap(head[:start] + "[]}", limits) else None


def _unwrapped(head: str, start: int, pieces: Iterator[str], limits: Limits) -> Iterator[RawDocument]:
    """The rows, then what stands beside them, as from a wrapper that is held."""
    beside, place = [head[:start] + "[]"], -1
    for place, value in enumerate(values(itertools.chain([head[start:]], pieces), limits.line_characters)):
        if _MEMBER.match(value.text):
            beside.append(value.text)
        else:
            yield _of(value, place, limits)
    last = document(", ".join(beside) + "}", place + 1, limits)
    if last.reason != "no_text":
        yield last
