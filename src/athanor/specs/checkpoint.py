"""A published checkpoint: its spec, and which of its stored tensors is which. Headers only, no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.core.errors import InputError
from athanor.specs.decoder import DecoderSpec
from athanor.specs.families import Family, Spec, family
from athanor.specs.folder import CONFIG, Stored, read_json, stored_tensors
from athanor.specs.keymap import Rule, published_names

MOST_NAMED = 12  # tensors that an error names


@dataclass(frozen=True)
class Checkpoint:
    """A model folder that was looked at and not yet read."""

    folder: Path
    config: Mapping[str, Any]
    page: Family
    spec: Spec
    rules: Sequence[Rule]
    weights: Mapping[str, Stored]
    """Every tensor of the model by its published name, whatever name it is stored under."""
    copies: Sequence[tuple[str, Stored]]
    """What is stored a second time, behind the published name of the first."""
    buffers: Mapping[str, Stored]
    """What follows from the config and is stored all the same, by the name it is stored under."""


def read_spec(folder: Path) -> Spec:
    """The spec in a folder's config.json."""
    return _spec(read_json(folder / CONFIG))[1]


def read_decoder_spec(folder: Path) -> DecoderSpec:
    """The spec of a decoder's folder. Raises InputError where another kind of network lies there."""
    spec = read_spec(folder)
    if isinstance(spec, DecoderSpec):
        return spec
    raise InputError(
        f"{folder} holds a network of the family {spec.family}, which is no decoder.",
        value=spec.family,
        limit="a decoder",
        remedy="Name a model that continues texts, such as one of the Qwen, LLaMA or GPT families.",
    )


def _spec(config: Mapping[str, Any]) -> tuple[Family, Spec]:
    page = family(config.get("model_type"), config)
    return page, page.read_config(config).check()


def open_checkpoint(folder: Path) -> Checkpoint:
    """Look at a folder. Raises InputError that lists all tensors which are missing or unknown."""
    config = read_json(folder / CONFIG)
    page, spec = _spec(config)
    stored = stored_tensors(folder)
    buffers = {name: its for name, its in stored.items() if re.search(page.BUFFERS, name)}
    named = {name: its for name, its in stored.items() if name not in buffers}
    fitted = getattr(page, "fitted", None)
    names = aliases(page, set(named))
    if fitted is not None:
        spec = fitted(spec, set(names))
    rules = page.key_map(spec)
    wanted = published_names(rules)
    weights = {name: named[alias] for name, alias in names.items() if name in wanted}
    spare = {name: alias for name, alias in names.items() if name not in wanted}
    copies = [(page.COPIES[name], named[alias]) for name, alias in sorted(spare.items()) if name in page.COPIES]
    unknown = {alias for name, alias in spare.items() if name not in page.COPIES}
    _check_names(folder, wanted - weights.keys(), unknown)
    return Checkpoint(folder, config, page, spec, rules, weights, copies, buffers)


def aliases(page: Family, stored: set[str]) -> dict[str, str]:
    """Published name → the name a tensor is stored under: old folders have other words, a bare trunk lacks a prefix."""
    prefix = getattr(page, "PREFIX", "")
    bare = prefix and not any(name.startswith(prefix) for name in stored)
    found = {}
    for name in stored:
        published = name
        for pattern, word in getattr(page, "ALIASES", ()):
            published = re.sub(pattern, word, published)
        outside = any(published.startswith(part) for part in getattr(page, "OUTSIDE", ()))
        whole = prefix + published if bare and not outside else published
        if whole in found:
            raise InputError(
                f"The tensors {found[whole]} and {name} are two names of one.",
                value=[found[whole], name],
                limit="one of them",
                remedy="Take the one out of the file that the model does not use.",
            )
        found[whole] = name
    return found


def _check_names(folder: Path, missing: set[str], unknown: set[str]) -> None:
    if not missing and not unknown:
        return
    faults = (("lacks the", missing), ("holds the unknown", unknown))
    said = [f"{word} {_listed(names)}" for word, names in faults if names]
    raise InputError(
        f"The model folder {folder} {' and '.join(said)}.",
        value=sorted(missing | unknown)[:1000],
        limit="the tensors that config.json asks for",
        remedy="Weights and config.json do not belong together; copy the model again.",
    )


def _listed(names: set[str]) -> str:
    some = sorted(names)[:MOST_NAMED]
    more = f" and {len(names) - len(some)} more" if len(names) > len(some) else ""
    return f"tensor{'s' if len(names) > 1 else ''} {', '.join(some)}{more}"
