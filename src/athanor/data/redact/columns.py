"""A table's header as context: what stands under `passport no.` is read as if these words stood before it."""

from __future__ import annotations

from collections.abc import Iterator

from athanor.data.redact.context import REACH
from athanor.data.tables import is_row, is_rule


def cells(text: str) -> Iterator[tuple[int, str, str]]:
    """(place, end of its column's header, text) of each cell with a digit below a rule of dashes, place by place."""
    if "|" not in text or "--" not in text:
        return
    names: list[str] = []
    before, at = "", 0
    for line in text.split("\n"):
        if not is_row(line):
            names = []
        elif is_rule(line):
            names = [name.strip()[-REACH:] for name in _without_edges(before)[1].split("|")]
        elif names:
            start, inner = _without_edges(line)
            for name, (place, cell) in zip(names, _parts(inner), strict=False):
                if any("0" <= character <= "9" for character in cell):
                    yield at + start + place, name, cell
        before = line
        at += len(line) + 1


def _without_edges(line: str) -> tuple[int, str]:
    """(characters before, what stands between) the row's outer bars."""
    start = 1 if line.startswith("|") else 0
    return start, line[start:].removesuffix("|")


def _parts(inner: str) -> Iterator[tuple[int, str]]:
    at = 0
    for cell in inner.split("|"):
        yield at, cell
        at += len(cell) + 1
