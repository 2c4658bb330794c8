"""What family pages read from a published config.json, one value at a time, refused by name where it is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from athanor.core.errors import InputError, nearest
from athanor.specs.rotary import Kind, Rotary
from athanor.specs.trunk import Activation

Value = TypeVar("Value")
Config = Mapping[str, Any]

ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu", "swish": "silu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh", "quick_gelu": "quick_gelu", "relu": "relu",
}  # fmt: skip
KINDS: dict[str, Kind] = {
    "default": "default", "linear": "linear", "dynamic": "dynamic", "llama3": "llama3", "yarn": "yarn",
}  # fmt: skip


def whole(config: Config, name: str, default: int | None = None) -> int:
    """A whole number above 0."""
    value = default if config.get(name) is None else config[name]
    if value is None:
        raise InputError(f"config.json lacks {name}.", value=name, remedy="Use the config the model came with.")
    if type(value) is not int or value < 1:
        raise bad_value(name, value, "a whole number above 0")
    return value


def head_width(width: int, heads: int, name: str = "num_attention_heads") -> int:
    """A head's share of the network's width. name: what the config calls the number of heads."""
    if width % heads:
        raise bad_value(name, heads, f"a number of heads that divides the width {width}")
    return width // heads


def above_zero(config: Config, name: str, default: Any) -> float:
    """A number above 0."""
    value = default if config.get(name) is None else config[name]
    if type(value) not in (int, float) or not 0 < value < 1e30:
        raise bad_value(name, value, "a number above 0")
    return float(value)


def truth(config: Config, name: str, default: bool = False) -> bool:
    """True or false."""
    value = config.get(name)
    if value is not None and not isinstance(value, bool):
        raise bad_value(name, value, "true or false")
    return default if value is None else value


def one_of(config: Config, name: str, known: Mapping[str, Value], default: str) -> Value:
    """What a word stands for."""
    word = default if config.get(name) is None else config[name]
    if not isinstance(word, str) or word not in known:
        raise unknown_word(name, word, known)
    return known[word]


def refuse(value: Any, name: str) -> None:
    """Raise InputError for a setting that is on and not honoured here."""
    if value:
        raise InputError(
            f"config.json sets {name} to {value!r}, which this version does not run.",
            value=value,
            limit=f"no {name}",
            remedy="Use a checkpoint without it.",
        )


def bad_value(name: str, value: Any, limit: str) -> InputError:
    """The error for a value of the wrong kind."""
    return InputError(
        f"config.json has {name} {value!r}; {limit} is wanted.",
        value=value,
        limit=limit,
        remedy="Use the config the model came with.",
    )


def unknown_word(name: str, word: Any, known: Mapping[str, Any]) -> InputError:
    """The error for a word that is none of the known ones, with the nearest of them."""
    close = nearest(word, list(known)) if isinstance(word, str) else None
    hint = f"The nearest known is {close}. " if close else ""
    return InputError(
        f"config.json has {name} {word!r}, which is not known here.",
        value=word,
        limit=sorted(known),
        remedy=f"{hint}Known: {', '.join(sorted(known))}.",
    )


def an_id(config: Config, name: str, default: int | None = None) -> int | None:
    """An id of the vocabulary, or null."""
    value = config.get(name, default)
    if value is not None and (type(value) is not int or not 0 <= value < 1 << 31):
        raise bad_value(name, value, "an id or null")
    return value


def part(config: Config, name: str) -> Config:
    """A table inside the config; empty where it is left out."""
    found = config.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise bad_value(name, found, "a table")
    return found or {}


def labels(config: Config) -> int:
    """How many classes a config names."""
    names = config.get("id2label")
    return len(names) if isinstance(names, dict) and names else whole(config, "num_labels", 2)


def rotary(config: Config, share: float = 1.0, theta: float = 10000.0) -> Rotary:
    """Rotary settings in any of their spellings: `rope_theta` with `rope_scaling`, or `rope_parameters`."""
    found: dict[str, Any] = {}
    for name in ("rope_scaling", "rope_parameters"):
        given = config.get(name) or {}
        if not isinstance(given, Mapping) or any(isinstance(value, Mapping) for value in given.values()):
            refuse(given, name)
        found.update({key: value for key, value in given.items() if value is not None})
    found.setdefault("rope_type", found.pop("type", "default"))
    found.setdefault("rope_theta", config.get("rope_theta"))
    found.setdefault("partial_rotary_factor", config.get("partial_rotary_factor"))
    kind = one_of(found, "rope_type", KINDS, "default")
    plain = Rotary(
        theta=above_zero(found, "rope_theta", theta), share=above_zero(found, "partial_rotary_factor", share), kind=kind
    )
    return plain if kind == "default" else _stretched(plain, found, config)


def _stretched(plain: Rotary, found: Config, config: Config) -> Rotary:
    longest = whole(config, "max_position_embeddings")
    # dynamic goes by the context itself, whatever else its settings name
    stated = whole(found, "original_max_position_embeddings", longest)
    original = longest if plain.kind == "dynamic" else whole(config, "original_max_position_embeddings", stated)
    factor = above_zero(found, "factor", longest / original)
    stretched = {"theta": plain.theta, "share": plain.share, "kind": plain.kind, "factor": factor, "original": original}
    if plain.kind == "llama3":
        slow, fast = above_zero(found, "low_freq_factor", 1.0), above_zero(found, "high_freq_factor", 4.0)
        if fast <= slow:
            raise bad_value("high_freq_factor", fast, f"more than low_freq_factor {slow:g}")
        return Rotary(**stretched, slow=slow, fast=fast)
    if plain.kind == "yarn":
        return Rotary(
            **stretched,
            slow=above_zero(found, "beta_slow", 1.0),
            fast=above_zero(found, "beta_fast", 32.0),
            loudness=above_zero(found, "attention_factor", _yarn_loudness(found, factor)),
            truncate=truth(found, "truncate", True),
        )
    return Rotary(**stretched)


def _yarn_loudness(found: Config, factor: float) -> float:
    """YaRN's attention factor (Peng et al. 2023, §3.4), with the multipliers DeepSeek added."""

    def loudness(name: str) -> float:
        return 0.1 * above_zero(found, name, 1.0) * math.log(factor) + 1.0 if factor > 1 else 1.0

    both = found.get("mscale") and found.get("mscale_all_dim")
    return loudness("mscale") / loudness("mscale_all_dim") if both else loudness("")


def write_rotary(rotary: Rotary) -> dict[str, Any]:
    """The keys that `rotary` reads, in the spelling that older programs read as well."""
    found: dict[str, Any] = {"rope_theta": rotary.theta, "rope_scaling": None}
    if rotary.share != 1.0:
        found["partial_rotary_factor"] = rotary.share
    if rotary.kind == "default":
        return found
    scaling: dict[str, Any] = {"rope_type": rotary.kind, "factor": rotary.factor}
    if rotary.kind in ("llama3", "yarn"):
        scaling["original_max_position_embeddings"] = rotary.original
    if rotary.kind == "llama3":
        scaling.update(low_freq_factor=rotary.slow, high_freq_factor=rotary.fast)
    if rotary.kind == "yarn":
        scaling.update(beta_slow=rotary.slow, beta_fast=rotary.fast, attention_factor=rotary.loudness)
        scaling.update({} if rotary.truncate else {"truncate": False})
    return {**found, "rope_scaling": scaling}
