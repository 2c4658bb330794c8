"""The model card: what a model is, where it comes from, what was proved of it; from its manifest alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from athanor.artifacts.manifest import Manifest

CARD = "README.md"
SOURCE_CARD = "README.source.md"
MOST_SOURCES = 20


def card(name: str, manifest: Manifest | None, proof: Mapping[str, Any], has_source_card: bool) -> str:
    """The Markdown of README.md."""
    lines = [f"# {name}", ""]
    if manifest is not None:
        rows = {
            "id": manifest.id,
            "made": manifest.created,
            "by": manifest.recipe.get("step"),
            "family": manifest.metrics.get("family"),
            "parameters": manifest.metrics.get("parameters"),
            "licence": manifest.licence or "not stated",
            "held-out bits per byte": manifest.metrics.get("heldout_bits_per_byte"),
        }
        lines += ["| | |", "|---|---|"]
        lines += [f"| {key} | {value} |" for key, value in rows.items() if value is not None]
        lines += ["", *_lineage(manifest)]
    lines += ["## Proof of this export", "", f"{proof['method']}: {proof['verdict']}."]
    if has_source_card:
        lines += ["", f"The card that the model came with is in `{SOURCE_CARD}`."]
    return "\n".join(lines) + "\n"


def _lineage(manifest: Manifest) -> list[str]:
    """What it was made from."""
    rows = [f"* artifact {one}" for one in manifest.inputs]
    some = manifest.sources[:MOST_SOURCES]
    rows += [f"* {PurePath(source.path).name} (sha256 {source.sha256[:12]}…)" for source in some]
    more = len(manifest.sources) - len(some)
    rows += [f"* and {more} more files"] if more > 0 else []
    return ["## Made from", "", *rows, ""] if rows else []
