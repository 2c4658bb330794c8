"""ChatGLM3 (GLM Team 2024, arXiv:2406.12793) in its own names: queries, keys and values in one matrix, half of each
head turned, in pairs. Its config is read and its weights are mapped; the Python files of its folders are never run."""

from __future__ import annotations

from typing import Any

from athanor.core.errors import InputError
from athanor.specs.config import Config, above_zero, head_width, refuse, truth, whole
from athanor.specs.decoder import DecoderSpec
from athanor.specs.glm4 import paired
from athanor.specs.keymap import Part, Rule, rename
from athanor.specs.llama_like import ends
from athanor.specs.rotary import Rotary

MODEL_TYPE = "chatglm"
ARCHITECTURE = "ChatGLMModel"
BUFFERS = r"(^|\.)rotary_pos_emb\.inv_freq$"
COPIES = {"transformer.output_layer.weight": "transformer.embedding.word_embeddings.weight"}
MATRICES = {
    "self_attention.dense": "attention.out", "mlp.dense_h_to_4h": "mlp.gate_up", "mlp.dense_4h_to_h": "mlp.down",
}  # fmt: skip
NORMS = {"input_layernorm": "attention_norm", "post_attention_layernorm": "mlp_norm"}


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config of the second or third generation."""
    if not truth(config, "rmsnorm", True) or not truth(config, "post_layer_norm", True):
        refuse("false", "rmsnorm or post_layer_norm")
    refuse(config.get("apply_residual_connection_post_layernorm"), "apply_residual_connection_post_layernorm")
    refuse(config.get("pre_seq_len"), "pre_seq_len")
    refuse(config.get("add_bias_linear"), "add_bias_linear")
    if "num_layers" not in config:
        raise InputError(
            "config.json is of the first ChatGLM, which has another network.",
            value=config.get("architectures"),
            limit="ChatGLM2 or ChatGLM3",
            remedy="Use a ChatGLM3 checkpoint.",
        )
    heads = whole(config, "num_attention_heads")
    width = whole(config, "hidden_size")
    return DecoderSpec(
        family=MODEL_TYPE,
        vocabulary=whole(config, "padded_vocab_size"),
        context=whole(config, "seq_length"),
        width=width,
        layers=whole(config, "num_layers"),
        heads=heads,
        kv_heads=whole(config, "multi_query_group_num") if truth(config, "multi_query_attention") else heads,
        head_width=whole(config, "kv_channels") if "kv_channels" in config else head_width(width, heads),
        inner=whole(config, "ffn_hidden_size"),
        norm_epsilon=above_zero(config, "layernorm_epsilon", 1e-5),
        qkv_bias=truth(config, "add_qkv_bias"),
        qk_norm=False,
        rotary=Rotary(theta=10000.0 * above_zero(config, "rope_ratio", 1.0), share=0.5),
        tied=truth(config, "tie_word_embeddings"),
    )


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that ChatGLM3's own code, vLLM and llama.cpp's converter read. dtype: of the weights beside it."""
    rotary = spec.rotary or Rotary()
    return {
        "architectures": [ARCHITECTURE],
        "model_type": MODEL_TYPE,
        "add_bias_linear": False,
        "add_qkv_bias": spec.qkv_bias,
        "apply_residual_connection_post_layernorm": False,
        "ffn_hidden_size": spec.inner,
        "hidden_size": spec.width,
        "kv_channels": spec.head_width,
        "layernorm_epsilon": spec.norm_epsilon,
        "multi_query_attention": spec.kv_heads != spec.heads,
        "multi_query_group_num": spec.kv_heads,
        "num_attention_heads": spec.heads,
        "num_layers": spec.layers,
        "original_rope": True,
        "padded_vocab_size": spec.vocabulary,
        "post_layer_norm": True,
        "rmsnorm": True,
        "rope_ratio": rotary.theta / 10000.0,
        "seq_length": spec.context,
        "tie_word_embeddings": spec.tied,
        "torch_dtype": dtype,
        "use_cache": True,
    }


def key_map(spec: DecoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules = [
        rename("transformer.embedding.word_embeddings.weight", "embedding.weight"),
        rename("transformer.encoder.final_layernorm.weight", "trunk.norm.weight"),
    ]
    if not spec.tied:
        rules.append(rename("transformer.output_layer.weight", "head.weight"))
    for layer in range(spec.layers):
        theirs, ours = f"transformer.encoder.layers.{layer}.", f"trunk.blocks.{layer}."
        rules += [
            rename(f"{theirs}{name}.weight", f"{ours}{our_name}.weight")
            for name, our_name in {**NORMS, **MATRICES}.items()
        ]
        rules += [
            Rule(f"{ours}attention.qkv.{end}", _split(spec, f"{theirs}self_attention.query_key_value.{end}"))
            for end in ends(spec.qkv_bias)
        ]
    return rules


def _split(spec: DecoderSpec, theirs: str) -> tuple[Part, ...]:
    """Queries, keys and values, which stand one below the other in one of theirs."""
    found: list[Part] = []
    at = 0
    for part in paired(spec, [theirs] * 3):
        found.append(Part(theirs, part.size, at, pairs=part.pairs))
        at += part.size or 0
    return tuple(found)


_PUBLISHED: dict[str, Any] = {
    "hidden_size": 4096, "ffn_hidden_size": 13_696, "num_attention_heads": 32, "kv_channels": 128, "seq_length": 8192,
    "multi_query_attention": True, "multi_query_group_num": 2, "add_qkv_bias": True,
}  # fmt: skip
PRESETS: dict[str, DecoderSpec] = {
    # https://huggingface.co/THUDM/chatglm3-6b/blob/main/config.json
    "chatglm3-6b": read_config({**_PUBLISHED, "num_layers": 28, "padded_vocab_size": 65_024}),
    # https://huggingface.co/THUDM/glm-4-9b/blob/main/config.json
    "glm-4-9b": read_config(
        {**_PUBLISHED, "num_layers": 40, "padded_vocab_size": 151_552, "layernorm_epsilon": 1.5625e-07}
    ),
}
