"""Qwen3 (Qwen Team 2025, arXiv:2505.09388): the family of Athanor's own decoders.

Reads and writes the published `config.json`, says how published tensor names map to ours, and holds presets. The
presets below 0.6 B are our own shapes; the others are the published configs, linked beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from athanor.core.errors import InputError
from athanor.specs.decoder import DecoderSpec
from athanor.specs.keymap import Join, Rename, Rule

MODEL_TYPE = "qwen3"
ARCHITECTURE = "Qwen3ForCausalLM"


def shape(
    layers: int, width: int, heads: int, kv_heads: int, inner: int, head_width: int | None = None
) -> dict[str, int]:
    """A preset: everything of a spec but vocabulary and context."""
    return {
        "layers": layers,
        "width": width,
        "heads": heads,
        "kv_heads": kv_heads,
        "inner": inner,
        "head_width": head_width or width // heads,
    }


# Own shapes are named by their parameters with a vocabulary of 4096. Heads are 64 wide: on a CPU the cost of
# attention grows with the number of heads, not with their width.
PRESETS: dict[str, dict[str, int]] = {
    "qwen3-1m": shape(4, 128, 2, 2, 384),
    "qwen3-3m": shape(6, 192, 3, 3, 512),
    "qwen3-6m": shape(6, 256, 4, 2, 768),
    "qwen3-10m": shape(8, 320, 5, 5, 896),
    "qwen3-14m": shape(8, 384, 6, 3, 1024),
    "qwen3-30m": shape(10, 512, 8, 4, 1536),
    "qwen3-100m": shape(14, 768, 12, 4, 2304),
    "qwen3-300m": shape(24, 1024, 16, 8, 2816),
    # https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json
    "qwen3-0.6b": shape(28, 1024, 16, 8, 3072, 128),
    # https://huggingface.co/Qwen/Qwen3-1.7B/blob/main/config.json
    "qwen3-1.7b": shape(28, 2048, 16, 8, 6144, 128),
}


def from_preset(name: str, vocabulary: int, context: int) -> DecoderSpec:
    """The spec of a preset."""
    at = PRESETS[name]
    return DecoderSpec(
        family=MODEL_TYPE,
        vocabulary=vocabulary,
        context=context,
        layers=at["layers"],
        width=at["width"],
        heads=at["heads"],
        kv_heads=at["kv_heads"],
        inner=at["inner"],
        head_width=at["head_width"],
    )


def read_config(config: Mapping[str, Any]) -> DecoderSpec:
    """The spec of a published config. Both spellings of the rotary settings are read.

    Raises InputError for a setting this page does not know how to honour.
    """
    rope = {**_plain_rope(config, "rope_scaling"), **_plain_rope(config, "rope_parameters")}
    _refuse(config.get("attention_bias"), "attention_bias")
    _refuse(config.get("use_sliding_window"), "use_sliding_window")
    if config.get("partial_rotary_factor", 1) not in (1, None):
        _refuse(config["partial_rotary_factor"], "partial_rotary_factor")
    kinds = config.get("layer_types") or []
    if not isinstance(kinds, list) or any(kind != "full_attention" for kind in kinds):
        _refuse(kinds, "layer_types")
    if config.get("hidden_act", "silu") != "silu":
        _refuse(config["hidden_act"], "hidden_act")
    heads, width = _whole(config, "num_attention_heads"), _whole(config, "hidden_size")
    return DecoderSpec(
        family=MODEL_TYPE,
        vocabulary=_whole(config, "vocab_size"),
        width=width,
        layers=_whole(config, "num_hidden_layers"),
        heads=heads,
        kv_heads=_whole(config, "num_key_value_heads", heads),
        head_width=_whole(config, "head_dim", width // heads),
        inner=_whole(config, "intermediate_size"),
        context=_whole(config, "max_position_embeddings"),
        rope_theta=_above_zero(config, "rope_theta", rope.get("rope_theta") or 10000.0),
        norm_epsilon=_above_zero(config, "rms_norm_eps", 1e-6),
        tied=_truth(config, "tie_word_embeddings"),
    )


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers, vLLM and llama.cpp's converter read. dtype: of the weights beside it."""
    return {
        "architectures": [ARCHITECTURE],
        "model_type": MODEL_TYPE,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "dtype": dtype,
        "head_dim": spec.head_width,
        "hidden_act": "silu",
        "hidden_size": spec.width,
        "initializer_range": 0.02,
        "intermediate_size": spec.inner,
        "max_position_embeddings": spec.context,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
        "num_key_value_heads": spec.kv_heads,
        "rms_norm_eps": spec.norm_epsilon,
        "rope_theta": spec.rope_theta,
        "sliding_window": None,
        "tie_word_embeddings": spec.tied,
        "torch_dtype": dtype,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": spec.vocabulary,
    }


