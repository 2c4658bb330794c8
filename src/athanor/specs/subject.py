"""Which model a word on the command line means: a name or id in the store, or a path. No torch, nothing loaded."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from athanor.artifacts.store import Store
from athanor.core.errors import NotFoundError


class Subject(NamedTuple):
    """A model to look at."""

    path: Path
    """Its folder, or one file."""
    licence: str | None
    """What the store's manifest says."""


def find_model(name_or_path: str) -> Subject:
    """The model of a name, an id or an id's prefix in the store (an assistant stands for its model), or of a path: a
    word that holds a separator or begins with a dot. Raises NotFoundError."""
    if "/" not in name_or_path and not name_or_path.startswith("."):
        artifact = Store.open().resolve(name_or_path, kinds=("model",))
        return Subject(artifact.folder, artifact.manifest.licence)
    path = Path(name_or_path)
    if not path.exists():
        raise NotFoundError(f"There is no file or folder {path}.", value=name_or_path, remedy="Check the path.")
    return Subject(path, None)
