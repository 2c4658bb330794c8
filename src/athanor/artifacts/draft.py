"""How an artifact comes to be: written in a private folder, hashed, fsynced, renamed into place.

A reader never sees half of one. What is renamed is complete and durable; the step's key is written after it, so that
finished work is found only where it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athanor.artifacts import manifest as manifests
from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import KINDS, artifact_id, step_key
from athanor.artifacts.layout import native, own_folder, portable, utc_now
from athanor.artifacts.manifest import FileEntry, Manifest, Source
from athanor.artifacts.verify import damaged_files
from athanor.core import offline
from athanor.core.errors import InputError
from athanor.core.files import CHUNK, fsync_folder, remove_tree, write_atomic

if TYPE_CHECKING:
    from athanor.artifacts.store import Store


class Draft:
    """An artifact being written; `folder` takes its payload, `commit` finishes it."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        kind: str,
        recipe: Mapping[str, Any],
        inputs: Sequence[str],
        version: int,
        sources: Sequence[Source | Mapping[str, str]],
        seed: int | None,
        licence: str | None,
    ) -> None:
        if kind not in KINDS:
            raise InputError(
                f"{kind!r} is no kind of artifact.", value=kind, limit=KINDS, remedy=f"Use one of {', '.join(KINDS)}."
            )
        self.folder = folder
        self.kind = kind
        self.key = step_key(kind, recipe, inputs, version)
        self.committed: Artifact | None = None
        self._store = store
        self._recipe = dict(recipe)
        self._inputs = list(inputs)
        self._version = version
        self._sources = manifests.sources_of(sources)
        self._seed = seed
        self._licence = licence
        self._began = time.monotonic()

    def commit(
        self,
        *,
        metrics: Mapping[str, Any] | None = None,
        proofs: Mapping[str, Any] | None = None,
        resolved: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> Artifact:
        """Hash, fsync and rename the payload into the store; seconds: measured since the draft when not given."""
        assert self.committed is None and self.folder.is_dir(), "a draft is committed once, inside its block"
        files = [_settle(self.folder, path) for path in _payload(self.folder)]
        made = artifact_id(self.kind, self._recipe, self._inputs, {item.path: item.sha256 for item in files})
        manifests.write(
            Manifest(
                id=made,
                kind=self.kind,
                key=self.key,
                version=self._version,
                recipe=self._recipe,
                inputs=self._inputs,
                sources=self._sources,
                files=files,
                created=utc_now(),
                seconds=time.monotonic() - self._began if seconds is None else seconds,
                seed=self._seed,
                resolved=dict(resolved or {}),
                metrics=dict(metrics or {}),
                proofs=dict(proofs or {}),
                environment=manifests.environment(),
                connections=offline.connections(),
                licence=self._licence,
            ),
            self.folder,
        )
        with self._store.in_use():
            self.committed = install(self._store.home, self.folder, self.kind, made)
            write_atomic(own_folder(self._store.home, "steps") / self.key, made)
        return self.committed


def install(home: Path, folder: Path, kind: str, id: str) -> Artifact:
    """Rename a complete folder to its place. One that is there and whole stays; one that is damaged is replaced."""
    target = own_folder(home, "artifacts", kind) / id
    for root, _, _ in os.walk(folder):
        fsync_folder(Path(root))
    for _ in range(100):
        try:
            folder.rename(target)
        except OSError:
            if not os.path.lexists(target):
                raise
        else:
            fsync_folder(target.parent)
            return Artifact.read(target)
        if not damaged_files(target):
            remove_tree(folder)
            return Artifact.read(target)
        set_aside(home, target)
    raise InputError(f"{target} is damaged again and again.", value=str(target), remedy="Check the disk.")


def set_aside(home: Path, target: Path) -> None:
    """Take a folder or file out of the store in one step, then delete it; being killed in between leaves it in tmp/."""
    aside = own_folder(home, "tmp") / f"gone-{os.getpid()}-{time.monotonic_ns()}"
    with contextlib.suppress(FileNotFoundError):
        target.rename(aside)
        fsync_folder(target.parent)
    discard(aside)


def discard(path: Path) -> None:
    """Delete a file or folder of tmp/."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def _payload(folder: Path) -> list[str]:
    """Relative paths of the payload's files, sorted; also makes its folders private."""
    found = []
    for root, folders, names in os.walk(folder):
        Path(root).chmod(0o700)
        for name in [*folders, *names]:
            path = Path(root, name)
            relative = portable(path.relative_to(folder))
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise _refused(relative, "it is a link or no regular file")
            if relative == manifests.FILE:
                raise _refused(relative, "this name is the manifest's")
            if stat.S_ISREG(mode):
                found.append(relative)
    return sorted(found)


def _settle(folder: Path, relative: str) -> FileEntry:
    """Make a payload file private and durable, and hash it."""
    handle = os.open(folder / native(relative), os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        os.fchmod(handle, 0o600)
        digest, size = hashlib.sha256(), 0
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
        os.fsync(handle)
    return FileEntry(path=relative, bytes=size, sha256=digest.hexdigest())


def _refused(relative: str, reason: str) -> InputError:
    return InputError(
        f"The file {relative!r} cannot become part of an artifact: {reason}.",
        value=relative,
        remedy="Copy its content into a file of another name.",
    )
