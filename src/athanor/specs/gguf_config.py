"""GGUF's metadata ↔ the config.json a model is published with, so that the family pages read and write both.

Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, and what llama.cpp's converter writes. Settings that
would change the network and that no page knows are refused by name. Numbers come back as the shortest that the stored
32 bits stand for: 1e-05, not 9.99999974e-06.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from athanor.core.errors import InputError, nearest
from athanor.specs.config import above_zero, whole
from athanor.specs.decoder import DecoderSpec
from athanor.specs.families import family
from athanor.specs.gguf_rotary import read_scaling, write_scaling
from athanor.specs.rotary import Rotary, width_turned

MODEL_TYPES = {
    "llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3moe": "qwen3_moe", "glm4": "glm4",
    "chatglm": "chatglm", "gpt2": "gpt2", "bert": "bert",
}  # fmt: skip
"""GGUF's architectures by the model type of a published config. Mistral is `llama` with a sliding window."""

_LLAMA = {
    "context_length": "max_position_embeddings", "embedding_length": "hidden_size", "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size", "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads", "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.key_length": "head_dim", "attention.sliding_window": "sliding_window", "rope.freq_base": "rope_theta",
    "vocab_size": "vocab_size",
}  # fmt: skip
_EXPERTS = {
    "expert_count": "num_experts", "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
}  # fmt: skip
_CHATGLM = {
    "context_length": "seq_length", "embedding_length": "hidden_size", "block_count": "num_layers",
    "feed_forward_length": "ffn_hidden_size", "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "multi_query_group_num", "attention.layer_norm_rms_epsilon": "layernorm_epsilon",
    "attention.key_length": "kv_channels", "vocab_size": "padded_vocab_size",
}  # fmt: skip
_GPT2 = {
    "context_length": "n_positions", "embedding_length": "n_embd", "block_count": "n_layer",
    "feed_forward_length": "n_inner", "attention.head_count": "n_head",
    "attention.layer_norm_epsilon": "layer_norm_epsilon", "vocab_size": "vocab_size",
}  # fmt: skip
_BERT = {
    "context_length": "max_position_embeddings", "embedding_length": "hidden_size", "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size", "attention.head_count": "num_attention_heads",
    "attention.layer_norm_epsilon": "layer_norm_eps", "vocab_size": "vocab_size",
}  # fmt: skip
KEYS = {
    "llama": _LLAMA, "qwen2": _LLAMA, "qwen3": _LLAMA, "qwen3moe": _LLAMA | _EXPERTS, "glm4": _LLAMA,
    "chatglm": _CHATGLM, "gpt2": _GPT2, "bert": _BERT,
}  # fmt: skip
"""For each architecture its metadata keys, without its name in front, and the config's keys."""

UNKNOWN = (
    "attn_logit_softcapping", "final_logit_softcapping", "router_logit_softcapping", "attention.scale",
    "attention.clamp_kqv", "attention.max_alibi_bias", "attention.temperature_scale", "attention.shared_kv_layers",
    "attention.sliding_window_pattern", "use_parallel_residual", "swin_norm", "expert_count", "expert_shared_count",
    "expert_group_count", "leading_dense_block_count", "moe_every_n_layers", "interleave_moe_layer_step",
    "nextn_predict_layers", "rope.dimension_sections", "rope.scaling.yarn_log_multiplier",
)  # fmt: skip
"""Settings that change the network and that no page reads; 0 is the same as none."""
UNKNOWN_SCALES = (
    "logit_scale",
    "residual_scale",
    "embedding_scale",
    "expert_weights_scale",
    "rope.scaling.yarn_attn_factor",
)
"""As above; 1 is the same as none too."""


