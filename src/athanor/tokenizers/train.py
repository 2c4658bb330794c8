"""Training a byte-level BPE (Sennrich et al. 2016, arXiv:1508.07909; bytes as in GPT-2, Radford et al. 2019).

The split pattern is Qwen2's, which llama.cpp and transformers know by name. No normaliser: any bytes of text come
back as they went in. Left out on purpose: every other kind of vocabulary, which we only load.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers

from athanor.core.files import write_atomic
from athanor.tokenizers.template import CHATML

VERSION = 1
END_OF_TEXT, BEGIN_TURN, END_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (END_OF_TEXT, BEGIN_TURN, END_TURN)
# https://huggingface.co/Qwen/Qwen2.5-0.5B/blob/main/tokenizer.json, pre_tokenizer.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train(texts: Iterable[str], vocabulary: int, folder: Path) -> None:
    """Train on texts and write tokenizer.json and tokenizer_config.json into `folder`.

    vocabulary: ids in all, the control tokens and the 256 bytes included; a small corpus may give fewer.
    """
    backend = tokenizers.Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated", invert=False)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])  # type: ignore[assignment]
    backend.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=[AddedToken(name, special=True, normalized=False) for name in SPECIALS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    write_atomic(folder / "tokenizer.json", backend.to_str(pretty=False))
    write_atomic(folder / "tokenizer_config.json", json.dumps(_config(), indent=2) + "\n")


def _config() -> dict[str, object]:
    return {
        "add_prefix_space": False,
        "bos_token": None,
        "chat_template": CHATML,
        "clean_up_tokenization_spaces": False,
        "eos_token": END_TURN,
        "pad_token": END_OF_TEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": None,
    }
