"""A store in a temporary folder, and a maker of small artifacts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from athanor.artifacts import Artifact, Store


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory where that can be had: these tests fsync thousands of times, which a shared disk makes slow."""
    if os.access("/dev/shm", os.W_OK | os.X_OK):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            yield Path(folder)
    else:
        yield tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "home")


@pytest.fixture
def make() -> Callable[..., Artifact]:
    """make(store, kind, inputs=[…], files={path: text}, recipe={…}, **of commit) -> Artifact."""

    def make(store, kind="corpus", inputs=(), files=None, recipe=None, sources=(), **commit):
        files = {"text.txt": kind} if files is None else files
        with store.draft(kind, recipe or {"step": "test"}, list(inputs), sources=sources) as draft:
            for path, text in files.items():
                (draft.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (draft.folder / path).write_text(text)
            return draft.commit(**commit)

    return make
