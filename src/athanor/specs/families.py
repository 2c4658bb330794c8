"""The list of family pages: every module of this folder that names a MODEL_TYPE."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from athanor.core.errors import InputError, nearest
from athanor.specs.decoder import DecoderSpec
from athanor.specs.encoder import EncoderSpec
from athanor.specs.encoder_decoder import EncoderDecoderSpec
from athanor.specs.keymap import Rule
from athanor.specs.recurrent import RecurrentSpec
from athanor.specs.towers import TowersSpec
from athanor.specs.vision import VisionSpec

MOST_NAMED = 8  # words that an error names
COMMON = frozenset(
    ("_name_or_path", "architectures", "auto_map", "bos_token_id", "dtype", "eos_token_id", "initializer_range",
     "model_type", "pad_token_id", "torch_dtype", "transformers_version", "use_cache")
)  # fmt: skip
"""Words that say nothing of the family."""
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


def family(model_type: Any, config: Mapping[str, Any] | None = None) -> Family:
    """The page for a config's `model_type`. Raises InputError with the nearest known, and what differs from it.

    config: all that config.json says, to compare where the type is unknown.
    """
    known = families()
    if isinstance(model_type, str) and model_type in known:
        return known[model_type]
    close = nearest(model_type, known) if isinstance(model_type, str) else None
    hints = [f"The nearest name known is {close}."] if close else []
    hints += [_resemblance(config)] if config else []
    raise InputError(
        " ".join([f"config.json has model_type {model_type!r}, which is no family known here.", *hints]),
        value=model_type,
        limit=sorted(known),
        remedy=f"Known families: {', '.join(sorted(known))}.",
    )


def _resemblance(config: Mapping[str, Any]) -> str:
    """Which page the config reads like, and the words in it that this page does not know."""
    words = set(config) - COMMON
    fitting = {name: words & known for name, page in families().items() if (known := _words(page, config))}
    best = max(fitting, key=lambda name: len(fitting[name]), default=None)
    if best is None or 2 * len(fitting[best]) <= len(words):
        return "Its words are those of no known family."
    other = sorted(words - fitting[best])
    if not other:
        return f"All its words are {best}'s: if it is one, say so under model_type."
    more = f" and {len(other) - MOST_NAMED} more" if len(other) > MOST_NAMED else ""
    return f"It reads like {best}, but for {', '.join(word[:80] for word in other[:MOST_NAMED])}{more}."


def _words(page: Family, config: Mapping[str, Any]) -> set[str]:
    """The words that a page has for a config; none where it cannot read it."""
    bare = {key: value for key, value in config.items() if key != "architectures"}
    try:
        return set(page.write_config(page.read_config(bare).check()))
    except InputError:
        return set()


def embedding_rows(spec: Spec) -> int:
    """How many ids a network knows; 0 for one that reads no text."""
    if isinstance(spec, TowersSpec):
        return spec.text.vocabulary
    if isinstance(spec, RecurrentSpec):
        return min(spec.source_vocabulary, spec.vocabulary)
    return 0 if isinstance(spec, VisionSpec) else spec.vocabulary
