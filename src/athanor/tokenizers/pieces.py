"""A SentencePiece model as numbers and strings, and the `tokenizers` object that does the same.

BPE: Sennrich et al. 2016, arXiv:1508.07909; unigram: Kudo 2018, arXiv:1804.10959; the pieces and their kinds:
google/sentencepiece src/sentencepiece_model.proto. Merges follow from the scores: of two neighbours the best-scored
piece they make comes first. Differences that remain: unigram's sums are float64 here and float32 there, which decides
ties in texts of thousands of words; a piece marked unused is never a step on the way to another one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import tokenizers
from tokenizers import AddedToken, decoders, models

from athanor.tokenizers.charsmap import SPACE, Cleaning
from athanor.tokenizers.parts import MAX_VOCABULARY

LONGEST_PIECE = 1024
"""Characters; trained models stay below 64. Merges are sought at every cut of a piece."""

MOST_CUTS = 40_000_000
HIDDEN = " "
BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Kind(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Piece:
    """One row of the vocabulary."""

    text: str
    score: float = 0.0
    kind: Kind = Kind.NORMAL

    @property
    def name(self) -> str:
        """What the library calls it: a piece that no text may reach has a space in front, which no cleaned text has."""
        return HIDDEN + self.text if self.kind in (Kind.CONTROL, Kind.UNKNOWN, Kind.UNUSED) else self.text


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A whole model; the place of a piece is its id."""

    pieces: Sequence[Piece]
    unigram: bool
    cleaning: Cleaning
    charsmap: bytes = b""
    """The rules of `cleaning` as they came."""

    def build(self) -> tokenizers.Tokenizer:
        """The library's object. Raises ValueError for what is no model."""
        self._check()
        backend = tokenizers.Tokenizer(self._unigram() if self.unigram else self._bpe())
        backend.decoder = decoders.Decoder.custom(Joining(self.cleaning.dummy_prefix))  # type: ignore[assignment]
        control = [piece.name for piece in self.pieces if piece.kind in (Kind.CONTROL, Kind.UNKNOWN)]
        backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in control])
        if not self.unigram:
            own = [piece.name for piece in self.pieces if piece.kind == Kind.USER_DEFINED]
            backend.add_tokens([AddedToken(name, special=False, normalized=False) for name in own])
        return backend

    def _check(self) -> None:
        if not 0 < len(self.pieces) <= MAX_VOCABULARY:
            raise ValueError(f"it has {len(self.pieces)} pieces; 1 to {MAX_VOCABULARY} are possible")
        texts: set[str] = set()
        for number, piece in enumerate(self.pieces):
            if not piece.text or len(piece.text) > LONGEST_PIECE:
                raise ValueError(f"piece {number} has {len(piece.text)} characters; 1 to {LONGEST_PIECE} are possible")
            if piece.text in texts:
                raise ValueError(f"piece {number}, {piece.text[:40]!r}, stands there twice")
            if not abs(piece.score) < 1e30:
                raise ValueError(f"piece {number} has the score {piece.score}")
            texts.add(piece.text)

    @property
    def all_bytes(self) -> bool:
        """Whether every byte has a piece, for letters that have none."""
        return sum(piece.kind == Kind.BYTE for piece in self.pieces) == 256

    @property
    def unknown(self) -> int | None:
        """The id of what the pieces cannot express."""
        return next((number for number, piece in enumerate(self.pieces) if piece.kind == Kind.UNKNOWN), None)

    def _bpe(self) -> models.BPE:
        unknown = self.unknown
        return models.BPE(
            {piece.name: number for number, piece in enumerate(self.pieces)},
            self.merges(),
            unk_token=None if unknown is None else self.pieces[unknown].name,
            fuse_unk=True,
            byte_fallback=self.all_bytes,
        )

    def merges(self) -> list[tuple[str, str]]:
        """Pairs of pieces that make a piece, best first. Raises ValueError where there are too many."""
        usable = {piece.text: piece.score for piece in self.pieces if piece.kind in (Kind.NORMAL, Kind.USER_DEFINED)}
        if sum(map(len, usable)) > MOST_CUTS:
            raise ValueError(f"its pieces have more than {MOST_CUTS} characters")
        # Stable: of the cuts of one piece, the one with the shortest left side is tried first.
        ranked = sorted(usable, key=lambda text: -usable[text])
        return [
            (text[:cut], text[cut:])
            for text in ranked
            for cut in range(1, len(text))
            if text[:cut] in usable and text[cut:] in usable
        ]

    def _unigram(self) -> models.Unigram:
        normal = [piece.score for piece in self.pieces if piece.kind == Kind.NORMAL]
        best = max(normal, default=0.0)
        rows = [_row(piece, best) for piece in self.pieces]
        return models.Unigram(rows, self.unknown, self.all_bytes)


def _row(piece: Piece, best: float) -> tuple[str, float]:
    """A piece as the library's unigram wants it.

    An unknown letter costs more than the worst score here, so that those of pieces no text reaches must not be it.
    """
    if piece.kind == Kind.NORMAL:
        return piece.name, piece.score
    return piece.name, len(piece.text) * best - 0.1 if piece.kind == Kind.USER_DEFINED else best


class Joining:
    """Pieces → text: ▁ is a space, bytes are UTF-8, broken ones U+FFFD. The model's own first space is taken off.

    Not the library's ByteFallback, which gives up a whole run of bytes for one that is broken.
    """

    def __init__(self, strip: bool) -> None:
        self._strip = strip

    def decode_chain(self, tokens: list[str]) -> list[str]:
        """The tokens as one text."""
        raw = b"".join(map(piece_bytes, tokens))
        text = raw.decode("utf-8", "replace")
        return [text[1:] if self._strip and text.startswith(" ") else text]


def piece_bytes(piece: str) -> bytes:
    """What a piece stands for."""
    found = BYTE.fullmatch(piece)
    return bytes([int(found[1], 16)]) if found else piece.removeprefix(HIDDEN).replace(SPACE, " ").encode()
