"""Qwen2 and Qwen2.5 (Qwen Team 2024, arXiv:2407.10671 and 2412.15115): biases on queries, keys and values."""

from __future__ import annotations

from typing import Any

from athanor.specs import llama_like
from athanor.specs.config import Config, bad_value, refuse, truth, whole
from athanor.specs.decoder import DecoderSpec

MODEL_TYPE = "qwen2"
ARCHITECTURE = "Qwen2ForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
key_map = llama_like.key_map


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config. A window is read where every layer has it."""
    window = None
    if truth(config, "use_sliding_window"):
        listed = config.get("layer_types") or []
        if not isinstance(listed, list) or not all(isinstance(kind, str) for kind in listed):
            raise bad_value("layer_types", listed, "a list of names")
        kinds = set(listed)
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


_THETA = {"rope_theta": 1e6}
_TIED = {**_THETA, "tie_word_embeddings": True}
_LARGE = {**_THETA, "rms_norm_eps": 1e-5}
PRESETS: dict[str, DecoderSpec] = {
    name: read_config(config)
    for name, config in {
        # https://huggingface.co/Qwen/Qwen2.5-0.5B/blob/main/config.json, and so on by name
        "qwen2.5-0.5b": llama_like.config(151_936, 32_768, 24, 896, 14, 2, 4864, **_TIED),
        "qwen2.5-1.5b": llama_like.config(151_936, 131_072, 28, 1536, 12, 2, 8960, **_TIED),
        "qwen2.5-3b": llama_like.config(151_936, 32_768, 36, 2048, 16, 2, 11_008, **_TIED),
        "qwen2.5-7b": llama_like.config(152_064, 131_072, 28, 3584, 28, 4, 18_944, **_THETA),
        "qwen2.5-14b": llama_like.config(152_064, 131_072, 48, 5120, 40, 8, 13_824, **_LARGE),
        "qwen2.5-32b": llama_like.config(152_064, 131_072, 64, 5120, 40, 8, 27_648, **_LARGE),
        "qwen2.5-72b": llama_like.config(152_064, 131_072, 80, 8192, 64, 8, 29_568, **_LARGE),
    }.items()
}
