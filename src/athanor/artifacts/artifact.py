"""A finished, immutable thing in the store: its manifest and its payload files."""

from __future__ import annotations

from pathlib import Path

from athanor.artifacts import manifest as manifests
from athanor.artifacts.layout import native
from athanor.artifacts.manifest import Manifest
from athanor.core.errors import NotFoundError, nearest


class Artifact:
    """An artifact in the folder `artifacts/<kind>/<id>/`."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def read(cls, folder: Path) -> Artifact:
        """The artifact in a folder; InputError when its manifest is missing or damaged."""
        return cls(folder, manifests.read(folder))

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def kind(self) -> str:
        return self.manifest.kind

    @property
    def bytes(self) -> int:
        """Size of the payload."""
        return sum(item.bytes for item in self.manifest.files)

    def file(self, relative: str) -> Path:
        """Where a payload file lies; only files that the manifest lists exist."""
        known = [item.path for item in self.manifest.files]
        if relative not in known:
            close = nearest(relative, known)
            raise NotFoundError(
                f"The {self.kind} {self.id[:12]} has no file {relative!r}.",
                value=relative,
                limit=known,
                remedy=f"The nearest is {close!r}." if close else "`athanor show` lists its files.",
            )
        return self.folder / native(relative)

    def is_there(self) -> bool:
        """Whether every payload file exists in its size; a cheap look, `verify` hashes."""
        try:
            return all((self.folder / native(item.path)).lstat().st_size == item.bytes for item in self.manifest.files)
        except OSError:
            return False

    def __repr__(self) -> str:
        return f"Artifact({self.kind} {self.id[:12]})"
