"""GPT-2 (Radford et al. 2019): layer norms, learned positions, biases everywhere, matrices stored (in, out)."""

from __future__ import annotations

from typing import Any

from athanor.specs.config import ACTIVATIONS, Config, above_zero, head_width, one_of, refuse, truth, whole
from athanor.specs.decoder import DecoderSpec
from athanor.specs.keymap import Rule, both, rename, transpose

MODEL_TYPE = "gpt2"
ARCHITECTURE = "GPT2LMHeadModel"
BUFFERS = r"\.attn\.(bias|masked_bias)$"
PREFIX = "transformer."
"""Folders of the bare trunk lack it."""
COPIES = {"lm_head.weight": "transformer.wte.weight"}


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config."""
    refuse(not truth(config, "scale_attn_weights", True), "scale_attn_weights=false")
    refuse(config.get("scale_attn_by_inverse_layer_idx"), "scale_attn_by_inverse_layer_idx")
    refuse(config.get("add_cross_attention"), "add_cross_attention")
    width, heads = whole(config, "n_embd"), whole(config, "n_head")
    return DecoderSpec(
        family=MODEL_TYPE,
        vocabulary=whole(config, "vocab_size"),
        context=whole(config, "n_positions", whole(config, "n_ctx", 1024)),
        width=width,
        layers=whole(config, "n_layer"),
        heads=heads,
        kv_heads=heads,
        head_width=head_width(width, heads, "n_head"),
        inner=whole(config, "n_inner", 4 * width),
        norm="layer",
        norm_epsilon=above_zero(config, "layer_norm_epsilon", 1e-5),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        qk_norm=False,
        gated=False,
        activation=one_of(config, "activation_function", ACTIVATIONS, "gelu_new"),
        rotary=None,
        learned_positions=True,
        tied=truth(config, "tie_word_embeddings", True),
    )


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers and llama.cpp's converter read. dtype: of the weights beside it."""
    return {
        "architectures": [ARCHITECTURE],
        "model_type": MODEL_TYPE,
        "activation_function": {"gelu_tanh": "gelu_new"}.get(spec.activation, spec.activation),
        "dtype": dtype,
        "layer_norm_epsilon": spec.norm_epsilon,
        "n_ctx": spec.context,
        "n_embd": spec.width,
        "n_head": spec.heads,
        "n_inner": spec.inner,
        "n_layer": spec.layers,
        "n_positions": spec.context,
        "tie_word_embeddings": spec.tied,
        "torch_dtype": dtype,
        "vocab_size": spec.vocabulary,
    }


def key_map(spec: DecoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules = [
        rename("transformer.wte.weight", "embedding.weight"),
        rename("transformer.wpe.weight", "positions.weight"),
        *both("transformer.ln_f", "trunk.norm"),
    ]
    if not spec.tied:
        rules.append(rename("lm_head.weight", "head.weight"))
    linear = {
        "attn.c_attn": "attention.qkv", "attn.c_proj": "attention.out", "mlp.c_fc": "mlp.up", "mlp.c_proj": "mlp.down",
    }  # fmt: skip
    for layer in range(spec.layers):
        theirs, ours = f"transformer.h.{layer}.", f"trunk.blocks.{layer}."
        rules += both(theirs + "ln_1", ours + "attention_norm") + both(theirs + "ln_2", ours + "mlp_norm")
        for name, our_name in linear.items():
            rules += [
                transpose(f"{theirs}{name}.weight", f"{ours}{our_name}.weight"),
                rename(f"{theirs}{name}.bias", f"{ours}{our_name}.bias"),
            ]
    return rules


def _published(layers: int, width: int, heads: int) -> DecoderSpec:
    shape = {"n_layer": layers, "n_embd": width, "n_head": heads}
    return read_config({"vocab_size": 50_257, "n_positions": 1024, **shape})


PRESETS: dict[str, DecoderSpec] = {
    # https://huggingface.co/openai-community/gpt2/blob/main/config.json, and so on by name
    "gpt2": _published(12, 768, 12),
    "gpt2-medium": _published(24, 1024, 16),
    "gpt2-large": _published(36, 1280, 20),
    "gpt2-xl": _published(48, 1600, 25),
}