def key_map(spec: DecoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules: list[Rule] = [
        Rename("model.embed_tokens.weight", "embedding.weight"),
        Rename("model.norm.weight", "trunk.norm.weight"),
    ]
    if not spec.tied:
        rules.append(Rename("lm_head.weight", "head.weight"))
    queries, keys = spec.heads * spec.head_width, spec.kv_heads * spec.head_width
    for layer in range(spec.layers):
        theirs, ours = f"model.layers.{layer}.", f"trunk.blocks.{layer}."
        attention, mlp = theirs + "self_attn.", theirs + "mlp."
        rules += [
            Rename(theirs + "input_layernorm.weight", ours + "attention_norm.weight"),
            Join(
                tuple(attention + name + "_proj.weight" for name in "qkv"),
                ours + "attention.qkv.weight",
                (queries, keys, keys),
            ),
            Rename(attention + "q_norm.weight", ours + "attention.q_norm.weight"),
            Rename(attention + "k_norm.weight", ours + "attention.k_norm.weight"),
            Rename(attention + "o_proj.weight", ours + "attention.out.weight"),
            Rename(theirs + "post_attention_layernorm.weight", ours + "mlp_norm.weight"),
            Join((mlp + "gate_proj.weight", mlp + "up_proj.weight"), ours + "mlp.gate_up.weight", (spec.inner,) * 2),
            Rename(mlp + "down_proj.weight", ours + "mlp.down.weight"),
        ]
    return rules


def _plain_rope(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One spelling of the rotary settings, where it asks for nothing but a base."""
    rope = config.get(name) or {}
    if not isinstance(rope, Mapping):
        _refuse(rope, name)
    rest = {key: value for key, value in rope.items() if key not in ("rope_theta", "partial_rotary_factor")}
    if rope.get("partial_rotary_factor", 1) != 1 or any(value not in ("default", None) for value in rest.values()):
        _refuse(rope, name)
    return rope


def _truth(config: Mapping[str, Any], name: str) -> bool:
    value = config.get(name)
    if value is not None and not isinstance(value, bool):
        raise _bad_value(name, value, "true or false")
    return bool(value)


def _refuse(value: Any, name: str) -> None:
    if value:
        raise InputError(
            f"config.json sets {name} to {value!r}, which this version does not run.",
            value=value,
            limit=f"no {name}",
            remedy="Use a checkpoint without it.",
        )


def _whole(config: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = default if config.get(name) is None else config[name]
    if value is None:
        raise InputError(f"config.json lacks {name}.", value=name, remedy="Use the config the model came with.")
    if type(value) is not int or value < 1:
        raise _bad_value(name, value, "a whole number above 0")
    return value


def _above_zero(config: Mapping[str, Any], name: str, default: Any) -> float:
    value = default if config.get(name) is None else config[name]
    if type(value) not in (int, float) or not 0 < value < 1e30:
        raise _bad_value(name, value, "a number above 0")
    return float(value)


def _bad_value(name: str, value: Any, limit: str) -> InputError:
    return InputError(
        f"config.json has {name} {value!r}; {limit} is wanted.",
        value=value,
        limit=limit,
        remedy="Use the config the model came with.",
    )
