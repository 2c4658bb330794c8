"""The learning step of a build: corpus and tokenizer in, a model artifact out; resumable, by steps or by the clock."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.runs import Run
from athanor.core import hardware
from athanor.core.errors import Interrupted
from athanor.core.files import write_atomic
from athanor.core.progress import Reporter
from athanor.core.seeds import derive
from athanor.data.reader import Corpus
from athanor.generate.handle import write_generation_config
from athanor.models.decoder import Decoder, initialise
from athanor.models.folder import load_network, save_network
from athanor.objectives import next_token
from athanor.pipelines.plan import Choice, training_plan
from athanor.pipelines.steps import MODEL_VERSION, Keys, copy_tokenizer
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.train import packing, tokens
from athanor.train.calibrate import DTYPES
from athanor.train.clock import Clock
from athanor.train.heldout import HeldOut, measure
from athanor.train.loop import METRICS, Plan, Progress, Trainer, read_metrics
from athanor.train.runtime import prepare

BEFORE_TOKENS = 8192  # held-out tokens the untrained network is measured on
NEW_DOCUMENT_REPEATS = 3
"""How often a document that the parent has not seen is used while one it has seen is used once."""


@dataclass(frozen=True)
class Learning:
    """What the learning step is given."""

    keys: Keys
    corpus: Artifact
    tokenizer: Artifact
    choice: Choice
    clock: Clock
    reserve: float
    """Seconds to leave on the clock for what comes after."""
    reporter: Reporter

    @property
    def run(self) -> Run:
        """Where unfinished work lies."""
        return self.keys.run(self.corpus, self.tokenizer)


def learn(work: Learning, resume: bool) -> Artifact:
    """Train and store the model. Raises Interrupted with the way to go on."""
    prepare()
    run = work.run
    run.make()
    with run.lock(work.reporter.say):
        try:
            return _learn(work, run, resume)
        except Interrupted as error:
            error.remedy = "Go on with the same command and --resume."
            raise


def _learn(work: Learning, run: Run, resume: bool) -> Artifact:
    tokenizer = Tokenizer.load(work.tokenizer.folder)
    plan = _plan(run, training_plan(work.choice, work.keys.recipe), resume)
    with _encoded(work, run, tokenizer) as (training, held_out):
        network = _network(work)
        before = measure(network, held_out, tokenizer, plan.row_length, BEFORE_TOKENS)
        sampler = packing.Sampler(_pieces(work, training, plan), plan.row_length, plan.seed)
        trainer = Trainer(network, next_token, training, sampler, plan, run.folder)
        if resume and trainer.resume():
            work.reporter.say(f"going on from step {trainer.progress.step}")
        progress = _run(work, trainer, tokenizer)
        after = measure(network, held_out, tokenizer, plan.row_length)
        artifact = _store(work, run, trainer, tokenizer, progress, before, after, training.chats > 0)
    run.remove()
    return artifact


def _plan(run: Run, plan: Plan, resume: bool) -> Plan:
    """The plan, or the one a resumed run began with: it never calibrates again."""
    path = run.folder / "plan.json"
    if resume and path.is_file():
        return Plan(**json.loads(path.read_text()))
    write_atomic(path, json.dumps(asdict(plan)))
    return plan


@contextlib.contextmanager
def _encoded(work: Learning, run: Run, tokenizer: Tokenizer) -> Iterator[tuple[tokens.TokenSet, tokens.TokenSet]]:
    corpus = Corpus(work.corpus.folder)
    sets = [tokens.write(corpus.rows(split), tokenizer, run.folder / split) for split in ("train", "heldout")]
    yield sets[0], sets[1]


def _network(work: Learning) -> Decoder:
    dtype = DTYPES[work.choice.precision]
    if work.keys.parent is not None:
        network = load_network(work.keys.parent.folder)
        network.requires_grad_(True)
    else:
        network = Decoder(work.choice.spec)
        initialise(network, derive(work.keys.recipe.training_seed, "weights"))
    return network.to(dtype)


def _pieces(work: Learning, training: tokens.TokenSet, plan: Plan) -> packing.Pieces:
    parent = work.keys.parent
    if parent is None:
        return packing.cut(training, plan.row_length)
    old = next(work.keys.store.get(number) for number in parent.manifest.inputs)
    known = {row.id for row in Corpus(old.folder).rows("train")}
    seen = [row.id in known for row in Corpus(work.corpus.folder).rows("train")]
    return packing.cut(training, plan.row_length, [1 if kept else NEW_DOCUMENT_REPEATS for kept in seen])


def _run(work: Learning, trainer: Trainer, tokenizer: Tokenizer) -> Progress:
    total = trainer.plan.steps if work.clock.total is None else work.clock.total - work.reserve
    bytes_a_token = _bytes_a_token(work, trainer)
    with work.reporter.bar("learning", float(total or 1)) as bar:

        def report(progress: Progress, plan: Plan, clock: Clock) -> None:
            done = progress.step if clock.total is None else clock.spent
            rate = progress.tokens / max(1e-9, progress.seconds)
            bits = progress.loss / math.log(2) / bytes_a_token
            left = _left(progress, plan, clock, work.reserve)
            note = f"loss {progress.loss:.3f}  {bits:.2f} bits/byte  {rate:,.0f} tokens/s  {left:.0f} s left"
            bar.update(done, note)

        return trainer.run(work.clock, work.reserve, report)


def _left(progress: Progress, plan: Plan, clock: Clock, reserve: float) -> float:
    if plan.steps is None:
        return max(0.0, clock.left(reserve))
    return (plan.steps - progress.step) * progress.seconds / max(1, progress.step)


def _bytes_a_token(work: Learning, trainer: Trainer) -> float:
    size = Corpus(work.corpus.folder).statistics.bytes
    return max(1.0, size / max(1, trainer.tokens.tokens))


def _store(
    work: Learning,
    run: Run,
    trainer: Trainer,
    tokenizer: Tokenizer,
    progress: Progress,
    before: HeldOut,
    after: HeldOut,
    talks: bool,
) -> Artifact:
    asked, inputs = work.keys.model(work.corpus.id, work.tokenizer.id)
    seed = work.keys.recipe.training_seed
    with work.keys.store.draft("model", asked, inputs, version=MODEL_VERSION, seed=seed) as draft:
        save_network(_masters(trainer), draft.folder)
        copy_tokenizer(work.tokenizer.folder, draft.folder, talks)
        write_generation_config(draft.folder, tokenizer)
        rows = [*_held_out_rows(progress, before, after), *read_metrics(run.folder / METRICS)]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_atomic(draft.folder / "training.jsonl", lines)
        return draft.commit(
            seconds=progress.seconds,
            metrics=_metrics(trainer, progress, before, after),
            resolved=_resolved(work, trainer, progress),
        )


def _masters(trainer: Trainer) -> Decoder:
    """The network with its float32 masters as weights."""
    network = Decoder(trainer.network.spec)
    network.load_state_dict({**network.state_dict(), **trainer.optimiser.masters()})
    return network


def _held_out_rows(progress: Progress, before: HeldOut, after: HeldOut) -> list[dict[str, Any]]:
    points = [(0, before), (progress.step, after)]
    return [{"step": step, "heldout_loss": found.loss} for step, found in points if math.isfinite(found.loss)]


def _metrics(trainer: Trainer, progress: Progress, before: HeldOut, after: HeldOut) -> dict[str, Any]:
    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
        "steps": progress.step,
        "skipped_steps": progress.skipped,
        "tokens_seen": progress.tokens,
        "tokens": trainer.tokens.tokens,
        "epochs": trainer.sampler.epoch + trainer.sampler.row / max(1, trainer.sampler.rows_an_epoch),
        "tokens_per_second": progress.tokens / max(1e-9, progress.seconds),
        "heldout_loss": finite(after.loss),
        "heldout_bits_per_byte": finite(after.bits_per_byte),
        "untrained_loss": finite(before.loss),
        "untrained_bits_per_byte": finite(before.bits_per_byte),
        "chats": trainer.tokens.chats,
    }


def _resolved(work: Learning, trainer: Trainer, progress: Progress) -> dict[str, Any]:
    """What calibration and clock chose: with these keys the run repeats bit for bit on one machine."""
    plan, spec = trainer.plan, trainer.network.spec
    return {
        "model": {
            "layers": spec.layers,
            "width": spec.width,
            "heads": spec.heads,
            "kv_heads": spec.kv_heads,
            "inner": spec.inner,
            "context": spec.context,
        },
        "train": {
            "learning_rate": plan.learning_rate,
            "batch_size": plan.batch_size,
            "steps": progress.step,
            "warm_up": trainer.schedule.warm_up,
            "falls": [list(fall) for fall in trainer.schedule.falls],
            "precision": work.choice.precision,
            "accumulate": plan.accumulate,
        },
        "threads": hardware.cores(),
    }


def unfinished(run: Run) -> dict[str, Any] | None:
    """What lies in a run that can be resumed: its newest step and the seconds spent; None where nothing does."""
    folders = sorted((run.folder / "checkpoints").glob("step-*/state.json"), key=_step_number)
    if not folders:
        return None
    state = json.loads(folders[-1].read_text())
    return {"step": state["step"], "spent": state["spent"]}


def _step_number(path: Path) -> int:
    return int(path.parent.name.removeprefix("step-"))
