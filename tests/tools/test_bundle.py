"""The bundle for a machine without a network: what is in it, that its sums are checked, and how it is installed.

pip, the catalogue's packages and the installed program are stand-ins. Run: pytest tests/tools/test_bundle.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Writes down what it is asked; "fetches" by making a file where pip would.
PIP = """
echo "$@" >>"$HERE/asked"
case "$*" in
*CATALOGUE*) printf 'tiny\\ttiny-model\\t1.2\\t\\nother\\tother-model\\t3\\tsome_platform\\n'; exit;;
*" wheel "*) name=athanor-0.1.0-py3-none-any.whl;;
*torch==*+cpu*) exit "${NO_TORCH:-0}";;
*tiny-model*) name=tiny_model-1.2-py3-none-any.whl;;
*other-model*) name=other_model-3-py3-none-any.whl;;
*) name=thing-1-py3-none-any.whl;;
esac
while [ $# -gt 0 ]; do
  case $1 in --dest|--wheel-dir) mkdir -p "$2"; echo "$name" >"$2/$name";; esac
  shift
done
"""


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose pip is the stand-in."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/install.py", "tools/bundle.py", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    program(tmp_path / ".venv/bin/python", PIP)
    monkeypatch.setenv("HERE", str(tmp_path))
    monkeypatch.delenv("ATHANOR_TORCH_INDEX", raising=False)
    return tmp_path


def bundle(place: Path, *models: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(place / "tools/bundle.py"), str(place / "bundle"), *models]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **more}, check=False)


def install(place: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run install.sh with a Python that makes a .venv of stand-ins; and what those were asked."""
    (place / "asked").write_text("")
    stand_in = 'echo "$(basename "$0") $*" >>"$HERE/asked"'
    program(place / "bin/made", stand_in)
    program(place / "bin/python-there", f'mkdir -p "$3/bin"; cp "{place}/bin/made" "$3/bin/python"; '
            f'cp "{place}/bin/made" "$3/bin/athanor"')  # fmt: skip
    env = {**os.environ, "PYTHON": str(place / "bin/python-there")}
    command = ["sh", "bundle/install.sh", "there"]
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    return done, (place / "asked").read_text().splitlines()


def test_what_is_in_it(place: Path) -> None:
    done = bundle(place, "tiny", "other")
    assert done.returncode == 0, done.stderr
    files = {path.relative_to(place / "bundle").as_posix() for path in (place / "bundle").rglob("*") if path.is_file()}
    assert files == {
        "SHA256SUMS", "constraints.txt", "install.sh", "wheels/athanor-0.1.0-py3-none-any.whl",
        "wheels/thing-1-py3-none-any.whl", "models/tiny-model/tiny_model-1.2-py3-none-any.whl",
        "models/other-model/other_model-3-py3-none-any.whl",
    }  # fmt: skip
    assert len((place / "bundle/SHA256SUMS").read_text().splitlines()) == len(files) - 1
    asked = (place / "asked").read_text()
    assert "+cpu" in asked and "--constraint" in asked and "--platform some_platform" in asked
    assert bundle(place).returncode == 0  # a bundle is made anew
    assert not (place / "bundle/models").exists()


def test_one_command_installs_it_without_an_index(place: Path) -> None:
    bundle(place, "tiny")
    done, asked = install(place)
    assert done.returncode == 0, done.stderr
    pip, pull = asked
    here = place / "bundle"
    assert pip.startswith("python -m pip") and pip.endswith("athanor[train]")
    assert f"--no-index --find-links {here}/wheels --constraint {here}/constraints.txt" in pip
    wheel = f"{here}/models/tiny-model/tiny_model-1.2-py3-none-any.whl"
    assert pull == f"athanor pull tiny --quiet --replace --from {wheel}"


@pytest.mark.parametrize("change", ["damaged", "missing"])
def test_a_damaged_bundle_is_not_installed(place: Path, change: str) -> None:
    bundle(place, "tiny")
    wheel = place / "bundle/wheels/thing-1-py3-none-any.whl"
    if change == "damaged":
        wheel.write_text("another\n")
    else:
        wheel.unlink()
    done, asked = install(place)
    assert done.returncode != 0 and wheel.name in done.stderr + done.stdout
    assert asked == [] and not (place / "there").exists()


def test_what_is_refused(place: Path) -> None:
    done = bundle(place, "nobody")
    assert done.returncode == 1 and "'nobody'" in done.stderr and "tiny, other" in done.stderr
    done = bundle(place, NO_TORCH="1")
    assert done.returncode == 1 and "ATHANOR_TORCH_INDEX" in done.stderr
    assert not (place / "bundle").exists()
    (place / "bundle").mkdir()
    (place / "bundle/mine.txt").write_text("kept")
    assert bundle(place, "tiny").returncode == 1
    assert (place / "bundle/mine.txt").read_text() == "kept"
