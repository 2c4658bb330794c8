"""Qwen3 (Qwen Team 2025, arXiv:2505.09388): the family of Athanor's own decoders.

Reads and writes the published `config.json`, says how published tensor names map to ours, and holds presets. The
presets below 0.6 B are our own shapes; the others are the published configs, linked beside them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from athanor.specs import llama_like
from athanor.specs.config import Config, refuse, truth
from athanor.specs.decoder import DecoderSpec

MODEL_TYPE = "qwen3"
ARCHITECTURE = "Qwen3ForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
key_map = llama_like.key_map


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


def _own(layers: int, width: int, heads: int, kv_heads: int, inner: int) -> DecoderSpec:
    """A shape of ours. Small networks read short rows: their time goes into attention otherwise."""
    return DecoderSpec(
        family=MODEL_TYPE,
        vocabulary=4096,
        context=256 if width < 384 else 512 if width < 768 else 1024,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        inner=inner,
        head_width=width // heads,
    )


def _published(layers: int, width: int, heads: int, kv_heads: int, inner: int, tied: bool) -> DecoderSpec:
    shape = llama_like.config(151_936, 40_960, layers, width, heads, kv_heads, inner)
    return read_config({**shape, "head_dim": 128, "rope_theta": 1e6, "tie_word_embeddings": tied})


# Own shapes are named by their parameters with a vocabulary of 4096. Heads are 64 wide: on a CPU the cost of
# attention grows with the number of heads, not with their width.
PRESETS: dict[str, DecoderSpec] = {
    "qwen3-1m": _own(4, 128, 2, 2, 384),
    "qwen3-3m": _own(6, 192, 3, 3, 512),
    "qwen3-6m": _own(6, 256, 4, 2, 768),
    "qwen3-10m": _own(8, 320, 5, 5, 896),
    "qwen3-14m": _own(8, 384, 6, 3, 1024),
    "qwen3-30m": _own(10, 512, 8, 4, 1536),
    "qwen3-100m": _own(14, 768, 12, 4, 2304),
    "qwen3-300m": _own(24, 1024, 16, 8, 2816),
    # https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json, and so on by name
    "qwen3-0.6b": _published(28, 1024, 16, 8, 3072, tied=True),
    "qwen3-1.7b": _published(28, 2048, 16, 8, 6144, tied=True),
    "qwen3-4b": _published(36, 2560, 32, 8, 9728, tied=True),
    "qwen3-8b": _published(36, 4096, 32, 8, 12_288, tied=False),
    "qwen3-14b": _published(40, 5120, 40, 8, 17_408, tied=False),
    "qwen3-32b": _published(64, 5120, 64, 8, 25_600, tied=False),
}


def from_preset(name: str, vocabulary: int, context: int) -> DecoderSpec:
    """The spec of a preset with another vocabulary and context."""
    return msgspec.structs.replace(PRESETS[name], vocabulary=vocabulary, context=context)
