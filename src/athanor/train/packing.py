"""Packing: documents cut and laid into rows of T positions, in an order that only seed and epoch decide.

A document of n ids gives n − 1 positions (each predicts the next id). Longer texts are cut into pieces of at most T
positions; pieces share no context. A chat is one piece, its first T positions: an answer without its question would
teach to invent. Every piece is used once an epoch, or as often as its document is to be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from athanor.core.seeds import derive
from athanor.objectives.batch import Batch
from athanor.train.tokens import TokenSet

OPEN_ROWS = 24  # rows being filled at once: enough that under 1 % of the positions stay empty


@dataclass(frozen=True)
class Pieces:
    """Pieces of a TokenSet: document number, first id, positions; arrays of one length."""

    document: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]


def long_chats(tokens: TokenSet, row_length: int) -> tuple[list[int], list[int]]:
    """Chats that do not fit a row: those that keep an answer in their first T positions, and those that do not."""
    kept, dropped = [], []
    for chat in np.flatnonzero(tokens.is_chat & (tokens.lengths() - 1 > row_length)).tolist():
        first = int(tokens.starts[chat]) + 1
        (kept if tokens.learned[first : first + row_length].any() else dropped).append(chat)
    return kept, dropped


def cut(tokens: TokenSet, row_length: int, repeat: Sequence[int] | None = None) -> Pieces:
    """Every document's pieces. repeat: how often each document is used an epoch (default once)."""
    positions = np.maximum(tokens.lengths() - 1, 0)
    counts = -(-positions // row_length)
    shortened, dropped = long_chats(tokens, row_length)
    counts[shortened], counts[dropped] = 1, 0
    document = np.repeat(np.arange(len(tokens)), counts)
    first = np.concatenate(([0], np.cumsum(counts)))[:-1]
    number = np.arange(len(document)) - first[document]
    start = tokens.starts[:-1][document] + number * row_length
    length = np.minimum(positions[document] - number * row_length, row_length)
    if repeat is not None:
        again = np.repeat(np.arange(len(document)), np.asarray(repeat)[document])
        document, start, length = document[again], start[again], length[again]
    return Pieces(document, start, length)


def pack(lengths: npt.NDArray[np.int64], row_length: int, order: npt.NDArray[np.int64]) -> list[list[int]]:
    """Rows of piece numbers: first fit among a few open rows, in the given order."""
    rows: list[list[int]] = []
    opened: list[tuple[int, list[int]]] = []  # (space left, pieces)
    for piece, length in zip(order.tolist(), lengths[order].tolist(), strict=True):
        for at, (space, row) in enumerate(opened):
            if length <= space:
                row.append(piece)
                opened[at] = (space - length, row)
                break
        else:
            if len(opened) == OPEN_ROWS:
                fullest = min(range(OPEN_ROWS), key=lambda at: opened[at][0])
                rows.append(opened.pop(fullest)[1])
            opened.append((row_length - length, [piece]))
    return rows + [row for _, row in opened]


class Sampler:
    """Rows without end: epoch after epoch, each in its own order. `epoch` and `row` are all there is to resume."""

    def __init__(self, pieces: Pieces, row_length: int, seed: int, epoch: int = 0, row: int = 0) -> None:
        self.pieces, self.row_length, self.seed = pieces, row_length, seed
        self.epoch, self.row = epoch, row
        self._rows = self._packed()

    def peek(self, count: int) -> list[list[int]]:
        """Rows of the present epoch from here on, without taking them."""
        return [self._rows[(self.row + number) % len(self._rows)] for number in range(count)]

    @property
    def rows_an_epoch(self) -> int:
        """Rows of the present epoch."""
        return len(self._rows)

    def take(self, count: int) -> list[list[int]]:
        """The next rows, each a list of piece numbers."""
        taken = []
        for _ in range(count):
            if self.row == len(self._rows):
                self.epoch, self.row = self.epoch + 1, 0
                self._rows = self._packed()
            taken.append(self._rows[self.row])
            self.row += 1
        return taken

    def _packed(self) -> list[list[int]]:
        generator = np.random.Generator(np.random.PCG64(derive(self.seed, "epoch", self.epoch)))
        order = generator.permutation(len(self.pieces.length))
        rows = pack(self.pieces.length, self.row_length, order)
        generator.shuffle(rows)  # type: ignore[arg-type]
        return rows


def in_order(pieces: Pieces, row_length: int) -> list[list[int]]:
    """All pieces once, packed in their own order: for measuring."""
    return pack(pieces.length, row_length, np.arange(len(pieces.length)))


def batches(tokens: TokenSet, pieces: Pieces, rows: list[list[int]], row_length: int, micro: int) -> Iterator[Batch]:
    """The rows of one optimiser step as micro-batches of `micro` rows, all with the step's whole weight."""
    weight = float(sum(int(_learned(tokens, pieces, piece).sum()) for row in rows for piece in row))
    for at in range(0, len(rows), micro):
        ids, targets, weights, documents, positions = _arrays(tokens, pieces, rows[at : at + micro], row_length)
        yield Batch(
            torch.from_numpy(ids),
            torch.from_numpy(targets),
            torch.from_numpy(weights),
            torch.from_numpy(documents),
            torch.from_numpy(positions),
            max(weight, 1.0),
        )


def _learned(tokens: TokenSet, pieces: Pieces, piece: int) -> npt.NDArray[np.uint8]:
    """1 for each position of a piece whose next token is to be predicted, (positions,)."""
    first = int(pieces.start[piece]) + 1
    return tokens.learned[first : first + int(pieces.length[piece])]


def _arrays(tokens: TokenSet, pieces: Pieces, rows: list[list[int]], row_length: int) -> tuple[npt.NDArray, ...]:
    shape = (len(rows), row_length)
    ids, targets, documents, positions = (np.zeros(shape, dtype=np.int64) for _ in range(4))
    weights = np.zeros(shape, dtype=np.float32)
    for number, row in enumerate(rows):
        at = 0
        for order, piece in enumerate(row, start=1):
            start, length = int(pieces.start[piece]), int(pieces.length[piece])
            here = (number, slice(at, at + length))
            ids[here] = tokens.ids[start : start + length]
            targets[here] = tokens.ids[start + 1 : start + length + 1]
            weights[here] = _learned(tokens, pieces, piece)
            documents[here] = order
            positions[here] = np.arange(length)
            at += length
    return ids, targets, weights, documents, positions
