"""ViT (Dosovitskiy et al. 2020, arXiv:2010.11929)."""

from __future__ import annotations

from typing import Any

from athanor.specs.config import (
    ACTIVATIONS,
    Config,
    above_zero,
    bad_value,
    head_width,
    labels,
    one_of,
    refuse,
    truth,
    whole,
)
from athanor.specs.keymap import Part, Rule, both, join
from athanor.specs.vision import VisionSpec

MODEL_TYPE = "vit"
ARCHITECTURE = "ViTForImageClassification"
BUFFERS = r"$."
COPIES: dict[str, str] = {}
PREFIX = "vit."
LAYER = {
    "layernorm_before": "attention_norm", "attention.output.dense": "attention.out", "layernorm_after": "mlp_norm",
    "intermediate.dense": "mlp.up", "output.dense": "mlp.down",
}  # fmt: skip
HEADS = {"ViTForImageClassification": True, "ViTModel": False}
"""Whether an architecture tells classes apart."""


def read_config(config: Config) -> VisionSpec:
    """The spec of a published config."""
    if not truth(config, "qkv_bias", True):
        refuse("false", "qkv_bias")
    if config.get("pooler_act", "tanh") != "tanh":
        refuse(config["pooler_act"], "pooler_act")
    named = config.get("architectures") or [ARCHITECTURE]
    if not isinstance(named, list) or len(named) != 1:
        raise bad_value("architectures", named, "a list of one name")
    classes = one_of({"architectures": named[0]}, "architectures", HEADS, ARCHITECTURE)
    heads, width = whole(config, "num_attention_heads"), whole(config, "hidden_size")
    return VisionSpec(
        family=MODEL_TYPE,
        width=width,
        layers=whole(config, "num_hidden_layers"),
        heads=heads,
        kv_heads=heads,
        head_width=head_width(width, heads),
        inner=whole(config, "intermediate_size"),
        norm="layer",
        norm_epsilon=above_zero(config, "layer_norm_eps", 1e-12),
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
        qk_norm=False,
        gated=False,
        activation=one_of(config, "hidden_act", ACTIVATIONS, "gelu"),
        rotary=None,
        causal=False,
        image=whole(config, "image_size", 224),
        patch=whole(config, "patch_size", 16),
        channels=whole(config, "num_channels", 3),
        pooler=not classes,
        labels=labels(config) if classes else None,
    )


def write_config(spec: VisionSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers reads. dtype: of the weights beside it."""
    names = {"id2label": {str(number): f"LABEL_{number}" for number in range(spec.labels)}} if spec.labels else {}
    return {
        "architectures": [ARCHITECTURE if spec.labels else "ViTModel"],
        "model_type": MODEL_TYPE,
        "dtype": dtype,
        "hidden_act": {"gelu_tanh": "gelu_new"}.get(spec.activation, spec.activation),
        "hidden_size": spec.width,
        "image_size": spec.image,
        "intermediate_size": spec.inner,
        "layer_norm_eps": spec.norm_epsilon,
        "num_attention_heads": spec.heads,
        "num_channels": spec.channels,
        "num_hidden_layers": spec.layers,
        "patch_size": spec.patch,
        "qkv_bias": True,
        "torch_dtype": dtype,
        **names,
    }


def key_map(spec: VisionSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    at = PREFIX + "embeddings."
    rules = [
        Rule("token", (Part(at + "cls_token", lead=2),)),
        Rule("positions", (Part(at + "position_embeddings", lead=1),)),
        *both(at + "patch_embeddings.projection", "patches"),
        *both(PREFIX + "layernorm", "trunk.norm"),
    ]
    for layer in range(spec.layers):
        theirs, ours = f"{PREFIX}encoder.layer.{layer}.", f"trunk.blocks.{layer}."
        for end in ("weight", "bias"):
            parts = [f"{theirs}attention.attention.{name}.{end}" for name in ("query", "key", "value")]
            rules.append(join(parts, f"{ours}attention.qkv.{end}", (spec.width,) * 3))
        for name, our_name in LAYER.items():
            rules += both(theirs + name, ours + our_name)
    rules += both(PREFIX + "pooler.dense", "pooler") if spec.pooler else []
    return rules + (both("classifier", "head") if spec.labels else [])
