"""The Parquet form of a corpus: one row a text or chat, zstd, row groups of bounded size, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from athanor.core.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow

GROUP_ROWS = 4096
GROUP_BYTES = 8 << 20  # UTF-8 bytes of the texts in a row group

DICTIONARY = ["file", "kind", "origin", "language"]  # columns of few different values


class Row(msgspec.Struct, kw_only=True):
    """One row, the columns in their order."""

    id: str
    """sha256 of kind and content."""

    file: str
    """Path in the folder."""

    part: int
    """Row or part number in the file."""

    kind: str
    """text or chat."""

    origin: str
    """file, or what structure a chat was made from: heading, table, lines."""

    language: str
    text: str
    """Empty for a chat."""

    messages: str
    """JSON of [[role, content], …]; empty for a text."""

    characters: int
    bytes: int

    def turns(self) -> list[tuple[str, str]]:
        """The messages of a chat; none for a text."""
        return msgspec.json.decode(self.messages, type=list[tuple[str, str]]) if self.messages else []


def schema() -> pyarrow.Schema:
    """Column names and types."""
    arrow = _arrow()
    whole = ("part", "characters", "bytes")
    return arrow.schema(
        [
            arrow.field(name, arrow.int64() if name in whole else arrow.string(), nullable=False)
            for name in Row.__struct_fields__
        ]
    )


class TableWriter:
    """Rows into a Parquet file."""

    def __init__(self, path: Path) -> None:
        _arrow()
        from pyarrow import parquet

        self._schema = schema()
        self._file = path.open("wb")
        self._writer = parquet.ParquetWriter(
            self._file,
            self._schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=DICTIONARY,  # pyright: ignore[reportArgumentType]  the documented list
        )
        self._rows: list[Row] = []
        self._bytes = 0

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
                self._writer.close()
        finally:
            self._file.close()

    def add(self, row: Row) -> None:
        """Put a row at the end."""
        self._rows.append(row)
        self._bytes += row.bytes
        if len(self._rows) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns: dict[str, list[Any]] = {
            name: [getattr(row, name) for row in self._rows] for name in Row.__struct_fields__
        }
        self._writer.write_table(_arrow().table(columns, schema=self._schema))
        self._rows, self._bytes = [], 0


def rows(path: Path) -> Iterator[Row]:
    """The rows of a file, a row group at a time. Raises InputError where it is no corpus table."""
    arrow = _arrow()
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                for values in file.read_row_group(group).to_pylist():
                    yield Row(**values)
    except (arrow.ArrowInvalid, arrow.ArrowException, TypeError) as error:
        raise InputError(
            f"{path} cannot be read as a table of a corpus: {error}.",
            value=str(path),
            remedy="Build the corpus again.",
        ) from error


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError("pyarrow", "train") from error
    return pyarrow
