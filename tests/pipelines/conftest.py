"""A small folder of documents and the command line, as a user has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from athanor.data import sample

sys.path.insert(0, str(Path(__file__).parent))  # `small_llama` beside is importable


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample town of seed 3."""
    place = tmp_path_factory.mktemp("town")
    sample.make(place, seed=3, megabytes=0.8)
    return place


@pytest.fixture
def folder(town: Path, tmp_path: Path) -> Path:
    """Every sixth paper of the town, in a folder of its own."""
    target = tmp_path / "papers"
    files = sorted(path for path in (town / "documents").rglob("*") if path.is_file())
    for path in files[::6]:
        copy = target / path.relative_to(town / "documents")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return target


@pytest.fixture(scope="session")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """This machine's calibration, made once for all stores of the tests."""
    from athanor.core.progress import Reporter
    from athanor.train.calibrate import machine

    cache = tmp_path_factory.mktemp("cache")
    machine(cache, Reporter(quiet=True))
    return (cache / "machine.json").read_bytes()


@pytest.fixture
def athanor(tmp_path: Path, calibrated: bytes) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`athanor words…` in a store of the test's own."""
    home = tmp_path / "home"
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "machine.json").write_bytes(calibrated)
    env = {**os.environ, "ATHANOR_HOME": str(home), "OMP_NUM_THREADS": "1"}
    program = str(Path(sys.executable).parent / "athanor")

    def run(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
        command = [program, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env={**env, **more}, timeout=240)

    return run


@pytest.fixture
def call(athanor: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., dict]:
    """`athanor words… --json` that must succeed: its object."""

    def run(*words: object) -> dict:
        done = athanor(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own."""
    monkeypatch.setenv("ATHANOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ATHANOR_OFFLINE", raising=False)
    return tmp_path / "home"
