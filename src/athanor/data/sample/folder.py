"""Where a sample is written: a folder of its own, whole or visibly unfinished.

While it is being written, truth/ holds `unfinished.json`; the last act renames it to `sample.json`. A folder with
neither, and anything else in it, belongs to somebody else and is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from athanor.core.errors import InputError
from athanor.core.files import fsync_folder, write_atomic
from athanor.data.sample.things import Paper

WHOLE, UNFINISHED = "sample.json", "unfinished.json"


class SampleFolder:
    """A folder that is becoming a sample; counts what goes into documents/."""

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        """Claims the folder, or refuses: see `_check`."""
        self.documents = 0
        self.bytes = 0
        self._folder = folder
        self._truth = folder / "truth"
        _check(folder, identity)
        self._truth.mkdir(parents=True, exist_ok=True)
        write_atomic(self._truth / UNFINISHED, _json(identity))
        (self._truth / WHOLE).unlink(missing_ok=True)

    def write(self, paper: Paper) -> None:
        """Put a paper below documents/."""
        path = self._folder / "documents" / paper.path
        path.parent.mkdir(parents=True, exist_ok=True)
        data = paper.text.encode("utf-8")
        path.write_bytes(data)
        self.documents += 1
        self.bytes += len(data)

    def write_truth(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        """Write rows as JSONL into truth/."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (self._truth / name).write_bytes(text.encode("utf-8"))

    def finish(self) -> None:
        """From now on the folder is a sample. Its files are not fsynced: it can be made again at any time."""
        (self._truth / UNFINISHED).rename(self._truth / WHOLE)
        fsync_folder(self._truth)


def _check(folder: Path, identity: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but the same sample, whole or unfinished."""
    if folder.is_symlink() or folder.exists():
        if not folder.is_dir():
            raise _taken(folder, "is no folder")
        if any(folder.iterdir()) and identity not in _identities(folder / "truth"):
            raise _taken(folder, "holds something else")


def _identities(truth: Path) -> list[dict[str, Any]]:
    """What the folder says it is."""
    found = []
    for name in (WHOLE, UNFINISHED):
        try:
            found.append(json.loads((truth / name).read_text("utf-8")))
        except (OSError, ValueError):
            continue
    return found


def _taken(folder: Path, why: str) -> InputError:
    return InputError(
        f"The sample cannot be written to {folder}: it {why}.",
        value=str(folder),
        limit="a new or empty folder, or the same sample (seed, version and megabytes)",
        remedy="Name a new folder, or remove this one if nothing in it is needed.",
    )


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
