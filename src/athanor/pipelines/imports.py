"""Bringing a published checkpoint into the store: looked at, proved, and kept as it came."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import canonical_json, step_key
from athanor.artifacts.store import Store
from athanor.core.errors import InputError, NotFoundError
from athanor.core.files import sha256_bytes, sha256_file
from athanor.core.progress import Reporter
from athanor.generate.fitting import fitting_tokenizer
from athanor.models import roundtrip
from athanor.models.opened import Opened
from athanor.models.opening import open_model
from athanor.pipelines import hub
from athanor.pipelines.pickles import convert, pickle_files
from athanor.specs.findings import Finding
from athanor.specs.folder import kept_files, weight_files
from athanor.specs.inspection import inspect

VERSION = 1


@dataclass(frozen=True)
class Request:
    """What was asked."""

    source: Path
    """A model folder, a GGUF file, or a hub's owner/name."""
    name: str | None
    replace: bool
    reporter: Reporter
    licence: str | None = None
    """Where the source itself states none."""
    step: str = "import"
    unsafe_pickle: bool = False
    """Whether weights that lie in pickles are read."""


@dataclass(frozen=True)
class _Source:
    """What is brought in, on this machine."""

    place: Path
    pickles: Sequence[Path]
    """Those that hold its weights; empty where no pickle is to be read."""
    origin: str
    """Folder or address that its files came from."""

    @property
    def base(self) -> Path:
        """What its files' paths are relative to."""
        return self.place.parent if self.place.is_file() else self.place

    @property
    def files(self) -> list[Path]:
        """Every file of the model."""
        return [*_beside(self.place), *(self.pickles or weight_files(self.place))]


def import_model(request: Request) -> dict[str, Any]:
    """Import a model; CONTRACT's object. Raises InputError for what would not compute what it says."""
    store = Store.open()
    name = None if request.name is None else store.check_name(request.name)
    if not request.source.exists() and hub.is_hub_name(str(request.source)):
        return _from_hub(store, name, request)
    if not request.source.exists():
        raise NotFoundError(
            f"There is nothing at {request.source}.", value=str(request.source), remedy="Check the path."
        )
    pickles = pickle_files(request.source) if request.unsafe_pickle else []
    base = request.source.parent if request.source.is_file() else request.source
    return _import(store, name, _Source(request.source, pickles, str(base.absolute())), request)


def _from_hub(store: Store, name: str | None, request: Request) -> dict[str, Any]:
    listing = hub.look_up(str(request.source))
    for artifact in store.artifacts("model"):
        if any(source.path.startswith(f"{listing.origin}/") for source in artifact.manifest.sources):
            return _bound(store, name, artifact, request.replace, cached=True)
    with hub.fetched(store, listing, request.reporter) as folder:
        return _import(store, name, _Source(folder, [], listing.origin), request)


def _import(store: Store, name: str | None, source: _Source, request: Request) -> dict[str, Any]:
    found = None if source.pickles else _fitting(source.place)
    rows = _hashed(source.base, source.files, request.reporter)
    recipe = {"step": request.step, "content": sha256_bytes(canonical_json(rows))}
    kept = store.find("model", step_key("model", recipe, [], VERSION))
    if name is not None:
        store.check_name_free(name, request.replace, kept.id if kept else None)
    sources = [{**row, "path": f"{source.origin}/{row['path']}"} for row in rows]
    if kept is not None:
        return _bound(store, name, kept, request.replace, cached=True)
    if found is not None:
        artifact = _keep(store, found, source.place, recipe, sources, [], request)
    else:
        with _converted(store, source, request.reporter) as folder:
            findings = [_read_pickle(path.name) for path in source.pickles if path.suffix == ".bin"]
            artifact = _keep(store, _fitting(folder), folder, recipe, sources, findings, request)
    return _bound(store, name, artifact, request.replace, cached=False)


def _bound(store: Store, name: str | None, artifact: Artifact, replace: bool, *, cached: bool) -> dict[str, Any]:
    if name is not None:
        store.bind(name, artifact.id, replace=replace)
    return {"name": name, "id": artifact.id, **artifact.manifest.metrics, "cached": cached}


def _fitting(place: Path) -> Opened:
    """The checkpoint, opened, with a tokenizer that fits."""
    found = open_model(place)
    fitting_tokenizer(place, found.spec)
    return found


@contextlib.contextmanager
def _converted(store: Store, source: _Source, reporter: Reporter) -> Iterator[Path]:
    """The folder with its pickles as safetensors, gone after the block."""
    size = float(sum(path.stat().st_size for path in source.pickles))
    with store.scratch("pickle") as folder:
        with reporter.bar("unpickling", size) as bar:
            convert(source.place, source.pickles, folder, lambda done: bar.update(float(done)))
        yield folder


def _read_pickle(name: str) -> dict[str, Any]:
    return Finding(
        "pickle", name, "The weights came as a pickle; only its tensors were taken, none of it was run."
    )._asdict()


def _beside(place: Path) -> list[Path]:
    return [] if place.is_file() else kept_files(place)


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
    place: Path,
    recipe: dict[str, Any],
    sources: Sequence[dict[str, str]],
    findings: Sequence[dict[str, Any]],
    request: Request,
) -> Artifact:
    """The checkpoint as an artifact, with the proof that its key map loses nothing."""
    with request.reporter.bar("proving", float(len(found.kinds))) as bar:
        proof = roundtrip.prove(found, lambda done: bar.update(float(done)))
    seen = inspect(str(place.absolute()), False, Reporter(quiet=True))
    metrics = {
        "family": found.spec.family,
        "parameters": seen["parameters"],
        "dtype": seen["dtype"],
        "format": found.format,
        "tensors": len(found.kinds),
        "findings": [*seen["findings"], *findings],
    }
    licence = seen["licence"] or request.licence
    base, known = place.parent if place.is_file() else place, {row["sha256"] for row in sources}
    with store.draft("model", recipe, [], version=VERSION, sources=sources, licence=licence) as draft:
        for path in [*_beside(place), *weight_files(place)]:
            target = draft.folder / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            if not findings and sha256_file(target) not in known:
                raise InputError(
                    f"{path} changed while it was read.",
                    value=str(path),
                    limit="files that stay as they are",
                    remedy="Import it again when nothing writes to it any more.",
                )
        return draft.commit(metrics=metrics, proofs={"import": proof})
