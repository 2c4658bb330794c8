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
from athanor.generate.fitting import fitting_tokenizer
from athanor.models import roundtrip
from athanor.models.opened import Opened
from athanor.models.opening import open_model
from athanor.specs.folder import kept_files, weight_files
from athanor.specs.inspection import inspect

VERSION = 1


@dataclass(frozen=True)
class Request:
    """What was asked."""

    source: Path
    """A model folder, or a GGUF file."""
    name: str | None
    replace: bool
    reporter: Reporter
    licence: str | None = None
    """Where the source itself states none."""
    step: str = "import"


def import_model(request: Request) -> dict[str, Any]:
    """Import a model; CONTRACT's object. Raises InputError for what would not compute what it says."""
    store, source = Store.open(), request.source
    if not source.exists():
        raise NotFoundError(f"There is nothing at {source}.", value=str(source), remedy="Check the path.")
    name = None if request.name is None else store.check_name(request.name)
    found = open_model(source)
    fitting_tokenizer(source, found.spec)
    base = source.parent if source.is_file() else source
    beside = [] if source.is_file() else kept_files(source)
    sources = _hashed(base, [*beside, *weight_files(source)], request.reporter)
    recipe = {"step": request.step, "content": sha256_bytes(canonical_json(sources))}
    kept = store.find("model", step_key("model", recipe, [], VERSION))
    if name is not None:
        store.check_name_free(name, request.replace, kept.id if kept else None)
    artifact = kept or _keep(store, found, base, recipe, sources, request)
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
    store: Store,
    found: Opened,
    base: Path,
    recipe: dict[str, Any],
    sources: Sequence[dict[str, str]],
    request: Request,
) -> Artifact:
    """The checkpoint as an artifact, with the proof that its key map loses nothing."""
    with request.reporter.bar("proving", float(len(found.kinds))) as bar:
        proof = roundtrip.prove(found, lambda done: bar.update(float(done)))
    seen = inspect(str(request.source.absolute()), False, Reporter(quiet=True))
    metrics = {
        "family": found.spec.family,
        "parameters": seen["parameters"],
        "dtype": seen["dtype"],
        "format": found.format,
        "tensors": len(found.kinds),
        "findings": seen["findings"],
    }
    named = [{**row, "path": str((base / row["path"]).absolute())} for row in sources]
    licence = seen["licence"] or request.licence
    with store.draft("model", recipe, [], version=VERSION, sources=named, licence=licence) as draft:
        for row in sources:
            target = draft.folder / row["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(base / row["path"], target)
        return draft.commit(metrics=metrics, proofs={"import": proof})
