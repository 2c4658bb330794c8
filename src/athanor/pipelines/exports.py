"""Writing a model out: its files, the proof, and the card beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.core.errors import UsageError
from athanor.core.progress import Reporter
from athanor.generate.handle import locate
from athanor.models.opening import open_model
from athanor.specs.folder import weight_files
from athanor.transform.card import CARD, card
from athanor.transform.export import SHARD_BYTES, WORDS, export_folder
from athanor.transform.export_gguf import TOLERANCES, export_gguf_file

DTYPES = {"safetensors": tuple(WORDS), "gguf": tuple(TOLERANCES)}
"""What each format is written in."""
GGUF_DTYPE = "f16"  # where none is asked for


@dataclass(frozen=True)
class Request:
    """What was asked."""

    name: str
    target: Path
    format: str
    dtype: str | None
    shard_size: int | None
    reason: str | None
    """Why a difference is taken."""
    reporter: Reporter


def export(request: Request) -> dict[str, Any]:
    """Export a model; CONTRACT's object. Raises UsageError for a type that the format is not written in."""
    known = DTYPES[request.format]
    if request.dtype is not None and request.dtype not in known:
        raise UsageError(
            f"{request.format} is not written as {request.dtype!r}.",
            value=request.dtype,
            limit=list(known),
            remedy=f"Known: {', '.join(known)}.",
        )
    return _as_gguf(request) if request.format == "gguf" else _as_folder(request)


def _as_folder(request: Request) -> dict[str, Any]:
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


def _as_gguf(request: Request) -> dict[str, Any]:
    folder, manifest = locate(request.name)
    with request.reporter.bar("writing", float(len(open_model(folder).kinds))) as bar:
        found = export_gguf_file(
            folder,
            request.target,
            request.dtype or GGUF_DTYPE,
            request.name,
            manifest.licence if manifest else None,
            request.reason,
            lambda done: bar.update(float(done)),
        )
    for note in found["notes"]:
        request.reporter.say(note)
    return found
