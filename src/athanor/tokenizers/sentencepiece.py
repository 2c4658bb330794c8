"""`tokenizer.model`: SentencePiece's own file, a protocol buffer (google/sentencepiece src/sentencepiece_model.proto).

Read here rather than by the sentencepiece library: it is a small part of the format, and the file is a stranger's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken

from athanor.tokenizers.added import add_tokens, place
from athanor.tokenizers.charsmap import Cleaning, read_rules
from athanor.tokenizers.parts import Parts, broken, class_of, named, read_bytes
from athanor.tokenizers.pieces import Kind, Piece, Pieces
from athanor.tokenizers.protobuf import fields

FILE = "tokenizer.model"
MAX_MODEL_BYTES = 40_000_000
"""The largest published one (a vocabulary of 256 000) has 5 MB."""

FILES = ("tokenizer.model", "spiece.model")
UNIGRAM, BPE = 1, 2
# Tokens that ChatGLM3's tokenizer puts behind its pieces, in this order:
# https://huggingface.co/THUDM/chatglm3-6b/blob/main/tokenization_chatglm.py, SPTokenizer.
CHATGLM3 = ["[MASK]", "[gMASK]", "[sMASK]", "sop", "eop", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"]
# The chat of that file's build_chat_input.
CHATGLM3_CHAT = (
    "{% for message in messages %}{% if loop.first %}[gMASK]sop{% endif %}<|{{ message['role'] }}|>\n "
    "{{ message['content'] }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
T5_SENTINELS = 100


def read(folder: Path, config: Mapping[str, Any]) -> Parts | None:
    """The SentencePiece model of a folder. Raises InputError naming the file."""
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        pieces, stated = parse(read_bytes(path, MAX_MODEL_BYTES))
        backend = pieces.build()
    except ValueError as error:
        raise broken(path, str(error)) from None
    family = class_of(config)
    known = {piece.text for piece in pieces.pieces}
    if "chatglm" in family and "[gMASK]" not in known:
        _append(backend, CHATGLM3)
        stated = {**stated, "chat_template": CHATGLM3_CHAT}
    elif "t5" in family and "<extra_id_0>" not in known:
        count = config.get("extra_ids", T5_SENTINELS)
        most = count if isinstance(count, int) and 0 < count <= 10_000 else 0
        _append(backend, [f"<extra_id_{number}>" for number in reversed(range(most))])
    add_tokens(backend, folder, {**stated, **config})
    before, after = _around(family, {**stated, **config})
    return Parts(backend=backend, config=stated, before=before, after=after, prepare=pieces.cleaning, pieces=pieces)


def _append(backend: tokenizers.Tokenizer, names: Sequence[str]) -> None:
    for name in names:
        place(backend, backend.get_vocab_size(with_added_tokens=True), AddedToken(name, special=True, normalized=False))


def _around(family: str, config: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a family's own code puts before and after a raw text; names that the vocabulary lacks are no harm."""
    begin, end = (named(config, key, "") for key in ("bos", "eos"))
    if "t5" in family:
        return (), (end,)
    if "chatglm" in family:
        return ("[gMASK]", "sop"), ()
    return ((begin,) if any(name in family for name in ("llama", "mistral", "gemma", "internlm")) else ()), ()


def parse(raw: bytes) -> tuple[Pieces, dict[str, str]]:
    """The model in a file's bytes, and the names of its control tokens. Raises ValueError for what is broken."""
    pieces: list[Piece] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    for number, value in fields(raw):
        if number == 1:
            pieces.append(_piece(_bytes(value)))
        elif number == 2:
            trainer.update(fields(_bytes(value)))
        elif number == 3:
            normalizer.update(fields(_bytes(value)))
    kind = trainer.get(3, UNIGRAM)
    if kind not in (UNIGRAM, BPE):
        raise ValueError(f"its algorithm {kind} is neither unigram (1) nor BPE (2)")
    if not normalizer.get(5, True):
        raise ValueError("its pieces hold bare spaces; only those with ▁ for them are read")
    charsmap = _bytes(normalizer.get(2, b""))
    cleaning = Cleaning(
        rules=read_rules(charsmap),
        dummy_prefix=bool(normalizer.get(3, True)),
        remove_extra_spaces=bool(normalizer.get(4, True)),
        suffix=bool(trainer.get(24, False)),
        symbols=tuple(piece.text for piece in pieces if piece.kind == Kind.USER_DEFINED),
    )
    found = Pieces(pieces=pieces, unigram=kind == UNIGRAM, cleaning=cleaning, charsmap=charsmap)
    return found, _names(pieces, trainer)


def _piece(raw: bytes) -> Piece:
    row = dict(fields(raw))
    text, score, kind = row.get(1, b""), row.get(2, 0.0), row.get(3, Kind.NORMAL)
    if not isinstance(score, float) or not isinstance(kind, int):
        raise ValueError("a piece has fields of a wrong type")
    return Piece(_bytes(text).decode("utf-8"), score, Kind(kind))


def _names(pieces: list[Piece], trainer: Mapping[int, Any]) -> dict[str, str]:
    """Control tokens by the names that the trainer gave them; those that the vocabulary does not hold are none."""
    known = {piece.text for piece in pieces if piece.kind in (Kind.CONTROL, Kind.UNKNOWN)}
    asked = {"unk": (45, b"<unk>"), "bos": (46, b"<s>"), "eos": (47, b"</s>"), "pad": (48, b"<pad>")}
    found = {key: _bytes(trainer.get(number, default)).decode("utf-8") for key, (number, default) in asked.items()}
    return {f"{key}_token": name for key, name in found.items() if name in known}


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a field that should hold bytes holds a number")
    return value
