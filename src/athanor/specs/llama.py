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
