"""CSV: a table as one document, in Markdown's form, or a document a row where a column is named for its texts.

Then a row's other cells stand as `column: value` in front of its text, but for ids, addresses and the like
(BOOKKEEPING) and numbers in a first column without a name, which are those of rows.

Markdown's form makes it alike whatever the dialect, and alike to tables in pages. Long tables come in parts that repeat
the header; lines of a single cell above the table are its title. A part is as wide as its widest row.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from athanor.data.csvrows import rows
from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.formats import kind
from athanor.data.lines import lines
from athanor.data.parts import parts, with_repairs
from athanor.data.records import BOOKKEEPING
from athanor.data.tables import markdown_row, markdown_rule

SUFFIXES = (".csv", ".tsv")
TEXT_COLUMNS = ("text", "content")
DELIMITERS = ",;\t|"
SAMPLE = 20  # lines and rows that show what a table looks like
HEADER_SHARE = 8  # a header longer than a part's eighth is not repeated


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """The table in parts, or its rows."""
    text = CharacterStream(stream)
    return with_repairs(_numbered(_documents(text, kind(name), limits)), text)


def _numbered(found: Iterable[RawDocument]) -> Iterator[RawDocument]:
    for place, document in enumerate(found):
        document.place = place
        yield document


def _documents(text: CharacterStream, suffix: str, limits: Limits) -> Iterator[RawDocument]:
    source = itertools.dropwhile(_is_blank, lines(text, limits.line_characters, keep_ends=True))
    sample = list(itertools.islice(source, SAMPLE))
    if not sample:
        yield RawDocument(place=0, text="")
        return
    delimiter = _delimiter([line for line in sample if line], suffix)
    found = rows(itertools.chain(sample, source), delimiter, limits.line_characters)
    first = list(itertools.islice(found, SAMPLE))
    title, header, body = _opening(first)
    column = next((n for n, cell in enumerate(header) if cell.lower() in TEXT_COLUMNS), None)
    table = itertools.chain(body, found)
    if column is None:
        yield from _table(title, header, table, limits)
        return
    if title:
        yield RawDocument(place=0, text="\n".join(title))
    for row in table:
        if row is None:
            yield _too_long()
        else:
            yield RawDocument(place=0, text=_with_others(row, header, column))


def _with_others(row: list[str], header: list[str], column: int) -> str:
    """The text of a row below its other cells."""
    named = itertools.zip_longest(row, header[: len(row)], fillvalue="")
    others = [
        f"{name}: {cell}" if name else cell
        for place, (cell, name) in enumerate(named)
        if cell and place != column and name.lower() not in BOOKKEEPING and (name or place or not cell.isdigit())
    ]
    text = row[column] if column < len(row) else ""
    return "\n\n".join(filter(None, ["\n".join(others), text]))


def _is_blank(line: str | None) -> bool:
    return line is not None and not line.strip()


def _too_long() -> RawDocument:
    return RawDocument(place=0, reason="too_long_line")


def _delimiter(sample: list[str], suffix: str) -> str:
    """The delimiter that splits the first lines most evenly; comma where none does. In a .tsv a tab is one.

    Own count and not csv.Sniffer, which takes letters for delimiters and whose expressions blow up on long fields.
    """
    found = [line for line in sample if line.strip()]
    if suffix == ".tsv" and any("\t" in line for line in found):
        return "\t"

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in found]
        usual = max(set(counts), key=lambda count: (counts.count(count), count), default=0)
        return (counts.count(usual) if usual else 0, usual)

    best = max(DELIMITERS, key=evenness)
    return best if evenness(best)[0] else ","


def _opening(first: list[list[str] | None]) -> tuple[list[str], list[str], list[list[str] | None]]:
    """(title lines, header, the rows below) of a table's first rows."""
    widths = Counter(len(row) for row in first if row)
    usual = widths.most_common(1)[0][0] if widths else 0
    titles = itertools.takewhile(lambda row: row is None or (len(row) == 1 < usual), first)
    number = len(list(titles))
    title = [row[0] for row in first[:number] if row]
    too_long: list[list[str] | None] = [None] * first[:number].count(None)
    header = first[number] if number < len(first) else None
    return title, header or [], [*too_long, *first[number + 1 :]]


def _table(
    title: list[str], header: list[str], body: Iterable[list[str] | None], limits: Limits
) -> Iterator[RawDocument]:
    share = limits.part_characters // HEADER_SHARE
    part = _Part(title, header)
    if not part.fits([], share):
        yield from part.documents(limits)
        part = _Part([], header)
        part = part if part.fits([], share) else _Part([], [])
    for row in body:
        if row is None:
            yield _too_long()
            continue
        if part.rows and not part.fits(row, limits.part_characters):
            yield from part.documents(limits)
            part = _Part([], part.header)
        part.add(row)
    yield from part.documents(limits)


class _Part:
    """Rows that are written below one header."""

    def __init__(self, title: list[str], header: list[str]) -> None:
        self.header = header
        self.rows: list[list[str]] = []
        self._title = title
        self._width = len(header)
        self._characters = sum(map(len, (*title, *header)))

    def fits(self, row: list[str], most: int) -> bool:
        """Whether the part with this row has no more than `most` characters, empty cells included."""
        written = (len(self.rows) + 4) * (len("| ") + 3 * max(self._width, len(row)))
        return self._characters + sum(map(len, row)) + written <= most

    def add(self, row: list[str]) -> None:
        self.rows.append(row)
        self._width = max(self._width, len(row))
        self._characters += sum(map(len, row))

    def documents(self, limits: Limits) -> Iterator[RawDocument]:
        """The part; several where a single row is too long for one."""
        text = "\n".join(self._lines())
        size = limits.part_characters if len(self.rows) < 2 else len(text)
        return (RawDocument(place=0, text=piece) for piece in parts([text], max(1, size)))

    def _lines(self) -> Iterator[str]:
        if self._title:
            yield from (*self._title, "")
        if self._width:
            yield from (markdown_row(_padded(self.header, self._width)), markdown_rule(self._width))
        for row in self.rows:
            yield markdown_row(_padded(row, self._width))


def _padded(row: list[str], width: int) -> list[str]:
    return row + [""] * (width - len(row))
