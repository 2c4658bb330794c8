"""Recurrent encoder-decoders (Sutskever et al. 2014, arXiv:1409.3215) with the attention of Bahdanau et al. (2014,
arXiv:1409.0473) or of Luong et al. (2015, arXiv:1508.04025, "general" scores), or none.

Cells are named as `torch.nn.RNN`, `LSTM` and `GRU` name their weights. There is no published config; these words are
ours.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from athanor.specs.config import Config, an_id, one_of, whole
from athanor.specs.keymap import Rule, both, rename
from athanor.specs.trunk import within

MODEL_TYPE = "recurrent"
ARCHITECTURE = "RecurrentEncoderDecoder"
BUFFERS = r"$."
COPIES: dict[str, str] = {}

Cell = Literal["rnn", "lstm", "gru"]
Looks = Literal["none", "bahdanau", "luong"]
CELLS: dict[str, Cell] = {"rnn": "rnn", "lstm": "lstm", "gru": "gru"}
LOOKS: dict[str, Looks] = {"none": "none", "bahdanau": "bahdanau", "luong": "luong"}
MOST = {"source_vocabulary": 1 << 24, "vocabulary": 1 << 24, "width": 1 << 20, "hidden": 1 << 20, "layers": 1 << 8,
        "context": 1 << 22}  # fmt: skip


class RecurrentSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two stacks of cells; the second begins in the state in which the first ended."""

    family: str = MODEL_TYPE
    source_vocabulary: int
    """Rows of the encoder's embedding."""
    vocabulary: int
    """V: rows of the decoder's embedding and of its head."""
    width: int
    """Width of the embeddings."""
    hidden: int
    """D: width of the states."""
    layers: int
    cell: Cell = "lstm"
    attention: Looks = "bahdanau"
    context: int = 1024
    """Longest text on either side, in tokens."""
    start: int = 0
    """The id that an answer begins behind."""
    padding: int | None = None
    """The id that is no text and is not read."""

    def check(self) -> RecurrentSpec:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        for name, most in MOST.items():
            within(name, getattr(self, name), most)
        within("the id that answers begin behind", self.start + 1, self.vocabulary)
        return self


def read_config(config: Config) -> RecurrentSpec:
    """The spec of a config."""
    vocabulary = whole(config, "vocab_size")
    return RecurrentSpec(
        source_vocabulary=whole(config, "source_vocab_size", vocabulary),
        vocabulary=vocabulary,
        width=whole(config, "embedding_size"),
        hidden=whole(config, "hidden_size"),
        layers=whole(config, "num_layers", 1),
        cell=one_of(config, "cell", CELLS, "lstm"),
        attention=one_of(config, "attention", LOOKS, "bahdanau"),
        context=whole(config, "max_position_embeddings", 1024),
        start=an_id(config, "decoder_start_token_id") or 0,
        padding=an_id(config, "pad_token_id"),
    )


def write_config(spec: RecurrentSpec, dtype: str = "float32") -> dict[str, Any]:
    """The config that `read_config` reads. dtype: of the weights beside it."""
    return {
        "architectures": [ARCHITECTURE],
        "model_type": MODEL_TYPE,
        "attention": spec.attention,
        "cell": spec.cell,
        "decoder_start_token_id": spec.start,
        "dtype": dtype,
        "embedding_size": spec.width,
        "hidden_size": spec.hidden,
        "is_encoder_decoder": True,
        "max_position_embeddings": spec.context,
        "num_layers": spec.layers,
        "pad_token_id": spec.padding,
        "source_vocab_size": spec.source_vocabulary,
        "torch_dtype": dtype,
        "vocab_size": spec.vocabulary,
    }


def key_map(spec: RecurrentSpec) -> list[Rule]:
    """Published names ↔ ours, for every tensor of the model."""
    rules = [rename(f"{side}.embedding.weight", f"{side}.embedding.weight") for side in ("encoder", "decoder")]
    for side in ("encoder", "decoder"):
        for layer in range(spec.layers):
            for theirs, ours in (("ih", "input"), ("hh", "state")):
                for end in ("weight", "bias"):
                    published = f"{side}.{spec.cell}.{end}_{theirs}_l{layer}"
                    rules.append(rename(published, f"{side}.layers.{layer}.{ours}.{end}"))
    if spec.attention == "bahdanau":
        rules += [rename(f"attention.{name}.weight", f"attention.{name}.weight") for name in ("query", "key", "score")]
    elif spec.attention == "luong":
        rules.append(rename("attention.key.weight", "attention.key.weight"))
        rules.append(rename("combine.weight", "combine.weight"))
    return rules + both("head", "head")
