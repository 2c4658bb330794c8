"""The learning step of a build: corpus and tokenizer in, a model artifact out; resumable, by steps or by the clock."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import Any

import msgspec

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.runs import Run
from athanor.core import hardware
from athanor.core.errors import InputError, Interrupted, ResourceError
from athanor.core.files import write_atomic
from athanor.core.progress import Reporter
from athanor.core.seeds import derive
from athanor.data.reader import Corpus
from athanor.generate.handle import write_generation_config
from athanor.models.decoder import PRECISIONS, Decoder, initialise
from athanor.models.folder import save_network
from athanor.models.opening import load_decoder
from athanor.objectives import next_token
from athanor.pipelines.plan import Choice, training_plan
from athanor.pipelines.steps import MODEL_VERSION, Keys, copy_tokenizer, input_of
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.train import packing, tokens
from athanor.train.clock import Clock
from athanor.train.compiled import LEAST_SECONDS, compile_blocks
from athanor.train.heldout import HeldOut, measure, token_sizes
from athanor.train.loop import METRICS, Plan, Progress, Trainer, read_metrics
from athanor.train.runtime import prepare

BEFORE_TOKENS = 8192  # held-out tokens the network is measured on before it learns
AFTER_TOKENS = 200_000  # and afterwards, at the most
BYTES_BY_TOKENS = 1 << 20
LEAST_LEARNING = 0.05
"""Share of the budget that must be left to learn in."""
TRAINING_ROWS = "training.jsonl"
NEW_DOCUMENT_REPEATS = 3
"""How often a document that the parent has not seen is used while one it has seen is used once."""


@dataclass(frozen=True)
class Learning:
    """What the learning step is given."""

    keys: Keys
    run: Run
    """Where unfinished work lies; its lock is held."""
    corpus: Artifact
    tokenizer: Artifact
    choice: Choice
    clock: Clock
    reserve: float
    """Seconds to leave on the clock for what comes after."""
    reporter: Reporter


@dataclass(frozen=True)
class Outcome:
    """What learning came to. network: in float32, as it is stored."""

    network: Decoder
    progress: Progress
    before: HeldOut
    after: HeldOut


def learn(work: Learning, resume: bool) -> Artifact:
    """Train and store the model. Raises Interrupted with the way to go on."""
    prepare()
    try:
        return _learn(work, resume)
    except Interrupted as error:
        error.remedy = "Go on with the same command and --resume."
        raise


def _learn(work: Learning, resume: bool) -> Artifact:
    tokenizer = Tokenizer.load(work.tokenizer.folder)
    plan = training_plan(work.choice, work.keys.recipe)
    rows = Corpus(work.corpus.folder).rows
    training, held_out = (
        tokens.write(rows(split), tokenizer, work.run.folder / split, plan.row_length) for split in ("train", "heldout")
    )
    network = _network(work)
    began = time.monotonic()
    before = measure(network, held_out, tokenizer, plan.row_length, BEFORE_TOKENS)
    reserve = work.reserve + _seconds_after(time.monotonic() - began, before, held_out)
    sampler = packing.Sampler(_pieces(work, training, plan), plan.row_length, plan.seed)
    trainer = Trainer(network, next_token, training, sampler, plan, work.run.folder)
    if resume and trainer.resume():
        work.reporter.say(f"going on from step {trainer.progress.step}")
    else:
        refuse_spent(work.clock, reserve)
    _compile(work, trainer, reserve)
    progress = _run(work, trainer, reserve)
    learned = _masters(trainer)
    after = measure(learned, held_out, tokenizer, plan.row_length, AFTER_TOKENS)
    artifact = _store(work, trainer, Outcome(learned, progress, before, after), tokenizer)
    work.run.remove()
    return artifact


def _seconds_after(took: float, before: HeldOut, held_out: tokens.TokenSet) -> float:
    """What measuring the learned network will take, by what measuring the fresh one took."""
    return took * min(AFTER_TOKENS, held_out.tokens) / max(1, before.read)


def refuse_spent(clock: Clock, reserve: float) -> None:
    """Raise ResourceError where reading has used up the time there was to learn in."""
    if clock.total is None or clock.left(reserve) >= LEAST_LEARNING * clock.total:
        return
    wanted = math.ceil(2 * (clock.spent + reserve) / 60)
    raise ResourceError(
        f"Of {clock.total / 60:g} minutes, {clock.spent / 60:.1f} are spent and {reserve / 60:.1f} are needed "
        "afterwards: nothing is left to learn in.",
        value=clock.total / 60,
        limit=wanted,
        remedy=f"Give --minutes {wanted}; corpus and tokenizer are kept and need no time again.",
    )


def _compile(work: Learning, trainer: Trainer, reserve: float) -> None:
    """Compile the network's blocks where that was chosen, unless a resumed run has too little left to gain by it."""
    late = trainer.progress.step > 0 and work.clock.left(reserve) < LEAST_SECONDS
    if late or not work.choice.compile:
        return
    work.reporter.say("compiling the network …")
    reason = compile_blocks(trainer.network, trainer.gradients, work.keys.store.home / "cache" / "compiled")
    trainer.compiled = reason is None
    if reason is not None:
        work.reporter.say(f"learning goes on without the compiler: {reason}")


def _network(work: Learning) -> Decoder:
    dtype = PRECISIONS[work.choice.precision]
    if work.keys.parent is not None:
        network = load_decoder(work.keys.parent.folder)
        network.requires_grad_(True)
    else:
        network = Decoder(work.choice.spec)
        initialise(network, derive(work.keys.recipe.training_seed, "weights"))
    return network.to(dtype)


