"""The tokenizer that lies beside a network or in its file, when there is one and the two fit."""

from __future__ import annotations

from pathlib import Path

from athanor.core.errors import InputError
from athanor.specs.e5 import E5File, read_e5
from athanor.specs.families import Spec, embedding_rows
from athanor.specs.folder import packed_file
from athanor.specs.gguf import read_header
from athanor.tokenizers.charsmap import Cleaning
from athanor.tokenizers.parts import Parts
from athanor.tokenizers.pieces import Kind, Piece, Pieces
from athanor.tokenizers.tokenizer import Tokenizer


def fitting_tokenizer(place: Path, spec: Spec) -> Tokenizer | None:
    """The tokenizer of a model; None without its files. Raises InputError where it has more ids than the network."""
    tokenizer, rows = _tokenizer(place), embedding_rows(spec)
    if tokenizer is not None and tokenizer.vocabulary > rows:
        raise InputError(
            f"The tokenizer in {place} has {tokenizer.vocabulary} ids, the network {rows}.",
            value=tokenizer.vocabulary,
            limit=rows,
            remedy="Tokenizer and weights do not belong together; copy the model again.",
        )
    return tokenizer


def _tokenizer(place: Path) -> Tokenizer | None:
    packed = packed_file(place)
    if packed is None:
        return Tokenizer.load(place) if Tokenizer.is_there(place) else None
    if packed.suffix != ".gguf":
        return Tokenizer.of(packed.name, e5_parts(read_e5(packed)))
    metadata = read_header(packed).metadata
    return Tokenizer.from_gguf(metadata) if "tokenizer.ggml.model" in metadata else None


def e5_parts(file: E5File) -> Parts:
    """The vocabulary of multilingual-e5-small: SentencePiece's unigram, cleaned as XLM-R's is."""
    control = set(file.controls.values())
    pieces = Pieces(
        pieces=[_piece(number, text, file, control) for number, text in enumerate(file.pieces)],
        unigram=True,
        cleaning=Cleaning(rules=file.mapped),
    )
    names = {key: file.pieces[number] for key, number in file.controls.items()}
    config = {f"{key}_token": name for key, name in names.items()}
    config |= {"cls_token": names["bos"], "sep_token": names["eos"]}
    return Parts(
        backend=pieces.build(), config=config, before=(names["bos"],), after=(names["eos"],), prepare=pieces.cleaning,
        pieces=pieces,
    )  # fmt: skip


def _piece(number: int, text: str, file: E5File, control: set[int]) -> Piece:
    kind = Kind.UNKNOWN if number == file.controls["unk"] else Kind.CONTROL if number in control else Kind.NORMAL
    return Piece(text, file.scores[number], kind)
