"""GLM-4-0414 (GLM Team 2024, arXiv:2406.12793): norms around attention and MLP, half of each head turned, in pairs."""

from __future__ import annotations

from typing import Any

from athanor.specs import llama_like
from athanor.specs.config import Config, above_zero, truth
from athanor.specs.decoder import DecoderSpec
from athanor.specs.keymap import Pairs, Part, Rule, rename
from athanor.specs.llama_like import ends
from athanor.specs.rotary import Rotary, width_turned

MODEL_TYPE = "glm4"
ARCHITECTURE = "Glm4ForCausalLM"
BUFFERS, COPIES = llama_like.BUFFERS, llama_like.COPIES
NORMS = {
    "input_layernorm": "attention_norm", "post_self_attn_layernorm": "attention_out_norm",
    "post_attention_layernorm": "mlp_norm", "post_mlp_layernorm": "mlp_out_norm",
}  # fmt: skip


def read_config(config: Config) -> DecoderSpec:
    """The spec of a published config."""
    bias = truth(config, "attention_bias")
    turns = llama_like.rotary(config, share=0.5)
    epsilon = above_zero(config, "rms_norm_eps", 1.5625e-07)
    return llama_like.read(config, MODEL_TYPE, norm_place="around", qkv_bias=bias, rotary=turns, norm_epsilon=epsilon)


def write_config(spec: DecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers and vLLM read. dtype: of the weights beside it."""
    # transformers would suppose an id for padding that smaller vocabularies do not have
    more = {"attention_bias": spec.qkv_bias, "pad_token_id": None}
    return llama_like.write(spec, MODEL_TYPE, ARCHITECTURE, dtype, **more)


def key_map(spec: DecoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules = [rename("model.embed_tokens.weight", "embedding.weight"), rename("model.norm.weight", "trunk.norm.weight")]
    if not spec.tied:
        rules.append(rename("lm_head.weight", "head.weight"))
    for layer in range(spec.layers):
        theirs, ours = f"model.layers.{layer}.", f"trunk.blocks.{layer}."
        rules += [rename(f"{theirs}{name}.weight", f"{ours}{our_name}.weight") for name, our_name in NORMS.items()]
        rules += [
            Rule(f"{ours}attention.qkv.{end}", paired(spec, [f"{theirs}self_attn.{name}_proj.{end}" for name in "qkv"]))
            for end in ends(spec.qkv_bias)
        ]
        rules += [
            rename(theirs + "self_attn.o_proj.weight", ours + "attention.out.weight"),
            rename(theirs + "mlp.gate_up_proj.weight", ours + "mlp.gate_up.weight"),
            rename(theirs + "mlp.down_proj.weight", ours + "mlp.down.weight"),
        ]
    return rules


def paired(spec: DecoderSpec, theirs: list[str]) -> tuple[Part, ...]:
    """Queries, keys and values of ours from those of theirs, whose rotary pairs lie side by side."""
    turned = width_turned(spec.rotary or Rotary(), spec.head_width)
    queries, keys, values = theirs
    width, rows = spec.head_width, spec.kv_heads * spec.head_width
    return (
        Part(queries, spec.heads * width, pairs=Pairs(spec.heads, width, turned)),
        Part(keys, rows, pairs=Pairs(spec.kv_heads, width, turned)),
        Part(values, rows),
    )


# https://huggingface.co/THUDM/GLM-4-9B-0414/blob/main/config.json
_PUBLISHED = llama_like.config(
    151_552, 32_768, 40, 4096, 32, 2, 13_696, head_dim=128, rms_norm_eps=1e-5, attention_bias=True
)
PRESETS: dict[str, DecoderSpec] = {"glm-4-9b-0414": read_config(_PUBLISHED)}
