"""A tiny random BERT with a WordPiece vocabulary, written by transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

WORDS = ["the", "ferry", "leave", "##s", "at", "seven", "harbour", "master", "keep", "book", "##ing", "a", "##b", "b"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "渡", "船", "七", "点", "开", ".", ",", "?"]


def small_bert(folder: Path, kind: Any = transformers.BertModel, context: int = 40) -> Any:
    """Write the folder; transformers' own model."""
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=context, initializer_range=0.3,
    )  # fmt: skip
    model = kind(config).eval()
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY), "utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}')
    return model
