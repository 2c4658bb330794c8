"""A tiny run for tests: a corpus of ids in a folder, a network of 10 k weights, a trainer, and file operations that
can be made to fail or to kill the process at the n-th one."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from athanor.models.decoder import Decoder, initialise
from athanor.objectives import next_token
from athanor.specs.decoder import DecoderSpec
from athanor.train.clock import Clock
from athanor.train.loop import Plan, Trainer
from athanor.train.packing import Sampler, cut
from athanor.train.tokens import TokenSet

SPEC = DecoderSpec(
    family="qwen3", vocabulary=32, width=16, layers=2, heads=2, kv_heads=1, head_width=8, inner=24, context=16
)
PLAN = Plan(learning_rate=0.01, batch_size=3, row_length=16, seed=5, steps=24)


def tokens(folder: Path, documents: int = 20, seed: int = 0) -> TokenSet:
    """Ragged documents of rising and falling ids from several files, one name in Han and with a line separator."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    texts = [(random.integers(32) + np.arange(random.integers(2, 40)) * random.integers(1, 4)) % 32 for _ in
             range(documents)]  # fmt: skip
    ids = np.concatenate(texts).astype(np.uint16)
    ids.tofile(folder / "ids.bin")
    (random.random(len(ids)) < 0.8).astype(np.uint8).tofile(folder / "learned.bin")
    np.save(folder / "starts.npy", np.cumsum([0, *map(len, texts)]).astype(np.int64))
    np.save(folder / "is_chat.npy", np.zeros(documents, dtype=np.bool_))
    np.save(folder / "file_of.npy", (np.arange(documents) % 4).astype(np.int32))
    files = ["a.txt", "信\u2028件.txt", "c.md", "d.pdf"]
    (folder / "facts.json").write_text(json.dumps({"dtype": "uint16", "files": files}))
    return TokenSet(folder)


def trainer(
    folder: Path, plan: Plan = PLAN, objective: Any = next_token, dtype: torch.dtype = torch.float32
) -> Trainer:
    """A fresh trainer in `folder`; the corpus is written there the first time."""
    corpus = folder / "corpus"
    found = TokenSet(corpus) if (corpus / "facts.json").is_file() else tokens(corpus)
    network = Decoder(SPEC)
    initialise(network, 1)
    network.to(dtype)
    sampler = Sampler(cut(found, plan.row_length), plan.row_length, plan.seed)
    return Trainer(network, objective, found, sampler, plan, folder)


def run(made: Trainer, report: Callable[..., None] | None = None, seconds: float | None = None) -> Trainer:
    """Run it to its end."""
    made.run(Clock(seconds), 0.0, report)
    return made


def weights(made: Trainer) -> dict[str, torch.Tensor]:
    """Copies of the float32 masters."""
    return {name: master.clone() for name, master in made.optimiser.masters().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


class Child:
    """What a forked process did."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.process = os.fork()
        if self.process == 0:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)

    def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Shim:
    """Counts writes, fsyncs and renames; at number `at` (from 0) it does `fault` after half of a write."""

    def __init__(self, at: int | None = None, fault: Callable[[], None] | None = None) -> None:
        self.at, self.fault, self.count = at, fault, 0

    def tick(self) -> bool:
        """Count one operation; whether it is the one to fail."""
        self.count += 1
        return self.at is not None and self.count == self.at + 1


class _File:
    def __init__(self, file: Any, shim: Shim) -> None:
        self._file, self._shim = file, shim

    def write(self, data: Any) -> int:
        if self._shim.tick():
            raw = data if isinstance(data, str) else bytes(data)
            self._file.write(raw[: len(raw) // 2])
            self._file.flush()
            assert self._shim.fault is not None
            self._shim.fault()
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextmanager
def faulty(shim: Shim) -> Iterator[Shim]:
    """Every file that is opened to be written, every fsync and rename goes through the shim."""
    opened, fsync, rename, replace = Path.open, os.fsync, Path.rename, Path.replace

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            if shim.tick():
                assert shim.fault is not None
                shim.fault()
            return function(*args)

        return call

    def open_(self: Path, mode: str = "r", *args: Any, **named: Any) -> Any:
        file = opened(self, mode, *args, **named)
        return _File(file, shim) if set(mode) & set("wxa") else file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", open_)
        patch.setattr(os, "fsync", checked(fsync))
        patch.setattr(Path, "rename", checked(rename))
        patch.setattr(Path, "replace", checked(replace))
        yield shim


def disk_full() -> None:
    """What a full disk answers."""
    raise OSError(errno.ENOSPC, "No space left on device")
