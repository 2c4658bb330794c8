"""The whole store in one tar file, and back.

The last member, `athanor-backup.json`, holds the sha256 of every other and of itself; a tar that was cut, changed or
made by somebody else is refused before anything is written. Left out: secrets/ (unless asked for), and tmp/, locks/,
cache/, which belong to one machine; a run that somebody is at; and what `is_member` says no store holds. Names and
steps are read before artifacts are listed, and written as they were read: a build that ends meanwhile cannot put a
name into the tar without its artifact.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from athanor.artifacts import manifest as manifests
from athanor.artifacts.ids import KINDS, canonical_json, is_id
from athanor.artifacts.layout import entries, native, portable, stays_inside, utc_now
from athanor.artifacts.names import parse
from athanor.artifacts.store import Store
from athanor.artifacts.verify import damaged_files, files_below
from athanor.core.errors import InputError
from athanor.core.files import replacing, sha256_bytes

INDEX = "athanor-backup.json"
FORMAT = 1
NEVER = ("tmp", "locks", "cache")
APART = ("artifacts", "names", "steps")  # have their own order, see above
SECRETS = "secrets"
LONGEST_PART = 255  # bytes of a file's or folder's name, on any file system we know


def backup(store: Store, target: Path, *, with_secrets: bool = False) -> dict[str, Any]:
    """Write the store to `target`: {"checked", "damaged", "bytes", "path"}; with damage nothing is written."""
    target = target.absolute()
    _check_target(store, target)
    if not store.home.is_dir():
        return _write(target, {}, []) | {"checked": 0, "damaged": []}
    with store.in_use():
        names, steps = _names(store), _steps(store)
        folders = store.folders()
        ids = {folder.name for folder in folders}
        small = steps | {relative: data for relative, data in names.items() if parse(data)[1]["id"] in ids}
        files = list(_other_files(store, with_secrets))
        damaged = []
        for folder in folders:
            damaged += [{"id": folder.name, "file": file} for file in damaged_files(folder)]
            files += [folder / native(file) for file in files_below(folder)]
        if damaged:  # an older, whole backup may lie at the target
            return {"checked": len(folders), "damaged": damaged, "bytes": 0, "path": None}
        pairs = [(portable(path.relative_to(store.home)), path) for path in files]
        return _write(target, small, pairs) | {"checked": len(folders), "damaged": []}


def is_member(name: str) -> bool:
    """Whether a backup may hold this path: relative, no step upwards, and where a store has files of that kind."""
    parts = name.split("/")
    if not stays_inside(name) or any(len(os.fsencode(native(part))) > LONGEST_PART for part in parts):
        return False
    if parts[0] in NEVER:
        return False
    if parts[0] == "artifacts":
        return len(parts) >= 4 and parts[1] in KINDS and is_id(parts[2])
    if parts[0] == "names":
        return len(parts) == 2
    if parts[0] == "steps":
        return len(parts) == 2 and is_id(parts[1])
    if parts[0] == "runs":
        return len(parts) >= 3 and is_id(parts[1])
    return True


def _check_target(store: Store, target: Path) -> None:
    problem = None
    if target.is_dir():
        problem = "it is a folder"
    elif target.exists() and not target.is_file():
        problem = "it is no regular file"
    elif not target.parent.is_dir():
        problem = f"there is no folder {target.parent}"
    elif target.resolve().is_relative_to(store.home.resolve()):
        problem = "it lies in the store"
    elif target.exists() and target.stat().st_size and not _is_backup(target):
        problem = "what lies there is no whole backup, and would be lost"
    if problem:
        raise InputError(
            f"The backup cannot be written to {target}: {problem}.",
            value=str(target),
            remedy="Name a new file outside the store, such as backup.tar, or remove what lies there.",
        )


def _is_backup(path: Path) -> bool:
    """Whether a file is a backup of ours, by its members' names."""
    try:
        with tarfile.open(path, "r:") as tar:
            return any(member.name == INDEX for member in tar)
    except (tarfile.TarError, EOFError, ValueError, OverflowError):
        return False


def _names(store: Store) -> dict[str, bytes]:
    """The files of all names that can be read, by their place in the tar."""
    found = {}
    for name in store.names():
        path = store.table.path(name)
        with contextlib.suppress(FileNotFoundError):  # taken away since it was listed
            found[portable(path.relative_to(store.home))] = path.read_bytes()
    return found


def _steps(store: Store) -> dict[str, bytes]:
    """The files of all steps, by their place in the tar."""
    paths = [path for path in entries(store.home / "steps") if is_id(path.name) and stat.S_ISREG(path.lstat().st_mode)]
    return {portable(path.relative_to(store.home)): path.read_bytes() for path in paths}


def _other_files(store: Store, with_secrets: bool) -> Iterator[Path]:
    """Every file outside artifacts/, names/ and steps/ that belongs into a backup."""
    live = {run.key for run in store.runs() if run.is_live}
    for top in entries(store.home):
        if top.name in (*NEVER, *APART) or (top.name == SECRETS and not with_secrets) or top.is_symlink():
            continue
        for relative in files_below(top) if top.is_dir() else [""]:
            path = top / native(relative) if relative else top
            inside = path.relative_to(store.home)
            is_left_out = any(part.startswith(".") and part.endswith(".part") for part in inside.parts) or (
                top.name == "runs" and inside.parts[1] in live
            )
            if is_member(portable(inside)) and not is_left_out and stat.S_ISREG(path.lstat().st_mode):
                yield path


def _write(target: Path, small: dict[str, bytes], files: list[tuple[str, Path]]) -> dict[str, Any]:
    """Write the tar: what was read already, and files as they are now."""
    listed = {relative: sha256_bytes(data) for relative, data in small.items()}
    with replacing(target) as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for relative, data in small.items():
                tar.addfile(_member(relative, len(data)), io.BytesIO(data))
            for relative, path in files:
                listed[relative] = _add(tar, relative, path)
            body = {"format": FORMAT, "created": utc_now(), "files": listed}
            body["athanor"] = manifests.environment()["athanor"]
            data = json.dumps({"sha256": sha256_bytes(canonical_json(body)), **body}, ensure_ascii=False).encode()
            tar.addfile(_member(INDEX, len(data)), io.BytesIO(data))
        size = out.tell()
    return {"bytes": size, "path": str(target)}


def _add(tar: tarfile.TarFile, relative: str, path: Path) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise _changed(path) from None
    with os.fdopen(handle, "rb") as file:
        size = os.fstat(handle).st_size
        reader = Hashing(file)
        try:
            tar.addfile(_member(relative, size), reader)
        except OSError as error:
            # tarfile raises a bare OSError when a file ends before its size; others carry a number.
            if error.errno is None:
                raise _changed(path) from error
            raise
        return reader.digest.hexdigest()


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path} changed while the backup read it.", value=str(path), remedy="Run the same command again."
    )


def _member(relative: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(relative)
    member.size, member.mode = size, 0o600
    return member


class Hashing(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data
