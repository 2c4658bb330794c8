"""What `make` runs: installing once, whatever the order of the targets and where one was interrupted, and saying why
it failed; a demo that fails where a step of it fails and goes with any settings; the benchmarks, all or none.

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


def test_a_venv_whose_pip_is_damaged_is_made_anew(place: Path) -> None:
    """ensurepip finds it installed, and nothing to do."""
    program(place / ".venv/bin/python", 'case "$*" in *"-m pip"*) exit 1;; esac')
    (place / ".venv/left").touch()
    subprocess.run([sys.executable, place / "tools/install.py", "docs"], capture_output=True, timeout=120, check=False)
    assert not (place / ".venv/left").exists()


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


def test_a_demo_with_other_settings_goes_beside_the_first(place: Path) -> None:
    """Another seed is another folder, since a sample's folder holds one town; the name moves to the newest model."""
    program(place / ".venv/bin/athanor", f'echo "$*" >>"{place}/did"')
    program(place / ".venv/bin/python", "true")
    for seed in ("0", "1"):
        subprocess.run(
            [place / "tools/demo", "demo", "5", seed], cwd=place, stdin=subprocess.DEVNULL, capture_output=True,
            env={**os.environ, "ATHANOR_HOME": "store"}, check=True,
        )  # fmt: skip
    did = [line.split() for line in (place / "did").read_text().splitlines()]
    assert [words[1] for words in did] == [
        "demo/town-0", "demo/town-0/documents", "demo/town-1", "demo/town-1/documents"
    ]  # fmt: skip
    assert all("--replace" in words for words in did if words[0] == "build")


@pytest.mark.parametrize(
    ("demo", "store"),
    [("demo", "{here}/demo/store"), ("/else/where", "/else/where/store"), ("a b", "{here}/a b/store")],
)
def test_where_the_demo_s_store_lies(place: Path, demo: str, store: str) -> None:
    shutil.copy(ROOT / "Makefile", place)
    env = {key: value for key, value in os.environ.items() if key != "ATHANOR_HOME"}
    words = ["make", "-s", "--eval", "where: ; @echo $$ATHANOR_HOME", "where", f"DEMO={demo}"]
    done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == store.format(here=place)


def bench(place: Path, *words: str) -> tuple[int, list[str], str]:
    """Exit code, the benchmarks that `make bench` ran, and what it printed; each writes its name down."""
    (place / "ran").write_text("")
    command = ["make", "-s", "-o", "install-dev", "bench", *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    return done.returncode, (place / "ran").read_text().splitlines(), done.stdout


def test_every_benchmark_runs_or_says_why_not(place: Path) -> None:
    shutil.copy(ROOT / "Makefile", place)
    program(place / ".venv/bin/python", f'echo "$*" >>"{place}/ran"; [ "$1" != "$FAILING" ]')
    files = {path.name for path in (ROOT / "benchmarks").glob("*.py")} - {"gate.py"}  # its rounds are the others'
    code, ran, said = bench(place)
    assert code == 0 and {Path(name).name for name in ran} == files - {"public_folder.py"}
    assert "skipped" in said and "DATA=" in said
    code, ran, said = bench(place, "DATA=my folder")
    assert (code, ran[-1], "skipped" in said) == (0, "benchmarks/public_folder.py my folder", False)
    code, ran, _ = bench(place, "FAILING=benchmarks/equal_loss.py")
    assert code != 0 and ran[-1] == "benchmarks/equal_loss.py"
