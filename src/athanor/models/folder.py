"""Standard model folders: `config.json`, `model.safetensors` (or shards with their index), as transformers has them.

Reading checks every header before a byte is mapped and refuses holes: a tensor that is missing, misshapen or unknown
is named, never replaced by fresh numbers. Weights are memory-mapped and copied once, into the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from athanor.core.errors import InputError
from athanor.core.files import replacing, write_atomic
from athanor.models import keys
from athanor.models.build import Network
from athanor.models.opened import laid_out, shapes_of
from athanor.specs import safetensors
from athanor.specs.checkpoint import MOST_NAMED, Checkpoint, open_checkpoint
from athanor.specs.families import Spec, family
from athanor.specs.folder import CONFIG, SINGLE, Stored
from athanor.specs.keymap import Rule, published_shapes

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Folder:
    """A standard folder, opened (see `Opened`)."""

    checkpoint: Checkpoint
    ours: Mapping[str, tuple[int, ...]]
    format: str = "safetensors"

    @property
    def config(self) -> Mapping[str, Any]:
        """What config.json says."""
        return self.checkpoint.config

    @property
    def spec(self) -> Spec:
        """The network."""
        return self.checkpoint.spec

    @property
    def rules(self) -> Sequence[Rule]:
        """The key map."""
        return self.checkpoint.rules

    @property
    def kinds(self) -> Mapping[str, str]:
        """The type of each published tensor, such as BF16."""
        return {name: its.entry.dtype for name, its in self.checkpoint.weights.items()}

    def read(self, name: str) -> Tensor:
        """A published tensor, memory-mapped."""
        return map_tensor(self.checkpoint.weights[name])

    def fill(self, rule: Rule, ours: Tensor) -> None:
        """Copy into one of ours what a rule says."""
        keys.fill(rule, ours, self.read)


def open_folder(folder: Path) -> Folder:
    """Look at a folder. Raises InputError for tensors that are missing, unknown or misshapen, all of them at once."""
    found = open_checkpoint(folder)
    ours = shapes_of(laid_out(found.spec))
    _check_shapes(found.weights, published_shapes(found.rules, ours))
    _check_copies(found)
    return Folder(found, ours)


def save_network(network: Network, folder: Path) -> None:
    """Write config.json and model.safetensors, both in the dtype of the parameters."""
    spec = network.spec
    page = family(spec.family)
    config = page.write_config(spec, str(network.dtype).removeprefix("torch."))
    write_atomic(folder / CONFIG, json.dumps(config, indent=2) + "\n")
    ours = dict(network.named_parameters())
    published = keys.publish(page.key_map(spec), {name: its.shape for name, its in ours.items()}, ours.__getitem__)
    tensors = sorted(published, key=lambda named: named[0])
    heads = [(name, NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors]
    with replacing(folder / SINGLE) as file:
        safetensors.write(file, heads, (tensor_bytes(tensor) for _, tensor in tensors))


def tensor_bytes(tensor: Tensor) -> memoryview:
    """A tensor's bytes in row order, without a copy where it is contiguous."""
    return tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().data


def map_tensor(stored: Stored) -> Tensor:
    """The tensor of a header entry, memory-mapped (read-only by convention)."""
    entry = stored.entry
    if not entry.bytes:
        return torch.empty(entry.shape, dtype=DTYPES[entry.dtype])
    raw = np.memmap(stored.path, dtype=np.uint8, mode="c", offset=entry.start, shape=(entry.bytes,))
    return torch.from_numpy(raw).view(DTYPES[entry.dtype]).view(entry.shape)


def _check_copies(found: Checkpoint) -> None:
    for name, copy in found.copies:
        first = found.weights[name]
        alike = copy.entry.dtype in DTYPES and copy.entry.shape == first.entry.shape
        if alike and torch.equal(map_tensor(copy), map_tensor(first).to(DTYPES[copy.entry.dtype])):
            continue
        raise InputError(
            f"The tensor {copy.entry.name} in {copy.path.name} is not {name} again, though config.json ties the two.",
            value=copy.entry.name,
            limit=f"{name} again, or no such tensor",
            remedy="Set tie_word_embeddings to false in config.json to use it, or take it out of the file.",
        )


def _check_shapes(weights: Mapping[str, Stored], wanted: Mapping[str, tuple[int, ...]]) -> None:
    wrong = [name for name, shape in wanted.items() if not _fits(weights[name], shape)]
    if not wrong:
        return
    first = weights[wrong[0]]
    said = [
        f"{name} in {weights[name].path.name} has shape {list(weights[name].entry.shape)} and type "
        f"{weights[name].entry.dtype} instead of {list(wanted[name])}"
        for name in wrong[:MOST_NAMED]
    ]
    raise InputError(
        f"{len(wrong)} tensors are not as config.json asks: {'; '.join(said)}.",
        value=list(first.entry.shape),
        limit=list(wanted[wrong[0]]),
        remedy="Weights and config.json do not belong together; copy the model again.",
    )


def _fits(stored: Stored, shape: tuple[int, ...]) -> bool:
    return stored.entry.shape == shape and stored.entry.dtype in DTYPES
