"""Tables in Markdown's form: written by readers, read again where chats are made from rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

_RULE = re.compile(r"^\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$")


def markdown_row(cells: list[str]) -> str:
    """`| a | b |`, with line ends and bars inside a cell made harmless."""
    return "| " + " | ".join(" ".join(cell.replace("|", "/").split()) for cell in cells) + " |"


def markdown_rule(columns: int) -> str:
    """The line of dashes below the header."""
    return "|" + " --- |" * max(1, columns)


def cells(line: str) -> list[str]:
    """The cells of a row."""
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def is_row(line: str) -> bool:
    """Whether a line may belong to a table."""
    return "|" in line[1:]


def is_rule(line: str) -> bool:
    """Whether a line is the rule below a header."""
    return "-" in line and len(line) < 4000 and bool(_RULE.match(line.strip()))


def tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """(header, rows) of each Markdown table."""
    rows = text.split("\n")
    n = 1
    while n < len(rows):
        if not (is_rule(rows[n]) and is_row(rows[n - 1]) and "|" in rows[n]):
            n += 1
            continue
        header, body = cells(rows[n - 1]), []
        n += 1
        while n < len(rows) and is_row(rows[n]):
            body.append(cells(rows[n]))
            n += 1
        yield header, body
