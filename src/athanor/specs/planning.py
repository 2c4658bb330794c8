"""`plan`: what training a model would take, before anything is spent. Arithmetic from a spec and a device alone."""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import Any, NamedTuple

from athanor.artifacts.layout import find_home
from athanor.core.errors import AthanorError, NotFoundError, UsageError
from athanor.specs import arithmetic, own_loop
from athanor.specs.arithmetic import TrainingMemory
from athanor.specs.counting import count
from athanor.specs.decoder import DecoderSpec
from athanor.specs.families import family
from athanor.specs.findings import seen_weights
from athanor.specs.folder import CONFIG, read_json
from athanor.specs.gguf_look import gguf_of, look
from athanor.specs.hardware_table import THIS, Device, device
from athanor.specs.presets import presets
from athanor.specs.published_runs import Run, published
from athanor.specs.subject import find_model

TOKENS_A_PARAMETER = 20
"""Compute-optimal training, rounded as the field does (Hoffmann et al. 2022, arXiv:2203.15556, table 3)."""
LONGEST_ROW = 8192
"""Tokens of a training row at the most: longer contexts are learned in a short last stage."""
PUE = 1.1
"""Power of the whole data centre over that of the devices (Touvron et al. 2023, arXiv:2302.13971, §6)."""
MOST_TOKENS, MOST_DEVICES, MOST_PRICE = 1e18, 1 << 24, 1e6
DTYPES = ("bf16", "float16", "float32")


class Model(NamedTuple):
    """What is planned for."""

    spec: Any
    parts: dict[str, int]
    preset: str | None


class Wishes(NamedTuple):
    """What is asked; None is chosen: compute-optimal tokens, as few devices as hold the run, the device's own
    utilisation and its fastest 16-bit type."""

    tokens: float | None = None
    hardware: str = "a100-80gb"
    devices: int | None = None
    utilisation: float | None = None
    price: float | None = None
    dtype: str | None = None

    def check(self) -> Wishes:
        """Raise UsageError for a number that no run can have; returns itself."""
        _within("--tokens", self.tokens, 1, MOST_TOKENS)
        _within("--devices", self.devices, 1, MOST_DEVICES)
        _within("--utilisation", self.utilisation, 0, 1)
        _within("--price", self.price, 0, MOST_PRICE)
        if self.utilisation == 0:
            raise _outside("--utilisation", 0.0, "more than 0, and at most 1")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise UsageError(
                f"The type {self.dtype!r} is not known.",
                value=self.dtype,
                limit=list(DTYPES),
                remedy=f"Known for training: {', '.join(DTYPES)}; `athanor inspect` shows int8 and int4 for running.",
            )
        return self


def plan(preset_or_name: str, wishes: Wishes) -> dict[str, Any]:
    """CONTRACT's object of `plan`, with what was chosen: hardware, devices, utilisation, dtype, row."""
    asked = wishes.check()
    model = find(preset_or_name)
    hardware = device(asked.hardware, find_home(), arithmetic.number(model.spec, "width") or 1)
    dtype = asked.dtype or next(iter(hardware.peak_flops))
    total = sum(model.parts.values())
    tokens = round(asked.tokens) if asked.tokens is not None else TOKENS_A_PARAMETER * total
    utilisation = asked.utilisation or hardware.utilisation
    row, memory = _memory(model, total, dtype, asked.hardware == THIS)
    flops = tokens * arithmetic.flops_per_token(model.spec, model.parts, row)
    hours = flops / (hardware.flops(dtype) * utilisation) / 3600
    least = 1 if asked.hardware == THIS else math.ceil(memory["total"] / hardware.memory_bytes)
    devices = asked.devices or least
    return {
        "model": preset_or_name,
        "parameters": total,
        "tokens": tokens,
        "training_flops": flops,
        "compute_optimal_tokens": TOKENS_A_PARAMETER * total,
        "peak_memory_bytes": memory,
        "device_hours": hours,
        "days": hours / devices / 24,
        "cost_usd": None if asked.price is None else hours * asked.price,
        "energy_kwh": hours * hardware.watts / 1000 * PUE,
        "checkpoint_bytes": memory["weights"] + (0 if dtype == "float32" else 4 * total) + 8 * total,
        "serving": _serving(model, hardware, dtype),
        "hardware": hardware.name,
        "hardware_source": hardware.source,
        "memory_of_a_device": round(hardware.memory_bytes),
        "devices": devices,
        "least_devices": least,
        "utilisation": utilisation,
        "dtype": dtype,
        "row": row,
        "published": _published(model),
    }


