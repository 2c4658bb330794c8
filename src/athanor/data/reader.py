"""A written corpus, read row by row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import msgspec

from athanor.core.errors import InputError, NotFoundError
from athanor.data.statistics import CorpusStatistics
from athanor.data.table import Row, rows

__all__ = ["SPLITS", "Corpus", "Row"]

SPLITS = ("train", "heldout")


class Corpus:
    """The folder that `build_corpus` wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        for name in ("train.parquet", "heldout.parquet", "statistics.json"):
            if not (self.folder / name).is_file():
                raise NotFoundError(
                    f"{self.folder} is no corpus: {name} is missing.",
                    value=str(self.folder),
                    limit=name,
                    remedy="Build the corpus again.",
                )

    @cached_property
    def statistics(self) -> CorpusStatistics:
        """The counts written with the corpus."""
        path = self.folder / "statistics.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=CorpusStatistics)
        except msgspec.MsgspecError as error:
            raise InputError(
                f"{path} cannot be read: {error}.", value=str(path), remedy="Build the corpus again."
            ) from error

    def rows(self, split: str, kind: str | None = None) -> Iterator[Row]:
        """Rows of `train` or `heldout` in their order, streaming; kind: only `text` or only `chat`."""
        if split not in SPLITS:
            raise InputError(
                f"There is no split {split!r}.", value=split, limit=list(SPLITS), remedy="Use train or heldout."
            )
        for row in rows(self.folder / f"{split}.parquet"):
            if kind is None or row.kind == kind:
                yield row

    def texts(self, split: str) -> Iterator[str]:
        """The texts of a split, without its chats."""
        for row in self.rows(split, "text"):
            yield row.text
