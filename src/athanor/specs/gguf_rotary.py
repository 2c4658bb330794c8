"""How far rotary positions are stretched, in GGUF's words ↔ a published config's `rope_scaling`.

GGUF has words for `linear` and `yarn`. LLaMA 3's way (Grattafiori et al. 2024, §3.4.2) stands in a tensor of divisors,
one for each pair, from which its settings are found again; all settings but the factor have the published values (8192
tokens; 1 and 4 turns) unless `rope.scaling.original_context_length`, `.low_freq_factor` and `.high_freq_factor`, which
llama.cpp passes over, say otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from athanor.core.errors import InputError
from athanor.specs.config import above_zero
from athanor.specs.rotary import Rotary, frequencies, width_turned

LLAMA3 = {"original_context_length": 8192, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
CLOSE = 1e-4  # converters work in float32


def read_scaling(
    given: Mapping[str, Any], plain: Rotary, head_width: int, divisors: Sequence[float] | None
) -> dict[str, Any] | None:
    """The config's `rope_scaling` from metadata without the architecture's name. plain: not stretched yet."""
    older = above_zero(given, "rope.scale_linear", 1.0)
    factor = above_zero(given, "rope.scaling.factor", older) if given.get("rope.scaling.factor") else older
    kind = given.get("rope.scaling.type", "linear" if factor != 1.0 else "none")
    stretched = divisors is not None and any(divisor != 1.0 for divisor in divisors)
    if stretched and kind == "none":
        return _llama3(given, plain, head_width, np.array(divisors, dtype=np.float64))
    if stretched:
        raise _strange(f"beside rope.scaling.type {kind!r}")
    if kind == "none" or (kind == "linear" and factor == 1.0):
        return None
    found = {"rope_type": kind, "factor": factor}
    if kind != "yarn":
        return found  # the page refuses a kind that it does not know
    original = given.get("rope.scaling.original_context_length")
    found |= {"original_max_position_embeddings": original} if original else {}
    for name in ("beta_fast", "beta_slow"):
        value = given.get(f"rope.scaling.yarn_{name}")
        found |= {} if value is None else {name: value}
    if given.get("rope.scaling.attn_factor") is None:
        return found
    return found | {"attention_factor": above_zero(given, "rope.scaling.attn_factor", 1.0) * _loudness(factor)}


def write_scaling(rotary: Rotary, head_width: int) -> tuple[dict[str, Any], list[float] | None]:
    """Metadata without the architecture's name, and LLaMA 3's divisors where it is stretched so."""
    if rotary.kind in ("default", "dynamic"):  # dynamic has no words; who writes it finds that it does not read back
        return {}, None
    if rotary.kind == "llama3":
        found = {"original_context_length": rotary.original, "low_freq_factor": rotary.slow}
        found |= {"high_freq_factor": rotary.fast}
        more = {f"rope.scaling.{key}": value for key, value in found.items() if value != LLAMA3[key]}
        return more, _divisors(rotary, head_width).tolist()
    found: dict[str, Any] = {"rope.scaling.type": rotary.kind, "rope.scaling.factor": rotary.factor}
    if rotary.kind == "yarn":
        found |= {
            "rope.scaling.original_context_length": rotary.original,
            "rope.scaling.yarn_beta_fast": rotary.fast,
            "rope.scaling.yarn_beta_slow": rotary.slow,
            "rope.scaling.attn_factor": rotary.loudness / _loudness(rotary.factor),
        }
    return found, None


def _loudness(factor: float) -> float:
    """What llama.cpp multiplies by beside attn_factor (YaRN, Peng et al. 2023, §3.4)."""
    return 0.1 * math.log(factor) + 1.0 if factor > 1 else 1.0


def _divisors(rotary: Rotary, head_width: int) -> npt.NDArray[np.float64]:
    plain = msgspec.structs.replace(rotary, kind="default")
    return frequencies(plain, head_width, 1) / frequencies(rotary, head_width, 1)


def _llama3(
    given: Mapping[str, Any], plain: Rotary, head_width: int, divisors: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """The settings whose divisors these are: the factor follows from the pair that is stretched most."""
    original, slow, fast = (above_zero(given, f"rope.scaling.{key}", usual) for key, usual in LLAMA3.items())
    if 2 * len(divisors) != width_turned(plain, head_width) or not (np.isfinite(divisors) & (divisors > 0)).all():
        raise _strange(f"of {len(divisors)} numbers for heads {head_width} wide")
    turns = frequencies(plain, head_width, 1) * original / (2 * math.pi)
    kept = np.clip((turns - slow) / (fast - slow), 0.0, 1.0) if fast > slow else np.ones(len(divisors))
    if kept.min() == 1.0:
        raise _strange("where no pair is slow enough for one")
    most = int(kept.argmin())
    share = 1 / divisors[most] - kept[most]
    factor = float(f"{(1 - kept[most]) / share:.5g}") if share > 0 else 0.0
    found = {"factor": factor, "original": int(original), "slow": slow, "fast": fast}
    if factor <= 0 or not np.allclose(
        _divisors(msgspec.structs.replace(plain, kind="llama3", **found), head_width), divisors, rtol=CLOSE, atol=0
    ):
        raise _strange("that follow from no setting of LLaMA 3's")
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": slow,
        "high_freq_factor": fast,
        "original_max_position_embeddings": int(original),
    }


def _strange(what: str) -> InputError:
    return InputError(
        f"rope_freqs.weight holds divisors of rotary frequencies {what}.",
        value="rope_freqs.weight",
        limit="LLaMA 3's divisors: from 8192 tokens, 1 and 4 turns",
        remedy="Import the model as safetensors with its config.json.",
    )
