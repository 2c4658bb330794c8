"""A model out of the store as a standard folder: through the key map, in shards of a chosen size, byte-equal."""

from __future__ import annotations

import json
import math
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from athanor.core.errors import InputError, NameTakenError, ProofError
from athanor.core.files import remove_tree, replacing, sha256_file, write_atomic
from athanor.generate.embed import manner, write_manner
from athanor.generate.fitting import fitting_tokenizer
from athanor.models import roundtrip
from athanor.models.folder import NAMES as STORED_NAMES
from athanor.models.folder import TABLES, Folder, map_tensor, tensor_bytes
from athanor.models.opened import Opened
from athanor.models.opening import open_model
from athanor.specs import safetensors
from athanor.specs.encoder import EncoderSpec
from athanor.specs.folder import CONFIG, INDEX, SINGLE, Stored, kept_files
from athanor.tokenizers.saving import save_tokenizer
from athanor.transform.card import CARD, SOURCE_CARD

SHARD_BYTES = 5_000_000_000  # of tensors; what transformers cuts at
Progress = Callable[[int], None]
Card = Callable[[Mapping[str, Any]], str]
WORDS = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Outgoing:
    """A tensor that will be written."""

    published: str
    name: str
    """What it is stored as."""
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """What it will take."""
        return self.dtype.itemsize * math.prod(self.shape)


def export_folder(
    source: Path, target: Path, dtype: str | None, shard_size: int, card: Card, progress: Progress
) -> dict[str, Any]:
    """Write the model folder `source` as a new folder `target`: {"files", "format", "proof"}.

    dtype: f32, f16 or bf16; None: each tensor keeps its own. card: what README.md says, from the proof.
    Raises InputError for numbers that a type cannot hold.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise NameTakenError(
            f"There is something at {target} already.",
            value=str(target),
            limit="a new or empty folder",
            remedy="Name another folder, or clear that one.",
        )
    aside = target.with_name(f".{secrets.token_hex(8)}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.mkdir()
    try:
        proof = _write(source, open_model(source), aside, dtype, shard_size, progress)
        if (aside / CARD).is_file() and not (aside / SOURCE_CARD).exists():
            (aside / CARD).rename(aside / SOURCE_CARD)
        write_atomic(aside / CARD, card(proof))
        if target.exists():
            target.rmdir()
        aside.rename(target)
    finally:
        remove_tree(aside)
    files = [
        {"path": str(path.relative_to(target)), "bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for path in sorted(target.rglob("*"))
        if path.is_file()
    ]
    return {"files": files, "format": "safetensors", "proof": proof}


def _write(
    source: Path, found: Opened, target: Path, dtype: str | None, shard_size: int, progress: Progress
) -> dict[str, Any]:
    _write_beside(source, found, target, dtype)
    outgoing = _outgoing(found, dtype)
    stream = _all_tensors(found, {item.published: item.dtype for item in outgoing})
    worst = _write_shards(target, _shards(outgoing, shard_size), stream, progress)
    return _proof(len(outgoing), worst)


def _write_beside(source: Path, found: Opened, target: Path, dtype: str | None) -> None:
    """Config, tokenizer and what else belongs to the model: as it came, or made of what a packed file says."""
    config = dict(found.config)
    if isinstance(found, Folder):
        for path in kept_files(source):
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    else:
        tokenizer = fitting_tokenizer(source, found.spec)
        if tokenizer is not None:
            save_tokenizer(tokenizer, target)
        if isinstance(found.spec, EncoderSpec):
            write_manner(manner(source, found.spec.context), target)
    if dtype is not None:
        config["dtype"] = config["torch_dtype"] = str(WORDS[dtype]).removeprefix("torch.")
    if dtype is not None or not isinstance(found, Folder):
        write_atomic(target / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def _outgoing(found: Opened, dtype: str | None) -> list[Outgoing]:
    """Weights in the order they come in, then what a folder carried beside them."""
    made = []
    for name in roundtrip.order(found):
        tensor = found.read(name)
        stored = found.checkpoint.weights[name].entry.name if isinstance(found, Folder) else name
        made.append(Outgoing(name, stored, WORDS[dtype] if dtype else tensor.dtype, tuple(tensor.shape)))
    for stored in _spare(found):
        entry = stored.entry
        own = TABLES.get(entry.dtype)
        if own is None:
            raise InputError(
                f"The tensor {entry.name} is of type {entry.dtype}, which is not written here.",
                value=entry.dtype,
                limit=sorted(TABLES),
                remedy="Leave it out of the checkpoint.",
            )
        changed = WORDS[dtype] if dtype and own.is_floating_point else own
        made.append(Outgoing(entry.name, entry.name, changed, entry.shape))
    return made


def _spare(found: Opened) -> list[Stored]:
    """What a folder carries beside its weights: tensors stored again, and tables."""
    if not isinstance(found, Folder):
        return []
    return [its for _, its in found.checkpoint.copies] + [its for _, its in sorted(found.checkpoint.buffers.items())]


def _all_tensors(found: Opened, dtypes: Mapping[str, torch.dtype]) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name, as it came, as it goes) for each tensor, in the order of `_outgoing`."""
    for name, came, back in roundtrip.rewritten(found):
        yield name, came, converted(name, back, dtypes[name])
    for stored in _spare(found):
        tensor = map_tensor(stored)
        yield stored.entry.name, tensor, converted(stored.entry.name, tensor, dtypes[stored.entry.name])


