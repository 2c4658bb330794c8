"""CLIP's BPE (Radford et al. 2021, arXiv:2103.00020): lower case, no spaces kept, a word's last piece ends in `</w>`.

Cleaning is transformers': NFC, runs of white space as one space, lower case. Left out: ftfy's mending and HTML
entities, which the first release did and no published tokenizer file does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers

from athanor.tokenizers.added import add_tokens
from athanor.tokenizers.parts import Parts, named

ENDING = "</w>"
# https://github.com/openai/CLIP/blob/main/clip/simple_tokenizer.py
WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def parts(
    vocab: Mapping[str, int], merges: Sequence[tuple[str, str]], folder: Path, config: Mapping[str, Any]
) -> Parts:
    """CLIP's tokenizer of a folder's vocab.json and merges.txt."""
    end = "<|endoftext|>"
    defaults = {"bos": "<|startoftext|>", "eos": end, "unk": end, "pad": end}
    stated = {f"{key}_token": named(config, key, default) for key, default in defaults.items()}
    unknown = stated["unk_token"] if stated["unk_token"] in vocab else None
    backend = tokenizers.Tokenizer(
        models.BPE(dict(vocab), list(merges), unk_token=unknown, end_of_word_suffix=ENDING, fuse_unk=False)
    )
    backend.normalizer = normalizers.Sequence(  # type: ignore[assignment]
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence(  # type: ignore[assignment]
        [words, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.Sequence(  # type: ignore[assignment]
        [decoders.ByteLevel(), decoders.Replace(ENDING, " "), decoders.Replace(Regex(" $"), "")]
    )
    add_tokens(backend, folder, {**stated, **config})
    return Parts(backend=backend, config=stated, before=(stated["bos_token"],), after=(stated["eos_token"],))
