"""A backup back into a store: a new one, or beside what is there.

The tar is read twice. The first reading writes nothing: every member's name, type and hash must be what a backup of
ours holds, and no name may stand for something else here. The second unpacks into tmp/, verifies every artifact, and
only then lets them be seen; names come last.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from athanor.artifacts.backup import FORMAT, INDEX, Hashing, is_member
from athanor.artifacts.collect import forget_steps
from athanor.artifacts.draft import install
from athanor.artifacts.ids import canonical_json
from athanor.artifacts.layout import entries, native, own_folder, portable
from athanor.artifacts.names import alike, parse
from athanor.artifacts.store import Store
from athanor.artifacts.verify import damaged_files, files_below
from athanor.core.errors import InputError, NotFoundError, ResourceError
from athanor.core.files import CHUNK, fsync_folder, make_private, sha256_bytes, sha256_file

SMALL = 1 << 16  # bytes; what a name's file may have at most
NAME_FILE = "names"

Take = Callable[[str, BinaryIO], str]  # (member's name, its bytes) -> sha256 of what was read


def restore(store: Store, source: Path) -> dict[str, Any]:
    """Bring back what a backup holds: {"checked", "damaged", "restored": [ids], "names", "kept": [files]}."""
    if not source.is_file():
        raise NotFoundError(f"There is no backup {source}.", value=str(source), remedy="Check the path.")
    names: dict[str, dict[str, Any]] = {}
    total = _examine(source, names)
    _check_names(store, names)
    _check_space(store, total)
    with store.in_use(), store.scratch("restore") as folder:
        _read(source, lambda name, file: _unpack(folder, name, file))
        return _settle(store, folder, source, names)


def _examine(source: Path, names: dict[str, dict[str, Any]]) -> int:
    """Check all of the tar and gather its names; the bytes it will unpack to."""
    sizes: list[int] = []

    def look(member: str, file: BinaryIO) -> str:
        reader = Hashing(file)
        if member.startswith(f"{NAME_FILE}/"):
            text = reader.read(SMALL)
            try:
                name, kept = parse(text)
            except ValueError as error:
                raise _refused(source, f"{member} holds no name") from error
            names[name] = kept
        while chunk := reader.read(CHUNK):
            sizes.append(len(chunk))
        return reader.digest.hexdigest()

    listed = _read(source, look)
    there = {PurePosixPath(member).parts[2] for member in listed if member.startswith("artifacts/")}
    for name, kept in names.items():
        if kept["id"] not in there:
            raise _refused(source, f"the name {name} stands for an artifact that it does not hold")
    return sum(sizes)


def _read(source: Path, take: Take) -> dict[str, str]:
    """Give every member to `take`; what the index lists, when all of it was found just so."""
    seen: dict[str, str] = {}
    index: bytes | None = None
    try:
        with source.open("rb") as raw:
            if raw.seek(0, os.SEEK_END) % tarfile.RECORDSIZE:
                raise _refused(source, "its end is missing")
            raw.seek(0)
            with tarfile.open(fileobj=raw, mode="r:") as tar:
                for member, file in _members(source, tar):
                    if index is not None or member in seen:
                        raise _refused(source, f"{member} stands where it should not")
                    if member == INDEX:
                        index = file.read()
                    else:
                        seen[member] = take(member, file)
                raw.seek(tar.offset)
                while chunk := raw.read(CHUNK):
                    if chunk.count(0) != len(chunk):
                        raise _refused(source, "something follows its end")
    except (tarfile.TarError, EOFError, UnicodeError, ValueError, OverflowError) as error:
        raise _refused(source, str(error)) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _refused(source, str(error)) from error
    listed = _listed(source, index)
    for member in sorted(listed.keys() | seen.keys()):
        if listed.get(member) != seen.get(member):
            raise _refused(source, f"{member} is damaged or missing")
        if any(str(parent) in seen for parent in PurePosixPath(member).parents):
            raise _refused(source, f"{member} lies in what is a file")
    return listed


def _members(source: Path, tar: tarfile.TarFile) -> Iterator[tuple[str, BinaryIO]]:
    """Regular files with a safe name, one after the other."""
    for member in tar:
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
            raise _refused(source, f"{member.name!r} is no regular file")
        if not is_member(member.name):
            raise _refused(source, f"{member.name!r} is no path of a store")
        file = tar.extractfile(member)
        if file is None:
            raise _refused(source, f"{member.name!r} has no content")
        yield member.name, file  # type: ignore[misc]


def _listed(source: Path, index: bytes | None) -> dict[str, str]:
    """Member → sha256, of the index."""
    if index is None:
        raise _refused(source, "it is cut, or no backup of a store")
    try:
        body = json.loads(index)
        own = body.pop("sha256")
        files, is_newer = body["files"], body["format"] > FORMAT
        is_whole = sha256_bytes(canonical_json(body)) == own and isinstance(files, dict)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
        raise _refused(source, f"{INDEX} is damaged") from error
    if not is_whole:
        raise _refused(source, f"{INDEX} is damaged")
    if is_newer:
        raise _refused(source, f"it was written by a newer Athanor; this one reads format {FORMAT}")
    return files


def _check_names(store: Store, names: dict[str, dict[str, Any]]) -> None:
    seen: dict[str, str] = {}
    for name, kept in names.items():
        store.check_name_free(name, False, kept["id"])
        if (other := seen.setdefault(alike(name), name)) != name:
            raise InputError(
                f"The backup's names {other} and {name} differ only in case.",
                value=name,
                limit=other,
                remedy="Use another backup.",
            )


def _check_space(store: Store, needed: int) -> None:
    at = store.home
    while not at.exists():
        at = at.parent
    free = shutil.disk_usage(at).free
    if needed > free:
        raise ResourceError(
            f"The backup needs {needed} bytes; the disk of {at} has {free} free.",
            value=needed,
            limit=free,
            remedy="Free space (`athanor gc` removes what nothing uses) or set ATHANOR_HOME to a larger disk.",
        )


def _unpack(folder: Path, member: str, file: BinaryIO) -> str:
    path = folder / native(member)
    make_private(path.parent)
    reader = Hashing(file)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as out:
        os.fchmod(handle, 0o600)
        while chunk := reader.read(CHUNK):
            out.write(chunk)
        out.flush()
        os.fsync(handle)
    return reader.digest.hexdigest()


def _settle(store: Store, folder: Path, source: Path, names: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Verify what was unpacked, then move it to its place: artifacts, steps, the rest, names."""
    unpacked = [path for kind in entries(folder / "artifacts") for path in entries(kind)]
    for path in unpacked:
        if bad := damaged_files(path):
            raise _refused(source, f"{bad[0]} of {path.name[:12]} is damaged")
    before = {path.name for path in store.folders()}
    for path in unpacked:
        install(store.home, path, path.parent.name, path.name)
    forget_steps(store)  # a dangling one would be in the way
    kept = []
    for top in entries(folder):
        if top.name not in ("artifacts", NAME_FILE):
            kept += _move(store, folder, top)
    for name, entry in names.items():
        store.bind(name, entry["id"])
        if entry["moved"] and not store.table.entry(name)["moved"]:
            store.table.write(name, entry)
    return {
        "checked": len(unpacked),
        "damaged": [],
        "restored": sorted({path.name for path in unpacked} - before),
        "names": sorted(names),
        "kept": kept,
    }


def _move(store: Store, folder: Path, top: Path) -> list[str]:
    """Move files to where none lies yet; what is there stays, and is listed where it differs.

    A run is taken whole or not at all.
    """
    stayed = []
    present = {path.name for path in entries(store.home / "runs")}
    for relative in files_below(top) if top.is_dir() else [""]:
        path = top / native(relative) if relative else top
        parts = path.relative_to(folder).parts
        target = store.home.joinpath(*parts)
        is_taken = parts[1] in present if top.name == "runs" else os.path.lexists(target)
        if is_taken:
            if not target.is_file() or sha256_file(target) != sha256_file(path):
                stayed.append(portable("/".join(parts)))
        else:
            path.rename(own_folder(store.home, *parts[:-1]) / parts[-1])
            fsync_folder(target.parent)
    return stayed


def _refused(source: Path, reason: str) -> InputError:
    return InputError(
        f"{source} cannot be restored: {reason}.",
        value=str(source),
        remedy="Nothing was changed. Use another backup.",
    )
