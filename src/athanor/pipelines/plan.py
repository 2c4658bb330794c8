"""The plan: what a build will choose and cost, said before anything is spent.

Size, batch and rate come from a coarse ladder over the compute that the budget buys on this machine and the text
there is. Only facts that a dry run has too enter the choice, so that dry run and run agree.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from athanor.core.errors import RecipeError, ResourceError
from athanor.core.hardware import available_memory_bytes
from athanor.pipelines.recipe import BuildRecipe
from athanor.specs.decoder import DecoderSpec, parameters, training_flops_per_token
from athanor.specs.own_loop import batch_size_for, micro_rows, peak_memory, row_length_for
from athanor.specs.qwen3 import PRESETS, from_preset
from athanor.tokenizers.recipe import vocabulary_for
from athanor.train import compiled
from athanor.train.calibrate import Machine
from athanor.train.loop import Plan
from athanor.train.recipe import Precision

LADDER = ("qwen3-1m", "qwen3-3m", "qwen3-6m", "qwen3-10m", "qwen3-14m", "qwen3-30m", "qwen3-100m", "qwen3-300m")
# What the rest of a command takes beside learning: interpreter and torch, reading and writing, report and samples.
FIXED_SECONDS = 9.0
READ_BYTES_PER_SECOND = 2e6
QUESTIONS_PER_SECOND = 120.0
EXPANSION = {".gz": 3.5, ".xz": 4.5}
WORTH = 4.0
"""A shape of N parameters is chosen where the budget buys at least WORTH·N² operations: compute-optimal size grows
with the root of compute (Hoffmann et al. 2022, arXiv:2203.15556). Their constant is 120; with minutes on two cores and
many passes over little text, larger networks learn more a second (LOG.md)."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """CONTRACT's `planned`."""

    seconds: float
    peak_memory_bytes: int
    disk_bytes: int
    parameters: int


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for a build, and what it will cost."""

    spec: DecoderSpec
    precision: Precision
    compile: bool
    row_length: int
    batch_size: int
    learning_rate: float
    micro_rows: int
    expected_steps: int
    tokens_per_second: float
    planned: Planned


def choose(
    recipe: BuildRecipe,
    machine: Machine,
    characters: int,
    questions: int,
    parent: DecoderSpec | None = None,
    parent_row: int | None = None,
) -> Choice:
    """Choose shape and pace.

    characters: of the text there is, estimated. parent, parent_row: the shape that is gone on with, and the length of
    the rows it learned.
    """
    precision = recipe.train.precision or machine.precision()
    around = _seconds_around(characters, questions)
    learning = _learning_seconds(recipe.budget_seconds, around)
    vocabulary = recipe.tokenizer.vocabulary or vocabulary_for(characters)
    spec = parent or _spec(recipe, machine, precision, vocabulary, learning)
    row_length = recipe.model.context or parent_row or row_length_for(spec)
    rate = machine.flops_per_second(spec.width, precision) / training_flops_per_token(spec, row_length)
    batch_size = recipe.train.batch_size or batch_size_for(spec, row_length)
    steps = recipe.train.steps or max(20, round(learning * rate / (batch_size * row_length)))
    if recipe.budget_seconds is None:
        learning = steps * batch_size * row_length / rate
    micro = micro_rows(batch_size, row_length, recipe.train.accumulate)
    wanted = recipe.train.compile
    return Choice(
        spec=spec,
        precision=precision,
        compile=compiled.pays(learning) if wanted is None else wanted,
        row_length=row_length,
        batch_size=batch_size,
        learning_rate=recipe.train.learning_rate or _learning_rate(spec),
        micro_rows=micro,
        expected_steps=steps,
        tokens_per_second=rate,
        planned=Planned(
            seconds=max(recipe.budget_seconds or 0.0, around + learning),
            peak_memory_bytes=peak_memory(spec, micro, row_length)["total"],
            disk_bytes=_disk(spec, characters),
            parameters=sum(parameters(spec).values()),
        ),
    )


def estimate_characters(sizes: list[tuple[str, int]]) -> int:
    """Characters in files of (suffix, bytes), before anything is read: one byte each in English, three in
    Chinese, and what markup and duplicates take."""
    return round(sum(size * EXPANSION.get(suffix, 1.0) for suffix, size in sizes) / 2)


def refuse_what_cannot_fit(planned: Planned, home: Path) -> None:
    """Raise ResourceError where memory or disk do not suffice."""
    memory = available_memory_bytes()
    if planned.peak_memory_bytes > memory:
        raise ResourceError(
            f"This build needs about {planned.peak_memory_bytes >> 20} MiB of memory; {memory >> 20} MiB can be had.",
            value=planned.peak_memory_bytes,
            limit=memory,
            remedy="Choose a smaller model (model.width, model.layers) or fewer rows (train.batch_size).",
        )
    place = home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if planned.disk_bytes > free:
        raise ResourceError(
            f"This build needs about {planned.disk_bytes >> 20} MiB of disk space; {place} has {free >> 20} MiB free.",
            value=planned.disk_bytes,
            limit=free,
            remedy="Free space (`athanor gc`), or set ATHANOR_HOME to a larger disk.",
        )


def training_plan(choice: Choice, recipe: BuildRecipe) -> Plan:
    """The loop's plan."""
    train = recipe.train
    return Plan(
        learning_rate=choice.learning_rate,
        batch_size=choice.batch_size,
        row_length=choice.row_length,
        seed=recipe.training_seed,
        accumulate=choice.batch_size // choice.micro_rows,
        steps=train.steps,
        expected_steps=choice.expected_steps,
        warm_up=train.warm_up,
        falls=train.falls,
        optimiser=train.optimiser or "muon",
    )


