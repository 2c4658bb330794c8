"""CSV: a table as one document, in Markdown's form, or a document a row where a column holds texts.

Markdown's form makes it alike whatever the dialect, and alike to tables in pages. Long tables come in parts that repeat
the header.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.documents import Limits, RawDocument, Unusable
from athanor.data.encoding import TextStream
from athanor.data.lines import lines
from athanor.data.parts import with_repairs
from athanor.data.tables import markdown_row, markdown_rule

SUFFIXES = (".csv", ".tsv")
TEXT_COLUMNS = ("text", "content")
DELIMITERS = ",;\t|"
MAX_COLUMNS = 200


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """The table in parts, or its rows."""
    text = TextStream(stream)
    return with_repairs(_documents(text, limits), text)


def _documents(text: TextStream, limits: Limits) -> Iterator[RawDocument]:
    source = lines(text, limits.line_bytes, keep_ends=True)
    head = [line or "\n" for line in itertools.islice(source, 20)]
    if not any(line.strip() for line in head):
        yield RawDocument(place=0, text="")
        return
    rows = _rows(head, source, _dialect("".join(head)))
    header = next(rows, [])
    column = next((n for n, cell in enumerate(header) if cell.lower() in TEXT_COLUMNS), None)
    if column is None:
        yield from _table(header, rows, limits)
        return
    for place, row in enumerate(rows):
        yield RawDocument(place=place, text=row[column] if column < len(row) else "")


def _rows(head: list[str], rest: Iterator[str | None], dialect: type[csv.Dialect]) -> Iterator[list[str]]:
    def all_lines() -> Iterator[str]:
        yield from head
        for line in rest:
            yield line or "\n"  # a line above the limit

    csv.field_size_limit(1 << 24)
    try:
        for row in csv.reader((line.replace("\0", "") for line in all_lines()), dialect):
            if any(cell.strip() for cell in row):
                yield [cell.strip() for cell in row[:MAX_COLUMNS]]
    except csv.Error as error:
        raise Unusable("broken_csv") from error


def _dialect(sample: str) -> type[csv.Dialect]:
    """The delimiter that splits the first lines most evenly; comma where none does.

    Own count and not csv.Sniffer, which takes letters for delimiters and whose expressions blow up on long fields.
    """
    rows = [line for line in sample.splitlines() if line.strip()][:20]

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [row.count(delimiter) for row in rows]
        usual = max(set(counts), key=lambda count: (counts.count(count), count))
        return (counts.count(usual) if usual else 0, usual)

    best = max(DELIMITERS, key=evenness)

    class Sniffed(csv.excel):
        delimiter = best if evenness(best)[0] else ","

    return Sniffed


def _table(header: list[str], rows: Iterator[list[str]], limits: Limits) -> Iterator[RawDocument]:
    top = [markdown_row(header), markdown_rule(len(header))]
    part, size, place = list(top), 0, 0
    for row in rows:
        line = markdown_row(row[: len(header)] + [""] * (len(header) - len(row)))
        if size + len(line) > limits.part_characters and len(part) > len(top):
            yield RawDocument(place=place, text="\n".join(part))
            part, size, place = list(top), 0, place + 1
        part.append(line[: limits.part_characters])
        size += len(line) + 1
    yield RawDocument(place=place, text="\n".join(part))
