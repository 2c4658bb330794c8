"""Chinese-CLIP (Yang et al. 2022, arXiv:2211.01335): CLIP whose tower for texts is a BERT, read where a text begins."""

from __future__ import annotations

from typing import Any

from athanor.specs import bert_like, clip
from athanor.specs.config import Config, whole
from athanor.specs.encoder import EncoderSpec
from athanor.specs.keymap import Rule, renamed
from athanor.specs.towers import TowersSpec

MODEL_TYPE = "chinese_clip"
ARCHITECTURE = "ChineseCLIPModel"
BUFFERS = clip.BUFFERS
COPIES: dict[str, str] = {}


def read_config(config: Config) -> TowersSpec:
    """The spec of a published config."""
    text = {key: value for key, value in clip.side(config, "text_config").items() if key != "architectures"}
    return TowersSpec(
        family=MODEL_TYPE,
        text=bert_like.read(text, "bert", "Bert", pooler=False),
        image=clip.image_spec(clip.side(config, "vision_config"), MODEL_TYPE),
        projection=whole(config, "projection_dim", 512),
    )


def write_config(spec: TowersSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers reads. dtype: of the weights beside it."""
    assert isinstance(spec.text, EncoderSpec)
    text = bert_like.write(spec.text, "chinese_clip_text_model", "Bert", dtype)
    return clip.write_towers(spec, MODEL_TYPE, ARCHITECTURE, dtype, text)


def key_map(spec: TowersSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    assert isinstance(spec.text, EncoderSpec)
    return [*renamed(bert_like.key_map(spec.text, "text_model.", {}), "texts."), *clip.common(spec)]