def find(preset_or_name: str) -> Model:
    """A preset by its published name, or a model in the store or of a path by its config. Raises NotFoundError with
    the nearest preset."""
    known = presets()
    if preset_or_name in known:
        spec = known[preset_or_name]
        return Model(spec, arithmetic.parameters(spec) or {}, preset_or_name)
    try:
        path = find_model(preset_or_name).path
    except NotFoundError as error:
        raise _unknown(preset_or_name, error) from None
    packed = gguf_of(path)
    return _of_folder(path) if packed is None else _of_gguf(packed)


def _of_gguf(path: Path) -> Model:
    found = look(path)
    if found.why is not None:
        raise found.why
    return Model(found.spec, found.parts, None)


def _of_folder(folder: Path) -> Model:
    config = read_json(folder / CONFIG)
    page = family(config.get("model_type"), config)
    spec = page.read_config(config).check()
    parts = arithmetic.parameters(spec)
    return Model(spec, count(seen_weights(folder)[0], page, spec).parts if parts is None else parts, None)


def _unknown(word: str, error: AthanorError) -> NotFoundError:
    close = difflib.get_close_matches(word, presets(), n=4)
    hint = f"The nearest presets are {', '.join(close)}." if close else "docs/plan.md lists the presets."
    return NotFoundError(f"{word} is no preset and no model: {error.message}", value=word, limit=close, remedy=hint)


def _memory(model: Model, total: int, dtype: str, own: bool) -> tuple[int, dict[str, int]]:
    """(tokens of a row, bytes by kind) of one copy of the model in training."""
    if own and isinstance(model.spec, DecoderSpec):
        row = own_loop.row_length_for(model.spec)
        rows = own_loop.micro_rows(own_loop.batch_size_for(model.spec, row), row)
        return row, own_loop.peak_memory(model.spec, rows, row)
    row = min(LONGEST_ROW, arithmetic.number(model.spec, "context") or LONGEST_ROW)
    memory: TrainingMemory = arithmetic.training_memory(model.spec, total, dtype, row)
    return row, {**memory._asdict(), "total": memory.total()}


def _serving(model: Model, hardware: Device, dtype: str) -> dict[str, Any]:
    """Running it for one text of its whole context (at most 8,192 tokens): bytes, how many devices hold them, and the
    tokens a second that reading the weights in use and the keys and values allows; None where nothing is generated."""
    context = min(LONGEST_ROW, arithmetic.number(model.spec, "context") or LONGEST_ROW)
    needed = arithmetic.run_bytes(model.spec, model.parts, dtype, context, 1)
    devices = math.ceil(needed / hardware.memory_bytes)
    read = arithmetic.weight_bytes(arithmetic.active(model.spec, model.parts), dtype)
    read += arithmetic.cache_bytes(model.spec, dtype, context, 1)
    bound = devices * hardware.bandwidth / read if isinstance(model.spec, DecoderSpec) else None
    return {"bytes": needed, "devices": devices, "tokens_per_second_bound": bound}


def _published(model: Model) -> dict[str, Any] | None:
    """What the makers of a preset published of its run, with the utilisation that their hours imply."""
    run = published(model.preset) if model.preset else None
    if run is None:
        return None
    return {**run._asdict(), "implied_utilisation": implied_utilisation(run, model)}


def implied_utilisation(run: Run, model: Model) -> float | None:
    """Our operations for the published tokens over what the published hours of the device could have done."""
    if run.hardware is None or run.device_hours is None:
        return None
    row = min(LONGEST_ROW, arithmetic.number(model.spec, "context") or LONGEST_ROW)
    flops = run.tokens * arithmetic.flops_per_token(model.spec, model.parts, row)
    return flops / (run.device_hours * 3600 * device(run.hardware, find_home(), 1).flops("bf16"))


def _within(option: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise _outside(option, value, f"{least:g} to {most:g}")


def _outside(option: str, value: float, limit: str) -> UsageError:
    return UsageError(f"{option} is {value:g}.", value=value, limit=limit, remedy=f"Give a number: {limit}.")