def config_of(
    metadata: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], divisors: Sequence[float] | None = None
) -> dict[str, Any]:
    """The published config. shapes: of GGUF's tensors, by its names. divisors: what `rope_freqs.weight` holds.

    Raises InputError for an architecture or setting that no family page reads.
    """
    name = metadata.get("general.architecture")
    if not isinstance(name, str) or name not in MODEL_TYPES:
        raise _unknown_architecture(name)
    given = {key.removeprefix(name + "."): _short(value) for key, value in metadata.items()}
    _refuse_unknown(name, given)
    config: dict[str, Any] = {"model_type": MODEL_TYPES[name], "tie_word_embeddings": "output.weight" not in shapes}
    config |= {theirs: one(given, key) for key, theirs in KEYS[name].items() if given.get(key) is not None}
    config.setdefault(KEYS[name]["vocab_size"], shapes.get("token_embd.weight", [None])[0])
    for token in ("bos", "eos"):
        if type(metadata.get(f"tokenizer.ggml.{token}_token_id")) is int:
            config[f"{token}_token_id"] = metadata[f"tokenizer.ggml.{token}_token_id"]
    config |= _more(name, given, config, shapes)
    if name not in ("gpt2", "bert"):
        config |= _rotary(name, given, config, divisors)
    return {"architectures": [family(config["model_type"]).ARCHITECTURE], **config}


def metadata_of(spec: Any, shapes: Mapping[str, Sequence[int]]) -> tuple[dict[str, Any], list[float] | None]:
    """The metadata of a spec (all but names and tokenizer), and what `rope_freqs.weight` is to hold.

    Raises InputError where GGUF cannot say what the spec says.
    """
    config = family(spec.family).write_config(spec)
    name = architecture(spec.family)
    found: dict[str, Any] = {"general.architecture": name}
    found |= {f"{name}.{key}": config[ours] for key, ours in KEYS[name].items() if config.get(ours) is not None}
    divisors = None
    if spec.rotary is not None:
        more, divisors = write_scaling(spec.rotary, spec.head_width)
        more |= {
            "rope.freq_base": spec.rotary.theta,
            "rope.dimension_count": width_turned(spec.rotary, spec.head_width),
        }
        found |= {f"{name}.{key}": value for key, value in more.items()}
        found[f"{name}.attention.value_length"] = spec.head_width
    if name == "bert":
        found |= {"bert.attention.causal": False, "tokenizer.ggml.token_type_count": spec.types}
        found |= {} if spec.padding is None else {"tokenizer.ggml.padding_token_id": spec.padding}
    _check_same(spec, config_of(found, shapes, divisors))
    return found, divisors


def architecture(model_type: str) -> str:
    """GGUF's word for a family."""
    names = {theirs: name for name, theirs in MODEL_TYPES.items()} | {"mistral": "llama"}
    if model_type not in names:
        raise InputError(
            f"GGUF is not written for the family {model_type}.",
            value=model_type,
            limit=sorted(names),
            remedy="Export as safetensors.",
        )
    return names[model_type]


def one(given: Mapping[str, Any], key: str) -> Any:
    """A setting that may be listed for each layer, where all are the same."""
    value = given.get(key)
    if not isinstance(value, list):
        return value
    if not value or any(other != value[0] for other in value):
        raise refused(key, str(value)[:100], "one value for all layers")
    return value[0]


def refused(key: str, value: Any, limit: Any) -> InputError:
    """The error for a setting that no page reads."""
    return InputError(
        f"The metadata sets {key} to {value!r}, which this version does not run.",
        value=value,
        limit=limit,
        remedy="Use a model without it.",
    )


def _short(value: Any) -> Any:
    """A number of 32 bits as the shortest that stands for it."""
    if isinstance(value, float) and abs(value) < 3e38 and float(np.float32(value)) == value:
        return float(str(np.float32(value)))
    return value


def _refuse_unknown(name: str, given: Mapping[str, Any]) -> None:
    if given.get("split.count", 0) not in (0, 1):
        raise refused("split.count", given["split.count"], "a model in one file (llama-gguf-split --merge)")
    for key in (*UNKNOWN, *UNKNOWN_SCALES):
        value = given.get(key)
        if key not in KEYS[name] and value and not (key in UNKNOWN_SCALES and value == 1):
            raise refused(f"{name}.{key}", value, f"no {key}")
    if given.get("attention.sliding_window") and name not in ("llama", "qwen2"):
        raise refused(f"{name}.attention.sliding_window", given["attention.sliding_window"], "no window")
    key, value = given.get("attention.key_length"), given.get("attention.value_length")
    if None not in (key, value) and key != value:
        raise refused(f"{name}.attention.value_length", value, f"attention.key_length, {key}")


