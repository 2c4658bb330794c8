"""Splitting a JSON file into its top-level values without holding or parsing the whole.

A scan over brackets and strings only: what stands between two commas of the outer array is one value, judged later on
its own. Values may also follow one another without an array (JSON Lines under a wrong suffix).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A run of harmless characters is skipped by the regular expression; a string's inside likewise.
_OUTSIDE = re.compile(r'["\[\]{},]')
_INSIDE = re.compile(r'["\\]')
_OBJECT = re.compile(r"\s*\{")


class Value(NamedTuple):
    """The text of one value, or the reason why there is none."""

    text: str
    reason: str | None = None


def values(pieces: Iterable[str], limit: int) -> Iterator[Value]:
    """The values in order; one above `limit` characters is given as a reason."""
    scan = _Scan(limit)
    for piece in pieces:
        yield from scan.feed(piece)
    yield from scan.end()


def table_start(text: str) -> int | None:
    """Where the first list of objects opens in the object that a text begins with; None where there is none."""
    at, depth, string = 0, 0, False
    while text.startswith("{") and (found := (_INSIDE if string else _OUTSIDE).search(text, at)):
        mark, at = found[0], found.end()
        if mark == "\\":
            at += 1
        elif mark == '"':
            string = not string
        elif mark == "[" and depth == 1 and _OBJECT.match(text, at):
            return at - 1
        elif mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if depth == 0:
                return None
    return None


class _Scan:
    """Where the scan stands between two pieces."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: list[str] = []  # the value so far
        self._size = 0
        self._depth = 0  # brackets open inside the value
        self._array: bool | None = None  # whether an outer array is open; None before the first bracket
        self._string = self._escaped = False

    def feed(self, piece: str) -> Iterator[Value]:
        start = at = 0
        if self._escaped and piece:
            at, self._escaped = 1, False
        while True:
            found = (_INSIDE if self._string else _OUTSIDE).search(piece, at)
            if not found:
                break
            mark, at = found[0], found.end()
            if self._string:
                if mark == '"':
                    self._string = False
                elif at >= len(piece):
                    self._escaped = True
                    break
                else:
                    at += 1
            elif mark == '"':
                self._string = True
            elif mark == "," and self._depth == 0:
                self._hold(piece[start : at - 1])
                yield from self._take()
                start = at
            elif mark in "[{":
                if mark == "[" and self._array is None:
                    self._array, start = True, at
                else:
                    self._array = bool(self._array)
                    self._depth += 1
            elif mark in "]}":
                if self._depth == 0:  # the outer array's end
                    self._hold(piece[start : at - 1])
                    yield from self._take()
                    self._array, start = False, at
                    continue
                self._depth -= 1
                if self._depth == 0 and not self._array:
                    self._hold(piece[start:at])
                    yield from self._take()
                    start = at
        self._hold(piece[start:])

    def end(self) -> Iterator[Value]:
        if self._array or self._depth or self._string:
            if any(part.strip() for part in self._held) or self._size > self._limit:
                yield Value("", "broken_json")
        else:
            yield from self._take()

    def _hold(self, text: str) -> None:
        self._size += len(text)
        if self._size > self._limit:
            self._held = []
        elif text:
            self._held.append(text)

    def _take(self) -> Iterator[Value]:
        text = "".join(self._held).strip()
        if self._size > self._limit:
            yield Value("", "too_long_line")
        elif text:
            yield Value(text)
        self._held, self._size = [], 0
