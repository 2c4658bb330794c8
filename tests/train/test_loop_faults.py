"""The loop under faults: losses that are no numbers, measuring in between, the log; and that it learns at all.

Run: pytest tests/train/test_loop_faults.py
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from toy_run import PLAN, run, same, tokens, trainer, weights

from athanor.core.errors import InputError
from athanor.objectives import next_token
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.train import checkpoint, heldout, loop


class Poisoned:
    """The next-token loss, spoiled at chosen steps: its value, or only its gradient."""

    players = ("decoder",)

    def __init__(self, steps, how="loss"):
        self.steps, self.how = steps, how

    def loss(self, player, networks, batch, step):
        loss, report = next_token.loss(player, networks, batch, step)
        if step.number in self.steps:
            if self.how == "loss":
                loss = loss * float("nan")
            else:
                loss.register_hook(lambda gradient: gradient * float("inf"))
        return loss, report


@pytest.fixture(autouse=True)
def log_every_step(monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 1)


@pytest.mark.parametrize("how", ["loss", "gradient"])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_poisoned_batch_is_skipped_and_its_files_are_logged(tmp_path, how, accumulate):
    made = trainer(tmp_path, replace(PLAN, accumulate=accumulate), Poisoned({5}, how))
    seen = {}
    run(made, lambda progress, *_: seen.update({progress.step: weights(made)}))
    assert same(seen[5], seen[6]) and not same(seen[6], seen[7])
    assert all(bool(weight.isfinite().all()) for weight in weights(made).values())
    assert made.progress.skipped == 1 and made.progress.step == PLAN.steps
    (row,) = [row for row in loop.read_metrics(tmp_path / "metrics.jsonl") if "skipped" in row]
    sampler = trainer(tmp_path).sampler
    sampler.take(5 * PLAN.batch_size)
    wanted = {
        made.tokens.files[made.tokens.file_of[made.sampler.pieces.document[piece]]]
        for pieces in sampler.take(PLAN.batch_size)
        for piece in pieces
    }
    assert row["step"] == 5 and row["files"] == sorted(wanted) and wanted


def test_a_skipped_step_leaves_no_gradient_behind(tmp_path):
    """After a spoiled step the next update is the one that the same batch gives to a fresh optimiser."""
    made = trainer(tmp_path / "a", replace(PLAN, steps=2), Poisoned({0}))
    run(made)
    clean = trainer(tmp_path / "b", replace(PLAN, steps=2), Poisoned({0}, "gradient"))
    run(clean)
    assert same(weights(made), weights(clean))


def test_ten_in_a_row_stop_the_run_and_the_last_good_checkpoint_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "LEARNING_A_CHECKPOINT", 0.0)
    bad = set(range(8, 30))
    made = trainer(tmp_path, PLAN, Poisoned(bad))
    seen = {}
    with pytest.raises(InputError, match=r"10 steps in a row \(up to step 17") as caught:
        run(made, lambda progress, *_: seen.update({progress.step: weights(made)}))
    assert "train.learning_rate" in caught.value.remedy and caught.value.limit == 10
    newest = checkpoint.newest(tmp_path / "checkpoints")
    _, masters, _ = checkpoint.load(newest)
    assert same(masters, seen[8]) and all(bool(master.isfinite().all()) for master in masters.values())


def test_nine_in_a_row_do_not(tmp_path):
    made = run(trainer(tmp_path, PLAN, Poisoned({*range(3, 12), *range(13, 22)})))
    assert made.progress.skipped == 18 and made.progress.step == PLAN.steps


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    from athanor.train.clock import Clock

    made = trainer(tmp_path)
    with torch.no_grad():
        made.network.embedding.weight[0, 0] = float("nan")
    made.save(Clock(None))
    assert checkpoint.newest(tmp_path / "checkpoints") is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bf16"])
def test_it_can_learn(tmp_path, dtype):
    """8 rows by heart in 300 steps: loss below 0.05 nats a token."""
    found = tokens(tmp_path / "corpus", documents=8)
    learned = torch.from_numpy(found.ids.astype("int64"))
    assert len(set(learned.tolist())) > 10
    made = trainer(tmp_path, replace(PLAN, steps=300, batch_size=8, learning_rate=0.02), dtype=dtype)
    made.tokens.learned = torch.ones(len(learned), dtype=torch.uint8).numpy()
    first_ids = made.tokens.starts[:-1]
    run(made)
    losses = [row["loss"] for row in loop.read_metrics(tmp_path / "metrics.jsonl")]
    assert losses[0] > 3  # ln 32 = 3.47
    # The first id of a piece is context only, but what follows it must be guessed where two pieces begin alike.
    begins = {int(made.tokens.ids[start]) for start in first_ids}
    assert len(begins) >= 6
    assert losses[-1] < 0.05


def test_same_seed_same_run_and_other_seed_another(tmp_path):
    one, two = run(trainer(tmp_path / "a")), run(trainer(tmp_path / "b"))
    assert same(weights(one), weights(two))
    assert not same(weights(one), weights(run(trainer(tmp_path / "c", replace(PLAN, seed=6)))))


class Letters(Tokenizer):
    """32 ids of one byte each, the last a control token."""

    def __init__(self):
        self.specials = {"<|end|>": 31}

    @property
    def vocabulary(self):
        return 32

    def token_bytes(self, number):
        return 1


def test_measuring_changes_nothing(tmp_path):
    """Held-out loss after every step, or never: the same weights, log, mode and random numbers."""
    quiet = run(trainer(tmp_path / "a"))
    made = trainer(tmp_path / "b")
    held = tokens(tmp_path / "held", seed=9)
    figures = []

    def report(*_):
        state = torch.get_rng_state()
        figures.append(heldout.measure(made.network, held, Letters(), 16))
        assert torch.equal(torch.get_rng_state(), state) and made.network.training
        assert all(parameter.grad is None for parameter in made.network.parameters())

    run(made, report)
    assert same(weights(quiet), weights(made))
    assert (tmp_path / "a/metrics.jsonl").read_bytes() == (tmp_path / "b/metrics.jsonl").read_bytes()
    assert figures[-1].loss < figures[0].loss


def test_held_out_figures_by_hand(tmp_path):
    """Nats and bits a byte against a plain loop over documents and positions, one document at a time."""
    held = tokens(tmp_path / "held", seed=9)
    network = trainer(tmp_path / "run").network.eval()
    nats, count, size = 0.0, 0, 0
    for number in range(len(held)):
        begin, end = int(held.starts[number]), int(held.starts[number + 1])
        for start in range(begin, end - 1, 16):
            piece = torch.from_numpy(held.ids[start : min(start + 17, end)].astype("int64"))
            with torch.no_grad():
                logp = network(piece[None, :-1])[0].log_softmax(-1)
            for at, target in enumerate(piece[1:].tolist()):
                if held.learned[start + at + 1]:
                    nats, count, size = nats - float(logp[at, target]), count + 1, size + (target != 31)
    found = heldout.measure(network, held, Letters(), 16)
    assert found.tokens == count < found.read == sum(max(0, n - 1) for n in held.lengths())
    assert found.loss == pytest.approx(nats / count, rel=1e-5)
    assert found.bits_per_byte == pytest.approx(nats / 0.6931471805599453 / size, rel=1e-5)


def test_a_log_cut_off_in_the_middle_of_a_character(tmp_path):
    path = tmp_path / "metrics.jsonl"
    row = json.dumps({"step": 1, "files": ["信\u2028件.txt"]}, ensure_ascii=False).encode()
    path.write_bytes(row + b"\n" + row[: row.index("信".encode()) + 1])
    assert loop.read_metrics(path) == [{"step": 1, "files": ["信\u2028件.txt"]}]
