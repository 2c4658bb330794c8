"""The inverse of `ggml`: a tokenizer as metadata of a GGUF file.

What the format cannot say is refused, except Unicode's NFC before a byte-level BPE, which every GGUF of such a model
lacks.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokenizers import models

from athanor.core.errors import InputError
from athanor.tokenizers import bytelevel
from athanor.tokenizers.charsmap import SPACE
from athanor.tokenizers.ggml import IDS, PREFIX, TEMPLATE, cased
from athanor.tokenizers.pieces import BYTE, Kind, Piece

if TYPE_CHECKING:
    from athanor.tokenizers.tokenizer import Tokenizer


def to_gguf(tokenizer: Tokenizer, size: int | None = None) -> dict[str, Any]:
    """The metadata keys `tokenizer.…` that give this tokenizer again: strings, numbers, lists of these.

    size: rows of the embedding, where they are more than the ids; the rest is written as unused. Raises InputError for
    a tokenizer that GGUF has no name for.
    """
    model, backend = tokenizer.backend.model, tokenizer.backend
    if tokenizer.parts.pieces:
        found = _sentencepiece(tokenizer)
    elif isinstance(model, models.BPE) and "ByteLevel" in str(backend.decoder) and not model.end_of_word_suffix:
        found = _bytelevel(tokenizer)
    elif isinstance(model, models.BPE) and model.byte_fallback:
        found = _scored(tokenizer, "llama", _ranked(_state(model)["merges"]))
    elif isinstance(model, models.Unigram):
        found = _scored(tokenizer, "t5", dict(_state(model)["vocab"])) | _charsmap(tokenizer)
    elif isinstance(model, models.WordPiece):
        found = _wordpiece(tokenizer)
    else:
        raise _refused(type(model).__name__, "byte-level BPE, SentencePiece, WordPiece")
    _pad(found, max(size or 0, tokenizer.vocabulary))
    return {PREFIX + key: value for key, value in {**found, **_control(tokenizer)}.items()} | _template(tokenizer)


def _rows(tokenizer: Tokenizer, scores: Mapping[str, float], bytes_: bool) -> list[Piece]:
    """Every id's piece; a hole is an unused one."""
    added, unknown = tokenizer.backend.get_added_tokens_decoder(), _unknown(tokenizer)
    rows = []
    for number in range(tokenizer.vocabulary):
        text = tokenizer.token(number)
        if text is None:
            rows.append(_unused(number))
            continue
        kind = Kind.BYTE if bytes_ and BYTE.fullmatch(text) else Kind.NORMAL
        if number in added:
            kind = Kind.CONTROL if added[number].special else Kind.USER_DEFINED
        if bytes_ and number == unknown:
            kind = Kind.UNKNOWN
        rows.append(Piece(text, scores.get(text, 0.0), kind))
    return rows


def _unknown(tokenizer: Tokenizer) -> int | None:
    """The id that the model itself gives to what it does not know."""
    model = tokenizer.backend.model
    if isinstance(model, models.Unigram):
        return _state(model)["unk_id"]
    name = getattr(model, "unk_token", None)
    return tokenizer.backend.token_to_id(name) if name else None


def _unused(number: int) -> Piece:
    return Piece(f"[PAD{number}]", 0.0, Kind.UNUSED)


def _table(model: str, pre: str, rows: Sequence[Piece], scores: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": model,
        "pre": pre,
        "tokens": [row.text for row in rows],
        "token_type": [int(row.kind) for row in rows],
    }
    return found | ({"scores": [row.score for row in rows]} if scores else {})


def _pad(found: dict[str, Any], size: int) -> None:
    for number in range(len(found["tokens"]), size):
        row = _unused(number)
        found["tokens"].append(row.text)
        found["token_type"].append(int(row.kind))
        if "scores" in found:
            found["scores"].append(row.score)


def _sentencepiece(tokenizer: Tokenizer) -> dict[str, Any]:
    pieces = tokenizer.parts.pieces
    assert pieces is not None
    cleaning = pieces.cleaning
    if cleaning.suffix:
        raise _refused("spaces at the end of words", "spaces at their beginning, as ▁")
    rows = [*pieces.pieces, *_rows(tokenizer, {}, bytes_=False)[len(pieces.pieces) :]]
    found = _table("t5" if pieces.unigram else "llama", "default", rows, scores=True)
    found["add_space_prefix"] = cleaning.dummy_prefix
    found["remove_extra_whitespaces"] = cleaning.remove_extra_spaces
    if pieces.charsmap:
        found["precompiled_charsmap"] = list(pieces.charsmap)
    return found


def _bytelevel(tokenizer: Tokenizer) -> dict[str, Any]:
    normalizer = tokenizer.backend.normalizer
    if normalizer is not None and _state(normalizer) != {"type": "NFC"}:
        raise _refused(f"the normaliser {_state(normalizer)['type']}", "none, or NFC")
    merges = _state(tokenizer.backend.model)["merges"]
    found = _table("gpt2", _pre(tokenizer), _rows(tokenizer, {}, bytes_=False))
    return found | {"merges": [pair if isinstance(pair, str) else " ".join(pair) for pair in merges]}


