"""RoBERTa (Liu et al. 2019, arXiv:1907.11692): BERT whose positions begin behind its padding's id."""

from __future__ import annotations

from typing import Any

from athanor.specs import bert_like
from athanor.specs.config import Config, bad_value, refuse, whole
from athanor.specs.encoder import EncoderSpec
from athanor.specs.keymap import Rule

MODEL_TYPE = "roberta"
ARCHITECTURE = "RobertaModel"
BUFFERS, ALIASES = bert_like.BUFFERS, bert_like.ALIASES
PREFIX = "roberta."
OUTSIDE = ("cls.", "lm_head.", "classifier", "qa_outputs.")
"""What names of heads begin with, which have no prefix."""
HEADS = {
    "masked.dense": "lm_head.dense", "masked.norm": "lm_head.layer_norm", "masked.bias": "lm_head.bias",
    "tokens": "classifier", "answers": "qa_outputs",
}  # fmt: skip
CLASSES = {"pooler": "classifier.dense", "classes": "classifier.out_proj"}
"""Of a classifier: a layer over the first position, as in the pooler of others, which it has in place of it."""
COPIES = {
    "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
    "lm_head.decoder.bias": "lm_head.bias",
}


def read_config(config: Config) -> EncoderSpec:
    """The spec of a published config."""
    padding = config.get("pad_token_id", 1)
    if type(padding) is not int or padding < 0:
        raise bad_value("pad_token_id", padding, "an id")
    rows = whole(config, "max_position_embeddings", 512)
    if rows <= padding + 1:
        raise bad_value("max_position_embeddings", rows, f"more than {padding + 1}")
    if "MaskedLM" in str(config.get("architectures")) and config.get("hidden_act", "gelu") != "gelu":
        refuse(config["hidden_act"], "hidden_act with a masked head, whose own is gelu")
    return bert_like.read(
        config, MODEL_TYPE, "Roberta", context=rows - padding - 1, first_position=padding + 1, padding=padding
    )


def write_config(spec: EncoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers reads. dtype: of the weights beside it."""
    return bert_like.write(spec, MODEL_TYPE, "Roberta", dtype)


def key_map(spec: EncoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    return bert_like.key_map(spec, PREFIX, {**HEADS, **(CLASSES if spec.head == "classes" else {})})


def fitted(spec: EncoderSpec, names: set[str]) -> EncoderSpec:
    """The spec with the parts that the folder's tensors show."""
    return bert_like.fitted(spec, names, PREFIX, "none", HEADS)
