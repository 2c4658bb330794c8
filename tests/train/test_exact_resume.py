"""Resume is exact: a run killed at random steps and instants ends with the weights and the log of the unbroken one.

Children are forked and killed by SIGKILL. The seed is printed in the parameters. Run:
pytest tests/train/test_exact_resume.py   (ATHANOR_KILLS=100 for more rounds)
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_run import PLAN, Child, Shim, die, faulty, run, same, tokens, trainer, weights

from athanor.core import signals
from athanor.core.errors import Interrupted
from athanor.models.folder import save_network
from athanor.models.opening import load_network
from athanor.train import checkpoint, loop
from athanor.train.clock import Clock
from athanor.train.packing import Sampler, cut

KILLS = int(os.environ.get("ATHANOR_KILLS", "6"))


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    """Each step is saved and logged, so that a kill can fall into any of them."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "LEARNING_A_CHECKPOINT", 0.0)
    monkeypatch.setattr(loop, "LOG_EVERY", 1)


def rows(folder: Path):
    return loop.read_metrics(folder / loop.METRICS)


def finish(folder: Path, dtype=torch.float32, plan=PLAN):
    """Resume and run to the end in this process; weights and log."""
    made = trainer(folder, plan, dtype=dtype)
    made.resume()
    run(made)
    return weights(made), rows(folder)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bf16"])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_killed_at_random_steps(tmp_path, dtype, accumulate):
    plan = replace(PLAN, accumulate=accumulate)
    whole = run(trainer(tmp_path / "whole", plan, dtype=dtype))
    steps = sorted(random.Random(1).sample(range(1, PLAN.steps), min(KILLS, PLAN.steps - 1)))

    def until(step):
        def report(progress, *_):
            if progress.step == step:
                die()

        made = trainer(tmp_path / "broken", plan, dtype=dtype)
        made.resume()
        run(made, report)

    for step in steps:
        assert Child(lambda step=step: until(step)).wait() == -9
    found, log = finish(tmp_path / "broken", dtype, plan)
    assert same(found, weights(whole))
    assert log == rows(tmp_path / "whole")
    assert [row["step"] for row in log] == list(range(PLAN.steps))


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_file_operations(tmp_path, seed):
    """Inside the saves and the log: half a write, before an fsync, before a rename."""
    whole = run(trainer(tmp_path / "whole"))
    choose = random.Random(seed)

    def work(at):
        made = trainer(tmp_path / "broken")
        with faulty(Shim(at, die)):
            made.resume()
            run(made)

    for at in [choose.randrange(60) for _ in range(KILLS)]:
        assert Child(lambda at=at: work(at)).wait() == -9
    found, log = finish(tmp_path / "broken")
    assert same(found, weights(whole)) and log == rows(tmp_path / "whole")


def test_killed_at_a_random_instant(tmp_path):
    whole = run(trainer(tmp_path / "whole"))
    choose = random.Random(3)
    for _ in range(KILLS):
        child = Child(lambda: finish(tmp_path / "broken"))
        time.sleep(choose.uniform(0.005, 0.08))
        os.kill(child.process, 9)
        assert child.wait() in (-9, 0)
    found, log = finish(tmp_path / "broken")
    assert same(found, weights(whole)) and log == rows(tmp_path / "whole")


def test_killed_before_the_first_checkpoint(tmp_path, monkeypatch):
    """The log of an attempt that left no checkpoint is not counted twice."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 1e9)

    def work():
        run(trainer(tmp_path / "broken"), lambda progress, *_: die() if progress.step == 5 else None)

    assert Child(work).wait() == -9
    assert len(rows(tmp_path / "broken")) == 5
    _, log = finish(tmp_path / "broken")
    assert [row["step"] for row in log] == list(range(PLAN.steps))


def test_stopped_by_a_signal(tmp_path, monkeypatch):
    """A signal saves at the step's end and raises; the rest of the run gives what the unbroken one gave."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 1e9)
    whole = run(trainer(tmp_path / "whole"))

    def report(progress, *_):
        if progress.step == 9:
            signals._handle(15, None)

    with pytest.raises(Interrupted, match="SIGTERM"):
        run(trainer(tmp_path / "broken"), report)
    assert checkpoint.newest(tmp_path / "broken" / "checkpoints").name == "step-9"
    found, log = finish(tmp_path / "broken")
    assert same(found, weights(whole)) and log == rows(tmp_path / "whole")


def test_a_damaged_newest_checkpoint_is_refused_and_the_one_before_goes_on(tmp_path):
    whole = run(trainer(tmp_path / "whole"))
    run(trainer(tmp_path / "broken", replace(PLAN, steps=10)))
    newest = checkpoint.newest(tmp_path / "broken" / "checkpoints")
    (newest / "masters.safetensors").write_bytes(b"rot")
    made = trainer(tmp_path / "broken")
    with pytest.raises(Exception, match=r"masters\.safetensors is damaged"):
        made.resume()
    for path in newest.iterdir():
        path.unlink()
    newest.rmdir()
    with pytest.MonkeyPatch.context() as patch:
        # The short plan's own fall of the rate had begun; only the order of rows and the log are compared here.
        patch.setattr(loop, "CHECKPOINT_SECONDS", 1e9)
        _, log = finish(tmp_path / "broken")
    assert [row["step"] for row in log] == [row["step"] for row in rows(tmp_path / "whole")]
    assert whole.progress.tokens == log[-1]["tokens"]


def test_the_clock_s_run_repeats_by_its_steps(tmp_path):
    """A run that time ended, with what it decided (steps, warm-up, fall) as a plan: bit for bit the same."""
    timed = trainer(tmp_path / "timed", replace(PLAN, steps=None, expected_steps=100))
    run(timed, seconds=0.8)
    fall = timed.schedule
    assert timed.progress.step > 5 and fall.falls
    plan = replace(PLAN, steps=timed.progress.step, warm_up=fall.warm_up, falls=fall.falls)
    again = run(trainer(tmp_path / "again", plan))
    assert same(weights(timed), weights(again))
    assert rows(tmp_path / "timed") == rows(tmp_path / "again")


def test_the_clock_s_run_resumes_its_fall(tmp_path):
    """Stopped in the fall of the rate and resumed: the fall goes on as it was planned."""
    plan = replace(PLAN, steps=None, expected_steps=100)
    made = trainer(tmp_path, plan)

    def report(progress, *_):
        if progress.falls and progress.step == progress.falls[0][0] + 2:
            signals._handle(2, None)

    with pytest.raises(Interrupted):
        made.run(Clock(0.8), 0.0, report)
    again = trainer(tmp_path, plan)
    assert again.resume() and again.schedule == made.schedule
    assert again.progress.step == made.progress.step


def test_the_place_in_the_data_resumes(tmp_path):
    """Sampler(epoch, row) gives exactly the rows that the unbroken one gives, over ends of epochs too."""
    pieces = cut(tokens(tmp_path), 16)
    one = Sampler(pieces, 16, 3)
    length = one.rows_an_epoch
    unbroken = one.take(3 * length)
    for cut_at in (0, 1, length - 1, length, length + 1, 2 * length):
        first = Sampler(pieces, 16, 3)
        begun = first.take(cut_at)
        rest = Sampler(pieces, 16, 3, first.epoch, first.row).take(3 * length - cut_at)
        assert begun + rest == unbroken


def test_saved_network_is_what_was_trained(tmp_path):
    made = run(trainer(tmp_path / "run"))
    save_network(made.network, tmp_path / "model")
    assert same(dict(load_network(tmp_path / "model").named_parameters()), weights(made))
