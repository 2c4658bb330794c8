"""Training runs whose makers published what they took: the plan is held against these and shows them."""

from __future__ import annotations

from typing import NamedTuple


class Run(NamedTuple):
    """A published run. What its source does not say is None."""

    preset: str
    tokens: float
    source: str
    flops: float | None = None
    hardware: str | None = None
    device_hours: float | None = None
    utilisation: float | None = None
    """As published, over the model's own operations."""
    note: str = ""


_GPT3 = "https://arxiv.org/abs/2005.14165 (tables 2.1, D.1)"
_PALM = "https://arxiv.org/abs/2204.02311 (compute usage, §4.1, appendix B)"
_LLAMA = "https://arxiv.org/abs/2302.13971 (tables 2, 15)"
_LLAMA_2 = "https://arxiv.org/abs/2307.09288 (tables 1, 2)"
_LLAMA_3 = "https://github.com/meta-llama/llama3/blob/main/MODEL_CARD.md"
_LLAMA_31 = "https://arxiv.org/abs/2407.21783 (table 4, §3.2), https://huggingface.co/meta-llama/Llama-3.1-405B"

RUNS = (
    Run("gpt-3-175b", 3e11, _GPT3, flops=3.14e23, note="trained on V100s; their hours were not published"),
    Run("chinchilla-70b", 1.4e12, "https://arxiv.org/abs/2203.15556 (table 3)", flops=5.76e23,
        note="Gopher's budget by the paper's own count"),
    Run("palm-540b", 7.8e11, _PALM, 2.5272e24, "tpu-v4", 6144 * 1200 + 3072 * 336, 0.462,
        "57.8 % counting what was done twice (rematerialisation); the hours hold down time and steps done again"),
    Run("llama-7b", 1e12, _LLAMA, None, "a100-80gb", 82_432),
    Run("llama-13b", 1e12, _LLAMA, None, "a100-80gb", 135_168),
    Run("llama-33b", 1.4e12, _LLAMA, None, "a100-80gb", 530_432),
    Run("llama-65b", 1.4e12, _LLAMA, None, "a100-80gb", 1_022_362),
    Run("llama-2-7b", 2e12, _LLAMA_2, None, "a100-80gb", 184_320),
    Run("llama-2-13b", 2e12, _LLAMA_2, None, "a100-80gb", 368_640),
    Run("llama-2-70b", 2e12, _LLAMA_2, None, "a100-80gb", 1_720_320),
    Run("llama-3-8b", 15e12, _LLAMA_3, None, "h100-80gb", 1_300_000, note="“over” 15e12 tokens"),
    Run("llama-3-70b", 15e12, _LLAMA_3, None, "h100-80gb", 6_400_000, note="“over” 15e12 tokens"),
    Run("llama-3.1-405b", 15.6e12, _LLAMA_31, 3.8e25, "h100-80gb", 30_840_000, 0.41,
        "38 to 43 % by the stage of the run"),
)  # fmt: skip


def published(preset: str) -> Run | None:
    """The run that made a preset."""
    return next((run for run in RUNS if run.preset == preset), None)
