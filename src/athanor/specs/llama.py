"""LLaMA 1, 2 and 3.x (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Grattafiori et al. 2024, arXiv:2407.21783)
and what is shaped like it, such as SmolLM2."""

from __future__ import annotations

from typing import Any

from athanor.specs import llama_like
from athanor.specs.config import Config, truth
from athanor.specs.decoder import DecoderSpec

MODEL_TYPE = "llama"
ARCHITECTURE = "LlamaForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
key_map = llama_like.key_map


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config."""
    bias = truth(config, "attention_bias")
    mlp_bias = truth(config, "mlp_bias")
    return llama_like.read(config, MODEL_TYPE, qkv_bias=bias, out_bias=bias, mlp_bias=mlp_bias)


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers, vLLM and llama.cpp's converter read. dtype: of the weights beside it."""
    more = {"attention_bias": spec.qkv_bias, "mlp_bias": spec.mlp_bias}
    return llama_like.write(spec, MODEL_TYPE, ARCHITECTURE, dtype, **more)


_THIRD = {"rope_theta": 500_000.0, "rms_norm_eps": 1e-5}
_STRETCHED = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip
_LONG = {**_THIRD, "rope_scaling": _STRETCHED}
_SMALL = {**_THIRD, "rope_scaling": {**_STRETCHED, "factor": 32.0}, "tie_word_embeddings": True}
_SMOL = {"rms_norm_eps": 1e-5, "rope_theta": 100_000.0, "tie_word_embeddings": True}
_published = llama_like.config
PRESETS: dict[str, DecoderSpec] = {
    name: read_config(config)
    for name, config in {
        # https://huggingface.co/huggyllama/llama-7b/blob/main/config.json, and so on by name
        "llama-7b": _published(32_000, 2048, 32, 4096, 32, 32, 11_008),
        "llama-13b": _published(32_000, 2048, 40, 5120, 40, 40, 13_824),
        "llama-33b": _published(32_000, 2048, 60, 6656, 52, 52, 17_920),
        "llama-65b": _published(32_000, 2048, 80, 8192, 64, 64, 22_016, rms_norm_eps=1e-5),
        # https://huggingface.co/meta-llama/Llama-2-7b-hf/blob/main/config.json
        "llama-2-7b": _published(32_000, 4096, 32, 4096, 32, 32, 11_008, rms_norm_eps=1e-5),
        "llama-2-13b": _published(32_000, 4096, 40, 5120, 40, 40, 13_824, rms_norm_eps=1e-5),
        "llama-2-70b": _published(32_000, 4096, 80, 8192, 64, 8, 28_672, rms_norm_eps=1e-5),
        # https://huggingface.co/meta-llama/Meta-Llama-3-8B/blob/main/config.json
        "llama-3-8b": _published(128_256, 8192, 32, 4096, 32, 8, 14_336, **_THIRD),
        "llama-3-70b": _published(128_256, 8192, 80, 8192, 64, 8, 28_672, **_THIRD),
        # https://huggingface.co/meta-llama/Llama-3.1-8B/blob/main/config.json
        "llama-3.1-8b": _published(128_256, 131_072, 32, 4096, 32, 8, 14_336, **_LONG),
        "llama-3.1-70b": _published(128_256, 131_072, 80, 8192, 64, 8, 28_672, **_LONG),
        "llama-3.1-405b": _published(128_256, 131_072, 126, 16_384, 128, 8, 53_248, **_LONG),
        # https://huggingface.co/meta-llama/Llama-3.2-1B/blob/main/config.json
        "llama-3.2-1b": _published(128_256, 131_072, 16, 2048, 32, 8, 8192, **_SMALL),
        "llama-3.2-3b": _published(128_256, 131_072, 28, 3072, 24, 8, 8192, **_SMALL),
        # https://huggingface.co/HuggingFaceTB/SmolLM2-135M/blob/main/config.json
        "smollm2-135m": _published(49_152, 8192, 30, 576, 9, 3, 1536, **_SMOL),
        "smollm2-360m": _published(49_152, 8192, 32, 960, 15, 5, 2560, **_SMOL),
        "smollm2-1.7b": _published(49_152, 8192, 24, 2048, 32, 32, 8192, **{**_SMOL, "rope_theta": 130_000.0}),
    }.items()
}
