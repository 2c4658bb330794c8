"""A folder's documents as a corpus: train.parquet, heldout.parquet, statistics.json.

Workers do what concerns one document (`process`), in any number; the parent takes their results in the order of paths,
drops copies, and puts rows aside in one file, from which the two tables are written at the end, when it is known
whether the folder holds chats and which side would stay empty. So the bytes do not depend on the number of workers,
and memory holds a few tasks and the index of duplicates (about 3 kB a document), never the corpus.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from athanor.core.errors import DISK_FULL, InputError, disk_full
from athanor.core.hardware import cores
from athanor.data.compression import SUFFIXES as COMPRESSED
from athanor.data.dedup import Duplicates
from athanor.data.documents import Message, RawDocument
from athanor.data.process import Document, Settings, Task, chat_json, read, row_id, run
from athanor.data.read import FolderScan, Source, require_sources
from athanor.data.recipe import DataRecipe
from athanor.data.spill import Spill
from athanor.data.split import Split
from athanor.data.statistics import CorpusStatistics, Tally, add
from athanor.data.table import Row, TableWriter
from athanor.data.workers import in_order

VERSION = 4
"""Raised when the same folder and recipe give another corpus."""

FILES = ("train.parquet", "heldout.parquet", "statistics.json")
TASK = 1 << 19  # bytes or characters of one task
LARGE = 2 << 20  # bytes from which a file is read by the parent and judged by all workers
RATIO = 6  # what text usually unpacks to
POOL_FROM = 2 << 20  # bytes below which starting processes takes longer than the work


class _Put(msgspec.Struct, array_like=True):
    """A row put aside, and the document whose side it shares."""

    id: bytes
    document: bytes
    file: str
    part: int
    kind: str
    origin: str
    language: str
    text: str
    messages: list[Message]


def build_corpus(
    scan: FolderScan,
    recipe: DataRecipe,
    target: Path,
    *,
    workers: int | None = None,
    recognisers: tuple[Any, ...] = (),
    progress: Callable[[float, str], None] | None = None,
) -> CorpusStatistics:
    """Write the corpus of a folder into `target`.

    workers: processes; None for every core. recognisers: trained ones, callables of a text that give spans, for
    `redact = "all"`. progress: called with the share done and a note. Raises InputError where nothing can be read.
    """
    recipe.check()
    require_sources(scan)
    settings = _settings(recipe, recognisers)
    target.mkdir(parents=True, exist_ok=True)
    try:
        with Spill(target / ".rows.part", _Put) as aside:
            statistics = _Build(scan, recipe, settings, aside, progress).run(target, _number(workers, scan))
        (target / "statistics.json").write_bytes(msgspec.json.format(msgspec.json.encode(statistics), indent=2))
    except BaseException as error:
        for name in FILES:
            with contextlib.suppress(OSError):
                (target / name).unlink()
        if isinstance(error, OSError) and (error.errno in DISK_FULL or os.strerror(errno.ENOSPC) in str(error)):
            raise disk_full(error) from error
        raise
    return statistics


def _settings(recipe: DataRecipe, recognisers: tuple[Any, ...]) -> Settings:
    if recipe.redact == "all" and not recognisers:
        raise InputError(
            "data.redact = 'all' needs a trained recogniser of persons and addresses, and none was given.",
            value="all",
            limit=["identifiers", "none"],
            remedy="Use data.redact=identifiers, which needs none.",
        )
    return Settings(
        redact=recipe.redact != "none",
        near=recipe.near_duplicates < 1,
        recognisers=tuple(recognisers) if recipe.redact == "all" else (),
    )


def _number(workers: int | None, scan: FolderScan) -> int:
    wanted = cores() if workers is None else max(1, workers)
    return wanted if sum(map(_weight, scan.sources)) > POOL_FROM else 1


def _weight(source: Source) -> int:
    """Bytes of text that a file is likely to hold."""
    return source.bytes * (RATIO if source.path.lower().endswith(COMPRESSED) else 1)


class _Build:
    """The parent's side of a build."""

    def __init__(
        self,
        scan: FolderScan,
        recipe: DataRecipe,
        settings: Settings,
        aside: Spill,
        progress: Callable[[float, str], None] | None,
    ) -> None:
        self._scan = scan
        self._settings = settings
        self._aside = aside
        self._progress = progress
        self._tally = Tally()
        self._split = Split(recipe.holdout)
        self._duplicates = Duplicates(recipe.near_duplicates, lambda number: aside[number].text)
        self._made: set[bytes] = set()

    def run(self, target: Path, workers: int) -> CorpusStatistics:
        total = max(1, sum(map(_weight, self._scan.sources)))
        for task, documents in in_order(run, self._tasks(), self._settings, workers):
            for document in documents:
                self._take(document)
            if self._progress:
                self._progress(0.95 * min(1.0, task.done / total), f"{self._tally.kept} documents kept")
        self._write(target)
        if self._progress:
            self._progress(1.0, f"{self._tally.kept} documents kept")
        problems = {reason: len(paths) for reason, paths in self._scan.problems.items()}
        return self._tally.finished(len(self._scan.sources), self._scan.unread, problems)

    def _tasks(self) -> Iterator[Task]:
        """Small files together, a large one by batches of its documents."""
        together, weight, done = [], 0, 0
        for source in self._scan.sources:
            own = _weight(source)
            if together and (weight + own > TASK or own > LARGE):
                yield Task(together, done=done)
                together, weight = [], 0
            if own > LARGE:
                yield from self._batches(source, done)
            else:
                together.append(source)
                weight += own
            done += own
        if together:
            yield Task(together, done=done)

    def _batches(self, source: Source, done: int) -> Iterator[Task]:
        batch: list[RawDocument] = []
        size = read_so_far = 0
        for raw in read(source, self._settings.limits):
            batch.append(raw)
            size += 100 + len(raw.text or "") + sum(len(content) for _, content in raw.messages or ())
            if size > TASK:
                read_so_far += size
                yield Task([source], batch, done + min(read_so_far, _weight(source)))
                batch, size = [], 0
        if batch:
            yield Task([source], batch, done + _weight(source))

    def _take(self, document: Document) -> None:
        """Count a document and put its rows aside, unless it is a copy."""
        tally = self._tally
        tally.read += 1
        add(tally.repaired, document.repaired)
        reason = document.reason or self._copy(document)
        if reason:
            tally.drop(reason, document.file, document.part)
            return
        number = self._put(document, document.id, document.kind, "file", document.text, document.messages)
        if document.sketch is not None:
            self._duplicates.keep(number, document.sketch)
        self._split.see(document.id)
        add(tally.redacted, document.redacted)
        contents = [document.text] if document.kind == "text" else [content for _, content in document.messages]
        size = sum(len(content.encode("utf-8")) for content in contents)
        tally.keep(document.kind, document.language, sum(map(len, contents)), size)
        for chat in document.made:
            identity = row_id("chat", chat_json(chat.messages))
            if identity[:12] not in self._made:
                self._made.add(identity[:12])
                self._put(document, identity, "chat", chat.origin, "", chat.messages)

    def _copy(self, document: Document) -> str | None:
        if self._duplicates.is_exact(document.kind.encode() + document.exact):
            # Common questions recur in real chats: counted apart, so that `duplicate` speaks of pages.
            return "duplicate" if document.kind == "text" else "repeated_chat"
        if document.sketch is not None and self._duplicates.is_near(document.sketch, document.text):
            return "near_duplicate"
        return None

    def _put(
        self, document: Document, identity: bytes, kind: str, origin: str, text: str, messages: list[Message]
    ) -> int:
        return self._aside.add(
            _Put(identity, document.id, document.file, document.part, kind, origin, document.language, text, messages)
        )

    def _write(self, target: Path) -> None:
        """The two tables: documents in order, then the chats made from them where the folder holds none."""
        with TableWriter(target / "train.parquet") as train, TableWriter(target / "heldout.parquet") as heldout:
            for made in (False, True):
                if made and self._tally.chats:
                    break
                for put in self._aside:
                    if (put.origin != "file") == made:
                        held = self._split.is_held_out(put.document)
                        row = _row(put)
                        (heldout if held else train).add(row)
                        self._count(row, held)

    def _count(self, row: Row, held: bool) -> None:
        if row.origin != "file":
            add(self._tally.made, {row.origin: 1})
        elif held:
            self._tally.heldout[0] += 1
            self._tally.heldout[1] += row.characters


def _row(put: _Put) -> Row:
    contents = [put.text] if put.kind == "text" else [content for _, content in put.messages]
    return Row(
        id=put.id.hex(),
        file=put.file,
        part=put.part,
        kind=put.kind,
        origin=put.origin,
        language=put.language,
        text=put.text,
        messages=chat_json(put.messages) if put.kind == "chat" else "",
        characters=sum(map(len, contents)),
        bytes=len("".join(contents).encode("utf-8")),
    )
