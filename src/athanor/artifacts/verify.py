"""Re-hashing the store: every payload file, every manifest, every artifact's own id.

A missing file, one too many, a changed byte and a foreign entry in `artifacts/` or `names/` are damage.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from athanor.artifacts import manifest as manifests
from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import KINDS, is_id
from athanor.artifacts.layout import entries, native, portable
from athanor.core.errors import AthanorError, InputError
from athanor.core.files import sha256_file

if TYPE_CHECKING:
    from athanor.artifacts.store import Store


def verify(store: Store) -> dict[str, Any]:
    """{"checked", "damaged": [{"id", "file"}], "dependants": [{"id", "kind", "names"}]}: what was made from damage."""
    with _held(store):
        return _verify(store)


def _held(store: Store) -> contextlib.AbstractContextManager[None]:
    """Keep `gc` off meanwhile; a store on a read-only disk needs no keeping."""
    if (store.home / "artifacts").is_dir() and os.access(store.home, os.W_OK):
        return store.in_use()
    return contextlib.nullcontext()


def _verify(store: Store) -> dict[str, Any]:
    checked, damaged = 0, []
    sound: list[Artifact] = []
    for kind_folder in entries(store.home / "artifacts"):
        if kind_folder.name not in KINDS or not _is_folder(kind_folder):
            damaged.append({"id": "", "file": f"artifacts/{kind_folder.name}"})
            continue
        for folder in entries(kind_folder):
            checked += 1
            files = damaged_files(folder)
            damaged += [{"id": folder.name, "file": file} for file in files]
            if not files:
                sound.append(Artifact.read(folder))
    there = {item["id"] for item in damaged} | {artifact.id for artifact in sound}
    damaged += [{"id": "", "file": f"names/{portable(path.name)}"} for path in store.unreadable_names()]
    damaged += [{"id": its, "file": f"names/{name}"} for name, its in store.names().items() if its not in there]
    return {"checked": checked, "damaged": damaged, "dependants": _dependants(store, sound, damaged)}


def damaged_files(folder: Path) -> list[str]:
    """Files of one artifact's folder that are not what its manifest says; `manifest.json` when that is it."""
    try:
        manifest = manifests.read(folder)
        expected = {item.path: item for item in manifest.files}
        if not is_id(folder.name) or manifest.id != folder.name or manifest.kind != folder.parent.name:
            return [manifests.FILE]
        if manifest.computed_id() != manifest.id:
            return [manifests.FILE]
    except AthanorError:
        return [manifests.FILE]
    found = set(files_below(folder)) - {manifests.FILE}
    # What is listed must lie in the folder itself, not where a link in it leads.
    same = {path for path in found & set(expected) if _fits(folder, expected[path])}
    return sorted((found | set(expected)) - same)


def files_below(folder: Path) -> list[str]:
    """Relative paths of everything below that is no folder, sorted; a link counts as a file."""
    found = []
    for root, folders, names in os.walk(folder):
        links = [name for name in folders if Path(root, name).is_symlink()]
        found += [portable(Path(root, name).relative_to(folder)) for name in [*names, *links]]
    return sorted(found)


def _fits(folder: Path, entry: manifests.FileEntry) -> bool:
    path = folder / native(entry.path)
    try:
        state = path.lstat()
        return stat.S_ISREG(state.st_mode) and state.st_size == entry.bytes and sha256_file(path) == entry.sha256
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _dependants(store: Store, sound: list[Artifact], damaged: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Whole artifacts that were made, directly or through others, from a damaged one."""
    tainted = {item["id"] for item in damaged if item["id"]}
    found: list[Artifact] = []
    grown = bool(tainted)
    while grown:
        grown = False
        for artifact in sound:
            if artifact.id not in tainted and tainted & set(_needs(store, artifact)):
                tainted.add(artifact.id)
                found.append(artifact)
                grown = True
    return [{"id": item.id, "kind": item.kind, "names": store.names_of(item.id)} for item in found]


def _needs(store: Store, artifact: Artifact) -> list[str]:
    try:
        return store.needs(artifact)
    except InputError:
        return [one.partition("@")[0] for one in artifact.manifest.inputs]
