"""Tokenizers in GGUF files: metadata keys `tokenizer.ggml.…` ↔ a tokenizer.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and gguf-py's constants.py. `gpt2` is a byte-level BPE whose
split of words goes by the name `pre`, `llama` SentencePiece's BPE, `t5` its unigram, `bert` WordPiece. The format has
no place for a normaliser: Qwen2's NFC is lost in it, as in llama.cpp. Whether WordPiece lower-cases is seen by its
pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import tokenizers
from tokenizers import AddedToken

from athanor.core.errors import InputError, nearest
from athanor.tokenizers import bytelevel, wordpiece
from athanor.tokenizers.charsmap import SPACE, Cleaning, read_rules
from athanor.tokenizers.parts import MAX_VOCABULARY, Parts
from athanor.tokenizers.pieces import Kind, Piece, Pieces

PREFIX = "tokenizer.ggml."
TEMPLATE = "tokenizer.chat_template"
IDS = {
    "bos": "bos_token_id",
    "eos": "eos_token_id",
    "unk": "unknown_token_id",
    "pad": "padding_token_id",
    "cls": "cls_token_id",
    "sep": "seperator_token_id",  # the key is spelt so
    "mask": "mask_token_id",
}
# What llama.cpp takes where a file does not say.
DEFAULT_IDS = {
    "llama": {"bos": 1, "eos": 2, "unk": 0},
    "t5": {"eos": 1, "unk": 2},
    "bert": {"unk": 100, "cls": 101, "sep": 102, "pad": 0, "mask": 103},
    "gpt2": {},
}
_BRACKETS = re.compile(r"\[.*\]")


def read(metadata: Mapping[str, Any]) -> Parts:
    """The parts of the tokenizer in a GGUF file's metadata. Raises InputError naming the key and its value."""
    model = _get(metadata, "model", str)
    build = _MODELS.get(model)
    if build is None:
        raise _refused("model", model, sorted(_MODELS))
    rows = _rows(metadata)
    config = _config(metadata, rows, model)
    return build(metadata, rows, config)


def _rows(metadata: Mapping[str, Any]) -> list[Piece]:
    tokens = _list(metadata, "tokens", str)
    if not 0 < len(tokens) <= MAX_VOCABULARY:
        raise _refused("tokens", len(tokens), f"1 to {MAX_VOCABULARY} of them")
    kinds = _list(metadata, "token_type", int) or [Kind.NORMAL] * len(tokens)
    scores = _list(metadata, "scores", float) or [0.0] * len(tokens)
    for key, values in (("token_type", kinds), ("scores", scores)):
        if len(values) != len(tokens):
            raise _refused(key, len(values), f"{len(tokens)}, as many as tokens")
    known = {int(kind) for kind in Kind}
    rows = [
        Piece(text, float(score), Kind(kind) if kind in known else Kind.NORMAL)
        for text, score, kind in zip(tokens, scores, kinds, strict=True)
    ]
    if len({row.text for row in rows}) < len(rows):
        seen: set[str] = set()
        twice = next(row.text for row in rows if row.text in seen or seen.add(row.text))
        raise _refused("tokens", twice[:40], "no token twice")
    return rows


def _config(metadata: Mapping[str, Any], rows: Sequence[Piece], model: str) -> dict[str, Any]:
    """What tokenizer_config.json would say."""
    config: dict[str, Any] = {}
    for key, name in IDS.items():
        stated = metadata.get(PREFIX + name)
        number = DEFAULT_IDS[model].get(key, -1) if stated is None else int(stated)
        if 0 <= number < len(rows):
            config[f"{key}_token"] = rows[number].text
        elif stated is not None:
            raise _refused(name, number, f"an id of {len(rows)}")
    if isinstance(template := metadata.get(TEMPLATE), str):
        config["chat_template"] = template
    for key in ("add_bos_token", "add_eos_token"):
        if (value := metadata.get(PREFIX + key)) is not None:
            config[key] = bool(value)
    return config


def _gpt2(metadata: Mapping[str, Any], rows: Sequence[Piece], config: dict[str, Any]) -> Parts:
    pre = str(metadata.get(PREFIX + "pre") or "default")
    same = {other: name for name, others in bytelevel.SAME.items() for other in others.split()}
    splits = bytelevel.SPLITS.get(same.get(pre, pre))
    if splits is None:
        known = sorted([*bytelevel.SPLITS, *same])
        raise _refused("pre", pre, f"one of {', '.join(known)}; the nearest is {nearest(pre, known) or 'none'}")
    merges = []
    for line in _list(metadata, "merges", str):
        cut = line.find(" ", 1)
        if cut < 0:
            raise _refused("merges", line[:40], "two pieces with a space between")
        merges.append((line[:cut], line[cut + 1 :]))
    vocab = {row.text: number for number, row in enumerate(rows)}
    backend = bytelevel.build(vocab, merges, splits, whole=pre in bytelevel.WHOLE)
    _mark(backend, rows)
    if pre in bytelevel.WHOLE:
        config.setdefault("add_bos_token", True)
    if pre == "roberta-bpe":
        config = {"add_bos_token": True, "add_eos_token": True, **config}
    return Parts(backend=backend, config=config)


