"""What devices can do: peaks, memory, bandwidth, power, by their makers' sheets; and this machine, as far as known."""

from __future__ import annotations

from pathlib import Path

import msgspec

from athanor.core.errors import InputError, UsageError, nearest
from athanor.core.hardware import detect
from athanor.specs.machine import PRECISIONS, Precision, kept_figures

THIS = "this"
# Guesses for a processor nobody has measured, a core: 32 operations a cycle (AVX2 with two multiply-adds of 8 floats)
# at 2.5 GHz; a share of the memory channels; a server processor's power over its cores.
CORE_FLOPS, CORE_BANDWIDTH, CORE_WATTS = 80e9, 8e9, 8.0
GUESSED_UTILISATION = 0.4


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a kind."""

    name: str
    peak_flops: dict[str, float]
    """Dense operations a second by the type of the numbers."""
    memory_bytes: float
    bandwidth: float
    """Bytes of memory a second."""
    watts: float
    source: str
    utilisation: float = 0.4
    """What is taken where nothing is said: published runs of large models reach 0.3 to 0.5 (docs/plan.md)."""
    measured: bool = False
    """The peak is what our own training reached here, so that a utilisation of 1 is what can be expected."""

    def flops(self, dtype: str) -> float:
        """The peak for a type. Raises InputError where the device has none."""
        if dtype not in self.peak_flops:
            known = ", ".join(sorted(self.peak_flops))
            raise InputError(
                f"For {dtype} no peak of {self.name} is known.",
                value=dtype,
                limit=sorted(self.peak_flops),
                remedy=f"Use --dtype with one of: {known}.",
            )
        return self.peak_flops[dtype]


DEVICES = {
    device.name: device
    for device in (
        Device(
            name="a100-80gb", peak_flops={"bf16": 312e12, "float16": 312e12, "float32": 19.5e12},
            memory_bytes=80e9, bandwidth=2039e9, watts=400,
            source="https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/"
            "nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf",
        ),
        Device(
            name="h100-80gb", peak_flops={"bf16": 989.4e12, "float16": 989.4e12, "float32": 66.9e12},
            memory_bytes=80e9, bandwidth=3350e9, watts=700,
            source="https://resources.nvidia.com/en-us-tensor-core/nvidia-tensor-core-gpu-datasheet",
        ),
        Device(
            # Power: the mean that was measured; 192 W at the most.
            name="tpu-v4", peak_flops={"bf16": 275e12}, memory_bytes=32 * 2**30, bandwidth=1228e9, watts=170,
            source="https://cloud.google.com/tpu/docs/v4",
        ),
        Device(
            name="v100-32gb", peak_flops={"float16": 125e12, "float32": 15.7e12},
            memory_bytes=32e9, bandwidth=900e9, watts=300,
            source="https://images.nvidia.com/content/technologies/volta/pdf/"
            "volta-v100-datasheet-update-us-1165301-r5.pdf",
        ),
    )
}  # fmt: skip


def device(name: str, home: Path, width: int) -> Device:
    """A device by its name. home, width: the store and the model's width, for what was measured of `this` machine.
    Raises UsageError for an unknown name."""
    if name == THIS:
        return this_machine(home / "cache" / "machine.json", width)
    if name not in DEVICES:
        known = [*DEVICES, THIS]
        close = nearest(name, known)
        hint = f"The nearest known is {close}. " if close else ""
        raise UsageError(
            f"The hardware {name!r} is not known.", value=name, limit=known, remedy=f"{hint}Known: {', '.join(known)}."
        )
    return DEVICES[name]


def this_machine(figures: Path, width: int) -> Device:
    """This machine: its memory, and how fast it trains networks of this width, as `build` once measured and kept it
    in `figures`; where it never did, guesses by the number of cores. Nothing is measured here."""
    hardware = detect()
    rest = {
        "name": THIS,
        "memory_bytes": float(hardware.memory_bytes),
        "bandwidth": hardware.cores * CORE_BANDWIDTH,
        "watts": hardware.cores * CORE_WATTS,
    }
    found = kept_figures(figures, hardware)
    if found is None:
        guess = hardware.cores * CORE_FLOPS
        source = f"a guess from {hardware.cores} cores; `athanor build` measures"
        return Device(peak_flops={"float32": guess}, source=source, utilisation=GUESSED_UTILISATION, **rest)
    best, measured = found.precision(), {speed.precision for speed in found.speeds}
    kinds: list[Precision] = [best, *(kind for kind in PRECISIONS if kind in measured and kind != best)]
    peaks = {str(kind): found.flops_per_second(width, kind) for kind in kinds}
    source = "training speed measured here (cache/machine.json); bandwidth and power are guesses from the cores"
    return Device(peak_flops=peaks, source=source, utilisation=1.0, measured=True, **rest)
