"""Sentence embeddings: an encoder's hidden states pooled into one vector of length 1.

Pooling and longest text are what the folder's sentence-transformers files say (Reimers & Gurevych 2019,
arXiv:1908.10084); without them the mean over the text and the whole context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from athanor.core.errors import InputError, UsageError
from athanor.models.encoder import Encoder
from athanor.specs.folder import packed_file, read_json
from athanor.tokenizers.tokenizer import Tokenizer

POOLING = "1_Pooling/config.json"
SETTINGS = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"
BATCH_TOKENS = 4096  # positions of texts that are read together, with their padding


@dataclass(frozen=True)
class Manner:
    """How a model's sentences are embedded."""

    longest: int
    """Tokens of a text that are read, its control tokens included; the rest is left out, as the model was trained."""
    first: bool = False
    """The first position stands for the text, not the mean of all."""
    prefixes: dict[str, str] = field(default_factory=dict)
    """What is put in front of a text by its kind: query, passage."""


def manner(folder: Path, context: int) -> Manner:
    """What a model folder says."""
    if packed_file(folder) is not None:  # the one packed encoder that is read
        return Manner(longest=context, prefixes={"query": "query: ", "passage": "passage: "})
    pooling = read_json(folder / POOLING) if (folder / POOLING).is_file() else {}
    settings = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    prompts = (read_json(folder / PROMPTS) if (folder / PROMPTS).is_file() else {}).get("prompts")
    longest = settings.get("max_seq_length")
    known = prompts if isinstance(prompts, dict) else {}
    return Manner(
        longest=min(longest, context) if type(longest) is int and longest > 2 else context,
        first=pooling.get("pooling_mode_cls_token") is True,
        prefixes={key: text for key, text in known.items() if isinstance(key, str) and isinstance(text, str)},
    )


@torch.inference_mode()
def embed(
    network: Encoder, tokenizer: Tokenizer, how: Manner, texts: Sequence[str], kind: str | None = None
) -> npt.NDArray[np.float32]:
    """texts → (N, D) float32, each of length 1. kind: adds the prefix the model was trained with."""
    if isinstance(texts, str):
        raise UsageError(
            "embed takes a list of texts, not one text.", value=texts[:80], limit="a list", remedy="[text]"
        )
    if kind is not None and kind not in ("query", "passage"):
        raise UsageError(
            f"The kind {kind!r} is unknown.", value=kind, limit=["query", "passage"], remedy="Known: query, passage."
        )
    prefix = how.prefixes.get(kind, "") if kind else ""
    before, after = tokenizer.before, tokenizer.after
    room = how.longest - len(before) - len(after)
    rows = [[*before, *ids[:room], *after] for ids in tokenizer.encode_many([prefix + text for text in texts])]
    made = np.zeros((len(rows), network.spec.width), dtype=np.float32)
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    while order:
        taken = [order.pop()]
        while order and (len(taken) + 1) * len(rows[taken[0]]) <= BATCH_TOKENS:
            taken.append(order.pop())
        made[taken] = _pooled(network, [rows[row] for row in taken], how.first)
    return made


def _pooled(network: Encoder, rows: Sequence[Sequence[int]], first: bool) -> npt.NDArray[np.float32]:
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.int64)
    seen = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        seen[number, : len(row)] = True
    hidden = network(ids, seen=seen).float()
    if first:
        pooled = hidden[:, 0]
    else:
        pooled = (hidden * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
    return torch.nn.functional.normalize(pooled, dim=-1).numpy()


def refuse(family: str) -> InputError:
    """The error for a network that makes no embeddings."""
    return InputError(
        f"This {family} model makes no sentence embeddings.",
        value=family,
        limit="an encoder",
        remedy="Load an encoder, such as minilm or e5 of `athanor pull --list`.",
    )