def _mark(backend: tokenizers.Tokenizer, rows: Sequence[Piece]) -> None:
    """Control tokens as such, user-defined ones as strings that are found before all else."""
    control = [row.text for row in rows if row.kind in (Kind.CONTROL, Kind.UNKNOWN)]
    own = [row.text for row in rows if row.kind == Kind.USER_DEFINED]
    backend.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in control])
    backend.add_tokens([AddedToken(text, special=False, normalized=False) for text in own])


def _present(name: str | None) -> tuple[str, ...]:
    return (name,) if name else ()


def _llama(metadata: Mapping[str, Any], rows: Sequence[Piece], config: dict[str, Any]) -> Parts:
    config.setdefault("add_bos_token", True)
    return _pieces(metadata, rows, config, unigram=False)


def _t5(metadata: Mapping[str, Any], rows: Sequence[Piece], config: dict[str, Any]) -> Parts:
    config.setdefault("add_eos_token", True)
    return _pieces(metadata, rows, config, unigram=True)


def _pieces(metadata: Mapping[str, Any], rows: Sequence[Piece], config: dict[str, Any], unigram: bool) -> Parts:
    rows = [_one_unknown(row, config.get("unk_token")) for row in rows]
    charsmap = metadata.get(PREFIX + "precompiled_charsmap")
    raw = b"" if charsmap is None else bytes(number & 0xFF for number in charsmap)
    cleaning = Cleaning(
        rules=read_rules(raw),
        dummy_prefix=bool(metadata.get(PREFIX + "add_space_prefix", True)),
        remove_extra_spaces=bool(metadata.get(PREFIX + "remove_extra_whitespaces", unigram)),
        symbols=tuple(row.text for row in rows if row.kind == Kind.USER_DEFINED),
    )
    pieces = Pieces(pieces=rows, unigram=unigram, cleaning=cleaning, charsmap=raw)
    return Parts(backend=pieces.build(), config=config, prepare=cleaning, pieces=pieces)


def _one_unknown(row: Piece, name: str | None) -> Piece:
    """The file's key says which one it is; converters mark spare rows as unknown too."""
    if row.text == name:
        return replace(row, kind=Kind.UNKNOWN)
    return replace(row, kind=Kind.CONTROL) if row.kind == Kind.UNKNOWN and name else row


def _bert(metadata: Mapping[str, Any], rows: Sequence[Piece], config: dict[str, Any]) -> Parts:
    del metadata
    vocab = {_wordpiece(row): number for number, row in enumerate(rows)}
    unknown = config.get("unk_token")
    if unknown is None:
        raise _refused("unknown_token_id", None, "the id of the unknown token")
    backend = wordpiece.build(vocab, unknown, lowercase=not cased(vocab))
    names = [config.get(f"{key}_token") for key in IDS]
    controls = [row.text for row in rows if row.kind == Kind.CONTROL or row.text in names]
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in controls])
    around = [_present(config.get(f"{key}_token")) for key in ("cls", "sep")]
    return Parts(backend=backend, config=config, before=around[0], after=around[1])


def cased(names: Iterable[str]) -> bool:
    """Whether a WordPiece vocabulary knows capitals; single ones, and those in brackets, uncased ones have too."""
    return any(re.fullmatch("(##)?(?=..)[A-Za-z]*[A-Z][A-Za-z]*", name) for name in names)


def _wordpiece(row: Piece) -> str:
    """GGUF marks a word's beginning (▁), vocab.txt its continuation (##)."""
    if row.kind == Kind.CONTROL or _BRACKETS.fullmatch(row.text):
        return row.text
    return row.text[1:] if row.text.startswith(SPACE) else f"##{row.text}"


_MODELS: dict[str, Callable[[Mapping[str, Any], Sequence[Piece], dict[str, Any]], Parts]] = {
    "gpt2": _gpt2,
    "llama": _llama,
    "t5": _t5,
    "bert": _bert,
}


def _get(metadata: Mapping[str, Any], key: str, kind: type) -> Any:
    value = metadata.get(PREFIX + key)
    if not isinstance(value, kind):
        raise _refused(key, value, f"a value of type {kind.__name__}")
    return value


def _list(metadata: Mapping[str, Any], key: str, kind: type) -> list[Any]:
    """A list whose items are all of one type, [] where there is none; integers may stand for floats."""
    values = metadata.get(PREFIX + key)
    if values is None:
        return []
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise _refused(key, type(values).__name__, "a list")
    kinds = (int, float) if kind is float else kind
    wrong = next((value for value in values if not isinstance(value, kinds)), None)
    if wrong is not None:
        raise _refused(key, str(wrong)[:40], f"values of type {kind.__name__}")
    return list(values)


def _refused(key: str, value: Any, limit: Any) -> InputError:
    return InputError(
        f"The GGUF file's {PREFIX}{key} is {value!r}; known is {limit}.",
        value=value,
        limit=limit,
        remedy="Convert the model again with a current converter, or use its safetensors folder.",
    )
