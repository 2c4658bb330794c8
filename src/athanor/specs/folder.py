"""What lies in a model folder: config.json, and every tensor of its weight files by name. Headers only, no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.core.errors import InputError
from athanor.specs import safetensors

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
MAX_JSON_BYTES = 50_000_000
KEPT = (
    CONFIG, "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model",
    "chat_template.jinja", "preprocessor_config.json", "modules.json", "sentence_bert_config.json",
    "config_sentence_transformers.json", "1_Pooling/config.json", "README*", "LICENSE*", "LICENCE*", "NOTICE*",
)  # fmt: skip
"""What is kept of a folder beside its weights; what is not named here is not needed, or is code."""
PACKED = (".gguf", "e5-small-q4.bin")
"""Files that hold a whole model."""
MAX_KEPT_BYTES = 200_000_000  # of a file that is no weights


@dataclass(frozen=True)
class Stored:
    """A tensor and the file it lies in."""

    path: Path
    entry: safetensors.Entry


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model folder. Raises InputError naming the file."""
    if not path.is_file():
        graphs = any(path.parent.glob("*.onnx"))
        raise InputError(
            f"The model folder {path.parent} has no {path.name}{'; it holds ONNX graphs' if graphs else ''}.",
            value=str(path),
            remedy="Graphs are run where pictures are read, not here."
            if graphs
            else f"Add {path.name}, or name the folder that holds it.",
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


def packed_file(place: Path) -> Path | None:
    """The one file that holds a whole model: a GGUF file, or a folder's only one; None for a standard folder."""
    if place.is_file():
        return place
    if (place / CONFIG).is_file():
        return None
    found = sorted(path for suffix in PACKED for path in place.glob(f"*{suffix}") if path.is_file())
    if len(found) > 1:
        raise InputError(
            f"{place} holds {len(found)} packed models: {', '.join(path.name for path in found[:8])}.",
            value=[path.name for path in found[:100]],
            limit=1,
            remedy="Name one of them.",
        )
    return found[0] if found else None


def kept_files(folder: Path) -> list[Path]:
    """The files beside the weights that belong to a model, sorted. Raises InputError for one of a hopeless size."""
    found = sorted({path for pattern in KEPT for path in folder.glob(pattern) if path.is_file()})
    for path in found:
        if path.stat().st_size > MAX_KEPT_BYTES:
            raise InputError(
                f"{path} has {path.stat().st_size} bytes.",
                value=path.stat().st_size,
                limit=MAX_KEPT_BYTES,
                remedy="This is no file of that kind; take it out of the folder.",
            )
    return found


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, and the index of several."""
    if packed := packed_file(folder):
        return [packed]
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    return [folder / INDEX, *sorted({its.path for its in stored_tensors(folder).values()})]


def stored_tensors(folder: Path) -> dict[str, Stored]:
    """Every tensor of the folder's weight files. Raises InputError naming the file."""
    single, index = folder / SINGLE, folder / INDEX
    if single.is_file():
        return {name: Stored(single, entry) for name, entry in safetensors.read_header(single).items()}
    if not index.is_file():
        raise _without_weights(folder)
    return _sharded(folder, read_json(index))


def _without_weights(folder: Path) -> InputError:
    pickles = sorted(path.name for path in folder.glob("*.bin") if path.is_file())
    if pickles:
        return InputError(
            f"The weights in {folder} are pickles ({', '.join(pickles[:4])}), which run code when they are opened.",
            value=pickles,
            limit=[SINGLE, INDEX],
            remedy="Take the checkpoint's safetensors files, or import it with --unsafe-pickle.",
        )
    return InputError(
        f"The model folder {folder} has no weights: neither {SINGLE} nor {INDEX}.",
        value=str(folder),
        remedy="Copy the missing safetensors file into the folder.",
    )


def _sharded(folder: Path, index: dict[str, Any]) -> dict[str, Stored]:
    placed = index.get("weight_map")
    if not isinstance(placed, dict) or not all(isinstance(name, str) for name in placed.values()):
        raise InputError(f"{INDEX} has no weight_map.", value=INDEX, remedy="Replace the index file.")
    claims: dict[str, set[str]] = {}
    for key, name in placed.items():
        claims.setdefault(name, set()).add(key)
    found: dict[str, Stored] = {}
    for name, claimed in sorted(claims.items()):
        path = folder / name
        if Path(name).name != name or not _is_file(path):
            raise InputError(
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
        found.update({key: Stored(path, entry) for key, entry in header.items()})
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file system takes
        return False
