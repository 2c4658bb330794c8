"""Standard model folders: `config.json`, `model.safetensors` (or shards with their index), as transformers has them.

Reading checks every header before a byte is mapped and refuses holes: a tensor that is missing, misshapen or unknown
is named, never replaced by fresh numbers. Weights are memory-mapped and copied once, into the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from athanor.core.errors import InputError, NotFoundError
from athanor.core.files import replacing, write_atomic
from athanor.models.decoder import Decoder
from athanor.specs import safetensors
from athanor.specs.decoder import DecoderSpec
from athanor.specs.families import family
from athanor.specs.keymap import Join, Rename, Rule, published_shapes

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
MAX_JSON_BYTES = 50_000_000


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model folder. Raises InputError or NotFoundError naming the file."""
    if not path.is_file():
        raise NotFoundError(
            f"The model folder {path.parent} has no {path.name}.",
            value=str(path),
            remedy=f"Add {path.name}, or name the folder that holds it.",
        )
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ValueError(f"more than {MAX_JSON_BYTES} bytes")
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {error}.", value=str(path), remedy="Mend or replace the file.") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object.", value=str(path), remedy="Mend or replace the file.")
    return found


def read_spec(folder: Path) -> DecoderSpec:
    """The spec in a folder's config.json."""
    config = read_json(folder / "config.json")
    return family(config.get("model_type")).read_config(config).check()


def load_network(folder: Path, dtype: torch.dtype = torch.float32) -> Decoder:
    """The network of a model folder with its weights in `dtype`, in evaluation mode."""
    spec = read_spec(folder)
    with torch.device("meta"):
        network = Decoder(spec)
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    rules = family(spec.family).key_map(spec)
    entries = _entries(folder)
    _check(folder, entries, published_shapes(rules, dict(shapes)), spec)
    network = Decoder(spec).to(dtype)
    with torch.no_grad():
        parameters = dict(network.named_parameters())
        for rule in rules:
            _read_rule(rule, parameters[rule.ours], entries)
    return network.eval().requires_grad_(False)


def save_network(network: Decoder, folder: Path) -> None:
    """Write config.json and model.safetensors (float32 as trained; the dtype of the parameters)."""
    spec = network.spec
    page = family(spec.family)
    config = page.write_config(spec)
    write_atomic(folder / "config.json", json.dumps(config, indent=2) + "\n")
    tensors = sorted(_published(page.key_map(spec), dict(network.named_parameters())))
    heads = [(name, NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors]
    with replacing(folder / SINGLE) as file:
        safetensors.write(file, heads, (tensor_bytes(tensor) for _, tensor in tensors))


def tensor_bytes(tensor: Tensor) -> memoryview:
    """A tensor's bytes in row order, without a copy where it is contiguous."""
    return tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().data


def map_tensor(path: Path, entry: safetensors.Entry) -> Tensor:
    """The tensor of a header entry, memory-mapped (read-only by convention)."""
    raw = np.memmap(path, dtype=np.uint8, mode="c", offset=entry.start, shape=(entry.bytes,))
    return torch.from_numpy(raw).view(DTYPES[entry.dtype]).view(entry.shape)


def _published(rules: Any, parameters: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for rule in rules:
        whole = parameters[rule.ours]
        if isinstance(rule, Rename):
            yield rule.theirs, whole
        else:
            yield from zip(rule.theirs, whole.split(rule.rows), strict=True)


def _entries(folder: Path) -> dict[str, tuple[Path, safetensors.Entry]]:
    """Every tensor of the folder's weight files with its file."""
    single, index = folder / SINGLE, folder / INDEX
    if single.is_file():
        return {name: (single, entry) for name, entry in safetensors.read_header(single).items()}
    if not index.is_file():
        raise NotFoundError(
            f"The model folder {folder} has no weights: neither {SINGLE} nor {INDEX}.",
            value=str(folder),
            remedy="Copy the missing safetensors file into the folder.",
        )
    return _sharded(folder, read_json(index))


def _sharded(folder: Path, index: dict[str, Any]) -> dict[str, tuple[Path, safetensors.Entry]]:
    placed = index.get("weight_map")
    if not isinstance(placed, dict) or not all(isinstance(name, str) for name in placed.values()):
        raise InputError(f"{INDEX} has no weight_map.", value=INDEX, remedy="Replace the index file.")
    found: dict[str, tuple[Path, safetensors.Entry]] = {}
    for name in sorted(set(placed.values())):
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise NotFoundError(
                f"The shard {name} that {INDEX} names is not in {folder}.",
                value=name,
                remedy="Copy the missing shard into the folder.",
            )
        header = safetensors.read_header(path)
        claimed = {key for key, shard in placed.items() if shard == name}
        for key in sorted(claimed ^ set(header)):
            where = "lacks" if key in claimed else "also holds"
            raise InputError(
                f"The shard {name} {where} {key}, unlike {INDEX} says.",
                value=name,
                remedy="Shards or index come from another model; copy them again.",
            )
        found.update({key: (path, entry) for key, entry in header.items()})
    return found


def _check(
    folder: Path,
    entries: dict[str, tuple[Path, safetensors.Entry]],
    wanted: dict[str, tuple[int, ...]],
    spec: DecoderSpec,
) -> None:
    # A tied checkpoint may carry its head a second time; it is the embedding again and is not read.
    extra = {"lm_head.weight"} if spec.tied else set()
    for name in sorted(set(entries) ^ set(wanted)):
        if name in extra and name in entries:
            continue
        state = "lacks the tensor" if name in wanted else "holds an unknown tensor"
        raise InputError(
            f"The model folder {folder} {state} {name}.",
            value=name,
            limit=f"{len(wanted)} tensors",
            remedy="Weights and config.json do not belong together; copy the model again.",
        )
    for name, shape in wanted.items():
        path, entry = entries[name]
        if entry.shape != shape or entry.dtype not in DTYPES:
            raise InputError(
                f"The tensor {name} in {path.name} has shape {list(entry.shape)} and type {entry.dtype}; config.json "
                f"asks for {list(shape)}.",
                value=list(entry.shape),
                limit=list(shape),
                remedy="Weights and config.json do not belong together; copy the model again.",
            )


def _read_rule(rule: Rule, ours: Tensor, entries: dict[str, tuple[Path, safetensors.Entry]]) -> None:
    names = (rule.theirs,) if isinstance(rule, Rename) else rule.theirs
    rows = ours.split(rule.rows) if isinstance(rule, Join) else (ours,)
    for name, part in zip(names, rows, strict=True):
        path, entry = entries[name]
        part.copy_(map_tensor(path, entry))
