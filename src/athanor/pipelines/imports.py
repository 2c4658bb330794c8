"""Bringing a published checkpoint into the store: looked at, proved, and kept as it came."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import canonical_json, step_key
from athanor.artifacts.store import Store
from athanor.core.errors import NotFoundError
from athanor.core.files import sha256_bytes, sha256_file
from athanor.core.progress import Reporter
from athanor.models import roundtrip
from athanor.specs.checkpoint import Checkpoint, open_checkpoint
from athanor.specs.families import embedding_rows
from athanor.specs.folder import kept_files, weight_files
from athanor.tokenizers.fitting import fitting_tokenizer

VERSION = 1


@dataclass(frozen=True)
class Request:
    """What was asked."""

    source: Path
    name: str | None
    replace: bool
    reporter: Reporter


def import_folder(request: Request) -> dict[str, Any]:
    """Import a model folder; CONTRACT's object. Raises InputError for what would not compute what it says."""
    store, source = Store.open(), request.source
    if not source.is_dir():
        raise NotFoundError(f"There is no folder {source}.", value=str(source), remedy="Check the path.")
    name = None if request.name is None else store.check_name(request.name)
    found = open_checkpoint(source)
    fitting_tokenizer(source, embedding_rows(found.spec))
    sources = _hashed(source, [*kept_files(source), *weight_files(source)], request.reporter)
    recipe = {"step": "import", "content": sha256_bytes(canonical_json(sources))}
    kept = store.find("model", step_key("model", recipe, [], VERSION))
    if name is not None:
        store.check_name_free(name, request.replace, kept.id if kept else None)
    artifact = kept or _keep(store, found, recipe, sources, request.reporter)
    if name is not None:
        store.bind(name, artifact.id, replace=request.replace)
    return {"name": name, "id": artifact.id, **artifact.manifest.metrics, "cached": kept is not None}


def _hashed(folder: Path, files: Sequence[Path], reporter: Reporter) -> list[dict[str, str]]:
    rows, done = [], 0
    with reporter.bar("reading", float(sum(path.stat().st_size for path in files))) as bar:
        for path in files:
            rows.append({"path": path.relative_to(folder).as_posix(), "sha256": sha256_file(path)})
            done += path.stat().st_size
            bar.update(float(done))
    return rows


def _keep(
    store: Store, found: Checkpoint, recipe: dict[str, Any], sources: Sequence[dict[str, str]], reporter: Reporter
) -> Artifact:
    """The checkpoint as an artifact, with the proof that its key map loses nothing."""
    size = float(sum(its.entry.bytes for its in found.weights.values()))
    with reporter.bar("proving", size) as bar:
        proof = roundtrip.prove(found, lambda done: bar.update(float(done)))
    named = [{**row, "path": str(found.folder.absolute() / row["path"])} for row in sources]
    with store.draft("model", recipe, [], version=VERSION, sources=named) as draft:
        for row in sources:
            target = draft.folder / row["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found.folder / row["path"], target)
        return draft.commit(metrics=facts(found), proofs={"import": proof})


def facts(found: Checkpoint) -> dict[str, Any]:
    """What is said of an imported checkpoint."""
    kinds = sorted({its.entry.dtype for its in found.weights.values()})
    return {
        "family": found.spec.family,
        "parameters": sum(its.entry.items for its in found.weights.values()),
        "dtype": "+".join(kinds).lower(),
        "format": "safetensors",
        "tensors": len(found.weights),
        "findings": [],
    }
