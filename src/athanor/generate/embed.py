"""Sentence embeddings: an encoder's hidden states pooled into one vector of length 1.

Pooling and longest text are what the folder's sentence-transformers files say (Reimers & Gurevych 2019,
arXiv:1908.10084); without them the mean over the text and the whole context.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from athanor.core.errors import InputError, UsageError
from athanor.core.files import write_atomic
from athanor.models.encoder import Encoder
from athanor.specs.folder import packed_file, read_json
from athanor.specs.gguf import read_header
from athanor.tokenizers.tokenizer import Tokenizer

POOLING = "1_Pooling/config.json"
SETTINGS = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"
MODULES = "sentence_transformers.models."
POOLINGS = {"mean": False, "mean_tokens": False, "cls": True, "cls_token": True}
"""Word for a pooling → whether it takes the first position."""
POOLING_TYPES = {False: 1, True: 2}  # llama.h, llama_pooling_type: mean, cls
BATCH_TOKENS = 4096  # positions of texts that are read together, with their padding


@dataclass(frozen=True)
class Manner:
    """How a model's sentences are embedded."""

    longest: int
    """Tokens of a text that are read, its control tokens included; the rest is left out, as the model was trained."""
    first: bool = False
    """The first position stands for the text, not the mean of all."""
    lower: bool = False
    """Texts are read in small letters."""
    prefixes: dict[str, str] = field(default_factory=dict)
    """What is put in front of a text by its kind: query, passage."""


def manner(folder: Path, context: int) -> Manner:
    """What a model's files say. Raises InputError for a pooling or a further layer that is not run here."""
    packed = packed_file(folder)
    if packed is not None:
        if packed.suffix.lower() == ".gguf":
            return Manner(longest=context, first=_pooling_of_gguf(read_header(packed).metadata))
        return Manner(longest=context, prefixes={"query": "query: ", "passage": "passage: "})
    settings = _table(folder / SETTINGS)
    _check_modules(folder)
    prompts, longest = _table(folder / PROMPTS).get("prompts"), settings.get("max_seq_length")
    known = prompts if isinstance(prompts, dict) else {}
    return Manner(
        longest=min(longest, context) if type(longest) is int and longest > 2 else context,
        first=_takes_first(_table(folder / POOLING)),
        lower=settings.get("do_lower_case") is True,
        prefixes={key: text for key, text in known.items() if isinstance(key, str) and isinstance(text, str)},
    )


def write_manner(how: Manner, folder: Path) -> None:
    """Write it as sentence-transformers reads it."""
    names = ("Transformer", "Pooling", "Normalize")
    modules = [
        {"idx": n, "name": str(n), "path": "" if n == 0 else f"{n}_{name}", "type": f"{MODULES}{name}"}
        for n, name in enumerate(names)
    ]
    pooling = {"pooling_mode_cls_token": how.first, "pooling_mode_mean_tokens": not how.first}
    tables: dict[str, Any] = {
        "modules.json": modules,
        POOLING: pooling,
        SETTINGS: {"max_seq_length": how.longest, "do_lower_case": how.lower},
        PROMPTS: {"prompts": how.prefixes},
    }
    for name, table in tables.items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_atomic(folder / name, json.dumps(table, indent=2, ensure_ascii=False) + "\n")


def _table(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _takes_first(pooling: Mapping[str, Any]) -> bool:
    """Whether the first position stands for the text, in either spelling of the setting; else the mean does."""
    flags = {key.removeprefix("pooling_mode_") for key, value in pooling.items() if value is True}
    chosen = flags & {
        "cls_token",
        "mean_tokens",
        "max_tokens",
        "mean_sqrt_len_tokens",
        "weightedmean_tokens",
        "lasttoken",
    }
    word = pooling.get("pooling_mode") or "+".join(sorted(chosen)) or "mean"
    if not isinstance(word, str) or word not in POOLINGS:
        raise _not_run("pooling", word, sorted(set(POOLINGS)))
    return POOLINGS[word]


def _pooling_of_gguf(metadata: Mapping[str, Any]) -> bool:
    kind = metadata.get("bert.pooling_type", POOLING_TYPES[False])
    if kind not in POOLING_TYPES.values():
        raise _not_run("bert.pooling_type", kind, sorted(POOLING_TYPES.values()))
    return kind == POOLING_TYPES[True]


def _check_modules(folder: Path) -> None:
    """Layers behind the pooling change the vectors."""
    path = folder / "modules.json"
    if not path.is_file():
        return
    try:
        kinds = [str(row["type"]).rpartition(".")[2] for row in json.loads(path.read_bytes())]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}.", value=str(path), remedy="Mend the file.") from None
    for kind in kinds:
        if kind not in ("Transformer", "Pooling", "Normalize"):
            raise _not_run("modules.json", kind, ["Transformer", "Pooling", "Normalize"])


def _not_run(what: str, value: Any, known: list[Any]) -> InputError:
    return InputError(
        f"The model's sentences are embedded with {what} {value!r:.80}, which is not run here.",
        value=value,
        limit=known,
        remedy="Use a model whose vectors are the mean or the first of its hidden states.",
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
    rows = [
        [*before, *ids[:room], *after] for ids in tokenizer.encode_many([prefix + _cased(text, how) for text in texts])
    ]
    made = np.zeros((len(rows), network.spec.width), dtype=np.float32)
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    while order:
        taken = [order.pop()]
        while order and (len(taken) + 1) * len(rows[taken[0]]) <= BATCH_TOKENS:
            taken.append(order.pop())
        made[taken] = _pooled(network, [rows[row] for row in taken], how.first)
    return made


def _cased(text: str, how: Manner) -> str:
    return text.lower() if how.lower else text


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
