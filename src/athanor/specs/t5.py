"""T5 (Raffel et al. 2019, arXiv:1910.10683), 1.0 (ReLU, tied) and 1.1 (gated, untied), and what is shaped like them."""

from __future__ import annotations

from typing import Any

import msgspec

from athanor.specs.config import ACTIVATIONS, Config, above_zero, an_id, bad_value, one_of, truth, whole
from athanor.specs.encoder_decoder import EncoderDecoderSpec
from athanor.specs.keymap import Rule, join, rename
from athanor.specs.trunk import Activation, Relative, TrunkSpec

MODEL_TYPE = "t5"
ARCHITECTURE = "T5ForConditionalGeneration"
BUFFERS = r"^decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight$"
"""What the first folders carry and no version reads."""
COPIES = {
    "encoder.embed_tokens.weight": "shared.weight", "decoder.embed_tokens.weight": "shared.weight",
    "lm_head.weight": "shared.weight",
}  # fmt: skip
CONTEXT = 512  # tokens the published models were trained on; relative positions bear longer texts


def read_config(config: Config) -> EncoderDecoderSpec:
    """The spec of a published config."""
    width, layers = whole(config, "d_model"), whole(config, "num_layers")
    activation, gated = _projection(config)
    trunk = {
        "width": width,
        "heads": whole(config, "num_heads"),
        "kv_heads": whole(config, "num_heads"),
        "head_width": whole(config, "d_kv"),
        "inner": whole(config, "d_ff"),
        "norm_epsilon": above_zero(config, "layer_norm_epsilon", 1e-6),
        "qk_norm": False,
        "gated": gated,
        "activation": activation,
        "rotary": None,
        "relative": Relative(
            buckets=whole(config, "relative_attention_num_buckets", 32),
            farthest=whole(config, "relative_attention_max_distance", 128),
        ),
        "scaled": False,
    }
    tied = truth(config, "tie_word_embeddings", True)
    return EncoderDecoderSpec(
        family=MODEL_TYPE,
        vocabulary=whole(config, "vocab_size"),
        context=whole(config, "n_positions", CONTEXT),
        encoder=TrunkSpec(**trunk, layers=layers, causal=False),
        decoder=TrunkSpec(**trunk, layers=whole(config, "num_decoder_layers", layers), cross=True),
        head_scale=width**-0.5 if truth(config, "scale_decoder_outputs", tied) else 1.0,
        tied=tied,
        start=an_id(config, "decoder_start_token_id") or 0,
        padding=an_id(config, "pad_token_id", 0),
    )


def _projection(config: Config) -> tuple[Activation, bool]:
    """Activation, and whether it gates: `relu`, `gated-gelu`."""
    word = config.get("feed_forward_proj", "relu")
    if not isinstance(word, str):
        raise bad_value("feed_forward_proj", word, "a name")
    gated = word.startswith("gated-")
    name = word.removeprefix("gated-")
    # T5 1.1 was made with GELU's approximation by tanh, whatever its configs call it.
    words = {"feed_forward_proj": "gelu_new" if word == "gated-gelu" else name}
    return one_of(words, "feed_forward_proj", ACTIVATIONS, "relu"), gated


def write_config(spec: EncoderDecoderSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that transformers reads. dtype: of the weights beside it."""
    trunk = spec.decoder
    relative = trunk.relative or Relative()
    name = {"gelu_tanh": "gelu" if trunk.gated else "gelu_new"}.get(trunk.activation, trunk.activation)
    return {
        "architectures": [ARCHITECTURE],
        "model_type": MODEL_TYPE,
        "d_ff": trunk.inner,
        "d_kv": trunk.head_width,
        "d_model": trunk.width,
        "decoder_start_token_id": spec.start,
        "dtype": dtype,
        "eos_token_id": 1,
        "feed_forward_proj": f"gated-{name}" if trunk.gated else name,
        "is_encoder_decoder": True,
        "layer_norm_epsilon": trunk.norm_epsilon,
        "n_positions": spec.context,
        "num_decoder_layers": trunk.layers,
        "num_heads": trunk.heads,
        "num_layers": spec.encoder.layers,
        "pad_token_id": spec.padding,
        "relative_attention_max_distance": relative.farthest,
        "relative_attention_num_buckets": relative.buckets,
        "scale_decoder_outputs": spec.head_scale != 1.0,
        "tie_word_embeddings": spec.tied,
        "torch_dtype": dtype,
        "vocab_size": spec.vocabulary,
    }


def key_map(spec: EncoderDecoderSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules = [rename("shared.weight", "embedding.weight")]
    if not spec.tied:
        rules.append(rename("lm_head.weight", "head.weight"))
    return rules + _trunk(spec.encoder, "encoder") + _trunk(spec.decoder, "decoder")


def _trunk(spec: TrunkSpec, side: str) -> list[Rule]:
    first = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    rules = [rename(first, f"{side}.relative.weight"), rename(f"{side}.final_layer_norm.weight", f"{side}.norm.weight")]
    rows, last = spec.heads * spec.head_width, 2 if spec.cross else 1
    for layer in range(spec.layers):
        theirs, ours = f"{side}.block.{layer}.layer.", f"{side}.blocks.{layer}."
        looks = theirs + "0.SelfAttention."
        rules += [
            join([f"{looks}{name}.weight" for name in "qkv"], ours + "attention.qkv.weight", (rows,) * 3),
            rename(looks + "o.weight", ours + "attention.out.weight"),
            rename(theirs + "0.layer_norm.weight", ours + "attention_norm.weight"),
            rename(f"{theirs}{last}.layer_norm.weight", ours + "mlp_norm.weight"),
            rename(f"{theirs}{last}.DenseReluDense.wo.weight", ours + "mlp.down.weight"),
            *_up(spec, f"{theirs}{last}.DenseReluDense.", ours + "mlp."),
            *(_cross(rows, theirs + "1.", ours) if spec.cross else ()),
        ]
    return rules


def _up(spec: TrunkSpec, theirs: str, ours: str) -> list[Rule]:
    if spec.gated:
        return [join([theirs + "wi_0.weight", theirs + "wi_1.weight"], ours + "gate_up.weight", (spec.inner,) * 2)]
    return [rename(theirs + "wi.weight", ours + "up.weight")]


def _cross(rows: int, theirs: str, ours: str) -> list[Rule]:
    looks = theirs + "EncDecAttention."
    return [
        rename(theirs + "layer_norm.weight", ours + "cross_norm.weight"),
        rename(looks + "q.weight", ours + "cross.q.weight"),
        join([looks + "k.weight", looks + "v.weight"], ours + "cross.kv.weight", (rows,) * 2),
        rename(looks + "o.weight", ours + "cross.out.weight"),
    ]


def fitted(spec: EncoderDecoderSpec, names: set[str]) -> EncoderDecoderSpec:
    """The spec with the head that the folder's tensors show: new configs call every T5 tied, also one of version 1.1
    whose head is its own; what tells them is that its hidden states are not scaled."""
    own_head = spec.tied and spec.head_scale == 1.0 and "lm_head.weight" in names
    return msgspec.structs.replace(spec, tied=False) if own_head else spec
