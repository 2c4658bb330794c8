"""GGUF files as published checkpoints: opened for reading under published names, and written from a network.

    checkpoint = open_gguf(path)
    checkpoint.config                     # as config.json would have it
    checkpoint.shapes                     # of every published tensor
    checkpoint.read(name)                 # one of them, in float32 or as asked
    checkpoint.fill(rule, ours)           # straight into one of our tensors, by a rule of the family's key map

Nothing but the header is read on opening. Weights are memory-mapped and unpacked a few rows at a time into the place
where they stay.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from athanor.core.errors import InputError
from athanor.models import keys
from athanor.models.gguf_blocks import READABLE, WRITABLE, Packed, pack, unpack
from athanor.models.opened import laid_out, shapes_of
from athanor.specs.decoder import DecoderSpec
from athanor.specs.encoder import EncoderSpec
from athanor.specs.families import family
from athanor.specs.gguf import KINDS, NUMBERS, Entry, Header, read_floats, read_header
from athanor.specs.gguf_config import architecture, config_of, metadata_of
from athanor.specs.gguf_names import ROTARY_DIVISORS, gguf_rules
from athanor.specs.gguf_write import Slot, write_gguf
from athanor.specs.keymap import Part, Rule, published_shapes

MOST_DIVISORS = 1 << 13
FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 7, "BF16": 32}
"""`general.file_type`: what most tensors are (llama.h, llama_ftype)."""
QUANTIZATION_VERSION = 2
NEEDLESS = (ROTARY_DIVISORS, ".attn_rot_embd.weight")
"""Tables that follow from the config."""


@dataclass(frozen=True)
class Checkpoint:
    """A GGUF file under published names."""

    header: Header
    config: Mapping[str, Any]
    """As `config.json` would have it, for the family's page."""
    spec: DecoderSpec | EncoderSpec
    rules: Sequence[Rule]
    """The family's key map."""
    ours: Mapping[str, tuple[int, ...]]
    """Our tensors and their shapes."""
    shapes: Mapping[str, tuple[int, ...]]
    """Of every published tensor of the config's network; all of them are in the file."""
    parts: Mapping[str, Part]
    """For each published tensor which rows of which of the file's it is."""

    format: str = "gguf"

    @property
    def kinds(self) -> Mapping[str, str]:
        """The type each published tensor is stored in, such as Q4_K."""
        return {name: self.kind(name) for name in self.shapes}

    def kind(self, name: str) -> str:
        """The type a published tensor is stored in, such as Q4_K."""
        return self._entry(name).kind.name

    def read(self, name: str, dtype: torch.dtype = torch.float32) -> Tensor:
        """A published tensor."""
        into = torch.empty(self.shapes[name], dtype=dtype)
        self.copy(name, into)
        return into

    def fill(self, rule: Rule, ours: Tensor) -> None:
        """Copy into one of ours what a rule of the family's key map says."""
        at = 0
        for part in rule.parts:
            rows = ours[at : at + (part.size or len(ours))]
            at += len(rows)
            self.copy(part.theirs, rows.mT if part.transposed else rows, _order(part, len(rows)))

    def copy(self, name: str, into: Tensor, order: npt.NDArray[np.int64] | None = None) -> None:
        """Copy a published tensor into one of its shape and any float type.

        order: which of its rows each row of the destination is; None: all, as they come.
        """
        part, entry = self.parts[name], self._entry(name)
        if order is None:
            order = _order(part, len(into))
        else:  # no page takes rows of what GGUF has turned or stacked
            assert not part.transposed and _order(part, len(into)) is None, name
        into = into.mT if part.transposed else into
        rows = _rows(self.header.path, entry)
        unpack(entry.kind, rows, into if into.dim() == 2 else into.view(-1, 1), order)

    def _entry(self, name: str) -> Entry:
        return self.header.tensors[self.parts[name].theirs]


def _order(part: Part, rows: int) -> npt.NDArray[np.int64] | None:
    """Which row of theirs each of so many rows of ours is; None: as they come."""
    if part.start is None and part.pairs is None:
        return None
    return (np.arange(rows) if part.pairs is None else part.pairs.order()) + (part.start or 0)


