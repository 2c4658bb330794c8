"""BERT's WordPiece out of `vocab.txt` (Devlin et al. 2019, arXiv:1810.04805): one piece a line, its number the id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from athanor.tokenizers.added import add_tokens
from athanor.tokenizers.parts import Parts, named, read_text

FILE = "vocab.txt"
NAMES = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "mask": "[MASK]"}
LONGEST_WORD = 100
"""Characters; a longer word is unknown, as in the published code."""


def read(folder: Path, config: Mapping[str, Any]) -> Parts | None:
    """The WordPiece vocabulary of a folder. Raises InputError naming the file."""
    path = folder / "vocab.txt"
    if not path.is_file():
        return None
    lines = read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # Of a piece that stands twice the last place counts, as in the published code.
    vocab = {line: number for number, line in enumerate(lines[:-1] if not lines[-1] else lines)}
    stated = {f"{key}_token": named(config, key, default) for key, default in NAMES.items()}
    backend = build(
        vocab,
        stated["unk_token"],
        lowercase=bool(config.get("do_lower_case", True)),
        strip_accents=config.get("strip_accents"),
        chinese=bool(config.get("tokenize_chinese_chars", True)),
    )
    add_tokens(backend, folder, {**stated, **config})
    return Parts(backend=backend, config=stated, before=(stated["cls_token"],), after=(stated["sep_token"],))


def build(
    vocab: Mapping[str, int],
    unknown: str,
    lowercase: bool = True,
    strip_accents: bool | None = None,
    chinese: bool = True,
) -> tokenizers.Tokenizer:
    """A WordPiece tokenizer of the library. strip_accents None: as lowercase. chinese: each Han letter is a word."""
    backend = tokenizers.Tokenizer(
        models.WordPiece(dict(vocab), unk_token=unknown, max_input_chars_per_word=LONGEST_WORD)
    )
    backend.normalizer = normalizers.BertNormalizer(  # type: ignore[assignment]
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strip_accents, lowercase=lowercase
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()  # type: ignore[assignment]
    backend.decoder = decoders.WordPiece(prefix="##")  # type: ignore[assignment]
    return backend
