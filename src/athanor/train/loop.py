"""The one training loop: rows → loss → gradients → update, with a clock, checkpoints and a log.

Exact: a run that was killed and resumed ends with the weights and the log of one that was not. What decides the
numbers is the plan (seed, batch, rate, precision), the step, and the sampler's place; time only decides where the
fall of the rate begins and where the run ends, and both are recorded, so that a run by the clock can be repeated by
its steps.
"""

from __future__ import annotations

import contextlib
import json
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from athanor.core import signals
from athanor.core.errors import InputError
from athanor.core.files import write_atomic
from athanor.core.seeds import derive
from athanor.models.decoder import Decoder
from athanor.objectives.batch import Batch
from athanor.objectives.next_token import Step
from athanor.train import checkpoint
from athanor.train.clock import Clock
from athanor.train.optimiser import Optimiser
from athanor.train.packing import Sampler, batches
from athanor.train.recipe import Method
from athanor.train.schedule import DECAY_SHARE, Schedule, as_falls, for_steps, warm_up
from athanor.train.tokens import TokenSet

MOST_SKIPPED = 10  # non-finite steps in a row
STEPS_TIMED = 50  # recent steps whose median foretells the next
WORTH_REPLANNING = 0.08  # by how much the steps left must differ from those planned
LEAST_REPLANNED = 3.0  # seconds left below which a fall is left as it is
CHECKPOINT_SECONDS = 15.0
LEARNING_A_CHECKPOINT = 20.0  # seconds of learning for each second that a checkpoint took
LOG_EVERY = 10  # steps
METRICS = "metrics.jsonl"


class Objective(Protocol):
    """What a module of `objectives` offers."""

    @property
    def players(self) -> tuple[str, ...]: ...

    def loss(
        self, player: str, networks: Mapping[str, Any], batch: Batch, step: Step
    ) -> tuple[Tensor, dict[str, float]]: ...


@dataclass(frozen=True)
class Plan:
    """Every number that decides what is learned.

    steps: optimiser steps; None when the clock rules, and then `expected_steps` sets the warm-up.
    """

    learning_rate: float
    batch_size: int
    row_length: int
    seed: int
    accumulate: int = 1
    steps: int | None = None
    expected_steps: int = 1000
    falls: Sequence[Sequence[int]] | None = None
    """(first step, steps) of the fall of the rate and of its new plans; None: by share of steps, or by the clock."""
    warm_up: int | None = None
    optimiser: Method = "muon"


@dataclass
class Progress:
    """Where the run stands; saved with every checkpoint."""

    step: int = 0
    tokens: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    compiled: int = 0
    """Steps of compiled blocks; where not all were, the run cannot be repeated bit for bit."""
    epoch: int = 0
    row: int = 0
    falls: list[list[int]] = field(default_factory=list)
    """The schedule's falls, as far as the clock has fixed them."""
    loss: float = math.nan
    """Of the newest step."""
    seconds: float = 0.0
    """Time in the loop, over all attempts."""


