"""Which tensor of a folder is what: parameters by part, what is stored twice, what is missing. By headers alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from athanor.specs.arithmetic import PARTS
from athanor.specs.checkpoint import aliases
from athanor.specs.families import Family
from athanor.specs.folder import Stored

# By a word in one of our names, the first that is there.
OURS = (
    ("head", r"^(head|masked|outputs|follows)\."),
    ("norm", r"norm(\.|$)"),
    ("embedding", r"(^|\.)(embedding|positions|types|tasks|patches|token)(\.|$)"),
    ("attention", r"(^|\.)(attention|cross|relative)\."),
    ("mlp", r"(^|\.)mlp\."),
)  # fmt: skip
# By a word in a name that no page knows, also as GGUF names tensors.
THEIRS = (
    ("norm", r"norm|(^|\.)ln_"), ("embedding", r"embe?d|token_types|\.wte\.|\.wpe\."), ("attention", r"attn|attention"),
    ("mlp", r"mlp|ffn|feed_forward|expert|\.fc\d"), ("head", r"lm_head|output_layer|classifier|^output\.|^cls\."),
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
    rules = page.key_map(spec) if page and spec else ()
    ours = {part.theirs: rule.ours for rule in rules for part in rule.parts}
    names = aliases(page, set(stored)) if page else {name: name for name in stored}
    copies = set(page.COPIES) - set(ours) if page else set()
    for published, name in names.items():
        size = math.prod(stored[name].entry.shape)
        if published in ours:
            found.parts[_part(ours[published], OURS)] += size
        elif published in copies:
            found.twice.append(name)
        elif not (page and re.search(page.BUFFERS, name)):
            found.parts[part_of(name)] += size
            found.unknown += [name] if ours else []
    found.missing = sorted(set(ours) - set(names))
    return found


def part_of(name: str) -> str:
    """The part that a tensor belongs to, by the words in its published name."""
    return _part(name, THEIRS)


def _part(name: str, words: tuple[tuple[str, str], ...]) -> str:
    return next((part for part, pattern in words if re.search(pattern, name)), "other")
