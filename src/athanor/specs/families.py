"""The list of family pages: every module of this folder that names a MODEL_TYPE."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from athanor.core.errors import InputError
from athanor.specs.decoder import DecoderSpec
from athanor.specs.encoder import EncoderSpec
from athanor.specs.encoder_decoder import EncoderDecoderSpec
from athanor.specs.keymap import Rule
from athanor.specs.recurrent import RecurrentSpec
from athanor.specs.towers import TowersSpec
from athanor.specs.vision import VisionSpec

Spec = DecoderSpec | EncoderSpec | EncoderDecoderSpec | RecurrentSpec | VisionSpec | TowersSpec


class Family(Protocol):
    """What a family page offers."""

    MODEL_TYPE: str
    ARCHITECTURE: str
    BUFFERS: str
    """A pattern for tensors that published folders carry and that follow from the config."""

    COPIES: Mapping[str, str]
    """Tensors that folders may carry a second time under another name, and the name of the first."""

    def read_config(self, config: Mapping[str, Any]) -> Spec: ...
    def write_config(self, spec: Any, dtype: str = "float32") -> dict[str, Any]: ...
    def key_map(self, spec: Any) -> Sequence[Rule]: ...


@functools.cache
def families() -> dict[str, Family]:
    """Every family page by its model type."""
    found: dict[str, Family] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        page = importlib.import_module(f"athanor.specs.{path.stem}") if path.stem != "__init__" else None
        if hasattr(page, "MODEL_TYPE"):
            family = cast(Family, page)
            found[family.MODEL_TYPE] = family
    return found


def family(model_type: Any) -> Family:
    """The page for a config's `model_type`."""
    known = families()
    if not isinstance(model_type, str) or model_type not in known:
        raise InputError(
            f"config.json has model_type {model_type!r}, which is no family known here.",
            value=model_type,
            limit=sorted(known),
            remedy=f"Known families: {', '.join(sorted(known))}.",
        )
    return known[model_type]
