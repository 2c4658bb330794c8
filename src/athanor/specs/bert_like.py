"""What BERT, RoBERTa and ERNIE have in common: names of settings and tensors. The pages say what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from athanor.specs.config import (
    ACTIVATIONS,
    Config,
    above_zero,
    an_id,
    bad_value,
    head_width,
    labels,
    one_of,
    refuse,
    truth,
    whole,
)
from athanor.specs.encoder import EncoderSpec, Head
from athanor.specs.keymap import Rule, both, join, rename

BUFFERS = r"(^|\.)embeddings\.position_ids$"
HEADS: dict[str, tuple[Head | None, bool, bool]] = {
    "Model": (None, False, True), "ForMaskedLM": ("masked", False, False), "ForPreTraining": ("masked", True, True),
    "ForSequenceClassification": ("classes", False, True), "ForTokenClassification": ("tokens", False, False),
    "ForQuestionAnswering": ("answers", False, False),
}  # fmt: skip
"""By the end of an architecture's name: head, next sentence, pooler."""
ALIASES = ((r"\.gamma$", ".weight"), (r"\.beta$", ".bias"))
"""Words that folders of the first years have for norms."""
LAYER = {
    "attention.output.dense": "attention.out", "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "mlp.up", "output.dense": "mlp.down", "output.LayerNorm": "mlp_norm",
}  # fmt: skip


def read(config: Config, family: str, name: str, **more: Any) -> EncoderSpec:
    """The spec of a config of BERT's kind. name: what its architectures' names begin with."""
    refuse(config.get("is_decoder"), "is_decoder")
    if config.get("position_embedding_type", "absolute") != "absolute":
        refuse(config["position_embedding_type"], "position_embedding_type")
    head, next_sentence, pooler = _head(config, name)
    pooler = pooler and truth(config, "add_pooling_layer", True)
    heads, width = whole(config, "num_attention_heads"), whole(config, "hidden_size")
    return EncoderSpec(
        **{
            "family": family,
            "vocabulary": whole(config, "vocab_size"),
            "context": whole(config, "max_position_embeddings", 512),
            "width": width,
            "layers": whole(config, "num_hidden_layers"),
            "heads": heads,
            "kv_heads": heads,
            "head_width": head_width(width, heads),
            "inner": whole(config, "intermediate_size"),
            "norm": "layer",
            "norm_epsilon": above_zero(config, "layer_norm_eps", 1e-12),
            "norm_place": "after",
            "last_norm": False,
            "causal": False,
            "qkv_bias": True,
            "out_bias": True,
            "mlp_bias": True,
            "qk_norm": False,
            "gated": False,
            "activation": one_of(config, "hidden_act", ACTIVATIONS, "gelu"),
            "rotary": None,
            "types": whole(config, "type_vocab_size", 2),
            "padding": an_id(config, "pad_token_id", 0),
            "pooler": pooler,
            "head": head,
            "next_sentence": next_sentence,
            **({"labels": labels(config)} if head in ("classes", "tokens") else {}),
            **more,
        }
    )


def _head(config: Config, name: str) -> tuple[Head | None, bool, bool]:
    named = config.get("architectures") or [f"{name}Model"]
    if not isinstance(named, list) or len(named) != 1 or not isinstance(named[0], str):
        raise bad_value("architectures", named, "a list of one name")
    return one_of({"architectures": named[0].removeprefix(name)}, "architectures", HEADS, "Model")


def write(spec: EncoderSpec, model_type: str, name: str, dtype: str, **more: Any) -> dict[str, Any]:
    """The config of a model of BERT's kind."""
    ends = {(head, follows): end for end, (head, follows, _) in HEADS.items()}
    labels = {"id2label": {str(number): f"LABEL_{number}" for number in range(spec.labels)}}
    return {
        "architectures": [name + ends[spec.head, spec.next_sentence]],
        "model_type": model_type,
        "dtype": dtype,
        "hidden_act": {"gelu_tanh": "gelu_new"}.get(spec.activation, spec.activation),
        "hidden_size": spec.width,
        "intermediate_size": spec.inner,
        "layer_norm_eps": spec.norm_epsilon,
        "max_position_embeddings": spec.first_position + spec.context,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
        "pad_token_id": spec.padding,
        "torch_dtype": dtype,
        "type_vocab_size": spec.types,
        "vocab_size": spec.vocabulary,
        **(labels if spec.head in ("classes", "tokens") else {}),
        **({} if spec.pooler or spec.head is not None else {"add_pooling_layer": False}),
        **more,
    }


def key_map(spec: EncoderSpec, prefix: str, heads: Mapping[str, str]) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model.

    prefix: what the names of the trunk's tensors begin with. heads: layers of heads, published name by ours.
    """
    embeddings = {"word": "embedding", "position": "positions", "token_type": "types", "task_type": "tasks"}
    left_out = {"token_type": not spec.types, "task_type": not spec.tasks}
    rules = [
        rename(f"{prefix}embeddings.{theirs}_embeddings.weight", f"{ours}.weight")
        for theirs, ours in embeddings.items()
        if not left_out.get(theirs)
    ]
    rules += both(prefix + "embeddings.LayerNorm", "embedding_norm")
    for layer in range(spec.layers):
        theirs, ours = f"{prefix}encoder.layer.{layer}.", f"trunk.blocks.{layer}."
        for end in ("weight", "bias"):
            parts = [f"{theirs}attention.self.{name}.{end}" for name in ("query", "key", "value")]
            rules.append(join(parts, f"{ours}attention.qkv.{end}", (spec.heads * spec.head_width,) * 3))
        for name, our_name in LAYER.items():
            rules += both(theirs + name, ours + our_name)
    if spec.pooler:
        rules += both(heads.get("pooler", prefix + "pooler.dense"), "pooler")
    return rules + _heads(spec, heads)


def _heads(spec: EncoderSpec, heads: Mapping[str, str]) -> list[Rule]:
    rules: list[Rule] = []
    if spec.head == "masked":
        rules += both(heads["masked.dense"], "masked.dense") + both(heads["masked.norm"], "masked.norm")
        rules.append(rename(heads["masked.bias"], "masked.bias"))
    elif spec.head is not None:
        rules += both(heads[spec.head], "outputs")
    if spec.next_sentence:
        rules += both(heads["follows"], "follows")
    return rules


def fitted(spec: EncoderSpec, names: set[str], prefix: str, follows: str, heads: Mapping[str, str]) -> EncoderSpec:
    """The spec with the parts that the folder's tensors show: published folders carry poolers and heads that the
    architecture they name does not ask for, or lack the pooler that it does.

    names: of the folder's tensors. follows: the layer for next sentences.
    """
    if spec.head == "classes":
        return spec
    masked = spec.head is None and f"{heads['masked.dense']}.weight" in names
    return msgspec.structs.replace(
        spec,
        pooler=f"{prefix}pooler.dense.weight" in names,
        head="masked" if masked else spec.head,
        next_sentence=f"{follows}.weight" in names,
    )
