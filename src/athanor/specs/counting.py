"""Which tensor of a folder is what: parameters by part, what is stored twice, what is missing. By headers alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from athanor.specs.arithmetic import PARTS
from athanor.specs.families import Family
from athanor.specs.folder import Stored
from athanor.specs.keymap import published_names

# By a word in one of our names, the first that is there.
OURS = (
    ("head", r"^(head|masked|outputs|follows)\."),
    ("norm", r"norm(\.|$)"),
    ("embedding", r"(^|\.)(embedding|positions|types|tasks|patches|token)(\.|$)"),
    ("attention", r"(^|\.)(attention|cross|relative)\."),
    ("mlp", r"(^|\.)mlp\."),
)  # fmt: skip
# By a word in a name that no page knows.
THEIRS = (
    ("norm", r"norm|(^|\.)ln_"), ("embedding", r"embed|\.wte\.|\.wpe\."), ("attention", r"attn|attention"),
    ("mlp", r"mlp|ffn|feed_forward|expert|\.fc\d"), ("head", r"lm_head|output_layer|classifier"),
)  # fmt: skip


@dataclass
class Counted:
    """The tensors of a folder, each named as it is stored."""

    parts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    twice: list[str] = field(default_factory=list)
    """What is stored although it is another tensor once more."""
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def count(stored: Mapping[str, Stored], page: Family | None, spec: Any) -> Counted:
    """Sort the tensors. page, spec: None where the family or its config is not known; then words in names tell."""
    found = Counted()
    rules = page.key_map(spec) if page and spec else []
    ours = {part.theirs: rule.ours for rule in rules for part in rule.parts}
    names = published_as(page, stored) if page else {name: name for name in stored}
    copies = _copies(page, spec, set(ours))
    for published, name in names.items():
        size = math.prod(stored[name].entry.shape)
        if published in ours:
            found.parts[_part(ours[published], OURS)] += size
        elif published in copies:
            found.twice.append(name)
        elif not (page and re.search(page.BUFFERS, name)):
            found.parts[_part(name, THEIRS)] += size
            found.unknown += [name] if ours else []
    found.missing = sorted(set(ours) - set(names))
    return found


def published_as(page: Family, stored: Mapping[str, Stored]) -> dict[str, str]:
    """Published name → the name a tensor is stored under: old folders have other words, a bare trunk lacks a prefix."""
    prefix = getattr(page, "PREFIX", "")
    bare = prefix and not any(name.startswith(prefix) for name in stored)
    found = {}
    for name in stored:
        published = name
        for pattern, word in getattr(page, "ALIASES", ()):
            published = re.sub(pattern, word, published)
        outside = any(published.startswith(part) for part in getattr(page, "OUTSIDE", ()))
        found[prefix + published if bare and not outside else published] = name
    return found


def _copies(page: Family | None, spec: Any, known: set[str]) -> set[str]:
    """Published names under which a folder may hold what it holds already: those the page lists, and the untied head."""
    found = set(getattr(page, "COPIES", {}))
    if page and spec and getattr(spec, "tied", False):
        found |= published_names(page.key_map(msgspec.structs.replace(spec, tied=False)))
    return found - known


def _part(name: str, words: tuple[tuple[str, str], ...]) -> str:
    return next((part for part, pattern in words if re.search(pattern, name)), "other")
