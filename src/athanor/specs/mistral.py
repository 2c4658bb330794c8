"""Mistral (Jiang et al. 2023, arXiv:2310.06825): LLaMA with a sliding window."""

from __future__ import annotations

from typing import Any

from athanor.specs import llama_like
from athanor.specs.config import Config, whole
from athanor.specs.decoder import DecoderSpec

MODEL_TYPE = "mistral"
ARCHITECTURE = "MistralForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
key_map = llama_like.key_map


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config."""
    window = whole(config, "sliding_window", 4096) if config.get("sliding_window", 4096) is not None else None
    return llama_like.read(config, MODEL_TYPE, window=window)


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers, vLLM and llama.cpp's converter read. dtype: of the weights beside it."""
    return llama_like.write(spec, MODEL_TYPE, ARCHITECTURE, dtype, sliding_window=spec.window)


# https://huggingface.co/mistralai/Mistral-7B-v0.1/blob/main/config.json
_PUBLISHED = llama_like.config(
    32_000, 32_768, 32, 4096, 32, 8, 14_336, rms_norm_eps=1e-5, rope_theta=10_000.0, sliding_window=4096
)
PRESETS: dict[str, DecoderSpec] = {"mistral-7b": read_config(_PUBLISHED)}
