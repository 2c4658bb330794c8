"""What `make` runs: installing once, whatever the order of the targets; a demo that fails where a step of it fails.

The programs that they call are stand-ins. Run: pytest tests/tools/test_install_and_demo.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A checkout whose .venv has a Python that writes down what it is asked, and has the right torch."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/install.py", "tools/demo", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    (torch,) = [line.removeprefix("torch==") for line in lines if line.startswith("torch==")]
    program(tmp_path / ".venv/bin/python", f'echo "$@" >>"{tmp_path}/asked"; echo {torch}')
    (tmp_path / ".venv/pyvenv.cfg").write_text("version = 3.11\n")
    return tmp_path


def installed(place: Path, *extras: str) -> str:
    """What pip was asked to install for these extras; empty where it was not asked."""
    (place / "asked").write_text("")
    subprocess.run([sys.executable, place / "tools/install.py", *extras], check=True, capture_output=True)
    asked = [line for line in (place / "asked").read_text().splitlines() if "--editable" in line]
    return asked[-1].rpartition("[")[2].rstrip("]") if asked else ""


def test_targets_do_not_undo_each_other(place: Path) -> None:
    assert installed(place, "train") == "train"
    assert installed(place, "train") == ""
    assert installed(place, "train", "dev") == "dev,train"
    assert [installed(place, "train"), installed(place, "train", "dev"), installed(place, "dev", "train")] == [""] * 3
    with (place / "constraints.txt").open("a") as file:
        file.write("# changed\n")
    assert installed(place, "train") == "dev,train"


def test_an_interrupted_venv_is_made_anew(place: Path) -> None:
    """A Python without pip is what is left of one."""
    program(place / ".venv/bin/python", 'case "$*" in *pip*) exit 1;; esac')
    (place / ".venv/left").touch()
    subprocess.run([sys.executable, place / "tools/install.py", "docs"], capture_output=True, timeout=120, check=False)
    assert not (place / ".venv/left").exists()
    subprocess.run([place / ".venv/bin/python", "-m", "pip", "--version"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ERROR: No version (from versions: 2.0, 2.1)\\nERROR: No matching distribution", "only the CUDA"),
        ("WARNING: Retrying: no route\\nERROR: No version (from versions: none)\\nERROR: No matching distribution",
         "  WARNING: Retrying: no route"),
        ("ERROR: [Errno 28] No space left on device", "  ERROR: [Errno 28] No space left on device"),
        ("", "  (nothing)"),
    ],
)  # fmt: skip
def test_why_torch_could_not_be_installed(place: Path, words: str, said: str) -> None:
    program(place / ".venv/bin/python", f"""case "$*" in *torch==*) printf '{words}' >&2; exit 1;; esac; echo none""")
    program(place / "bin/nvidia-smi", "exit 1")
    env = {**os.environ, "PATH": f"{place}/bin:{os.environ['PATH']}", "YES": "", "ATHANOR_TORCH_INDEX": ""}
    done = subprocess.run(
        [sys.executable, place / "tools/install.py"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and said in done.stderr and "run again" in done.stderr.lower()
    assert ("CUDA" in done.stderr) == ("CUDA" in said)


def test_a_stamp_of_another_form_is_no_obstacle(place: Path) -> None:
    for text in ("0" * 64, "[]", "{}", "7"):
        (place / ".venv/.athanor-installed").write_text(text)
        assert installed(place, "train") == "train"


@pytest.mark.parametrize(("failing", "code"), [("none", 0), ("sample", 7), ("build", 7), ("generate", 7)])
def test_the_demo_fails_where_a_step_fails(place: Path, failing: str, code: int) -> None:
    program(place / ".venv/bin/athanor", f'[ "$1" != {failing} ] || exit 7; echo "did $1"')
    program(place / ".venv/bin/python", "printf 'Who?\\tNobody.\\n'")
    done = subprocess.run(
        [place / "tools/demo", "demo", "5", "0"], cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, "ATHANOR_HOME": "store"}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert failing != "none" or "model: did generate\n    truth: Nobody." in done.stdout
