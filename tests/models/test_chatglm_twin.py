"""ChatGLM3 against its formulas, written out in float64 on the tensors as it names them (GLM Team 2024,
arXiv:2406.12793, and the code beside the published weights): no library has a part in it.

RMS norms before; queries, keys and values in one matrix, groups of heads sharing keys; the first half of each head
turned, its numbers in pairs side by side; SwiGLU. Run: pytest tests/models/test_chatglm_twin.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from asking import ids
from safetensors.numpy import load_file
from variants import VARIANTS

from athanor.models.opening import load_network

Array = npt.NDArray[np.float64]
TOLERANCE = 1e-4  # ours is float32


def normed(x: Array, weight: Array) -> Array:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * weight


def turned(x: Array, base: float) -> Array:
    """x (T, heads, K): each pair (2i, 2i + 1) of the first half is a point turned by position · base^(-4i/K)."""
    found, width = x.copy(), x.shape[-1]
    for at in range(len(x)):
        for pair in range(width // 4):
            angle = at * base ** (-4 * pair / width)
            points = x[at, :, 2 * pair] + 1j * x[at, :, 2 * pair + 1]
            points = points * np.exp(1j * angle)
            found[at, :, 2 * pair], found[at, :, 2 * pair + 1] = points.real, points.imag
    return found


def attention(x: Array, weights: dict[str, Array], at: str, config: dict[str, int]) -> Array:
    length, heads, groups, width = len(x), config["num_attention_heads"], config["multi_query_group_num"], 8
    made = x @ weights[at + "query_key_value.weight"].T + weights.get(at + "query_key_value.bias", 0.0)
    queries, keys, values = np.split(made, [heads * width, (heads + groups) * width], axis=-1)
    base = 10000.0 * config.get("rope_ratio", 1)
    queries = turned(queries.reshape(length, heads, width), base)
    keys, values = turned(keys.reshape(length, groups, width), base), values.reshape(length, groups, width)
    found = np.zeros((length, heads, width))
    for head in range(heads):
        group = head // (heads // groups)
        scores = queries[:, head] @ keys[:, group].T / np.sqrt(width)
        scores[np.triu_indices(length, 1)] = -np.inf
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        found[:, head] = shares / shares.sum(-1, keepdims=True) @ values[:, group]
    return found.reshape(length, -1) @ weights[at + "dense.weight"].T


def mlp(x: Array, weights: dict[str, Array], at: str) -> Array:
    gate, up = np.split(x @ weights[at + "dense_h_to_4h.weight"].T, 2, axis=-1)
    return (gate / (1 + np.exp(-gate)) * up) @ weights[at + "dense_4h_to_h.weight"].T


def twin(text: list[int], weights: dict[str, Array], config: dict[str, int]) -> Array:
    """ids → logits (T, V)."""
    x = weights["transformer.embedding.word_embeddings.weight"][text]
    for layer in range(config["num_layers"]):
        at = f"transformer.encoder.layers.{layer}."
        x = x + attention(normed(x, weights[at + "input_layernorm.weight"]), weights, at + "self_attention.", config)
        x = x + mlp(normed(x, weights[at + "post_attention_layernorm.weight"]), weights, at + "mlp.")
    return (
        normed(x, weights["transformer.encoder.final_layernorm.weight"]) @ weights["transformer.output_layer.weight"].T
    )


@pytest.mark.parametrize("name", [name for name in VARIANTS if name.startswith("chatglm3")])
def test_the_twin(name: str, tmp_path: Path) -> None:
    VARIANTS[name].make(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    weights = {key: its.astype(np.float64) for key, its in load_file(tmp_path / "model.safetensors").items()}
    text = ids(40)
    wanted = np.stack([twin(row, weights, config) for row in text.tolist()])
    found = load_network(tmp_path)(text).numpy()
    assert wanted.std() > 0.5
    assert np.abs(found - wanted).max() <= TOLERANCE
