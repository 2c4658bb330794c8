"""An artifact's manifest: what it is, what it was made from, where, and what was measured.

`manifest.json` carries a checksum of its own bytes (computed with 64 zeros in the checksum's place), since the id
covers only kind, recipe, inputs and payload: a flipped bit in a metric is noticed as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from athanor.artifacts.environment import environment
from athanor.artifacts.ids import artifact_id, canonical_json
from athanor.artifacts.layout import stays_inside
from athanor.core.errors import InputError
from athanor.core.files import sha256_bytes, write_atomic

__all__ = ["FILE", "FORMAT", "FileEntry", "Manifest", "Source", "environment", "read", "write"]

FILE = "manifest.json"
FORMAT = 1  # raised when a manifest is written that older versions must not read
_BLANK = "0" * 64


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A payload file: path relative to the artifact's folder with forward slashes, size in bytes, hex sha256."""

    path: str
    bytes: int
    sha256: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the user that the artifact was made from: path as it was given, hex sha256 of its content."""

    path: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an artifact; see the fields."""

    id: str
    """64 hex digits over kind, recipe, inputs and payload."""
    kind: str
    """One of `ids.KINDS`."""
    key: str
    """The key of the step that made it."""
    version: int
    """The step's version."""
    recipe: dict[str, Any]
    """As asked, in the order it was asked."""
    inputs: list[str]
    """Ids, in order; an index stands as id@generation."""
    sources: list[Source]
    files: list[FileEntry]
    created: str
    """ISO 8601 in UTC, with Z."""
    seconds: float
    """What making it took."""
    seed: int | None = None
    resolved: dict[str, Any] = {}
    """What calibration chose."""
    metrics: dict[str, Any] = {}
    proofs: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    connections: list[str] = []
    """Addresses outside loopback that were connected to."""
    licence: str | None = None
    format: int = FORMAT

    def computed_id(self) -> str:
        """The id that kind, recipe, inputs and files give."""
        return artifact_id(self.kind, self.recipe, self.inputs, {item.path: item.sha256 for item in self.files})


def sources_of(given: Sequence[Source | Mapping[str, str]]) -> list[Source]:
    """Sources with paths that JSON can hold: bytes that are no UTF-8 are shown as escapes."""
    made = [item if isinstance(item, Source) else msgspec.convert(dict(item), Source) for item in given]
    return [
        Source(path=item.path.encode("utf-8", "backslashreplace").decode("utf-8"), sha256=item.sha256) for item in made
    ]


def write(manifest: Manifest, folder: Path) -> None:
    """Write `manifest.json`, whole or not at all."""
    plain = msgspec.to_builtins(manifest)
    canonical_json(plain)  # refuses what JSON would change or drop, and says which key
    text = json.dumps({"checksum": _BLANK, **plain}, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(folder / FILE, text.replace(_BLANK, sha256_bytes(text.encode()), 1))


def read(folder: Path) -> Manifest:
    """The manifest in an artifact's folder; InputError when it is missing or damaged."""
    path = folder / FILE
    try:
        raw = path.read_bytes()
        plain = json.loads(raw)
        checksum = plain.pop("checksum")
        if sha256_bytes(raw.replace(checksum.encode(), _BLANK.encode(), 1)) != checksum:
            raise ValueError("its checksum does not fit")
        if plain.get("format", 0) > FORMAT:
            raise _newer(path, plain["format"])
        manifest = msgspec.convert(plain, Manifest)
        if outside := [item.path for item in manifest.files if not stays_inside(item.path)]:
            raise ValueError(f"it lists {outside[0]!r}, which is no path inside the artifact")
        return manifest
    except FileNotFoundError:
        raise _damaged(path, "it is missing") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError, msgspec.ValidationError) as error:
        raise _damaged(path, str(error)) from error


def _newer(path: Path, format: int) -> InputError:
    return InputError(
        f"{path} was written by a newer Athanor (manifest format {format}, this one reads up to {FORMAT}).",
        value=format,
        limit=FORMAT,
        remedy="Update Athanor.",
    )


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} is damaged: {reason}.",
        value=str(path),
        remedy="`athanor store verify` lists all damage; restore a backup, or remove it and make it again.",
    )
