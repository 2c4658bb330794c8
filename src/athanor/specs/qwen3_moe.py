"""Qwen3 with a mixture of experts in place of every MLP (Qwen Team 2025, arXiv:2505.09388)."""

from __future__ import annotations

from typing import Any

from athanor.specs import llama_like
from athanor.specs.config import Config, refuse, truth, whole
from athanor.specs.decoder import DecoderSpec
from athanor.specs.trunk import Experts

MODEL_TYPE = "qwen3_moe"
ARCHITECTURE = "Qwen3MoeForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
key_map = llama_like.key_map


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config whose layers all have experts."""
    refuse(config.get("use_sliding_window"), "use_sliding_window")
    refuse(config.get("mlp_only_layers"), "mlp_only_layers")
    if whole(config, "decoder_sparse_step", 1) != 1:
        refuse(config["decoder_sparse_step"], "decoder_sparse_step")
    experts = Experts(
        number=whole(config, "num_experts", config.get("num_local_experts")),
        chosen=whole(config, "num_experts_per_tok"),
        inner=whole(config, "moe_intermediate_size"),
        normalised=truth(config, "norm_topk_prob"),
    )
    bias = truth(config, "attention_bias")
    return llama_like.read(config, MODEL_TYPE, qk_norm=True, qkv_bias=bias, out_bias=bias, experts=experts)


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers and vLLM read. dtype: of the weights beside it."""
    assert spec.experts is not None
    more = {
        "attention_bias": spec.qkv_bias,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "moe_intermediate_size": spec.experts.inner,
        "norm_topk_prob": spec.experts.normalised,
        "num_experts": spec.experts.number,
        "num_experts_per_tok": spec.experts.chosen,
        "use_sliding_window": False,
    }
    return llama_like.write(spec, MODEL_TYPE, ARCHITECTURE, dtype, **more)


_EXPERTS = {"head_dim": 128, "rope_theta": 1e6, "num_experts": 128, "num_experts_per_tok": 8, "norm_topk_prob": True}
PRESETS: dict[str, DecoderSpec] = {
    name: read_config({**config, **_EXPERTS})
    for name, config in {
        # https://huggingface.co/Qwen/Qwen3-30B-A3B/blob/main/config.json
        "qwen3-30b-a3b": llama_like.config(151_936, 40_960, 48, 2048, 32, 4, 6144, moe_intermediate_size=768),
        # https://huggingface.co/Qwen/Qwen3-235B-A22B/blob/main/config.json
        "qwen3-235b-a22b": llama_like.config(151_936, 40_960, 94, 4096, 64, 4, 12_288, moe_intermediate_size=1536),
    }.items()
}
