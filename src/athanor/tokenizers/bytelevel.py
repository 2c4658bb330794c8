"""Byte-level BPE out of `vocab.json` + `merges.txt`, and the splits of text that published models use before it.

Bytes as letters, and the first split: Radford et al. 2019 (GPT-2). A model's split is a part of its vocabulary: with
another one the same merges give other ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers

from athanor.tokenizers import clip
from athanor.tokenizers.added import add_tokens
from athanor.tokenizers.parts import Parts, broken, class_of, named, read_object, read_text

FILE = "vocab.json"
# https://github.com/openai/gpt-2/blob/master/src/encoder.py
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_MODERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# https://huggingface.co/Qwen/Qwen2.5-0.5B/blob/main/tokenizer.json and Meta-Llama-3-8B's, pre_tokenizer.
QWEN2 = _MODERN.replace("DIGITS", r"\p{N}")
LLAMA3 = _MODERN.replace("DIGITS", r"\p{N}{1,3}")
_CASED = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ENDING|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*ENDING|"
    r"DIGITS| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_DEEPSEEK3 = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPLITS: dict[str, tuple[str, ...]] = {
    "default": (r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"),
    "gpt-2": (GPT2,),
    "smollm": (r"\p{N}", GPT2),
    "qwen2": (QWEN2,),
    "llama-bpe": (LLAMA3,),
    "falcon": (r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"),
    "deepseek-coder": (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", r"\p{N}"),
    "deepseek-v3": (r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", _DEEPSEEK3),
    "tekken": (_CASED.replace("ENDING", "").replace("DIGITS", r"\p{N}"),),
    "gpt-4o": (_CASED.replace("ENDING", "(?i:'s|'t|'re|'ve|'m|'ll|'d)?").replace("DIGITS", r"\p{N}{1,3}"),),
    "bloom": (r" ?[^(\s|.,!?…。，、।۔،)]+",),
}
"""Regular expressions by llama.cpp's name of the split, each applied to what the one before left; as in its
src/llama-vocab.cpp, with the published expression where that file has a rewritten one."""

SAME = {
    "gpt-2": "phi-2 mpt olmo jais roberta-bpe jina-v1-en jina-v2-code jina-v2-en jina-v2-es jina-v2-de modern-bert",
    "smollm": "starcoder refact command-r codeshell exaone minerva-7b",
    "qwen2": "stablelm2 deepseek-r1-qwen hunyuan megrez grok-2",
    "llama-bpe": "llama3 llama-v3 dbrx smaug-bpe chatglm-bpe glm4 pixtral falcon3 lfm2",
    "deepseek-v3": "hunyuan-dense",
    "gpt-4o": "llama4",
    "bloom": "poro-chat gpt3-finnish",
}
"""Other names of the same splits."""

WHOLE = frozenset(["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "lfm2", "tekken"])
"""Splits whose models take a word that is in the vocabulary whole, whatever the merges say."""


def read(folder: Path, config: Mapping[str, Any]) -> Parts | None:
    """The byte-level BPE of a folder. Raises InputError naming the file."""
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    if not (vocabulary.is_file() and merges.is_file()):
        return None
    vocab, pairs = read_object(vocabulary), read_merges(merges)
    if "clip" in class_of(config) or "a</w>" in vocab:
        return clip.parts(vocab, pairs, folder, config)
    qwen = "qwen" in class_of(config)
    backend = build(
        vocab, pairs, SPLITS["qwen2" if qwen else "gpt-2"], prefix_space=bool(config.get("add_prefix_space"))
    )
    if qwen:
        backend.normalizer = normalizers.NFC()  # type: ignore[assignment]
    roberta = "<s>" in vocab and any(name in class_of(config) for name in ("roberta", "bart"))
    stated = _roberta() if roberta else {f"{key}_token": named(config, key, "<|endoftext|>") for key in ("bos", "eos")}
    if qwen:
        stated.pop("bos_token", None)
    add_tokens(backend, folder, {**stated, **config})
    if not roberta:
        return Parts(backend=backend, config=stated)
    cls, sep = (named(config, key, stated[f"{key}_token"]) for key in ("cls", "sep"))
    return Parts(backend=backend, config=stated, before=(cls,), after=(sep,))


def build(
    vocab: Mapping[str, int],
    merges: Sequence[tuple[str, str]],
    splits: Sequence[str],
    prefix_space: bool = False,
    whole: bool = False,
) -> tokenizers.Tokenizer:
    """A byte-level BPE of the library, from its parts."""
    backend = tokenizers.Tokenizer(models.BPE(dict(vocab), list(merges), ignore_merges=whole))
    steps: list[Any] = [pre_tokenizers.Split(Regex(split), behavior="isolated", invert=False) for split in splits]
    if prefix_space:  # before the split, which looks at the space
        steps = [pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)]
    else:
        steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    backend.pre_tokenizer = pre_tokenizers.Sequence(steps)  # type: ignore[assignment]
    backend.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    return backend


def read_merges(path: Path) -> list[tuple[str, str]]:
    """The pairs of merges.txt, best first. Raises InputError naming a line that is no pair."""
    pairs = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip() or line.startswith("#version"):
            continue
        left, _, right = line.rstrip("\r").partition(" ")
        if not left or not right or " " in right:
            raise broken(path, f"line {number} is no pair: {line[:60]!r}")
        pairs.append((left, right))
    return pairs


def _roberta() -> dict[str, str]:
    return {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
    }
