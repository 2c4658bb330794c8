"""A recurrent encoder-decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from athanor.nn.recurrent import AdditiveAttention, GeneralAttention, RecurrentLayer, State
from athanor.specs.recurrent import Cell, RecurrentSpec


@dataclass(frozen=True)
class Reading:
    """What the decoder has of a source: every state of the encoder's last layer (B, S, D), −inf where there is no text
    (B, S), and where each of its layers stands now."""

    memory: Tensor
    bias: Tensor
    states: tuple[State, ...]


class Stack(nn.Module):
    """An embedding and layers of cells."""

    def __init__(self, vocabulary: int, width: int, cell: Cell, inputs: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(
            RecurrentLayer(cell, hidden if layer else inputs, hidden) for layer in range(layers)
        )


class Recurrent(nn.Module):
    """source (B, S), target (B, T) → logits (B, T, V)."""

    def __init__(self, spec: RecurrentSpec) -> None:
        super().__init__()
        self.spec = spec
        shape = (spec.hidden, spec.layers)
        self.encoder = Stack(spec.source_vocabulary, spec.width, spec.cell, spec.width, *shape)
        fed = spec.width + (spec.hidden if spec.attention == "bahdanau" else 0)
        self.decoder = Stack(spec.vocabulary, spec.width, spec.cell, fed, *shape)
        if spec.attention == "bahdanau":
            self.attention: nn.Module = AdditiveAttention(spec.hidden)
        elif spec.attention == "luong":
            self.attention = GeneralAttention(spec.hidden)
            self.combine = nn.Linear(2 * spec.hidden, spec.hidden, bias=False)
        self.head = nn.Linear(spec.hidden, spec.vocabulary)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and activations."""
        return self.head.weight.dtype

    def encode(self, source: Tensor) -> Reading:
        """source (B, S) int64 → what the decoder begins with."""
        padding = self.spec.padding
        seen = None if padding is None else source != padding
        bias = torch.zeros(source.shape, dtype=self.dtype)
        if seen is not None:
            bias.masked_fill_(~seen, float("-inf"))
        x, states = self.encoder.embedding(source), []
        for layer in self.encoder.layers:
            assert isinstance(layer, RecurrentLayer)
            x, state = layer(x, layer.fresh(source.shape[0]), seen)
            states.append(state)
        return Reading(x, bias, tuple(states))

    def decode(self, target: Tensor, reading: Reading) -> tuple[Tensor, Reading]:
        """target (B, T) int64 → logits (B, T, V), and where the decoder stands behind it."""
        x = self.decoder.embedding(target)
        if self.spec.attention != "bahdanau":
            x, states = self._layers(x, reading.states)
            if self.spec.attention == "luong":  # looks with what it made (Luong et al. 2015, §3)
                looked = self.attention(x, reading.memory, reading.bias)
                x = torch.tanh(self.combine(torch.cat((looked, x), dim=-1)))
            return self.head(x), Reading(reading.memory, reading.bias, states)
        # Looks with the state it comes from, and reads what it saw (Bahdanau et al. 2014, §3.1): one by one.
        made, states = [], reading.states
        for at in range(target.shape[1]):
            looked = self.attention(states[-1][0][:, None], reading.memory, reading.bias)
            step, states = self._layers(torch.cat((x[:, at : at + 1], looked), dim=-1), states)
            made.append(step)
        return self.head(torch.cat(made, dim=1)), Reading(reading.memory, reading.bias, states)

    def _layers(self, x: Tensor, states: tuple[State, ...]) -> tuple[Tensor, tuple[State, ...]]:
        new = []
        for layer, state in zip(self.decoder.layers, states, strict=True):
            x, state = layer(x, state)
            new.append(state)
        return x, tuple(new)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """source (B, S), target (B, T) int64 → logits (B, T, V)."""
        return self.decode(target, self.encode(source))[0]
