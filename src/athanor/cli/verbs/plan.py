"""`athanor plan PRESET_OR_NAME`: operations, memory, time, money and energy of a training run, before any is spent."""

from __future__ import annotations

from typing import Any

import click

from athanor.cli.output import common, emit, human_bytes
from athanor.cli.table import columns


@click.command()
@click.argument("preset_or_name")
@click.option("--tokens", type=float, help="Tokens to train on, as 2e12; 20 a parameter when not given.")
@click.option(
    "--hardware", default="a100-80gb", show_default=True, help="a100-80gb, h100-80gb, tpu-v4, v100-32gb, this."
)
@click.option("--devices", type=int, help="How many; the fewest that hold the run when not given.")
@click.option("--utilisation", type=float, help="Share of the peak that is reached; 0.4 when not given.")
@click.option("--price", type=float, help="US dollars a device and hour.")
@click.option("--dtype", help="bf16, float16 or float32; the device's fastest when not given.")
@common()
def command(preset_or_name: str, as_json: bool, quiet: bool, **wishes: Any) -> None:
    """Work out what training a model takes: a published preset, a name in the store, or a model folder.

    Example: athanor plan llama-2-70b --tokens 2e12 --hardware a100-80gb --utilisation 0.4 --price 2
    """
    from athanor.specs.planning import Wishes, plan

    result = plan(preset_or_name, Wishes(**wishes))
    emit(result, lambda: _text(result), as_json)


def _text(found: dict[str, Any]) -> str:
    from athanor.specs.arithmetic import human
    from athanor.specs.planning import PUE

    memory, serving = found["peak_memory_bytes"], found["serving"]
    rows = [
        ["model", f"{found['model']}: {human(found['parameters'])} ({found['parameters']:,} parameters)"],
        ["tokens", f"{found['tokens']:.3g} (compute-optimal: {found['compute_optimal_tokens']:.3g})"],
        ["operations", f"{found['training_flops']:.3g} FLOPs, in rows of {found['row']:,} tokens"],
        ["hardware", f"{found['hardware']} at {found['utilisation']:.0%} of its {found['dtype']} peak"],
        ["", found["hardware_source"]],
        ["time", f"{_time(found['device_hours'])} of one device; {_time(24 * found['days'])} on {found['devices']:,}"],
        ["cost", "-" if found["cost_usd"] is None else f"{found['cost_usd']:,.2f} USD"],
        ["energy", f"{found['energy_kwh']:,.1f} kWh, the building's share included ({PUE:g} times the devices')"],
        ["memory", f"{human_bytes(memory['total'])} in training, {_devices(found['least_devices'])} or more"],
        *(["", f"{human_bytes(size):>9} {kind}"] for kind, size in memory.items() if kind != "total"),
        ["checkpoint", f"{human_bytes(found['checkpoint_bytes'])} to go on from"],
        ["serving", f"{human_bytes(serving['bytes'])} on {_devices(serving['devices'])}"],
    ]
    if serving["tokens_per_second_bound"] is not None:
        rows.append(["", f"at most {serving['tokens_per_second_bound']:.1f} tokens/s of one text (memory bandwidth)"])
    return columns(rows + _published(found["published"]) + _warning(found))


def _published(run: dict[str, Any] | None) -> list[list[str]]:
    """What the makers said, where they did."""
    if run is None:
        return []
    rows = [["published", f"{run['tokens']:.3g} tokens" + (f", {run['flops']:.3g} FLOPs" if run["flops"] else "")]]
    if run["device_hours"]:
        rows.append(["", f"{run['device_hours']:,} hours of {run['hardware']}"])
        rows.append(["", f"which implies {run['implied_utilisation']:.0%} of the peak (not judged)"])
    if run["utilisation"]:
        rows.append(["", f"{run['utilisation']:.1%} of the peak by their own count"])
    return rows + [["", words] for words in (run["note"], run["source"]) if words]


def _warning(found: dict[str, Any]) -> list[list[str]]:
    room = found["devices"] * found["memory_of_a_device"]
    if found["peak_memory_bytes"]["total"] <= room:
        return []
    said = f"{_devices(found['devices'])} of {found['hardware']} hold {human_bytes(room)}: too little for this run"
    return [["careful", said]]


def _devices(number: int) -> str:
    return f"{number:,} device{'s' * (number > 1)}"


def _time(hours: float) -> str:
    if hours >= 1000:
        return f"{hours:,.0f} hours ({hours / 24:,.0f} days)"
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"