def _pieces(work: Learning, training: tokens.TokenSet, plan: Plan) -> packing.Pieces:
    parent = work.keys.parent
    repeat = None
    if parent is not None:
        known = {row.id for row in Corpus(input_of(work.keys.store, parent, "corpus").folder).rows("train")}
        seen = [row.id in known for row in Corpus(work.corpus.folder).rows("train")]
        repeat = [1 if kept else NEW_DOCUMENT_REPEATS for kept in seen]
    pieces = packing.cut(training, plan.row_length, repeat)
    if not len(pieces.length):
        raise InputError(
            f"None of the {len(training)} documents can be learned from: {training.chats} are chats without an answer "
            f"within the {plan.row_length} tokens of a row.",
            value=plan.row_length,
            remedy=f"Give longer rows, such as model.context={4 * plan.row_length}, or add documents.",
        )
    return pieces


def _run(work: Learning, trainer: Trainer, reserve: float) -> Progress:
    total = trainer.plan.steps if work.clock.total is None else work.clock.total - reserve
    bytes_a_token = _bytes_a_token(work, trainer.tokens)
    with work.reporter.bar("learning", float(total or 1)) as bar:

        def report(progress: Progress, plan: Plan, clock: Clock) -> None:
            done = progress.step if clock.total is None else clock.spent
            rate = progress.tokens / max(1e-9, progress.seconds)
            bits = progress.loss / math.log(2) / bytes_a_token
            left = _left(progress, plan, clock, reserve)
            note = f"loss {progress.loss:.3f}  {bits:.2f} bits/byte  {rate:,.0f} tokens/s  {left:.0f} s left"
            bar.update(done, note)

        return trainer.run(work.clock, reserve, report)


def _left(progress: Progress, plan: Plan, clock: Clock, reserve: float) -> float:
    if plan.steps is None:
        return max(0.0, clock.left(reserve))
    return (plan.steps - progress.step) * progress.seconds / max(1, progress.step)


def _bytes_a_token(work: Learning, training: tokens.TokenSet) -> float:
    """Mean bytes of a token, by the first of those that are learned."""
    sizes = token_sizes(Tokenizer.load(work.tokenizer.folder))
    return max(1.0, float(sizes[training.ids[:BYTES_BY_TOKENS]].mean()))


def _store(work: Learning, trainer: Trainer, outcome: Outcome, tokenizer: Tokenizer) -> Artifact:
    asked, inputs = work.keys.model(work.corpus.id, work.tokenizer.id)
    seed = work.keys.recipe.training_seed
    with work.keys.store.draft("model", asked, inputs, version=MODEL_VERSION, seed=seed) as draft:
        save_network(outcome.network, draft.folder)
        copy_tokenizer(work.tokenizer.folder, draft.folder, trainer.tokens.chats > 0)
        write_generation_config(draft.folder, tokenizer)
        rows = [*_held_out_rows(outcome), *read_metrics(work.run.folder / METRICS)]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_atomic(draft.folder / TRAINING_ROWS, lines)
        return draft.commit(
            seconds=outcome.progress.seconds,
            metrics=_metrics(work, trainer, outcome),
            resolved=_resolved(work, trainer),
        )


def _masters(trainer: Trainer) -> Decoder:
    """The network with its float32 masters as weights."""
    network = Decoder(trainer.network.spec)
    network.load_state_dict({**network.state_dict(), **trainer.optimiser.masters()})
    return network


def _held_out_rows(outcome: Outcome) -> list[dict[str, Any]]:
    points = [(0, outcome.before), (outcome.progress.step, outcome.after)]
    return [{"step": step, "heldout_loss": found.loss} for step, found in points if math.isfinite(found.loss)]


def _metrics(work: Learning, trainer: Trainer, outcome: Outcome) -> dict[str, Any]:
    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    progress, before, after = outcome.progress, outcome.before, outcome.after
    shortened, dropped = packing.long_chats(trainer.tokens, trainer.plan.row_length)
    return {
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
        "steps": progress.step,
        "skipped_steps": progress.skipped,
        "compiled_steps": progress.compiled,
        "tokens_seen": progress.tokens,
        "tokens": trainer.tokens.tokens,
        "epochs": trainer.sampler.epoch + trainer.sampler.row / max(1, trainer.sampler.rows_an_epoch),
        "tokens_per_second": progress.tokens / max(1e-9, progress.seconds),
        "heldout_loss": finite(after.loss),
        "heldout_bits_per_byte": finite(after.bits_per_byte),
        "untrained_loss": finite(before.loss),
        "untrained_bits_per_byte": finite(before.bits_per_byte),
        "heldout_tokens_measured": after.tokens,
        "chats": trainer.tokens.chats,
        "chats_shortened": len(shortened),
        "chats_left_out": len(dropped),
        "row_length": trainer.plan.row_length,
        "planned": msgspec.to_builtins(work.choice.planned),
        "spent": {"seconds": work.clock.spent, "peak_memory_bytes": hardware.peak_memory_bytes()},
    }


def _resolved(work: Learning, trainer: Trainer) -> dict[str, Any]:
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
            "steps": trainer.progress.step,
            "warm_up": trainer.schedule.warm_up,
            "falls": [list(fall) for fall in trainer.schedule.falls],
            "precision": work.choice.precision,
            "accumulate": plan.accumulate,
            "compile": trainer.progress.compiled == trainer.progress.step,
            "optimiser": plan.optimiser,
        },
        "threads": hardware.cores(),
    }
