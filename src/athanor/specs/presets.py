"""All presets by their published names: those of the family pages, and the models known from papers alone."""

from __future__ import annotations

import functools

from athanor.specs import papers
from athanor.specs.families import families
from athanor.specs.trunk import TrunkSpec


@functools.cache
def presets() -> dict[str, TrunkSpec]:
    """Every preset by its name, lower case."""
    found: dict[str, TrunkSpec] = {}
    for page in (*families().values(), papers):
        found.update(getattr(page, "PRESETS", {}))
    return found
