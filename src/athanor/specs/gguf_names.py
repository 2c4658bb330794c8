"""GGUF's tensor names ↔ published names, as key maps whose `ours` is the published name.

A published tensor is one of GGUF's, or one expert's rows of it. Two architectures store more than other names: `llama`
keeps the rotary pairs of queries and keys side by side (Rule's `pairs`, rows stay whole, so packed rows move as they
are), and `gpt2` turns the matrices that are published as (in, out). `{}` stands for the number of a layer or expert.

Names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and gguf-py's tensor_mapping.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from athanor.core.errors import InputError
from athanor.specs.decoder import DecoderSpec
from athanor.specs.keymap import Pairs, Part, Rule

ROTARY_DIVISORS = "rope_freqs.weight"
"""What LLaMA 3's frequencies are divided by; it follows from the config."""

_LLAMA = {
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
    "blk.{}.attn_norm": "model.layers.{}.input_layernorm", "blk.{}.attn_q": "model.layers.{}.self_attn.q_proj",
    "blk.{}.attn_k": "model.layers.{}.self_attn.k_proj", "blk.{}.attn_v": "model.layers.{}.self_attn.v_proj",
    "blk.{}.attn_output": "model.layers.{}.self_attn.o_proj",
    "blk.{}.ffn_norm": "model.layers.{}.post_attention_layernorm", "blk.{}.ffn_gate": "model.layers.{}.mlp.gate_proj",
    "blk.{}.ffn_up": "model.layers.{}.mlp.up_proj", "blk.{}.ffn_down": "model.layers.{}.mlp.down_proj",
}  # fmt: skip
_QWEN3 = _LLAMA | {
    "blk.{}.attn_q_norm": "model.layers.{}.self_attn.q_norm", "blk.{}.attn_k_norm": "model.layers.{}.self_attn.k_norm",
}  # fmt: skip
_EXPERTS = {
    "blk.{}.ffn_gate_inp": "model.layers.{}.mlp.gate",
    **{
        f"blk.{{}}.ffn_{name}_exps": f"model.layers.{{}}.mlp.experts.{{}}.{name}_proj"
        for name in ("gate", "up", "down")
    },
}
_GLM4 = {name: published for name, published in _LLAMA.items() if name != "blk.{}.ffn_gate"} | {
    "blk.{}.post_attention_norm": "model.layers.{}.post_self_attn_layernorm",
    "blk.{}.post_ffw_norm": "model.layers.{}.post_mlp_layernorm",
    "blk.{}.ffn_up": "model.layers.{}.mlp.gate_up_proj",
}
_CHATGLM = {
    "token_embd": "transformer.embedding.word_embeddings", "output_norm": "transformer.encoder.final_layernorm",
    "output": "transformer.output_layer", "blk.{}.attn_norm": "transformer.encoder.layers.{}.input_layernorm",
    "blk.{}.attn_qkv": "transformer.encoder.layers.{}.self_attention.query_key_value",
    "blk.{}.attn_output": "transformer.encoder.layers.{}.self_attention.dense",
    "blk.{}.ffn_norm": "transformer.encoder.layers.{}.post_attention_layernorm",
    "blk.{}.ffn_up": "transformer.encoder.layers.{}.mlp.dense_h_to_4h",
    "blk.{}.ffn_down": "transformer.encoder.layers.{}.mlp.dense_4h_to_h",
}  # fmt: skip
_GPT2 = {
    "token_embd": "transformer.wte", "position_embd": "transformer.wpe", "output_norm": "transformer.ln_f",
    "output": "lm_head", "blk.{}.attn_norm": "transformer.h.{}.ln_1", "blk.{}.attn_qkv": "transformer.h.{}.attn.c_attn",
    "blk.{}.attn_output": "transformer.h.{}.attn.c_proj", "blk.{}.ffn_norm": "transformer.h.{}.ln_2",
    "blk.{}.ffn_up": "transformer.h.{}.mlp.c_fc", "blk.{}.ffn_down": "transformer.h.{}.mlp.c_proj",
}  # fmt: skip
_BERT = {
    "token_embd": "bert.embeddings.word_embeddings", "position_embd": "bert.embeddings.position_embeddings",
    "token_types": "bert.embeddings.token_type_embeddings", "token_embd_norm": "bert.embeddings.LayerNorm",
    "blk.{}.attn_q": "bert.encoder.layer.{}.attention.self.query",
    "blk.{}.attn_k": "bert.encoder.layer.{}.attention.self.key",
    "blk.{}.attn_v": "bert.encoder.layer.{}.attention.self.value",
    "blk.{}.attn_output": "bert.encoder.layer.{}.attention.output.dense",
    "blk.{}.attn_output_norm": "bert.encoder.layer.{}.attention.output.LayerNorm",
    "blk.{}.ffn_up": "bert.encoder.layer.{}.intermediate.dense",
    "blk.{}.ffn_down": "bert.encoder.layer.{}.output.dense",
    "blk.{}.layer_output_norm": "bert.encoder.layer.{}.output.LayerNorm",
}  # fmt: skip
NAMES: Mapping[str, Mapping[str, str]] = {
    "llama": _LLAMA, "qwen2": _LLAMA, "qwen3": _QWEN3, "qwen3moe": _QWEN3 | _EXPERTS, "glm4": _GLM4,
    "chatglm": _CHATGLM, "gpt2": _GPT2, "bert": _BERT,
}  # fmt: skip
"""For each architecture GGUF's names and the published ones, without their last part (weight, bias)."""

_PAIRED = ("blk.{}.attn_q", "blk.{}.attn_k")
_TURNED = ("blk.{}.attn_qkv", "blk.{}.attn_output", "blk.{}.ffn_up", "blk.{}.ffn_down")
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def gguf_rules(architecture: str, spec: DecoderSpec, published: Mapping[str, Sequence[int]]) -> list[Rule]:
    """GGUF's tensors ↔ published ones of these shapes. The parts of one of GGUF's come one behind the other.

    Raises InputError for a published tensor that the architecture has no name for.
    """
    names = {theirs: ours for ours, theirs in NAMES[architecture].items()}
    rules: dict[str, list[Rule]] = {}
    for name, shape in published.items():
        stem, _, end = name.rpartition(".")
        found = names.get(_NUMBER.sub("{}", stem + ".")[:-1])
        if found is None:
            raise InputError(
                f"GGUF has no name for the tensor {name} in the architecture {architecture}.",
                value=name,
                limit=sorted(names),
                remedy="Export as safetensors.",
            )
        layer, *expert = [int(number) for number in _NUMBER.findall(stem + ".")] or [0]
        theirs = f"{found.format(layer)}.{end}"
        part = Part(theirs, transposed=architecture == "gpt2" and found in _TURNED and len(shape) == 2)
        if expert:
            part = Part(theirs, shape[0], expert[0] * shape[0])
        elif architecture == "llama" and found in _PAIRED:
            part = Part(theirs, pairs=_pairs(spec, found))
        rules.setdefault(theirs, []).append(Rule(name, (part,)))
    return [rule for same in rules.values() for rule in same]


def _pairs(spec: DecoderSpec, name: str) -> Pairs:
    """llama.cpp's converter pairs the two halves of each head, whatever share of it is turned."""
    return Pairs(spec.heads if name.endswith("q") else spec.kv_heads, spec.head_width, spec.head_width)
