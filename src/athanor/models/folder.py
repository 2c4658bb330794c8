"""Standard model folders: `config.json`, `model.safetensors` (or shards with their index), as transformers has them.

Reading checks every header before a byte is mapped and refuses holes: a tensor that is missing, misshapen or unknown
is named, never replaced by fresh numbers. Weights are memory-mapped and copied once, into the network.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from athanor.core.errors import InputError, NotFoundError
from athanor.core.files import replacing, write_atomic
from athanor.models import keys
from athanor.models.decoder import Decoder
from athanor.specs import safetensors
from athanor.specs.decoder import DecoderSpec
from athanor.specs.families import Family, family
from athanor.specs.keymap import published_names, published_shapes

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
    page = family(spec.family)
    rules = page.key_map(spec)
    entries = _weights(page, _entries(folder), published_names(rules))
    spare = _spare_head(page, spec) & set(entries)
    # Before a network is laid out: thousands of layers that are not there take seconds to build.
    _check_names(folder, set(entries) - spare, published_names(rules))
    with torch.device("meta"):
        network = Decoder(spec).to(dtype)
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    _check_shapes(entries, published_shapes(rules, dict(shapes)))
    network.to_empty(device="cpu")
    with torch.no_grad():
        parameters = dict(network.named_parameters())
        for rule in rules:
            keys.fill(rule, parameters[rule.ours], lambda name: map_tensor(*entries[name]))
    for name in spare:
        _check_spare_head(*entries[name], network.embedding.weight)
    return network.eval().requires_grad_(False)


def save_network(network: Decoder, folder: Path) -> None:
    """Write config.json and model.safetensors, both in the dtype of the parameters."""
    spec = network.spec
    page = family(spec.family)
    config = page.write_config(spec, str(network.embedding.weight.dtype).removeprefix("torch."))
    write_atomic(folder / "config.json", json.dumps(config, indent=2) + "\n")
    published = keys.publish(page.key_map(spec), dict(network.named_parameters()))
    tensors = sorted(published, key=lambda named: named[0])
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


def _weights(
    page: Family, entries: dict[str, tuple[Path, safetensors.Entry]], wanted: set[str]
) -> dict[str, tuple[Path, safetensors.Entry]]:
    """The entries that are weights, by the names of the whole model: a folder of its trunk alone lacks a prefix."""
    prefix = getattr(page, "PREFIX", "")
    bare = prefix and not any(name.startswith(prefix) for name in entries)
    found = {}
    for name, entry in entries.items():
        if not re.search(page.BUFFERS, name):
            found[prefix + name if bare and prefix + name in wanted else name] = entry
    return found


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
    claims: dict[str, set[str]] = {}
    for key, name in placed.items():
        claims.setdefault(name, set()).add(key)
    found: dict[str, tuple[Path, safetensors.Entry]] = {}
    for name, claimed in sorted(claims.items()):
        path = folder / name
        if Path(name).name != name or not _is_file(path):
            raise NotFoundError(
                f"The shard {name} that {INDEX} names is not in {folder}.",
                value=name,
                remedy="Copy the missing shard into the folder.",
            )
        header = safetensors.read_header(path)
        for key in sorted(claimed ^ set(header)):
            where = "lacks" if key in claimed else "also holds"
            raise InputError(
                f"The shard {name} {where} {key}, unlike {INDEX} says.",
                value=name,
                remedy="Shards or index come from another model; copy them again.",
            )
        found.update({key: (path, entry) for key, entry in header.items()})
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file system takes
        return False


def _spare_head(page: Family, spec: DecoderSpec) -> set[str]:
    """The published names that only an untied model needs; a tied checkpoint may carry its embedding there again."""
    untied = msgspec.structs.replace(spec, tied=False)
    return published_names(page.key_map(untied)) - published_names(page.key_map(spec))


def _check_spare_head(path: Path, entry: safetensors.Entry, embedding: Tensor) -> None:
    if entry.dtype in DTYPES and torch.equal(map_tensor(path, entry).to(embedding.dtype), embedding):
        return
    raise InputError(
        f"The tensor {entry.name} in {path.name} is not the embedding, though config.json ties the two.",
        value=entry.name,
        limit="the embedding again, or no such tensor",
        remedy="Set tie_word_embeddings to false in config.json to use it, or take it out of the file.",
    )


def _check_names(folder: Path, found: set[str], wanted: set[str]) -> None:
    for name in sorted(found ^ wanted):
        state = "lacks the tensor" if name in wanted else "holds an unknown tensor"
        raise InputError(
            f"The model folder {folder} {state} {name}.",
            value=name,
            limit=f"{len(wanted)} tensors",
            remedy="Weights and config.json do not belong together; copy the model again.",
        )


def _check_shapes(entries: dict[str, tuple[Path, safetensors.Entry]], wanted: dict[str, tuple[int, ...]]) -> None:
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
