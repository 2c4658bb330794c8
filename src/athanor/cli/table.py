"""Columns for people: aligned also where a letter takes two cells, and never a control character of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from athanor.core.progress import plain


def cells(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return sum(_cells(letter) for letter in text)


def _cells(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Lines with each column as wide as its widest cell; right: the columns that are aligned to the right."""
    shown = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(
            _pad(cell, width, place in right) for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    )


def _pad(text: str, width: int, to_right: bool) -> str:
    space = " " * (width - cells(text))
    return space + text if to_right else text + space
