"""Checkpoints: all a run needs to go on as if nothing had happened, written whole or not at all.

A checkpoint is a folder `step-N` with `masters.safetensors`, `optimiser.safetensors` and `state.json`, which holds
the hash of the other two and of itself. It is written aside, fsynced and renamed; the newest two are kept.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from athanor.core.errors import InputError
from athanor.core.files import fsync_folder, fsync_tree, make_private, remove_tree, sha256_bytes, sha256_file
from athanor.models.folder import NAMES, map_tensor, tensor_bytes
from athanor.specs import safetensors
from athanor.specs.folder import Stored

KEEP = 2
TENSORS = ("masters", "optimiser")
STATE = "state.json"


def save(folder: Path, step: int, state: Mapping[str, Any], **tensors: Mapping[str, Tensor]) -> Path:
    """Write `folder`/step-N from state (plain values) and the two families of tensors."""
    make_private(folder)
    aside = folder / f".step-{step}-{secrets.token_hex(4)}"
    aside.mkdir(mode=0o700)
    try:
        hashes = {}
        for name in TENSORS:
            path = aside / f"{name}.safetensors"
            _write(path, tensors[name])
            hashes[name] = sha256_file(path)
        whole = {"step": step, "hashes": hashes, **state}
        (aside / STATE).write_text(json.dumps({**whole, "sha256": _own_hash(whole)}))
        fsync_tree(aside)
        target = folder / f"step-{step}"
        remove_tree(target)
        aside.rename(target)
        fsync_folder(folder)
    except BaseException:
        remove_tree(aside)
        raise
    for old in _all(folder)[:-KEEP]:
        remove_tree(old)
    return target


def newest(folder: Path) -> Path | None:
    """The newest checkpoint, or None."""
    found = _all(folder)
    return found[-1] if found else None


def peek(folder: Path) -> dict[str, Any] | None:
    """The state of the newest checkpoint in `folder`, or None. Raises InputError when it is damaged."""
    found = newest(folder)
    return None if found is None else _state(found / STATE)


def load(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """State, masters and optimiser tensors of a checkpoint. Raises InputError naming a file that has changed."""
    state = _state(folder / STATE)
    found = []
    for name in TENSORS:
        path = folder / f"{name}.safetensors"
        if not path.is_file() or sha256_file(path) != state["hashes"][name]:
            raise _damaged(path)
        found.append(
            {key: map_tensor(Stored(path, entry)).clone() for key, entry in safetensors.read_header(path).items()}
        )
    return state, found[0], found[1]


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for path in folder.glob(".step-*"):
        remove_tree(path)


def _all(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), key=lambda path: int(path.name.removeprefix("step-")))


def _state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text("utf-8"))
        if state.pop("sha256") != _own_hash(state):
            raise ValueError
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise _damaged(path) from None
    return state


def _own_hash(state: Mapping[str, Any]) -> str:
    return sha256_bytes(json.dumps(state, sort_keys=True).encode())


def _damaged(path: Path) -> InputError:
    return InputError(
        f"The checkpoint file {path} is damaged.",
        value=str(path),
        remedy=f"Remove {path.parent.name} to go on from the checkpoint before it.",
    )


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    heads = [(name, NAMES[torch.float32], tuple(tensor.shape)) for name, tensor in tensors.items()]
    with path.open("xb") as file:
        safetensors.write(file, heads, (tensor_bytes(tensor.to(torch.float32)) for tensor in tensors.values()))
