"""Networks to compare with where no library has the whole family: torch's own modules put together as the papers say.

Their parameters are named as our pages publish them. ChatGLM3 is transformers' GLM under ChatGLM3's names.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PADDING = 0


class Transformer2017(nn.Transformer):
    """torch.nn.Transformer between an embedding times √D with sinusoids (Vaswani et al. 2017, §3.4–3.5) and a head."""

    def __init__(self, vocabulary: int, width: int, tied: bool, **shape: int | bool) -> None:
        super().__init__(d_model=width, dropout=0.0, batch_first=True, **shape)  # type: ignore[arg-type]
        self.encoder.enable_nested_tensor = False  # a prototype of torch's that warns
        self.embedding = nn.Embedding(vocabulary, width)
        if not tied:
            self.head = nn.Linear(width, vocabulary, bias=False)

    def entering(self, ids: Tensor) -> Tensor:
        """ids (B, T) → (B, T, D)."""
        width = self.embedding.embedding_dim
        made = self.embedding(ids) * math.sqrt(width)
        for at in range(ids.shape[1]):
            for pair in range(width // 2):
                angle = at / 10000 ** (2 * pair / width)
                made[:, at, 2 * pair] += math.sin(angle)
                made[:, at, 2 * pair + 1] += math.cos(angle)
        return made

    def forward(self, source: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """source (B, S), target (B, T) → logits (B, T, V)."""
        unread, ahead = source == PADDING, torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
        memory = self.encoder(self.entering(source), src_key_padding_mask=unread)
        hidden = self.decoder(self.entering(target), memory, tgt_mask=ahead, memory_key_padding_mask=unread)
        return nn.functional.linear(hidden, self.embedding.weight if not hasattr(self, "head") else self.head.weight)


class RecurrentReference(nn.Module):
    """torch.nn.RNN, LSTM or GRU on both sides, with attention written out row by row."""

    encoder: Any
    decoder: Any
    attention: Any

    def __init__(self, cell: str, looks: str, vocabulary: int, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.cell, self.looks = cell, looks
        fed = width + hidden * (looks == "bahdanau")
        for side, inputs in (("encoder", width), ("decoder", fed)):
            made = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](inputs, hidden, layers, batch_first=True)
            self.add_module(side, nn.ModuleDict({"embedding": nn.Embedding(vocabulary, width), cell: made}))
        if looks == "bahdanau":
            rows = {"query": hidden, "key": hidden, "score": 1}
            self.attention = nn.ModuleDict({name: nn.Linear(hidden, out, bias=False) for name, out in rows.items()})
        elif looks == "luong":
            self.attention = nn.ModuleDict({"key": nn.Linear(hidden, hidden, bias=False)})
            self.combine = nn.Linear(2 * hidden, hidden, bias=False)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """source (B, S), padded behind, target (B, T) → logits (B, T, V)."""
        lengths = (source != PADDING).sum(1)
        packed = pack_padded_sequence(self.encoder["embedding"](source), lengths, True, enforce_sorted=False)
        made, state = self.encoder[self.cell](packed)
        memory, _ = pad_packed_sequence(made, batch_first=True, total_length=source.shape[1])
        steps = []
        for at in range(target.shape[1]):
            x = self.decoder["embedding"](target[:, at])
            if self.looks == "bahdanau":
                last = (state[0] if self.cell == "lstm" else state)[-1]
                x = torch.cat((x, self._looked(last, memory, lengths)), dim=-1)
            out, state = self.decoder[self.cell](x[:, None], state)
            hidden = out[:, 0]
            if self.looks == "luong":
                hidden = torch.tanh(self.combine(torch.cat((self._looked(hidden, memory, lengths), hidden), dim=-1)))
            steps.append(self.head(hidden))
        return torch.stack(steps, dim=1)

    def _looked(self, query: Tensor, memory: Tensor, lengths: Tensor) -> Tensor:
        """query (B, D) → the mean of each row's text, weighed by its scores, (B, D)."""
        found = []
        for row, length in enumerate(lengths.tolist()):
            states = memory[row, :length]  # (S, D)
            scores = self._scores(query[row], states)
            found.append((torch.softmax(scores, dim=0)[:, None] * states).sum(0))
        return torch.stack(found)

    def _scores(self, query: Tensor, states: Tensor) -> Tensor:
        keys = self.attention["key"](states)
        if self.looks == "luong":
            return keys @ query
        return self.attention["score"](torch.tanh(self.attention["query"](query) + keys))[:, 0]


GLM_NAMES = {
    "model.embed_tokens.weight": "transformer.embedding.word_embeddings.weight",
    "model.norm.weight": "transformer.encoder.final_layernorm.weight",
    "lm_head.weight": "transformer.output_layer.weight",
}
GLM_LAYER = {
    "input_layernorm": "input_layernorm", "post_attention_layernorm": "post_attention_layernorm",
    "self_attn.o_proj": "self_attention.dense", "mlp.gate_up_proj": "mlp.dense_h_to_4h",
    "mlp.down_proj": "mlp.dense_4h_to_h",
}  # fmt: skip


def chatglm_tensors(glm: nn.Module, layers: int, biases: bool) -> dict[str, Tensor]:
    """The weights of transformers' GlmForCausalLM under ChatGLM3's names; queries, keys and values one below the other,
    and the table of wavelengths that its folders carry."""
    theirs = glm.state_dict()
    found = {name: theirs[old] for old, name in GLM_NAMES.items() if old in theirs}
    for layer in range(layers):
        old, new = f"model.layers.{layer}.", f"transformer.encoder.layers.{layer}."
        found.update({f"{new}{name}.weight": theirs[f"{old}{part}.weight"] for part, name in GLM_LAYER.items()})
        for end in ("weight", "bias") if biases else ("weight",):
            parts = [theirs[f"{old}self_attn.{part}_proj.{end}"] for part in "qkv"]
            found[f"{new}self_attention.query_key_value.{end}"] = torch.cat(parts)
    found["transformer.rotary_pos_emb.inv_freq"] = torch.ones(2)
    return found


def chatglm_config(width: int, inner: int, layers: int, heads: int, groups: int, **more: object) -> dict[str, object]:
    """What ChatGLM3's config.json says, in its own words."""
    return {
        "model_type": "chatglm", "architectures": ["ChatGLMModel"], "add_bias_linear": False, "add_qkv_bias": True,
        "auto_map": {"AutoModel": "modeling_chatglm.ChatGLMForConditionalGeneration"},
        "apply_query_key_layer_scaling": True, "apply_residual_connection_post_layernorm": False,
        "ffn_hidden_size": inner, "hidden_size": width, "kv_channels": width // heads, "layernorm_epsilon": 1e-5,
        "multi_query_attention": True, "multi_query_group_num": groups, "num_attention_heads": heads,
        "num_layers": layers, "original_rope": True, "post_layer_norm": True, "rmsnorm": True, "torch_dtype": "float32",
        "tie_word_embeddings": False, **more,
    }  # fmt: skip
