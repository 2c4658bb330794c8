"""The rows of a delimited table whose quotes may be astray.

A quote that nothing closes would make one cell of the rest of the file. So rows are read strictly; where that fails,
the row's first line is split as it stands, with its quotes, and reading goes on at the second. What may be read again
is bounded, after that quotes are letters: time stays linear on any file.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator

MAX_COLUMNS = 200
"""Cells of a row; what stands beyond them is joined into the last, for parts are padded to their widest row."""

_BARE_RETURN = re.compile(r"(?<=\r)(?=[^\n])")


def rows(lines: Iterable[str | None], delimiter: str, most: int) -> Iterator[list[str] | None]:
    """The rows that hold something, without empty cells at their ends; None for a line above the limit.

    lines: with their ends; None for one above the limit. most: characters of a row, and those read again in all.
    """
    return _Rows(lines, delimiter, most).rows()


class _Rows:
    """Where the reading stands."""

    def __init__(self, lines: Iterable[str | None], delimiter: str, most: int) -> None:
        self._source = self._one_by_one(lines)
        self._delimiter = delimiter
        self._most = most
        self._again: deque[str] = deque()  # lines to be read once more
        self._left = most  # characters that may be read once more
        self._open: list[str] = []  # lines of the row being read
        self._size = 0  # their characters
        self._too_long = 0  # lines above the limit that were not told yet

    def rows(self) -> Iterator[list[str] | None]:
        csv.field_size_limit(max(self._most, csv.field_size_limit()))
        whole = False
        while not whole:
            try:
                quoting = csv.QUOTE_MINIMAL if self._left > 0 else csv.QUOTE_NONE
                for row in csv.reader(self._fed(), delimiter=self._delimiter, strict=True, quoting=quoting):
                    self._open, self._size = [], 0
                    yield from self._told(row)
                whole = True
            except csv.Error:
                yield from self._told(self._first_line())
        yield from self._told([])

    def _fed(self) -> Iterator[str]:
        while line := self._again.popleft() if self._again else next(self._source, ""):
            self._open.append(line)
            self._size += len(line)
            if self._size > self._most and len(self._open) > 1:
                raise csv.Error("a row above the limit")
            yield line

    def _one_by_one(self, lines: Iterable[str | None]) -> Iterator[str]:
        """The lines, those that end in a bare carriage return too."""
        for line in lines:
            if line is None:
                self._too_long += 1
            else:
                yield from _BARE_RETURN.split(line.replace("\0", ""))

    def _first_line(self) -> list[str]:
        """The cells of the row's first line as it stands; the lines below it are read again."""
        first, *others = self._open
        self._again.extendleft(reversed(others))
        self._left -= self._size - len(first)
        self._open, self._size = [], 0
        return first.rstrip("\r\n").split(self._delimiter)

    def _told(self, row: list[str]) -> Iterator[list[str] | None]:
        while self._too_long:
            self._too_long -= 1
            yield None
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            cells[MAX_COLUMNS - 1 :] = [", ".join(filter(None, cells[MAX_COLUMNS - 1 :]))]
        if cells:
            yield cells