class Trainer:
    """One player's run in a folder of its own (checkpoints, metrics.jsonl)."""

    def __init__(
        self, network: Decoder, objective: Objective, tokens: TokenSet, sampler: Sampler, plan: Plan, folder: Path
    ) -> None:
        self.network, self.objective, self.tokens, self.sampler = network, objective, tokens, sampler
        self.plan, self.folder = plan, folder
        self.optimiser = Optimiser(network, matrices=plan.optimiser == "muon")
        self.progress = Progress()
        self.schedule = _schedule(plan)
        self.compiled = False
        """Whether the network's blocks are compiled now."""
        self._recent: deque[float] = deque(maxlen=STEPS_TIMED)

    def resume(self) -> bool:
        """Go on from the newest checkpoint; False where there is none."""
        checkpoint.sweep(self.folder / "checkpoints")
        newest = checkpoint.newest(self.folder / "checkpoints")
        if newest is None:
            self._forget_after(0)
            return False
        state, masters, optimiser = checkpoint.load(newest)
        self.optimiser.restore(masters, optimiser)
        self.progress = Progress(**state["progress"])
        self.sampler = Sampler(
            self.sampler.pieces, self.plan.row_length, self.plan.seed, self.progress.epoch, self.progress.row
        )
        if self.progress.falls:
            self.schedule = replace(self.schedule, falls=as_falls(self.progress.falls))
        self._forget_after(self.progress.step)
        return True

    def run(
        self, clock: Clock, reserve: float, report: Callable[[Progress, Plan, Clock], None] | None = None
    ) -> Progress:
        """Learn until the steps are done or only `reserve` seconds are left on the clock.

        report: called after every step. Raises Interrupted with everything saved, InputError after ten steps in a
        row without a finite loss (the last good checkpoint stays).
        """
        self.network.train()
        before, began = self.progress.seconds, time.monotonic()
        first = self.progress.step
        due = began + CHECKPOINT_SECONDS
        with signals.deferred() as stop:
            while stop.signal is None and not self._done(clock, reserve):
                self._maybe_fall(clock, reserve, first)
                started = time.monotonic()
                self._step()
                now = time.monotonic()
                self._recent.append(now - started)
                self.progress.seconds = before + now - began
                if report is not None:
                    report(self.progress, self.plan, clock)
                if now >= due:
                    self.save(clock)
                    saved = time.monotonic()
                    due = saved + max(CHECKPOINT_SECONDS, LEARNING_A_CHECKPOINT * (saved - now))
            if stop.signal is not None:
                self.save(clock)
                raise signals.interrupted(stop.signal)
        self.network.eval()
        return self.progress

    def save(self, clock: Clock) -> None:
        """Write a checkpoint, unless the weights are no finite numbers."""
        masters = self.optimiser.masters()
        if not all(bool(torch.isfinite(master).all()) for master in masters.values()):
            return
        self.progress.epoch, self.progress.row = self.sampler.epoch, self.sampler.row
        state = {"progress": vars(self.progress), "spent": clock.spent}
        folder = self.folder / "checkpoints"
        checkpoint.save(folder, self.progress.step, state, masters=masters, optimiser=self.optimiser.state())

    def gradients(self) -> tuple[float, list[Tensor]]:
        """Loss and gradient of every parameter on the rows that come next; nothing moves."""
        rows = self.sampler.peek(-(-self.plan.batch_size // self.plan.accumulate))
        batch = next(batches(self.tokens, self.sampler.pieces, rows, self.plan.row_length, len(rows)))
        player = self.objective.players[0]
        step = Step(self.progress.step, torch.Generator().manual_seed(0))
        loss, _ = self.objective.loss(player, {player: self.network}, batch, step)
        loss.backward()
        found = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        self._discard()
        return float(loss.detach()), found

    def seconds_a_step(self) -> float:
        """Median of the recent steps."""
        return statistics.median(self._recent) if self._recent else 0.0

    def _done(self, clock: Clock, reserve: float) -> bool:
        if self.plan.steps is not None:
            return self.progress.step >= self.plan.steps
        end = self.schedule.end
        if end is not None and self.progress.step >= end:
            return True
        return self.progress.step > 0 and clock.left(reserve) < self.seconds_a_step() / 2

    def _maybe_fall(self, clock: Clock, reserve: float, first: int) -> None:
        """Fix the fall of the rate once the time left is its share of the whole; plan it anew where it would end
        much too early or too late."""
        if self.plan.steps is not None or self.progress.step < first + 3:
            return
        left = clock.left(reserve)
        possible = max(1, round(left / max(self.seconds_a_step(), 1e-6)))
        if self.schedule.end is None:
            due = left <= DECAY_SHARE * (self.progress.seconds + left)
        else:
            planned = self.schedule.end - self.progress.step
            long_ago = self.progress.step - self.schedule.falls[-1][0] >= STEPS_TIMED
            due = long_ago and left > LEAST_REPLANNED and abs(possible - planned) > WORTH_REPLANNING * planned
        if due:
            self.schedule = self.schedule.falling(self.progress.step, possible)
            self.progress.falls = [list(fall) for fall in self.schedule.falls]

    def _step(self) -> None:
        number = self.progress.step
        rows = self.sampler.take(self.plan.batch_size)
        micro = -(-len(rows) // self.plan.accumulate)
        generator = torch.Generator().manual_seed(derive(self.plan.seed, "step", number))
        step = Step(number, generator)
        total = 0.0
        player = self.objective.players[0]
        for batch in batches(self.tokens, self.sampler.pieces, rows, self.plan.row_length, micro):
            loss, _ = self.objective.loss(player, {player: self.network}, batch, step)
            loss.backward()
            total += float(loss.detach())
        rate = self.schedule.rate(number)
        norm = self.optimiser.step(rate) if math.isfinite(total) else self._discard()
        self.progress.step += 1
        self.progress.compiled += self.compiled
        self.progress.loss = total
        self.progress.tokens += int(sum(self.sampler.pieces.length[piece] for row in rows for piece in row))
        self._after(number, total, norm, rate, rows)

    def _discard(self) -> float:
        for parameter in self.network.parameters():
            parameter.grad = None
        return math.nan

    def _after(self, number: int, loss: float, norm: float, rate: float, rows: list[list[int]]) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            self.progress.skipped_in_a_row = 0
            if number % LOG_EVERY == 0:
                self._log({"step": number, "loss": loss, "norm": norm, "rate": rate, "tokens": self.progress.tokens})
            return
        documents = sorted({int(self.sampler.pieces.document[piece]) for row in rows for piece in row})
        files = sorted({self.tokens.files[self.tokens.file_of[document]] for document in documents})
        self.progress.skipped += 1
        self.progress.skipped_in_a_row += 1
        self._log({"step": number, "skipped": "loss or gradient is no finite number", "files": files})
        if self.progress.skipped_in_a_row >= MOST_SKIPPED:
            raise InputError(
                f"The loss was no finite number in {MOST_SKIPPED} steps in a row (up to step {number}, learning rate "
                f"{rate:g}).",
                value=rate,
                limit=MOST_SKIPPED,
                remedy="Lower train.learning_rate, or look at the documents named in the run's metrics.jsonl"
                + ("; the last good checkpoint is kept." if checkpoint.newest(self.folder / "checkpoints") else "."),
            )

    def _forget_after(self, step: int) -> None:
        path = self.folder / METRICS
        rows = read_metrics(path)
        write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows if row["step"] < step))

    def _log(self, row: dict[str, Any]) -> None:
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a run's log; a last line that a kill cut off is left out."""
    rows = []
    for line in path.read_text("utf-8", "replace").split("\n") if path.is_file() else []:
        with contextlib.suppress(ValueError):
            rows.append(json.loads(line))
    return rows


def _schedule(plan: Plan) -> Schedule:
    if plan.steps is None:
        return Schedule(plan.learning_rate, warm_up(plan.expected_steps) if plan.warm_up is None else plan.warm_up)
    usual = for_steps(plan.learning_rate, plan.steps)
    falls = usual.falls if plan.falls is None else as_falls(plan.falls)
    rising = usual.warm_up if plan.warm_up is None else plan.warm_up
    return Schedule(plan.learning_rate, rising, falls)
