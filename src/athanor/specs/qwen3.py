"""Qwen3 (Qwen Team 2025, arXiv:2505.09388): the family of Athanor's own decoders.

Reads and writes the published `config.json`, says how published tensor names map to ours, and holds presets. The
presets below 0.6 B are our own shapes; the others are the published configs, linked beside them.
"""

from __future__ import annotations

from typing import Any

from athanor.specs import llama_like
from athanor.specs.config import Config, refuse, truth
from athanor.specs.decoder import DecoderSpec

MODEL_TYPE = "qwen3"
ARCHITECTURE = "Qwen3ForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
key_map = llama_like.key_map


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


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config. Raises InputError for a setting this page does not know how to honour."""
    refuse(config.get("use_sliding_window"), "use_sliding_window")
    kinds = config.get("layer_types") or []
    if not isinstance(kinds, list) or any(kind != "full_attention" for kind in kinds):
        refuse(kinds, "layer_types")
    bias = truth(config, "attention_bias")
    return llama_like.read(config, MODEL_TYPE, qk_norm=True, qkv_bias=bias, out_bias=bias)


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers, vLLM and llama.cpp's converter read. dtype: of the weights beside it."""
    more = {"attention_bias": spec.qkv_bias, "sliding_window": None, "use_sliding_window": False}
    return llama_like.write(spec, MODEL_TYPE, ARCHITECTURE, dtype, **more)
