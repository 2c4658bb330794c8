"""Lines of a decoded stream with a limit on their length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def lines(pieces: Iterable[str], limit: int, keep_ends: bool = False) -> Iterator[str | None]:
    """Each line; None for one above `limit` characters, whose text is never held whole.

    Ends at \\n only (a \\r before it goes, unless ends are kept): U+2028 and form feeds may stand inside JSON strings.
    """
    held: list[str] = []
    size, dropping = 0, False
    for piece in pieces:
        rows = piece.split("\n")
        for row in rows[:-1]:
            if dropping:
                yield None
            else:
                held.append(row)
                whole = "".join(held)
                yield None if len(whole) > limit else (whole + "\n" if keep_ends else whole.removesuffix("\r"))
            held, size, dropping = [], 0, False
        size += len(rows[-1])
        dropping = dropping or size > limit
        if dropping:
            held = []
        else:
            held.append(rows[-1])
    if dropping:
        yield None
    elif any(held):
        yield "".join(held) if keep_ends else "".join(held).removesuffix("\r")