def _seconds_around(characters: int, questions: int) -> float:
    """What a build takes beside learning."""
    return FIXED_SECONDS + characters / READ_BYTES_PER_SECOND + questions / QUESTIONS_PER_SECOND


def _learning_seconds(budget: float | None, around: float) -> float:
    """What the budget leaves for learning; a minute where the steps rule. Estimates of what lies around it err, so
    that some of the budget is always counted on."""
    return 60.0 if budget is None else max(0.3 * budget, budget - around)


def _spec(recipe: BuildRecipe, machine: Machine, precision: Precision, vocabulary: int, learning: float) -> DecoderSpec:
    wanted = recipe.model
    name = LADDER[0]
    for larger in LADDER[1:]:
        spec = from_preset(larger, vocabulary, PRESETS[larger].context)
        if learning * machine.flops_per_second(spec.width, precision) < WORTH * sum(parameters(spec).values()) ** 2:
            break
        name = larger
    base = from_preset(name, vocabulary, wanted.context or PRESETS[name].context)
    if all(getattr(wanted, key) is None for key in ("layers", "width", "heads", "kv_heads", "inner")):
        return base.check()
    width = wanted.width or base.width
    heads = wanted.heads or (base.heads if wanted.width is None else _heads(width))
    head_width = width // heads if width % heads == 0 else 0
    return DecoderSpec(
        family=base.family,
        vocabulary=vocabulary,
        width=width,
        layers=wanted.layers or base.layers,
        heads=heads,
        kv_heads=wanted.kv_heads or (base.kv_heads if heads % base.kv_heads == 0 and not wanted.heads else heads),
        head_width=_whole(head_width, width, heads),
        inner=wanted.inner or (base.inner if wanted.width is None else width * 8 // 3),
        context=base.context,
    ).check()


def _heads(width: int) -> int:
    """As many heads as can be at least 64 wide, of an even width for rotary positions."""
    return next((heads for heads in range(width // 64, 1, -1) if width % (2 * heads) == 0), 1)


def _whole(head_width: int, width: int, heads: int) -> int:
    if not head_width:
        raise RecipeError(
            f"model.heads is {heads}, which does not divide model.width {width}.",
            value=heads,
            limit=f"a divisor of {width}",
            remedy="Choose model.heads so that it divides model.width.",
        )
    return head_width


def _learning_rate(spec: DecoderSpec) -> float:
    """Peak rate: falls with the square root of width."""
    return 3e-3 * (192 / spec.width) ** 0.5


def _disk(spec: DecoderSpec, characters: int) -> int:
    weights = 4 * sum(parameters(spec).values())
    # The model, two checkpoints of weights and moments with a third being written, corpus and ids.
    return weights * (1 + 3 * 3) + 6 * characters + (8 << 20)