def _more(name: str, given: Mapping[str, Any], config: dict[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says and GGUF's metadata leaves to its tensors or its architecture."""
    bias = "blk.0.attn_q.bias" in shapes
    if name == "bert":
        types = shapes.get("token_types.weight", [None])[0]
        padding = given.get("tokenizer.ggml.padding_token_id", 0)
        return {"hidden_act": "gelu", "type_vocab_size": types, "pad_token_id": padding, "add_pooling_layer": False}
    if name == "chatglm":
        ratio = {"rope_ratio": above_zero(given, "rope.freq_base", 10000.0) / 10000.0}
        return ratio | {"multi_query_attention": True, "add_qkv_bias": "blk.0.attn_qkv.bias" in shapes}
    if name == "qwen2":
        return {"use_sliding_window": True, "max_window_layers": 0} if config.get("sliding_window") else {}
    if name == "qwen3moe":
        # llama.cpp's graph of this architecture always does the first; the width of plain layers is not used
        width = config.get("intermediate_size") or config.get("moe_intermediate_size")
        return {"norm_topk_prob": True, "attention_bias": bias, "intermediate_size": width}
    if name == "llama" and config.get("sliding_window"):
        return {"model_type": "mistral"}
    mlp_bias = {"mlp_bias": "blk.0.ffn_gate.bias" in shapes} if name == "llama" else {}
    return {} if name == "gpt2" else {"attention_bias": bias, **mlp_bias}


def _rotary(
    name: str, given: Mapping[str, Any], config: Mapping[str, Any], divisors: Sequence[float] | None
) -> dict[str, Any]:
    width = whole(given, "attention.key_length", whole(config, "hidden_size") // whole(config, "num_attention_heads"))
    usual = 0.5 if name in ("glm4", "chatglm") else 1.0
    turned = given.get("rope.dimension_count")
    share = usual if turned is None else whole(given, "rope.dimension_count") / width
    if share != usual and name in ("llama", "chatglm"):
        raise refused(f"{name}.rope.dimension_count", turned, int(usual * width))
    theta = above_zero(given, "rope.freq_base", 10000.0)
    scaling = read_scaling(given, Rotary(theta=theta, share=share), width, divisors)
    if name == "chatglm":
        if scaling is not None:
            raise refused("chatglm.rope.scaling.type", scaling["rope_type"], "none")
        return {}
    found = {"rope_theta": theta, "rope_scaling": scaling}
    return found | ({} if share == 1.0 else {"partial_rotary_factor": share})


def _check_same(spec: DecoderSpec, config: Mapping[str, Any]) -> None:
    """Raise InputError where what was written reads back as another network."""
    again = msgspec.to_builtins(family(config["model_type"]).read_config(config))
    wanted = msgspec.to_builtins(spec)
    for field in sorted(wanted.keys() - {"family"}):
        if not _same(wanted[field], again.get(field)):
            raise InputError(
                f"GGUF's {architecture(spec.family)} has no words for {field} {wanted[field]!r}.",
                value=wanted[field],
                limit=again.get(field),
                remedy="Export as safetensors.",
            )


def _same(one: Any, two: Any) -> bool:
    """Equal, numbers as far as 32 bits go."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_same(one[key], two[key]) for key in one)
    if isinstance(one, float) and isinstance(two, int | float):
        return math.isclose(one, two, rel_tol=1e-6)
    return one == two


def _unknown_architecture(name: Any) -> InputError:
    close = nearest(name, MODEL_TYPES) if isinstance(name, str) else None
    hint = f"The nearest known is {close}. " if close else ""
    return InputError(
        f"general.architecture is {str(name)[:200]!r}, which is no architecture read here.",
        value=str(name)[:200],
        limit=sorted(MODEL_TYPES),
        remedy=f"{hint}Known: {', '.join(sorted(MODEL_TYPES))}.",
    )
