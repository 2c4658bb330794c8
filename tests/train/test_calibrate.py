"""A machine is measured once, apart, and measured anew where what was kept is not whole.

Run: pytest tests/train/test_calibrate.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import torch

from athanor.core.hardware import detect
from athanor.core.progress import Reporter
from athanor.train import calibrate
from athanor.train.calibrate import Machine, Speed
from athanor.train.recipe import Precision

MEASURING = """
import sys
from pathlib import Path
import torch
from athanor.core import signals
from athanor.core.errors import Ending
from athanor.core.hardware import peak_memory_bytes
from athanor.core.progress import Reporter
from athanor.train.calibrate import machine

signals.install()
before = peak_memory_bytes()
try:
    found = machine(Path(sys.argv[1]), Reporter(quiet=True))
except Ending as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
print(found.flops_per_second(128, "float32"), peak_memory_bytes() - before)
"""

GROWTH = 24 << 20
"""Bytes: the measured networks with their gradients and moments take more than four times as much."""


def measuring(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MEASURING, str(cache)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},  # as the command line does
    )  # fmt: skip


def figures() -> dict:
    """What would be kept on this machine, its speeds invented."""
    hardware = detect()
    precisions: list[Precision] = ["float32", "bf16"] if hardware.bf16 else ["float32"]
    speeds = [Speed(width, precision, 1e10) for width in (128, 256) for precision in precisions]
    return msgspec.to_builtins(Machine(calibrate.VERSION, str(torch.__version__), hardware, speeds))


def test_two_at_once_measure_once_and_keep_nothing_of_it_in_memory(tmp_path):
    """Also where a file is there that decodes and says nothing: two measurements never come out the same."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({**figures(), "speeds": []}))
    said = []
    for process in [measuring(tmp_path), measuring(tmp_path)]:
        out, beside = process.communicate(timeout=120)
        assert (process.returncode, beside) == (0, "")
        said.append(out.split())
    assert said[0][0] == said[1][0]
    assert max(int(growth) for _, growth in said) < GROWTH
    assert calibrate.kept(path, detect()) is not None


def test_what_is_kept_holds(tmp_path):
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(figures()))
    found = calibrate.machine(tmp_path, Reporter(quiet=True))
    assert found == calibrate.kept(path, detect()) and found.flops_per_second(128, "float32") == 1e10
    found.precision()


def without(precision: str, width: int) -> list[dict]:
    return [row for row in figures()["speeds"] if (row["precision"], row["width"]) != (precision, width)]


@pytest.mark.parametrize(
    "changed",
    [
        {"speeds": []},
        {"speeds": without("float32", 256)},
        {"speeds": [*without("float32", 128), {"width": 128, "precision": "float32", "flops_per_second": 0}]},
        {"speeds": [*without("float32", 128), {"width": 0, "precision": "float32", "flops_per_second": 1e10}]},
        {"speeds": None},
        {"version": 0},
        {"torch": "0.1"},
        {"hardware": {**figures()["hardware"], "cpu": "another"}},
    ],
)
def test_what_is_not_whole_or_of_another_machine_does_not_hold(tmp_path, changed):
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({**figures(), **changed}))
    assert calibrate.kept(path, detect()) is None


@pytest.mark.parametrize("raw", [b"", b"\xff", b'{"version": 1, "torch": "\xff"}', b"[]"])
def test_what_is_no_json_does_not_hold(tmp_path, raw):
    path = tmp_path / "machine.json"
    path.write_bytes(raw)
    assert calibrate.kept(path, detect()) is None


def child_of(process: subprocess.Popen[str]) -> Path:
    """The /proc folder of the process that measures for this one, once it is there."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (found := listed.read_text().split()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return Path("/proc", found[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_measuring_process_too(tmp_path, number):
    process = measuring(tmp_path)
    child = child_of(process)
    process.send_signal(number)
    _, beside = process.communicate(timeout=60)
    assert process.returncode == 130 and beside.startswith(f"Stopped by {signal.Signals(number).name}")
    assert not child.exists() and not (tmp_path / "machine.json").exists()


def test_a_measuring_process_that_dies_is_an_error_in_words(tmp_path):
    process = measuring(tmp_path)
    os.kill(int(child_of(process).name), signal.SIGKILL)
    _, beside = process.communicate(timeout=60)
    assert process.returncode == 5 and "exit code -9" in beside and "close other programs" in beside
