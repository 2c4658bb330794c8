"""Writing a model out: its files, the proof, and the card beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.core.progress import Reporter
from athanor.generate.handle import locate
from athanor.specs.folder import weight_files
from athanor.transform.card import CARD, card
from athanor.transform.export import SHARD_BYTES, export_folder


@dataclass(frozen=True)
class Request:
    """What was asked."""

    name: str
    target: Path
    dtype: str | None
    shard_size: int | None
    reason: str | None
    """Why a difference is taken."""
    reporter: Reporter


def export(request: Request) -> dict[str, Any]:
    """Export a model; CONTRACT's object."""
    folder, manifest = locate(request.name)
    size = float(sum(path.stat().st_size for path in weight_files(folder)))
    with request.reporter.bar("writing", size) as bar:
        found = export_folder(
            folder,
            request.target,
            request.dtype,
            request.shard_size or SHARD_BYTES,
            lambda proof: card(request.name, manifest, proof, (folder / CARD).is_file()),
            lambda done: bar.update(float(done)),
        )
    return {**found, "proof": {**found["proof"], "accepted": request.reason}}
