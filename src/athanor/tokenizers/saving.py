"""A tokenizer as the files that other programs read: tokenizer.json and tokenizer_config.json.

A SentencePiece model becomes the library's own parts, with its rules of cleaning where those have no binary form.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors

from athanor.core.files import write_atomic
from athanor.tokenizers.charsmap import SPACE
from athanor.tokenizers.pieces import Kind, Pieces
from athanor.tokenizers.tokenizer import Tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write both files into a folder."""
    pieces = tokenizer.parts.pieces
    backend = tokenizer.backend if pieces is None else _standard(tokenizer, pieces)
    write_atomic(folder / "tokenizer.json", backend.to_str() + "\n")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **tokenizer.config}
    write_atomic(folder / "tokenizer_config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def _standard(tokenizer: Tokenizer, pieces: Pieces) -> tokenizers.Tokenizer:
    """A SentencePiece model with nothing but the library's own parts."""
    made: Any = tokenizers.Tokenizer(_model(pieces))
    controls = [piece.text for piece in pieces.pieces if piece.kind in (Kind.CONTROL, Kind.UNKNOWN)]
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in controls])
    prefix = "always" if pieces.cleaning.dummy_prefix else "never"
    # Metaspace would add no space of its own before a text that begins with one; SentencePiece does.
    first = [normalizers.Prepend(SPACE)] if pieces.cleaning.dummy_prefix else []
    made.normalizer = normalizers.Sequence([*_cleaning(pieces), *first, normalizers.Replace(" ", SPACE)])
    made.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, "never", pieces.unigram)
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(SPACE, prefix)])
    before, after = ([tokenizer.token(number) for number in side] for side in (tokenizer.before, tokenizer.after))
    if before or after:
        ids = [(name, tokenizer.specials[name]) for name in dict.fromkeys([*before, *after]) if name is not None]
        template = " ".join([*map(str, before), "$A", *map(str, after)])
        made.post_processor = processors.TemplateProcessing(single=template, special_tokens=ids)
    return made


def _model(pieces: Pieces) -> models.Model:
    texts = [piece.text for piece in pieces.pieces]
    if pieces.unigram:
        scored = [(piece.text, piece.score) for piece in pieces.pieces]
        return models.Unigram(scored, pieces.unknown, pieces.all_bytes)
    unknown = None if pieces.unknown is None else texts[pieces.unknown]
    numbered = {text: number for number, text in enumerate(texts)}
    return models.BPE(numbered, pieces.merges(), unk_token=unknown, fuse_unk=True, byte_fallback=pieces.all_bytes)


def _cleaning(pieces: Pieces) -> list[normalizers.Normalizer]:
    """The rules of cleaning: as they came where they came as bytes, else NFKC and what differs from it."""
    found: list[normalizers.Normalizer] = []
    rules = pieces.cleaning.rules
    if pieces.charsmap:
        found.append(normalizers.Precompiled(pieces.charsmap))
    elif rules:
        others: dict[str, list[str]] = {}
        for text, stands in rules.items():
            if unicodedata.normalize("NFKC", text) != stands:
                others.setdefault(stands, []).append(re.escape(text))
        found += [normalizers.Replace(Regex("|".join(texts)), stands) for stands, texts in sorted(others.items())]
        found.append(normalizers.NFKC())
    if pieces.cleaning.remove_extra_spaces:
        found += [normalizers.Strip(left=True, right=True), normalizers.Replace(Regex(" {2,}"), " ")]
    return found
