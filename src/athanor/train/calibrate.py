"""Calibration: what this machine makes of training, measured once and kept in `cache/machine.json`.

Two shapes are trained for a few steps in every precision the machine has instructions for; bf16 is taken where it is
clearly faster (its instructions do not make it faster on every processor). Everything that depends on speed is chosen
from these figures, so that a dry run and the run agree. It is measured in a process of its own, whose memory the build
does not carry along.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch

from athanor.artifacts.layout import this_process
from athanor.core.errors import ResourceError
from athanor.core.files import locked, write_atomic
from athanor.core.hardware import Hardware, detect
from athanor.core.progress import Reporter
from athanor.data.workers import apart
from athanor.models.decoder import PRECISIONS, Decoder, initialise
from athanor.objectives import next_token
from athanor.objectives.batch import Batch
from athanor.objectives.next_token import Step
from athanor.specs.decoder import DecoderSpec, training_flops_per_token
from athanor.specs.machine import Machine, Precision, Speed, kept_figures
from athanor.specs.qwen3 import PRESETS, from_preset
from athanor.train.optimiser import Optimiser
from athanor.train.runtime import prepare

VERSION = 1
SHAPES = ("qwen3-1m", "qwen3-6m")
ROWS, LENGTH, VOCABULARY = 4, 256, 4096
TIMED_STEPS = 3
MOST_SECONDS = 4.0  # for one shape, once a step has been timed: a busy machine is not waited for


def machine(cache: Path, reporter: Reporter) -> Machine:
    """The kept figures where they still hold, else new ones (some seconds)."""
    path, hardware = cache / "machine.json", detect()
    found = kept(path, hardware)
    if found is None:
        # Two that measure at once would find each other's half of the machine, and keep it.
        with locked(cache / "machine.lock", this_process(), reporter.waiting):
            found = kept(path, hardware)
            if found is None:
                reporter.say("measuring this machine, once …")
                found = _measured_apart(hardware)
                write_atomic(path, msgspec.json.format(msgspec.json.encode(found), indent=1))
    return found


def kept(path: Path, hardware: Hardware) -> Machine | None:
    """The figures in a file, if they are whole and hold for this machine."""
    found = kept_figures(path, hardware)
    if found is None:
        return None
    wanted = {(PRESETS[name].width, precision) for name in SHAPES for precision in _precisions(hardware)}
    whole = {(speed.width, speed.precision) for speed in found.speeds} == wanted
    return found if whole and (found.version, found.torch) == (VERSION, str(torch.__version__)) else None


def _measured_apart(hardware: Hardware) -> Machine:
    try:
        return apart(measure, hardware)
    except ResourceError as error:
        raise ResourceError(
            f"This machine could not be measured: the process that does it ended with exit code {error.value}.",
            value=error.value,
            remedy="Most likely it was stopped for want of memory: close other programs; then run it again.",
        ) from None


def measure(hardware: Hardware, _: object = None) -> Machine:
    """Time a few training steps of two shapes; the precisions in turn, so that both see the same other programs."""
    prepare()
    speeds = [speed for name in SHAPES for speed in _speeds(name, _precisions(hardware))]
    return Machine(VERSION, str(torch.__version__), hardware, speeds)


def _precisions(hardware: Hardware) -> list[Precision]:
    return ["float32", "bf16"] if hardware.bf16 else ["float32"]


def _speeds(name: str, precisions: list[Precision]) -> list[Speed]:
    spec = from_preset(name, vocabulary=VOCABULARY, context=LENGTH)
    steps: dict[Precision, Callable[[], None]] = {
        precision: _stepper(spec, PRECISIONS[precision]) for precision in precisions
    }
    seconds: dict[Precision, list[float]] = {precision: [] for precision in precisions}
    began = time.perf_counter()
    for number in range(TIMED_STEPS + 1):
        for precision, step in steps.items():
            started = time.perf_counter()
            step()
            if number:  # the first step makes kernels and buffers
                seconds[precision].append(time.perf_counter() - started)
        if number and time.perf_counter() - began > MOST_SECONDS:
            break
    work = training_flops_per_token(spec, LENGTH) * ROWS * LENGTH
    return [Speed(spec.width, precision, work / min(seconds[precision])) for precision in precisions]


def _stepper(spec: DecoderSpec, dtype: torch.dtype) -> Callable[[], None]:
    network = Decoder(spec)
    initialise(network, 0)
    network.to(dtype)
    optimiser = Optimiser(network)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, VOCABULARY, (ROWS, LENGTH), generator=generator)
    positions = torch.arange(LENGTH).expand(ROWS, LENGTH)
    batch = Batch(ids, ids, torch.ones(ROWS, LENGTH), torch.zeros_like(ids), positions, float(ids.numel()))

    def step() -> None:
        loss, _ = next_token.loss("decoder", {"decoder": network}, batch, Step(0, generator))
        loss.backward()
        optimiser.step(1e-4)

    return step
