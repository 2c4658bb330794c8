"""A small LLaMA-shaped folder, written by hand: its shapes come from the paper's definition, not from our pages."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from athanor.specs import safetensors

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16, "intermediate_size": 40,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50, "rope_theta": 10000.0,
    "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "tie_word_embeddings": False, "torch_dtype": "float32",
}  # fmt: skip

Shapes = dict[str, tuple[int, ...]]
Make = Callable[..., Path]


def llama_shapes() -> Shapes:
    """Published names and shapes of CONFIG."""
    shapes: Shapes = {"model.embed_tokens.weight": (50, 16), "model.norm.weight": (16,), "lm_head.weight": (50, 16)}
    for layer in range(2):
        at = f"model.layers.{layer}."
        shapes |= {
            at + "input_layernorm.weight": (16,), at + "post_attention_layernorm.weight": (16,),
            at + "self_attn.q_proj.weight": (16, 16), at + "self_attn.k_proj.weight": (8, 16),
            at + "self_attn.v_proj.weight": (8, 16), at + "self_attn.o_proj.weight": (16, 16),
            at + "mlp.gate_proj.weight": (40, 16), at + "mlp.up_proj.weight": (40, 16),
            at + "mlp.down_proj.weight": (16, 40),
        }  # fmt: skip
    return shapes


def write_weights(path: Path, shapes: Mapping[str, tuple[int, ...]], values: Mapping[str, bytes] | None = None) -> None:
    """A safetensors file of float32 ones, or of the bytes given."""
    rows = [(name, "F32", shape) for name, shape in shapes.items()]
    ones = {name: np.ones(math.prod(shape), np.float32).tobytes() for name, shape in shapes.items()}
    with path.open("wb") as file:
        safetensors.write(file, rows, [(values or {}).get(name, ones[name]) for name in shapes])


@pytest.fixture
def make_folder(tmp_path: Path) -> Make:
    """make_folder(shards=1, **config) → a whole folder with a licence."""

    def make(shards: int = 1, **more: object) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({**CONFIG, **more}))
        (folder / "LICENSE").write_text("Apache License\n  Version 2.0, January 2004\n")
        shapes = llama_shapes()
        if shards == 1:
            write_weights(folder / "model.safetensors", shapes)
            return folder
        names, placed = list(shapes), {}
        for shard in range(shards):
            file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
            part = names[shard::shards]
            write_weights(folder / file, {name: shapes[name] for name in part})
            placed |= dict.fromkeys(part, file)
        total = 4 * sum(math.prod(shape) for shape in shapes.values())
        index = {"metadata": {"total_size": total}, "weight_map": placed}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        return folder

    return make
