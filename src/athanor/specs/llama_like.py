"""What LLaMA, Mistral, Qwen2 and Qwen3 have in common: names of settings and tensors. The pages say what differs."""

from __future__ import annotations

from typing import Any

from athanor.specs.config import (
    ACTIVATIONS,
    Config,
    above_zero,
    head_width,
    one_of,
    refuse,
    rotary,
    truth,
    whole,
    write_rotary,
)
from athanor.specs.decoder import DecoderSpec
from athanor.specs.keymap import Rule, join, rename
from athanor.specs.rotary import Rotary

WORDS = {"silu": "silu", "gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "relu": "relu", "quick_gelu": "quick_gelu"}
BUFFERS = r"\.rotary_emb\.inv_freq$"
"""Tables that older folders carry beside the weights; they follow from the config."""
COPIES = {"lm_head.weight": "model.embed_tokens.weight"}
"""What tied folders may carry a second time."""


def read(config: Config, family: str, **more: Any) -> DecoderSpec:
    """The spec of a published config. more: what the page knows of its family."""
    heads, width = whole(config, "num_attention_heads"), whole(config, "hidden_size")
    turns = more.get("rotary") or rotary(config)
    if "rotary" not in more and turns.share != 1.0:
        refuse(turns.share, "partial_rotary_factor")
    return DecoderSpec(
        **{
            "family": family,
            "vocabulary": whole(config, "vocab_size"),
            "width": width,
            "layers": whole(config, "num_hidden_layers"),
            "heads": heads,
            "kv_heads": whole(config, "num_key_value_heads", heads),
            "head_width": whole(config, "head_dim") if config.get("head_dim") is not None else head_width(width, heads),
            "inner": whole(config, "intermediate_size"),
            "context": whole(config, "max_position_embeddings"),
            "norm_epsilon": above_zero(config, "rms_norm_eps", 1e-6),
            "activation": one_of(config, "hidden_act", ACTIVATIONS, "silu"),
            "rotary": turns,
            "qk_norm": False,
            "tied": truth(config, "tie_word_embeddings"),
            **more,
        }
    )


def config(
    vocabulary: int, context: int, layers: int, width: int, heads: int, kv_heads: int, inner: int, **more: Any
) -> dict[str, Any]:
    """What of a published config its page reads, for presets. more: under its published names."""
    return {
        "vocab_size": vocabulary,
        "max_position_embeddings": context,
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": inner,
        **more,
    }


def write(spec: DecoderSpec, model_type: str, architecture: str, dtype: str, **more: Any) -> dict[str, Any]:
    """The config that transformers, vLLM and llama.cpp's converter read. dtype: of the weights beside it."""
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "attention_dropout": 0.0,
        "dtype": dtype,
        "head_dim": spec.head_width,
        "hidden_act": WORDS[spec.activation],
        "hidden_size": spec.width,
        "initializer_range": 0.02,
        "intermediate_size": spec.inner,
        "max_position_embeddings": spec.context,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
        "num_key_value_heads": spec.kv_heads,
        "rms_norm_eps": spec.norm_epsilon,
        **write_rotary(spec.rotary or Rotary()),
        "tie_word_embeddings": spec.tied,
        "torch_dtype": dtype,
        "use_cache": True,
        "vocab_size": spec.vocabulary,
        **more,
    }


def key_map(spec: DecoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules = [rename("model.embed_tokens.weight", "embedding.weight"), rename("model.norm.weight", "trunk.norm.weight")]
    if not spec.tied:
        rules.append(rename("lm_head.weight", "head.weight"))
    for layer in range(spec.layers):
        theirs, ours = f"model.layers.{layer}.", f"trunk.blocks.{layer}."
        rules += [
            rename(theirs + "input_layernorm.weight", ours + "attention_norm.weight"),
            rename(theirs + "post_attention_layernorm.weight", ours + "mlp_norm.weight"),
            *_attention(spec, theirs + "self_attn.", ours + "attention."),
            *(_mlp if spec.experts is None else _experts)(spec, theirs + "mlp.", ours + "mlp."),
        ]
    return rules


def _attention(spec: DecoderSpec, theirs: str, ours: str) -> list[Rule]:
    queries, keys = spec.heads * spec.head_width, spec.kv_heads * spec.head_width
    rules = [
        join([f"{theirs}{name}_proj.{end}" for name in "qkv"], f"{ours}qkv.{end}", (queries, keys, keys))
        for end in ends(spec.qkv_bias)
    ]
    if spec.qk_norm:
        rules += [rename(f"{theirs}{name}_norm.weight", f"{ours}{name}_norm.weight") for name in "qk"]
    return rules + [rename(f"{theirs}o_proj.{end}", f"{ours}out.{end}") for end in ends(spec.out_bias)]


def _mlp(spec: DecoderSpec, theirs: str, ours: str) -> list[Rule]:
    rules: list[Rule] = []
    for end in ends(spec.mlp_bias):
        parts = [f"{theirs}gate_proj.{end}", f"{theirs}up_proj.{end}"]
        rules += [
            join(parts, f"{ours}gate_up.{end}", (spec.inner,) * 2),
            rename(f"{theirs}down_proj.{end}", f"{ours}down.{end}"),
        ]
    return rules


def _experts(spec: DecoderSpec, theirs: str, ours: str) -> list[Rule]:
    assert spec.experts is not None
    number = spec.experts.number
    gates = [f"{theirs}experts.{at}.{name}_proj.weight" for at in range(number) for name in ("gate", "up")]
    downs = [f"{theirs}experts.{at}.down_proj.weight" for at in range(number)]
    return [
        rename(theirs + "gate.weight", ours + "router.weight"),
        join(gates, ours + "gate_up", (spec.experts.inner,) * 2 * number),
        join(downs, ours + "down", (spec.width,) * number),
    ]


def ends(bias: bool) -> tuple[str, ...]:
    """The last parts of a layer's tensor names."""
    return ("weight", "bias") if bias else ("weight",)
