"""Qwen2 and Qwen2.5 (Qwen Team 2024, arXiv:2407.10671 and 2412.15115): biases on queries, keys and values."""

from __future__ import annotations

from typing import Any

from athanor.specs import llama_like
from athanor.specs.config import Config, refuse, truth, whole
from athanor.specs.decoder import DecoderSpec

MODEL_TYPE = "qwen2"
ARCHITECTURE = "Qwen2ForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
key_map = llama_like.key_map


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config. A window is read where every layer has it."""
    window = None
    if truth(config, "use_sliding_window"):
        kinds = set(config.get("layer_types") or ())
        if kinds != {"sliding_attention"} and (kinds or config.get("max_window_layers") != 0):
            refuse(sorted(kinds) or config.get("max_window_layers"), "a window in some layers only")
        window = whole(config, "sliding_window")
    return llama_like.read(config, MODEL_TYPE, qkv_bias=True, window=window)


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers, vLLM and llama.cpp's converter read. dtype: of the weights beside it."""
    windowed = spec.window is not None
    more = {
        "max_window_layers": 0 if windowed else spec.layers,
        "sliding_window": spec.window,
        "use_sliding_window": windowed,
    }
    return llama_like.write(spec, MODEL_TYPE, ARCHITECTURE, dtype, **more)
