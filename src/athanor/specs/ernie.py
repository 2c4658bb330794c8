"""ERNIE 1.0 to 3.0 (Sun et al. 2019, arXiv:1904.09223; 2021, arXiv:2107.02137): BERT with an embedding of the task."""

from __future__ import annotations

from typing import Any

from athanor.specs import bert, bert_like
from athanor.specs.config import Config, truth, whole
from athanor.specs.encoder import EncoderSpec
from athanor.specs.keymap import Rule

MODEL_TYPE = "ernie"
ARCHITECTURE = "ErnieModel"
BUFFERS, ALIASES = bert_like.BUFFERS, bert_like.ALIASES
PREFIX = "ernie."
OUTSIDE = ("cls.", "lm_head.", "classifier", "qa_outputs.")
"""What names of heads begin with, which have no prefix."""
COPIES = {
    "cls.predictions.decoder.weight": "ernie.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}


def read_config(config: Config) -> EncoderSpec:
    """The spec of a published config."""
    tasks = whole(config, "task_type_vocab_size", 3) if truth(config, "use_task_id") else 0
    return bert_like.read(config, MODEL_TYPE, "Ernie", tasks=tasks)


def write_config(spec: EncoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers reads. dtype: of the weights beside it."""
    tasks = {"use_task_id": bool(spec.tasks), "task_type_vocab_size": spec.tasks or 3}
    return bert_like.write(spec, MODEL_TYPE, "Ernie", dtype, **tasks)


def key_map(spec: EncoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    return bert_like.key_map(spec, PREFIX, bert.HEADS)


def fitted(spec: EncoderSpec, names: set[str]) -> EncoderSpec:
    """The spec with the parts that the folder's tensors show."""
    return bert_like.fitted(spec, names, PREFIX, bert.HEADS["follows"], bert.HEADS)
