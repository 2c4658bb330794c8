"""A GGUF file at a glance: its spec, where a family page reads it, and its parameters by part. Headers only."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from athanor.core.errors import InputError
from athanor.specs import gguf
from athanor.specs.arithmetic import PARTS
from athanor.specs.counting import part_of
from athanor.specs.families import family
from athanor.specs.folder import CONFIG
from athanor.specs.gguf_config import config_of
from athanor.specs.gguf_names import ROTARY_DIVISORS

NEEDLESS = (ROTARY_DIVISORS, ".attn_rot_embd.weight")  # tensors that follow from the settings
MOST_DIVISORS = 1 << 13


class Look(NamedTuple):
    """What a header tells."""

    header: gguf.Header
    spec: Any
    """None where no family page reads it."""
    why: InputError | None
    """Why there is no spec."""
    parts: dict[str, int]


def gguf_of(path: Path) -> Path | None:
    """The GGUF file that a path means: itself, or the first of a folder without config.json."""
    if path.is_file():
        return path
    return None if (path / CONFIG).is_file() else next(iter(sorted(path.glob("*.gguf"))), None)


def look(path: Path) -> Look:
    """Read a file's header. Raises InputError where it is broken."""
    header = gguf.read_header(path)
    shapes = {name: entry.shape for name, entry in header.tensors.items()}
    parts: dict[str, int] = dict.fromkeys(PARTS, 0)
    for name, shape in shapes.items():
        if not name.endswith(NEEDLESS):
            parts[part_of(name)] += math.prod(shape)
    try:
        divisors = gguf.read_floats(header, ROTARY_DIVISORS, MOST_DIVISORS) if ROTARY_DIVISORS in shapes else None
        config = config_of(header.metadata, shapes, divisors)
        return Look(header, family(config["model_type"]).read_config(config).check(), None, parts)
    except InputError as error:
        return Look(header, None, error, parts)
