"""What calibration found of a machine: how fast it trains. Struct and arithmetic alone; `train.calibrate` measures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from athanor.core.hardware import Hardware

Precision = Literal["float32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")
CLEARLY = 1.1  # how much faster bf16 must be: float32 learns a little more from each step


class Speed(msgspec.Struct, frozen=True):
    """Training speed of one width in one precision."""

    width: int
    precision: Precision
    flops_per_second: Annotated[float, msgspec.Meta(gt=0)]


class Machine(msgspec.Struct, frozen=True):
    """What calibration found, and what it holds for."""

    version: int
    torch: str
    hardware: Hardware
    speeds: list[Speed]

    def precision(self) -> Precision:
        """bf16 where it is clearly faster at the larger width, else float32."""
        widest = max(speed.width for speed in self.speeds)
        found: dict[str, float] = {s.precision: s.flops_per_second for s in self.speeds if s.width == widest}
        return "bf16" if found.get("bf16", 0.0) > CLEARLY * found["float32"] else "float32"

    def flops_per_second(self, width: int, precision: Precision) -> float:
        """Speed at a width: on a line in log width between the two measured, flat beyond them."""
        found = sorted((s.width, s.flops_per_second) for s in self.speeds if s.precision == precision)
        if not found:
            found = sorted((s.width, s.flops_per_second) for s in self.speeds)
        (low, slow), (high, fast) = found[0], found[-1]
        if low == high:
            return slow
        place = (math.log(width) - math.log(low)) / (math.log(high) - math.log(low))
        return slow + min(1.0, max(0.0, place)) * (fast - slow)


def kept_figures(path: Path, hardware: Hardware) -> Machine | None:
    """The figures in `cache/machine.json`, if they are whole and were measured on this processor with these cores."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Machine)
    except (OSError, ValueError):  # msgspec's errors are ValueErrors, and so is wrong UTF-8
        return None
    # Memory may be set anew by a container; speed belongs to processor and cores.
    same = (found.hardware.cpu, found.hardware.cores) == (hardware.cpu, hardware.cores)
    return found if same and found.speeds else None
