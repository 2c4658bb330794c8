"""BERT (Devlin et al. 2018, arXiv:1810.04805) with its heads, and what is saved in its names, such as MiniLM."""

from __future__ import annotations

from typing import Any

from athanor.specs import bert_like
from athanor.specs.config import Config
from athanor.specs.encoder import EncoderSpec
from athanor.specs.keymap import Rule

MODEL_TYPE = "bert"
ARCHITECTURE = "BertModel"
BUFFERS, ALIASES = bert_like.BUFFERS, bert_like.ALIASES
PREFIX = "bert."
OUTSIDE = ("cls.", "lm_head.", "classifier", "qa_outputs.")
"""What names of heads begin with, which have no prefix."""
HEADS = {
    "masked.dense": "cls.predictions.transform.dense", "masked.norm": "cls.predictions.transform.LayerNorm",
    "masked.bias": "cls.predictions.bias", "follows": "cls.seq_relationship", "classes": "classifier",
    "tokens": "classifier", "answers": "qa_outputs",
}  # fmt: skip
COPIES = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}


def read_config(config: Config) -> EncoderSpec:
    """The spec of a published config."""
    return bert_like.read(config, MODEL_TYPE, "Bert")


def write_config(spec: EncoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers reads. dtype: of the weights beside it."""
    return bert_like.write(spec, MODEL_TYPE, "Bert", dtype)


def key_map(spec: EncoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    return bert_like.key_map(spec, PREFIX, HEADS)


def fitted(spec: EncoderSpec, names: set[str]) -> EncoderSpec:
    """The spec with the parts that the folder's tensors show."""
    return bert_like.fitted(spec, names, PREFIX, HEADS["follows"], HEADS)


def _published(layers: int, width: int, heads: int, inner: int) -> EncoderSpec:
    shape = {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads}
    return read_config({"vocab_size": 30_522, "intermediate_size": inner, **shape})


PRESETS: dict[str, EncoderSpec] = {
    # https://huggingface.co/google-bert/bert-base-uncased/blob/main/config.json, without the heads it was trained with
    "bert-base": _published(12, 768, 12, 3072),
    "bert-large": _published(24, 1024, 16, 4096),
}
