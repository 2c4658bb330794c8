"""Rotary positions as numbers: base, width turned, and the ways in which published models stretch them."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Kind = Literal["default", "linear", "dynamic", "llama3", "yarn"]


class Rotary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rotary positions (Su et al. 2021, arXiv:2104.09864)."""

    theta: float = 10000.0
    """Base of the wavelengths."""
    share: float = 1.0
    """Share of a head's width that is turned; the rest stands still."""
    kind: Kind = "default"
    factor: float = 1.0
    """How many times longer texts become readable."""
    original: int | None = None
    """Longest text before stretching, in tokens."""
    slow: float = 1.0
    """Turns over the original length below which a pair is stretched whole: low_freq_factor, yarn's beta_slow."""
    fast: float = 1.0
    """Turns above which it is left alone: high_freq_factor, yarn's beta_fast."""
    loudness: float = 1.0
    """What cosine and sine are multiplied by; yarn's attention factor."""
    truncate: bool = True
    """yarn: round the borders of the ramp to whole pairs."""


def width_turned(rotary: Rotary, head_width: int) -> int:
    """Numbers of a head that are turned."""
    return int(head_width * rotary.share)


def frequencies(rotary: Rotary, head_width: int, positions: int) -> npt.NDArray[np.float64]:
    """Radians a position for each pair, (R/2,). positions: length of the text, which only `dynamic` asks for."""
    width = width_turned(rotary, head_width)
    theta = rotary.theta
    if rotary.kind == "dynamic":
        # "NTK-aware" scaling grown with the text: the base is raised so that the slowest pair is stretched by factor.
        longest = rotary.original or positions
        stretch = rotary.factor * max(positions, longest) / longest - (rotary.factor - 1)
        theta *= stretch ** (width / (width - 2))
    plain = theta ** (-np.arange(0, width, 2, dtype=np.float64) / width)
    if rotary.kind == "linear":
        return plain / rotary.factor
    if rotary.kind == "llama3":
        return _by_turns(plain, rotary)
    if rotary.kind == "yarn":
        return _by_ramp(plain, rotary, width)
    return plain


def _by_turns(plain: npt.NDArray[np.float64], rotary: Rotary) -> npt.NDArray[np.float64]:
    """LLaMA 3.1's stretching (Grattafiori et al. 2024, arXiv:2407.21783, §3.4.2 and its published code)."""
    assert rotary.original is not None
    turns = rotary.original * plain / (2 * math.pi)
    kept = np.clip((turns - rotary.slow) / (rotary.fast - rotary.slow), 0.0, 1.0)
    return plain * kept + plain / rotary.factor * (1 - kept)


def _by_ramp(plain: npt.NDArray[np.float64], rotary: Rotary, width: int) -> npt.NDArray[np.float64]:
    """YaRN (Peng et al. 2023, arXiv:2309.00071, §3.2): pairs between two numbers of turns are stretched by degrees."""
    assert rotary.original is not None
    borders = [
        width * math.log(rotary.original / (turns * 2 * math.pi)) / (2 * math.log(rotary.theta))
        for turns in (rotary.fast, rotary.slow)
    ]
    if rotary.truncate:
        borders = [math.floor(borders[0]), math.ceil(borders[1])]
    low, high = max(borders[0], 0), min(borders[1], width - 1)
    stretched = np.clip((np.arange(width // 2) - low) / (high - low or 0.001), 0.0, 1.0)
    return plain / rotary.factor * stretched + plain * (1 - stretched)
