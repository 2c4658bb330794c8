"""Unfinished work: a folder `runs/<key>/` whose content belongs to whoever runs it.

The store only knows `run.json` (which name it is meant for, verb, argv, when and by which process it was started), and
the lock under `locks/runs/`, which says whether somebody is at it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from athanor.artifacts.draft import set_aside
from athanor.artifacts.ids import is_id
from athanor.artifacts.layout import own_folder, this_process, utc_now
from athanor.core.errors import InputError
from athanor.core.files import is_locked, locked, make_private, write_atomic

FILE = "run.json"


class Run:
    """The state of one step's unfinished work; `key` is the step's."""

    def __init__(self, home: Path, key: str) -> None:
        if not is_id(key):
            raise InputError(f"{key!r} is no key of a step.", value=key, limit="64 hex digits", remedy="Use step_key.")
        self.key = key
        self.folder = home / "runs" / key
        self.lock_file = home / "locks" / "runs" / key
        self._home = home

    @property
    def exists(self) -> bool:
        return self.folder.is_dir() and not self.folder.is_symlink()

    @property
    def is_live(self) -> bool:
        """Whether a process is at it."""
        return is_locked(self.lock_file)

    @property
    def description(self) -> dict[str, Any]:
        """What `describe` wrote; empty when nothing readable is there."""
        try:
            found = json.loads((self.folder / FILE).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def describe(self, what: Mapping[str, Any]) -> None:
        """Write run.json: name, verb, argv as given; started and pid are added."""
        self.make()
        full = {"started": utc_now(), "pid": os.getpid(), **what}
        write_atomic(self.folder / FILE, json.dumps(full, ensure_ascii=True, default=str))

    def make(self) -> Path:
        """The folder, made when it is new."""
        own_folder(self._home, "runs")
        return make_private(self.folder)

    @contextlib.contextmanager
    def lock(self, waiting: Callable[[str], None] | None) -> Iterator[None]:
        """Held by whoever is at it."""
        path = own_folder(self._home, "locks", "runs") / self.key
        with locked(path, this_process(), waiting, what=f"The run {self.key[:12]}"):
            yield

    def remove(self) -> None:
        """Take it away; one that is gone is no error."""
        if os.path.lexists(self.folder):
            set_aside(self._home, self.folder)