def _pre(tokenizer: Tokenizer) -> str:
    """llama.cpp's name of the split."""
    splits = tuple(_splits(_state(tokenizer.backend.pre_tokenizer)))
    names = [name for name, known in bytelevel.SPLITS.items() if known == splits]
    if not names:
        raise _refused(f"the split {splits}", ", ".join(bytelevel.SPLITS))
    if names == ["gpt-2"] and tokenizer.before and tokenizer.after:
        return "roberta-bpe"
    return "dbrx" if names == ["llama-bpe"] and not tokenizer.backend.model.ignore_merges else names[0]  # type: ignore[attr-defined]


def _splits(step: Mapping[str, Any]) -> list[str]:
    """The expressions of a pre-tokenizer, as in bytelevel.SPLITS."""
    match step:
        case {"type": "Sequence", "pretokenizers": parts}:
            return [split for part in parts for split in _splits(part)]
        case {"type": "Split", "pattern": {"Regex": split}, "behavior": "Isolated", "invert": False}:
            return [split]
        case {"type": "Digits", "individual_digits": True}:
            return [r"\p{N}"]
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": regex}:
            return [bytelevel.GPT2] if regex else []
    raise _refused(f"the pre-tokenizer {json.dumps(step)[:200]}", "splits by known expressions")


def _ranked(merges: Sequence[str | Sequence[str]]) -> dict[str, float]:
    """A score for each piece that a merge makes: the earlier the merge, the higher."""
    scores: dict[str, float] = {}
    for rank, pair in enumerate(merges):
        text = "".join(pair.split(" ", 1) if isinstance(pair, str) else pair)
        scores.setdefault(text, -float(rank))
    return scores


def _scored(tokenizer: Tokenizer, model: str, scores: Mapping[str, float]) -> dict[str, Any]:
    """A SentencePiece vocabulary out of a tokenizer.json, where its treatment of spaces is seen by trying."""
    found = _table(model, "default", _rows(tokenizer, scores, bytes_=True), scores=True)
    first = tokenizer.backend.id_to_token((tokenizer.encode("a") or [0])[0]) or ""
    found["add_space_prefix"] = first.startswith(SPACE)
    found["remove_extra_whitespaces"] = tokenizer.encode("a  b") == tokenizer.encode("a b")
    return found


def _charsmap(tokenizer: Tokenizer) -> dict[str, Any]:
    normalizer = tokenizer.backend.normalizer
    steps = [_state(normalizer)] if normalizer is not None else []
    while any(step["type"] == "Sequence" for step in steps):
        steps = [part for step in steps for part in step.get("normalizers", [step])]
    raw = next((step["precompiled_charsmap"] for step in steps if step["type"] == "Precompiled"), None)
    return {"precompiled_charsmap": list(base64.b64decode(raw))} if raw else {}


def _wordpiece(tokenizer: Tokenizer) -> dict[str, Any]:
    prefix = tokenizer.backend.model.continuing_subword_prefix  # type: ignore[attr-defined]
    rows = _rows(tokenizer, {}, bytes_=False)
    normalizer = tokenizer.backend.normalizer
    steps = _state(normalizer) if normalizer is not None else {}
    usual = {"type": "BertNormalizer", "handle_chinese_chars": True, "lowercase": not cased(row.text for row in rows)}
    different = [key for key, value in usual.items() if steps.get(key) != value]
    if different or steps["strip_accents"] not in (None, usual["lowercase"]):
        raise _refused(
            f"its {(different or ['strip_accents'])[0]}", "BERT's own cleaning, lower case as the pieces have it"
        )

    def written(row: Piece) -> Piece:
        if row.kind != Kind.NORMAL or (row.text.startswith("[") and row.text.endswith("]")):
            return row
        text = row.text.removeprefix(prefix) if row.text.startswith(prefix) else SPACE + row.text
        return Piece(text or SPACE + row.text, 0.0, row.kind)

    return _table("bert", "default", [written(row) for row in rows])


def _control(tokenizer: Tokenizer) -> dict[str, Any]:
    ids: dict[str, Any] = {name: number for key, name in IDS.items() if (number := tokenizer.named(key)) is not None}
    if (unknown := _unknown(tokenizer)) is not None:
        ids[IDS["unk"]] = unknown
    if tokenizer.bos is not None:
        ids["add_bos_token"] = tokenizer.before[:1] == (tokenizer.bos,)
    if tokenizer.eos is not None:
        ids["add_eos_token"] = tokenizer.after[-1:] == (tokenizer.eos,)
    return ids


def _template(tokenizer: Tokenizer) -> dict[str, str]:
    source = tokenizer.config.get("chat_template")
    return {TEMPLATE: source} if isinstance(source, str) else {}


def _state(part: Any) -> Any:
    """A component of the library as its JSON says it."""
    return json.loads(part.__getstate__())


def _refused(what: str, limit: str) -> InputError:
    return InputError(
        f"GGUF cannot hold this tokenizer: {what}.",
        value=what,
        limit=limit,
        remedy="Export the model as a safetensors folder instead.",
    )
