"""A tiny random LLaMA folder with a byte-level tokenizer, written by transformers and tokenizers."""

from __future__ import annotations

from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, pre_tokenizers


def small_llama(folder: Path, seed: int = 0, tokens: int = 0, **config: object) -> Path:
    """Write the folder; tokens: ids of its tokenizer beyond the 256 bytes and the end of text."""
    torch.manual_seed(seed)
    sizes = {
        "vocab_size": 300, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 64, "tie_word_embeddings": False, "bos_token_id": None,
        "eos_token_id": 256,
    }  # fmt: skip
    settings = transformers.LlamaConfig(**{**sizes, **config})  # type: ignore[arg-type]
    transformers.LlamaForCausalLM(settings).save_pretrained(folder)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = tokenizers.Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<|endoftext|>", *(f"<|spare_{number}|>" for number in range(tokens))])
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>"}')
    return folder
