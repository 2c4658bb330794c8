"""Errors carry a way out and their exit code; seeds are independent; what the machine says of itself is sane.

The first test reads every `raise` of the package. Run: pytest tests/core/test_errors_and_machine.py
"""

from __future__ import annotations

import ast
import errno
import json
import os
import pickle
from pathlib import Path

import pytest

from athanor.core import errors, hardware
from athanor.core.seeds import MAX_SEED, derive

SOURCE = Path(errors.__file__).parents[1]
KINDS = {
    name: kind for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.Ending) and kind is not errors.Ending
}  # fmt: skip
CODES = {
    "AthanorError": 1, "UsageError": 2, "InputError": 3, "RecipeError": 3, "NameError_": 4, "NotFoundError": 4,
    "MissingExtraError": 4, "NameTakenError": 4, "ResourceError": 5, "ProofError": 6, "Interrupted": 130,
}  # fmt: skip


def test_exit_codes_are_the_contract_s():
    assert {name: kind.exit_code for name, kind in KINDS.items()} == CODES
    assert len({kind.kind for kind in KINDS.values()}) == len(KINDS)
    assert errors.InputError in errors.RecipeError.__mro__
    for name, kind in KINDS.items():
        assert issubclass(kind, errors.AthanorError) == issubclass(kind, Exception) == (name != "Interrupted")


def calls():
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", None))
            if isinstance(node, ast.Call) and name in KINDS and name not in ("AthanorError", "MissingExtraError"):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node


def test_every_error_of_the_package_has_a_remedy():
    found = list(calls())
    assert len(found) > 50
    for place, node in found:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        assert "remedy" in given, place
        assert not (isinstance(given["remedy"], ast.Constant) and not given["remedy"].value), place


def test_what_is_printed():
    error = errors.InputError("The file x has 3 bytes.", value=3, limit=2, remedy="Shorten it.")
    assert str(error) == "The file x has 3 bytes. Shorten it."
    assert error.as_dict() == {
        "kind": "input", "message": "The file x has 3 bytes.", "value": 3, "limit": 2, "remedy": "Shorten it.",
    }  # fmt: skip
    missing = errors.MissingExtraError("pyarrow", "train")
    assert "pyarrow" in missing.message and "athanor[train]" in missing.remedy
    again = pickle.loads(pickle.dumps(missing))  # as a worker process sends it
    assert (type(again), again.as_dict()) == (errors.MissingExtraError, missing.as_dict())
    full = errors.disk_full(OSError(errno.ENOSPC, "No space left", "/data/x.bin"))
    assert "/data/x.bin" in full.message and full.exit_code == 5 and json.dumps(full.as_dict())


@pytest.mark.parametrize(
    ("number", "kind"),
    [("EROFS", "input"), ("EACCES", "input"), ("ENAMETOOLONG", "input"), ("ENOTDIR", "input"), ("EISDIR", "input"),
     ("ELOOP", "input"), ("EIO", "input"), ("EMFILE", "resources"), ("ENOSPC", "resources"), ("EDQUOT", "resources")],
)  # fmt: skip
def test_what_the_system_refuses(number, kind):
    code = getattr(errno, number)
    for filename in ("papers/a.txt", b"papers/a.txt", None):
        error = errors.refused_by_system(OSError(code, os.strerror(code), filename))
        assert error.kind == kind and error.value and error.remedy
        assert filename is None or "papers/a.txt" in error.message


@pytest.mark.parametrize(
    ("word", "close"), [("learning_rat", "learning_rate"), ("batch-size", "batch_size"), ("zzz", None), ("", None)]
)
def test_nearest(word, close):
    assert errors.nearest(word, ["learning_rate", "batch_size", "steps"]) == close


def test_seeds():
    """The same words the same number; another word, order or seed an unrelated one; 63 bits, all of them used."""
    found = {
        derive(seed, *words) for seed in range(50) for words in ((), ("a",), ("a", 1), ("a1",), (1, "a"), ("b", "a"))
    }
    assert len(found) == 300 and all(0 <= number <= MAX_SEED for number in found)
    # Golden: another number would give every kept seed another run.
    assert derive(7, "epoch", 3) == 2_734_557_988_904_418_680
    ones = [sum(number >> bit & 1 for number in found) for bit in range(63)]
    assert min(ones) > 100 and max(ones) < 200


def test_the_machine():
    found = hardware.detect()
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 64 << 20 < found.memory_bytes <= physical
    assert 0 < hardware.available_memory_bytes() <= found.memory_bytes
    assert found.cpu and hardware.detect() == found


GROUPS_1 = "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n3:pids:/docker/a\n"
UNLIMITED_1 = str((1 << 63) - 4096)
UNLIMITED_2 = {"cpu.max": "max 100000", "memory.max": "max"}


@pytest.mark.parametrize(
    ("own", "files", "cores", "memory"),
    [
        # Version 2: as a container sees it, a group below others, a parent that is stricter, no limit, a host's path.
        ("0::/", {"cpu.max": "150000 100000", "memory.max": "1073741824"}, 1, 1 << 30),
        ("0::/a/b", {"a/b/cpu.max": "300000 100000", "a/b/memory.max": "1073741824"}, 3, 1 << 30),
        ("0::/a/b", {"a/b/cpu.max": "300000 100000", "a/cpu.max": "200000 100000", "a/memory.max": "4096"}, 2, 4096),
        ("0::/a", {f"a/{name}": text for name, text in UNLIMITED_2.items()}, 8, None),
        ("0::/../host/path", {"cpu.max": "50000 100000", "memory.max": "4096"}, 1, 4096),
        # Version 1, with the process's path and without it.
        (GROUPS_1, {
            "memory/docker/a/memory.limit_in_bytes": "4096", "memory/memory.limit_in_bytes": UNLIMITED_1,
            "cpu/docker/a/cpu.cfs_quota_us": "200000", "cpu/docker/a/cpu.cfs_period_us": "100000",
        }, 2, 4096),
        (GROUPS_1, {
            "memory/memory.limit_in_bytes": "4096", "cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000",
        }, 8, 4096),
        ("", {}, 8, None),
    ],
)  # fmt: skip
def test_limits_of_a_control_group(tmp_path, monkeypatch, own, files, cores, memory):
    for name, text in files.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(f"{text}\n")
    (tmp_path / "own").write_text(own)
    monkeypatch.setattr(hardware, "CONTROL_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(hardware, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert (hardware.cores(), hardware.memory_bytes()) == (cores, memory or physical)


def test_peak_memory_sees_what_is_used():
    before = hardware.peak_memory_bytes()
    block = bytearray(96 << 20)
    block[::4096] = b"x" * len(block[::4096])
    assert hardware.peak_memory_bytes() >= before
    assert hardware.peak_memory_bytes() > 96 << 20
