"""Checkpoints are whole or not there: every flipped bit is named, a kill or a full disk at any write loses nothing.

Run: pytest tests/train/test_checkpoints.py
"""

from __future__ import annotations

import errno
import math
import os
import random
import shutil
from pathlib import Path

import pytest
import torch
from toy_run import Child, Shim, die, disk_full, faulty

from athanor.core.errors import InputError
from athanor.train import checkpoint

FILES = ("masters.safetensors", "optimiser.safetensors", "state.json")


def save(folder, step):
    masters = {"w": torch.full((3, 4), float(step)), "n": torch.arange(4.0) + step}
    optimiser = {"muon.w": torch.randn(3, 4), "adamw.step.n": torch.tensor(float(step))}
    state = {"progress": {"step": step, "loss": math.nan}, "spent": 1.5}
    return checkpoint.save(folder, step, state, masters=masters, optimiser=optimiser)


def loads(folder, step):
    assert checkpoint.newest(folder) == folder / f"step-{step}"
    state, masters, optimiser = checkpoint.load(folder / f"step-{step}")
    assert state["step"] == step and state["progress"]["step"] == step and math.isnan(state["progress"]["loss"])
    assert torch.equal(masters["w"], torch.full((3, 4), float(step))) and float(optimiser["adamw.step.n"]) == step


def test_saved_is_loaded(tmp_path):
    assert checkpoint.newest(tmp_path) is None
    save(tmp_path, 7)
    loads(tmp_path, 7)


def test_newest_two_are_kept_by_number(tmp_path):
    for step in (8, 9, 10, 100):
        save(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-10", "step-100"]
    loads(tmp_path, 100)


def test_saving_a_step_again(tmp_path):
    save(tmp_path, 3)
    save(tmp_path, 3)
    loads(tmp_path, 3)


@pytest.mark.parametrize("file", FILES)
def test_any_flipped_bit_is_named(tmp_path, file):
    """Twenty places in each file, seeded; the first and the last byte among them."""
    path = save(tmp_path, 1) / file
    raw = path.read_bytes()
    places = [0, len(raw) - 1, *random.Random(0).sample(range(len(raw)), 20)]
    for place in places:
        changed = bytearray(raw)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(InputError, match=file) as caught:
            checkpoint.load(tmp_path / "step-1")
        assert "step-1" in caught.value.remedy
    path.write_bytes(raw)
    loads(tmp_path, 1)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("left", [None, 0, 20])
def test_missing_or_truncated_file_is_named(tmp_path, file, left):
    path = save(tmp_path, 1) / file
    path.unlink() if left is None else path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=file):
        checkpoint.load(tmp_path / "step-1")


def test_everything_is_on_disk_before_the_rename(tmp_path, monkeypatch):
    """Every file and the folder are fsynced, then the folder is renamed, then its parent is fsynced."""
    events: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted(handle: int) -> None:
        events.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "rename", lambda self, target: (events.append("rename"), rename(self, target)))
    save(tmp_path / "run", 1)
    at = events.index("rename")
    assert set(FILES) < set(events[:at]) and any(name.startswith(".step-1") for name in events[:at])
    assert events[at + 1 :] == ["run"]


def operations(tmp_path) -> int:
    with faulty(Shim()) as shim:
        save(tmp_path / "count", 2)
    return shim.count


def test_full_disk_at_every_write(tmp_path):
    """The error is the disk's own, the checkpoint before loads, nothing half written is left."""
    count = operations(tmp_path)
    assert count > 10
    folder = tmp_path / "run"
    for at in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        save(folder, 1)
        with pytest.raises(OSError) as caught, faulty(Shim(at, disk_full)):
            save(folder, 2)
        assert caught.value.errno == errno.ENOSPC
        newest = checkpoint.newest(folder)
        assert newest is not None
        loads(folder, int(newest.name[5:]))
        assert not list(folder.glob(".*")), at
        save(folder, 3)
        loads(folder, 3)


def test_killed_at_every_write(tmp_path):
    """SIGKILL in the middle of each write, before each fsync and rename: the newest that is there is complete."""
    folder = tmp_path / "run"
    for at in range(operations(tmp_path)):
        shutil.rmtree(folder, ignore_errors=True)
        save(folder, 1)

        def work(at=at):
            with faulty(Shim(at, die)):
                save(folder, 2)

        assert Child(work).wait() == -9
        newest = checkpoint.newest(folder)
        assert newest is not None
        loads(folder, int(newest.name[5:]))
        checkpoint.sweep(folder)
        assert not list(folder.glob(".*"))