def converted(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in another type. Raises InputError where a finite number would become infinite."""
    made = tensor.to(dtype)
    if dtype == torch.float16 and tensor.dtype != dtype and bool((made.isinf() & tensor.isfinite()).any()):
        largest = float(tensor[tensor.isfinite()].abs().max())
        raise InputError(
            f"The tensor {name} holds {largest:g}, which float16 cannot.",
            value=largest,
            limit=torch.finfo(dtype).max,
            remedy="Export with --dtype bf16 or f32.",
        )
    return made


def _shards(outgoing: Sequence[Outgoing], size: int) -> list[list[Outgoing]]:
    """The tensors in files of at most so many bytes; one that is larger has a file of its own."""
    shards: list[list[Outgoing]] = [[]]
    held = 0
    for item in outgoing:
        if shards[-1] and held + item.bytes > size:
            shards.append([])
            held = 0
        shards[-1].append(item)
        held += item.bytes
    return shards


def _write_shards(
    target: Path,
    shards: Sequence[Sequence[Outgoing]],
    stream: Iterator[tuple[str, Tensor, Tensor]],
    progress: Progress,
) -> float:
    """Write them and, of several, their index; the largest difference between what came and what went."""
    names, done, worst = {}, 0, 0.0
    for number, items in enumerate(shards, start=1):
        file = SINGLE if len(shards) == 1 else f"model-{number:05}-of-{len(shards):05}.safetensors"
        names.update({item.name: file for item in items})

        def chunks(items: Sequence[Outgoing] = items) -> Iterator[memoryview]:
            nonlocal done, worst
            for item in items:
                name, came, goes = next(stream)
                assert name == item.published, (name, item.published)
                worst = max(worst, _lost(name, came, goes))
                done += item.bytes
                progress(done)
                yield tensor_bytes(goes)

        with replacing(target / file) as out:
            safetensors.write(out, [(item.name, STORED_NAMES[item.dtype], item.shape) for item in items], chunks())
    if len(shards) > 1:
        total = sum(item.bytes for items in shards for item in items)
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(names.items()))}
        write_atomic(target / INDEX, json.dumps(index, indent=2) + "\n")
    return worst


def _lost(name: str, came: Tensor, goes: Tensor) -> float:
    """The largest difference between what was stored and what is written. Raises ProofError for one without an end."""
    if came.dtype == goes.dtype:
        assert tensor_bytes(came) == tensor_bytes(goes), f"{name} does not come back as it was stored"
        return 0.0
    found = roundtrip.difference(came, goes)
    if found == float("inf"):
        raise ProofError(
            f"The tensor {name} holds numbers that do not come back.",
            value=name,
            limit="finite differences",
            remedy="Export with --dtype bf16 or f32.",
        )
    return found


def _proof(tensors: int, worst: float) -> dict[str, Any]:
    """CONTRACT's object: weights were compared, which without a difference settles everything else."""
    same = worst == 0.0
    return {
        "method": f"{tensors} tensors through the key map, each compared with what was stored",
        "verdict": "same" if same else "within",
        "tolerance": 0.0 if same else None,
        "max_difference": worst,
        "mean_difference": 0.0 if same else None,
        "kl": 0.0 if same else None,
        "top1_agreement": 1.0 if same else None,
        "perplexity": None,
        "worst_prompt": None,
        "accepted": None,
    }
