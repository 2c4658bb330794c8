"""The Transformer of 2017 (Vaswani et al., arXiv:1706.03762): norms behind, sinusoids, one embedding for both sides.

Tensors are named as `torch.nn.Transformer` names them, with the embedding beside it.
"""

from __future__ import annotations

from typing import Any

from athanor.specs.config import ACTIVATIONS, Config, above_zero, an_id, head_width, one_of, truth, whole
from athanor.specs.encoder_decoder import EncoderDecoderSpec
from athanor.specs.keymap import Part, Rule, both, rename
from athanor.specs.trunk import TrunkSpec

MODEL_TYPE = "transformer"
ARCHITECTURE = "Transformer"
BUFFERS = r"$."
COPIES: dict[str, str] = {}
LAYER = {"linear1": "mlp.up", "linear2": "mlp.down", "norm1": "attention_norm", "self_attn.out_proj": "attention.out"}


def read_config(config: Config) -> EncoderDecoderSpec:
    """The spec of a config; its words are the arguments of `torch.nn.Transformer`."""
    width, heads = whole(config, "d_model"), whole(config, "nhead")
    first = truth(config, "norm_first")
    trunk = {
        "width": width,
        "heads": heads,
        "kv_heads": heads,
        "head_width": head_width(width, heads, "nhead"),
        "inner": whole(config, "dim_feedforward", 2048),
        "norm": "layer",
        "norm_epsilon": above_zero(config, "layer_norm_eps", 1e-5),
        "norm_place": "before" if first else "after",
        "qkv_bias": True,
        "out_bias": True,
        "mlp_bias": True,
        "qk_norm": False,
        "gated": False,
        "activation": one_of(config, "activation", ACTIVATIONS, "relu"),
        "rotary": None,
    }
    return EncoderDecoderSpec(
        family=MODEL_TYPE,
        vocabulary=whole(config, "vocab_size"),
        context=whole(config, "max_position_embeddings", 1024),
        encoder=TrunkSpec(**trunk, layers=whole(config, "num_encoder_layers", 6), causal=False),
        decoder=TrunkSpec(**trunk, layers=whole(config, "num_decoder_layers", 6), cross=True),
        sinusoids=True,
        embedding_scale=width**0.5,
        tied=truth(config, "tie_word_embeddings", True),
        start=an_id(config, "decoder_start_token_id") or 0,
        padding=an_id(config, "pad_token_id"),
    )


def write_config(spec: EncoderDecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that `read_config` reads. dtype: of the weights beside it."""
    trunk = spec.decoder
    return {
        "architectures": [ARCHITECTURE],
        "model_type": MODEL_TYPE,
        "activation": trunk.activation,
        "d_model": trunk.width,
        "decoder_start_token_id": spec.start,
        "dim_feedforward": trunk.inner,
        "dtype": dtype,
        "is_encoder_decoder": True,
        "layer_norm_eps": trunk.norm_epsilon,
        "max_position_embeddings": spec.context,
        "nhead": trunk.heads,
        "norm_first": trunk.norm_place == "before",
        "num_decoder_layers": trunk.layers,
        "num_encoder_layers": spec.encoder.layers,
        "pad_token_id": spec.padding,
        "tie_word_embeddings": spec.tied,
        "torch_dtype": dtype,
        "vocab_size": spec.vocabulary,
    }


def key_map(spec: EncoderDecoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules = [rename("embedding.weight", "embedding.weight")]
    if not spec.tied:
        rules.append(rename("head.weight", "head.weight"))
    return rules + _trunk(spec.encoder, "encoder") + _trunk(spec.decoder, "decoder")


def _trunk(spec: TrunkSpec, side: str) -> list[Rule]:
    rules = both(f"{side}.norm", f"{side}.norm")
    for layer in range(spec.layers):
        theirs, ours = f"{side}.layers.{layer}.", f"{side}.blocks.{layer}."
        for name, our_name in LAYER.items():
            rules += both(theirs + name, ours + our_name)
        rules += [
            rename(f"{theirs}self_attn.in_proj_{end}", f"{ours}attention.qkv.{end}") for end in ("weight", "bias")
        ]
        rules += both(f"{theirs}norm{3 if spec.cross else 2}", ours + "mlp_norm")
        rules += _cross(spec, theirs, ours) if spec.cross else []
    return rules


def _cross(spec: TrunkSpec, theirs: str, ours: str) -> list[Rule]:
    rules = both(theirs + "norm2", ours + "cross_norm") + both(theirs + "multihead_attn.out_proj", ours + "cross.out")
    for end in ("weight", "bias"):
        whole_name, rows = f"{theirs}multihead_attn.in_proj_{end}", spec.width
        rules += [
            Rule(f"{ours}cross.q.{end}", (Part(whole_name, rows, 0),)),
            Rule(f"{ours}cross.kv.{end}", (Part(whole_name, 2 * rows, rows),)),
        ]
    return rules
