"""What `inspect` finds wrong or worth knowing, and the look at files that tells it: names and first bytes only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from athanor.core.errors import InputError
from athanor.specs import safetensors
from athanor.specs.file_roles import role_of
from athanor.specs.folder import CONFIG, INDEX, SINGLE, Stored, read_json

Kind = Literal[
    "missing_shard", "tied_twice", "nonfinite", "pickle", "remote_code", "pointer_file", "size_mismatch", "licence"
]
POINTER = b"version https://git-lfs.github.com/spec/"
MOST_POINTER_BYTES = 1024
MOST_FILES = 10_000
NAMED = 6  # of many, how many a message names


class Finding(NamedTuple):
    """CONTRACT's finding."""

    kind: Kind
    file: str | None
    message: str


class File(NamedTuple):
    """A file of a model folder."""

    path: str
    """Relative to the folder."""
    bytes: int
    role: str
    note: str


def files_of(folder: Path) -> list[File]:
    """Every file below the folder, hidden ones left out, in the order of their names."""
    return sorted(_files(folder))


def _files(folder: Path) -> Iterator[File]:
    left = MOST_FILES
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (name for name in names if not name.startswith(".")):
            path = Path(place, name)
            if not path.is_file():
                continue
            left -= 1
            if left < 0:
                raise InputError(
                    f"{folder} holds more than {MOST_FILES} files.",
                    value=str(folder),
                    limit=MOST_FILES,
                    remedy="Name the folder of one model.",
                )
            yield File(path.relative_to(folder).as_posix(), path.stat().st_size, *role_of(name))


def is_pointer(path: Path) -> bool:
    """Whether a file is git-lfs's note of where the real one lies."""
    if path.stat().st_size > MOST_POINTER_BYTES:
        return False
    with path.open("rb") as file:
        return file.read(len(POINTER)) == POINTER


def by_names(folder: Path, files: list[File], config: Mapping[str, Any], known: bool) -> Iterator[Finding]:
    """Findings that need no header. known: the family's page is here, so that no code of the folder is missed."""
    for file in files:
        if is_pointer(folder / file.path):
            yield Finding("pointer_file", file.path, "A git-lfs pointer, not the file: fetch it with `git lfs pull`.")
        elif file.role == "pickle":
            yield Finding("pickle", file.path, "A pickle can run commands when it is opened. It was not opened.")
        elif file.role == "code":
            yield Finding("remote_code", file.path, "Python code that came with the model. It will not be run.")
    if not known and isinstance(config.get("auto_map"), dict):
        asked = ", ".join(sorted(str(value) for value in config["auto_map"].values())[:NAMED])
        yield Finding("remote_code", CONFIG, f"The model asks for code of its own ({asked}), which will not be run.")


def seen_weights(folder: Path) -> tuple[dict[str, Stored], list[Finding]]:
    """Every tensor whose header can be read, and why others cannot; nothing is raised for a file."""
    claims, findings = _claims(folder)
    found: dict[str, Stored] = {}
    for name, claimed in sorted(claims.items()):
        path = folder / name
        if Path(name).name != name or not path.is_file():
            findings.append(Finding("missing_shard", name, f"{INDEX} names this shard; it is not in the folder."))
            continue
        if is_pointer(path):  # found by its name's look
            continue
        try:
            header = safetensors.read_header(path)
        except InputError as error:
            findings.append(_unreadable(path, error))
            continue
        if claimed is not None and (others := sorted(claimed ^ set(header))):
            findings.append(Finding("size_mismatch", name, f"{INDEX} and this shard disagree about {listed(others)}."))
        found.update({key: Stored(path, entry) for key, entry in header.items()})
    return found, findings


def _claims(folder: Path) -> tuple[Mapping[str, set[str] | None], list[Finding]]:
    """Weight files with the tensors that the index says they hold; None where no index speaks of them."""
    if (folder / SINGLE).is_file():
        return {SINGLE: None}, []
    if not (folder / INDEX).is_file():
        return {path.name: None for path in folder.glob("*.safetensors") if path.is_file()}, []
    try:
        placed = read_json(folder / INDEX).get("weight_map")
    except InputError as error:
        return {}, [Finding("size_mismatch", INDEX, error.message)]
    if not isinstance(placed, dict) or not all(isinstance(name, str) for name in placed.values()):
        return {}, [Finding("size_mismatch", INDEX, "The index has no weight_map.")]
    claims: dict[str, set[str]] = {}
    for key, name in placed.items():
        claims.setdefault(name, set()).add(key)
    return claims, []


def _unreadable(path: Path, error: InputError) -> Finding:
    with path.open("rb") as file:
        first = file.read(2)
    if first == b"PK" or (first[:1] == b"\x80" and first[1:] < b"\x06"):
        return Finding("pickle", path.name, "A pickle under the name of safetensors. It was not opened as one.")
    return Finding("size_mismatch", path.name, error.message)


def listed(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(name[:200] for name in names[:NAMED]) + more