def _rows(path: Path, entry: Entry) -> Packed:
    """The packed rows of a tensor, memory-mapped: (R, bytes of a row). A vector's rows are its numbers."""
    raw = np.memmap(path, dtype=np.uint8, mode="c", offset=entry.start, shape=(entry.bytes,))
    items = entry.shape[-1] if len(entry.shape) > 1 else 1
    return raw.reshape(-1, items // entry.kind.items * entry.kind.bytes)


def open_gguf(path: Path) -> Checkpoint:
    """A file's checkpoint. Raises InputError naming the file: for a broken header, an architecture or setting that no
    page reads, tensors missing, left over or misshapen (all of them at once), and types that cannot be unpacked."""
    header = read_header(path)
    try:
        return _opened(header)
    except InputError as error:
        raise type(error)(
            f"{path.name} cannot be used: {error.message}", value=error.value, limit=error.limit, remedy=error.remedy
        ) from None


def _opened(header: Header) -> Checkpoint:
    tensors = header.tensors
    divisors = read_floats(header, ROTARY_DIVISORS, MOST_DIVISORS) if ROTARY_DIVISORS in tensors else None
    found = {name: entry.shape for name, entry in tensors.items()}
    config = config_of(header.metadata, found, divisors) | {"torch_dtype": _dtype(tensors)}
    page = family(config["model_type"])
    spec: Any = page.read_config(config).check()
    _check_layers(spec.layers, len(tensors))
    family_rules, ours = page.key_map(spec), shapes_of(laid_out(spec))
    shapes = published_shapes(family_rules, ours)
    rules = gguf_rules(header.metadata["general.architecture"], spec, shapes)
    _check_tensors(tensors, _stored_shapes(rules, shapes))
    parts = {rule.ours: rule.parts[0] for rule in rules}
    return Checkpoint(header, config, spec, family_rules, ours, shapes, parts)


def _dtype(tensors: Mapping[str, Entry]) -> str:
    """The type that holds every matrix, by a config's word."""
    kinds = {entry.kind.name for entry in tensors.values() if len(entry.shape) > 1}
    return "float16" if kinds == {"F16"} else "bfloat16" if kinds == {"BF16"} else "float32"


def _check_layers(layers: int, tensors: int) -> None:
    """Before anything is laid out: thousands of layers that are not there take seconds to build."""
    if layers > tensors:
        raise InputError(
            f"Its metadata claims {layers} layers; it has {tensors} tensors in all.",
            value=layers,
            limit=tensors,
            remedy="Copy or download it again.",
        )


def _stored_shapes(rules: Sequence[Rule], shapes: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """The shapes of GGUF's tensors: stacked experts have a dimension of their own."""
    found = published_shapes(rules, shapes)
    for name, shape in found.items():
        if name.endswith("_exps.weight"):
            each = next(rule.parts[0].size for rule in rules if rule.parts[0].theirs == name) or 1
            found[name] = (shape[0] // each, each, shape[1])
    return found


def _check_tensors(tensors: Mapping[str, Entry], wanted: Mapping[str, tuple[int, ...]]) -> None:
    faults = [f"{name} is missing" for name in sorted(wanted.keys() - tensors.keys())]
    for name, entry in tensors.items():
        if name not in wanted:
            faults += [] if name.endswith(NEEDLESS) else [f"{name} is left over"]
        elif entry.shape != wanted[name]:
            faults.append(f"{name} has shape {list(entry.shape)} instead of {list(wanted[name])}")
        elif entry.kind.name not in READABLE or (entry.kind.items > 1 and len(entry.shape) == 1):
            vector = " as a vector" if len(entry.shape) == 1 else ""
            faults.append(f"{name} is of type {entry.kind.name}, which is not read{vector}")
    if faults:
        raise InputError(
            f"Its metadata and its tensors do not go together: {_listed(faults)}.",
            value=faults[:100],
            limit=f"{len(wanted)} tensors of types {', '.join(READABLE)}",
            remedy="Copy or download it again, or convert the model anew with a current llama.cpp.",
        )


def _listed(words: Sequence[str], most: int = 20) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return "; ".join(word[:200] for word in words[:most]) + more


def export_gguf(
    network: nn.Module, path: Path, kind: str, name: str, tokenizer: Mapping[str, Any] | None = None
) -> list[str]:
    """Write a network as one GGUF file; see `export_published`."""
    spec: Any = network.spec
    ours = dict(network.named_parameters())
    shapes = {each: tensor.shape for each, tensor in ours.items()}
    published = dict(keys.publish(family(spec.family).key_map(spec), shapes, ours.__getitem__))
    return export_published(spec, published, path, kind, name, tokenizer)


def export_published(
    spec: Any,
    published: Mapping[str, Tensor],
    path: Path,
    kind: str,
    name: str,
    tokenizer: Mapping[str, Any] | None = None,
) -> list[str]:
    """Write published tensors as one GGUF file, matrices in `kind` (WRITABLE), vectors in F32.

    published: every tensor of the spec's key map by name; they may be memory-mapped. name: of the model, for people.
    tokenizer: further metadata (`tokenizer.ggml.…`, `general.license`, …).
    Returns what a person should know: matrices that went to F16 because their rows do not fill whole blocks, and parts
    of the network that GGUF has no names for. Raises InputError for a family, setting or number that GGUF cannot hold.
    """
    if kind not in WRITABLE:
        raise InputError(
            f"GGUF is not written as {kind}.", value=kind, limit=list(WRITABLE), remedy=f"One of {', '.join(WRITABLE)}."
        )
    spec, notes = _bare(spec)
    word, page = architecture(spec.family), family(spec.family)
    wanted = {part.theirs: published[part.theirs] for rule in page.key_map(spec) for part in rule.parts}
    sides = {each: tuple(tensor.shape) for each, tensor in wanted.items()}
    stored = gguf_rules(word, spec, sides)
    shapes = _stored_shapes(stored, sides)
    metadata, divisors = metadata_of(spec, shapes)
    slots = [Slot(each, _kind(kind, shape, each, notes), shape) for each, shape in shapes.items()]
    data: Iterator[Iterator[memoryview]] = _chunks(slots, stored, wanted)
    if divisors is not None:
        slots = [*slots, Slot(ROTARY_DIVISORS, "F32", (len(divisors),))]
        data = itertools.chain(data, [pack(ROTARY_DIVISORS, "F32", torch.tensor([divisors]))])
    general: dict[str, Any] = {"general.type": "model", "general.name": name, "general.file_type": FILE_TYPES[kind]}
    general |= {"general.quantization_version": QUANTIZATION_VERSION}
    write_gguf(path, {**metadata, **general, **(tokenizer or {})}, slots, data)
    return notes


def _bare(spec: Any) -> tuple[Any, list[str]]:
    """The spec without an encoder's pooler and heads, which GGUF has no names for."""
    if not isinstance(spec, EncoderSpec):
        return spec, []
    bare = {"pooler": False, "head": None, "next_sentence": False}
    notes = [
        f"left out, since GGUF has no names for it: {name}"
        for name, none in bare.items()
        if getattr(spec, name) != none
    ]
    return msgspec.structs.replace(spec, **bare, labels=2), notes


def _kind(kind: str, shape: tuple[int, ...], name: str, notes: list[str]) -> str:
    """The type of a tensor. Vectors, positions, segments and routers are small and stay whole, as in llama.cpp."""
    if len(shape) == 1 or name in ("position_embd.weight", "token_types.weight") or ".ffn_gate_inp." in name:
        return "F32"
    items = KINDS[NUMBERS[kind]].items
    if shape[-1] % items:
        notes.append(f"{name} is F16: its rows of {shape[-1]} do not fill blocks of {items}")
        return "F16"
    return kind


def _chunks(
    slots: Sequence[Slot], rules: Sequence[Rule], published: Mapping[str, Tensor]
) -> Iterator[Iterator[memoryview]]:
    """For each slot its bytes; a tensor is made when it is its turn."""
    shapes = {name: tensor.shape for name, tensor in published.items()}
    made = keys.publish(rules, shapes, published.__getitem__)
    for slot in slots:
        name, tensor = next(made)
        assert name == slot.name, (name, slot.name)
        yield pack(name, slot.kind, tensor if tensor.dim() == 2 else tensor.view(1, -1))
