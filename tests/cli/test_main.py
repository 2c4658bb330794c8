"""Mistakes and closed or full streams: the contract's exit codes and sentences, never a traceback.

Run: pytest tests/cli/test_main.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ATHANOR = f"'{sys.executable}' -c 'from athanor.cli.main import main; main()'"


@pytest.fixture
def shell(tmp_path: Path):
    """shell(words and redirections) -> the finished process, in a folder with one file and an empty store."""
    (tmp_path / "a.txt").write_text("text")
    environment = {**os.environ, "ATHANOR_HOME": str(tmp_path / "home")}

    def run(words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            f"{ATHANOR} {words}", shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=30
        )

    return run


@pytest.mark.parametrize(
    ("words", "code", "value"),
    [
        ("build . train=5", 3, 5),
        ("build . train=steps", 3, "steps"),
        (f"build {'a' * 300}", 3, "a" * 300),
        ("build . --recipe a.txt/foo", 4, "a.txt/foo"),
        ("build . --recipe /dev/zero", 3, "/dev/zero"),
        (f"store backup {'a' * 300}", 3, None),
    ],
)
def test_ordinary_mistakes(shell, words: str, code: int, value: object) -> None:
    done = shell(f"{words} --json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert error["remedy"] and (value is None or error["value"] == value)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("list >&-", 0),
        ("list <&- >&- 2>&-", 0),
        ("show nope 2>&-", 4),
        ("show nope --json >&-", 4),
        ("show nope --json >/dev/full", 4),
        ("show nope 2>/dev/full", 4),
        ("list >/dev/full", 5),
        ("list --json >/dev/full", 5),
        ("list --json >/dev/full 2>/dev/full", 5),
    ],
)
def test_closed_and_full_streams(shell, words: str, code: int) -> None:
    done = shell(words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "ignored" not in done.stderr


@pytest.mark.parametrize(
    ("words", "stream", "code"),
    [
        ("list", 1, 0),
        ("--help", 1, 0),
        ("store verify", 1, 0),
        ("list --json", 1, 0),
        ("show nope --json", 1, 4),
        ("list --json", 2, 0),
        ("show nope --json", 2, 4),
        ("store verify --json", 2, 6),
    ],
)
def test_a_reader_that_has_gone(tmp_path: Path, words: str, stream: int, code: int) -> None:
    """On stdout: all is said that was wanted, 0. On stderr: nothing changes but that nobody is told."""
    if stream == 2:
        (tmp_path / "home/artifacts/model" / ("0" * 64)).mkdir(parents=True)  # damaged, of which `list` warns
    reading, writing = os.pipe()
    os.close(reading)
    streams = {1: {"stdout": writing, "stderr": subprocess.PIPE}, 2: {"stdout": subprocess.PIPE, "stderr": writing}}
    program = [sys.executable, "-c", "from athanor.cli.main import main; main()", *words.split()]
    environment = {**os.environ, "ATHANOR_HOME": str(tmp_path / "home")}
    done = subprocess.run(program, **streams[stream], env=environment, timeout=30)  # type: ignore[call-overload]
    os.close(writing)
    assert done.returncode == code, done.stderr
    if stream == 1:
        assert b"Traceback" not in done.stderr and b"ignored" not in done.stderr
    else:
        assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize("words", [[b"caf\xe9"], [b"."], [b"link"], [os.fsencode(os.sep), b"--questions", b"caf\xe9"]])
def test_a_folder_whose_path_is_no_utf8_is_refused_before_any_work(tmp_path: Path, words: list[bytes]) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    here = folder if words == [b"."] else tmp_path
    program = [sys.executable, "-c", "from athanor.cli.main import main; main()", "build", *words, "--json"]
    environment = {**os.environ, "ATHANOR_HOME": str(tmp_path / "home")}
    done = subprocess.run(program, capture_output=True, cwd=here, env=environment, timeout=30)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["kind"], error["value"]) == (3, "recipe", f"{tmp_path}/caf\\xe9")
    assert "Rename" in error["remedy"] and not (tmp_path / "home").exists()


def test_the_log_that_is_watched_is_the_one_that_is_written() -> None:
    from athanor.cli import watch
    from athanor.train import loop

    assert watch.LOG == loop.METRICS


def test_a_shell_completes_verbs() -> None:
    program = [sys.executable, "-c", "from athanor.cli.main import main; main()"]
    asked = {"_ATHANOR_COMPLETE": "bash_complete", "COMP_WORDS": "athanor bu", "COMP_CWORD": "1"}
    done = subprocess.run(program, capture_output=True, text=True, env={**os.environ, **asked}, timeout=30)
    assert (done.returncode, done.stdout) == (0, "plain,build\n")
    asked = {"_ATHANOR_COMPLETE": "bash_complete", "COMP_WORDS": "athanor foo b", "COMP_CWORD": "2"}
    done = subprocess.run(program, capture_output=True, text=True, env={**os.environ, **asked}, timeout=30)
    assert (done.returncode, done.stderr) == (0, ""), "a mistyped verb"


@pytest.mark.parametrize("words", ["", "store"])
def test_nothing_asked_is_answered_with_help(shell, words: str) -> None:
    done = shell(words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: athanor") and "error" not in done.stderr
