"""CLIP (Radford et al. 2021, arXiv:2103.00020): a causal tower for texts, read at their end, and one for pictures."""

from __future__ import annotations

from typing import Any

from athanor.specs.config import ACTIVATIONS, Config, above_zero, an_id, head_width, one_of, part, whole
from athanor.specs.decoder import DecoderSpec
from athanor.specs.keymap import Rule, both, join, rename
from athanor.specs.towers import TowersSpec
from athanor.specs.trunk import TrunkSpec
from athanor.specs.vision import VisionSpec

MODEL_TYPE = "clip"
ARCHITECTURE = "CLIPModel"
BUFFERS = r"\.embeddings\.position_ids$"
COPIES: dict[str, str] = {}
LAYER = {
    "layer_norm1": "attention_norm", "self_attn.out_proj": "attention.out", "layer_norm2": "mlp_norm",
    "mlp.fc1": "mlp.up", "mlp.fc2": "mlp.down",
}  # fmt: skip
OLD_END = 2
"""What the first configs call the end of a text; there the largest id ends it."""


def read_config(config: Config) -> TowersSpec:
    """The spec of a published config."""
    text = side(config, "text_config")
    end = an_id(text, "eos_token_id", OLD_END)
    return TowersSpec(
        family=MODEL_TYPE,
        text=DecoderSpec(
            family=MODEL_TYPE,
            vocabulary=whole(text, "vocab_size", 49408),
            context=whole(text, "max_position_embeddings", 77),
            learned_positions=True,
            **trunk(text, width=512, inner=2048, heads=8),
        ),
        image=image_spec(side(config, "vision_config"), MODEL_TYPE),
        projection=whole(config, "projection_dim", 512),
        end=None if end in (OLD_END, None) else end,
    )


def side(config: Config, name: str) -> Config:
    """The settings of a tower; the first configs have a second table of them, which goes before."""
    again = {key: value for key, value in part(config, f"{name}_dict").items() if value is not None}
    return {**part(config, name), **again}


def image_spec(config: Config, family: str) -> VisionSpec:
    """The tower for pictures."""
    return VisionSpec(
        family=family,
        image=whole(config, "image_size", 224),
        patch=whole(config, "patch_size", 32),
        channels=whole(config, "num_channels", 3),
        patch_bias=False,
        first_norm=True,
        last_norm=False,
        causal=False,
        **trunk(config, width=768, inner=3072, heads=12),
    )


def trunk(config: Config, width: int, inner: int, heads: int) -> dict[str, Any]:
    """What both towers read; the numbers stand for what a config leaves out."""
    width, heads = whole(config, "hidden_size", width), whole(config, "num_attention_heads", heads)
    return {
        "width": width,
        "layers": whole(config, "num_hidden_layers", 12),
        "heads": heads,
        "kv_heads": heads,
        "head_width": head_width(width, heads),
        "inner": whole(config, "intermediate_size", inner),
        "norm": "layer",
        "norm_epsilon": above_zero(config, "layer_norm_eps", 1e-5),
        "qkv_bias": True,
        "out_bias": True,
        "mlp_bias": True,
        "qk_norm": False,
        "gated": False,
        "activation": one_of(config, "hidden_act", ACTIVATIONS, "quick_gelu"),
        "rotary": None,
    }


def write_config(spec: TowersSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers reads. dtype: of the weights beside it."""
    assert isinstance(spec.text, DecoderSpec)
    text = {
        **write_trunk(spec.text),
        "eos_token_id": OLD_END if spec.end is None else spec.end,
        "max_position_embeddings": spec.text.context,
        "model_type": "clip_text_model",
        "vocab_size": spec.text.vocabulary,
    }
    return write_towers(spec, MODEL_TYPE, ARCHITECTURE, dtype, text)


def write_towers(
    spec: TowersSpec, model_type: str, architecture: str, dtype: str, text: dict[str, Any]
) -> dict[str, Any]:
    """The config of two towers, that of the text given."""
    image = {
        **write_trunk(spec.image),
        "image_size": spec.image.image,
        "model_type": f"{model_type}_vision_model",
        "num_channels": spec.image.channels,
        "patch_size": spec.image.patch,
    }
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "dtype": dtype,
        "projection_dim": spec.projection,
        "text_config": text,
        "torch_dtype": dtype,
        "vision_config": image,
    }


def write_trunk(spec: TrunkSpec) -> dict[str, Any]:
    """What both towers write."""
    return {
        "hidden_act": {"gelu_tanh": "gelu_new"}.get(spec.activation, spec.activation),
        "hidden_size": spec.width,
        "intermediate_size": spec.inner,
        "layer_norm_eps": spec.norm_epsilon,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
    }


def key_map(spec: TowersSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    return [
        rename("text_model.embeddings.token_embedding.weight", "texts.embedding.weight"),
        rename("text_model.embeddings.position_embedding.weight", "texts.positions.weight"),
        *both("text_model.final_layer_norm", "texts.trunk.norm"),
        *_layers(spec.text, "text_model", "texts"),
        *common(spec),
    ]


def common(spec: TowersSpec) -> list[Rule]:
    """All but the tower for texts."""
    return [
        rename("logit_scale", "scale"),
        rename("text_projection.weight", "text_projection.weight"),
        rename("visual_projection.weight", "image_projection.weight"),
        rename("vision_model.embeddings.class_embedding", "pictures.token"),
        rename("vision_model.embeddings.patch_embedding.weight", "pictures.patches.weight"),
        rename("vision_model.embeddings.position_embedding.weight", "pictures.positions"),
        *both("vision_model.pre_layrnorm", "pictures.first_norm"),
        *both("vision_model.post_layernorm", "image_norm"),
        *_layers(spec.image, "vision_model", "pictures"),
    ]


def _layers(spec: TrunkSpec, side: str, our_side: str) -> list[Rule]:
    rules: list[Rule] = []
    for layer in range(spec.layers):
        theirs, ours = f"{side}.encoder.layers.{layer}.", f"{our_side}.trunk.blocks.{layer}."
        for end in ("weight", "bias"):
            parts = [f"{theirs}self_attn.{name}_proj.{end}" for name in "qkv"]
            rules.append(join(parts, f"{ours}attention.qkv.{end}", (spec.width,) * 3))
        for name, our_name in LAYER.items():
            rules += both(theirs + name, ours + our_name)
    return rules
