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


def test_limits_of_a_control_group(monkeypatch):
    files = {"cpu.max": "150000 100000", "memory.max": "1073741824\n"}
    monkeypatch.setattr(hardware, "_control_group", lambda name: files[name])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert hardware.cores() == 1 and hardware.memory_bytes() == 1 << 30
    files.update({"cpu.max": "max 100000", "memory.max": "max\n"})
    assert hardware.cores() == 8 and hardware.memory_bytes() > 64 << 20
    files.update({"cpu.max": "50000 100000"})
    assert hardware.cores() == 1


def test_peak_memory_sees_what_is_used():
    before = hardware.peak_memory_bytes()
    block = bytearray(96 << 20)
    block[::4096] = b"x" * len(block[::4096])
    assert hardware.peak_memory_bytes() >= before
    assert hardware.peak_memory_bytes() > 96 << 20
