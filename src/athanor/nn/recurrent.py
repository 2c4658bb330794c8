"""Recurrent layers: what a cell keeps from one position to the next.

Elman 1990; LSTM, Hochreiter & Schmidhuber 1997 with forget gates (Gers et al. 2000); GRU, Cho et al. 2014
(arXiv:1406.1078), in the form of torch.nn and cuDNN, whose reset gate stands behind the product. A state is a tuple of
(B, D): the output and, for an LSTM, the cell.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from athanor.specs.recurrent import Cell

GATES: dict[Cell, int] = {"rnn": 1, "gru": 3, "lstm": 4}
State = tuple[Tensor, ...]


class RecurrentLayer(nn.Module):
    """x (B, T, I) → the state at every position, (B, T, D), and the state behind the last."""

    def __init__(self, cell: Cell, inputs: int, hidden: int) -> None:
        super().__init__()
        self.cell, self.hidden = cell, hidden
        self.input = nn.Linear(inputs, GATES[cell] * hidden)
        self.state = nn.Linear(hidden, GATES[cell] * hidden)

    def fresh(self, batch: int) -> State:
        """The state in front of the first position."""
        weight = self.state.weight
        return tuple(weight.new_zeros(batch, self.hidden) for _ in range(2 if self.cell == "lstm" else 1))

    def forward(self, x: Tensor, state: State, seen: Tensor | None = None) -> tuple[Tensor, State]:
        """seen (B, T) bool: positions that are text; the state passes the others unchanged."""
        given = self.input(x)  # (B, T, gates · D)
        made = []
        for at in range(x.shape[1]):
            new = self._step(given[:, at], state)
            if seen is not None:
                new = tuple(torch.where(seen[:, at, None], one, old) for one, old in zip(new, state, strict=True))
            state = new
            made.append(state[0])
        return torch.stack(made, dim=1), state

    def _step(self, given: Tensor, state: State) -> State:
        kept = self.state(state[0])
        if self.cell == "rnn":
            return (torch.tanh(given + kept),)
        if self.cell == "gru":
            reset, update, new = given.chunk(3, dim=-1)
            old_reset, old_update, old_new = kept.chunk(3, dim=-1)
            share = torch.sigmoid(update + old_update)
            candidate = torch.tanh(new + torch.sigmoid(reset + old_reset) * old_new)
            return ((1 - share) * candidate + share * state[0],)
        let_in, forget, candidate, out = (given + kept).chunk(4, dim=-1)
        cell = torch.sigmoid(forget) * state[1] + torch.sigmoid(let_in) * torch.tanh(candidate)
        return torch.sigmoid(out) * torch.tanh(cell), cell


class AdditiveAttention(nn.Module):
    """score · tanh(query(q) + key(k)) (Bahdanau et al. 2014, §A.1.2)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, queries: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """queries (B, T, D), memory (B, S, D), bias (B, S) → what is looked at, (B, T, D)."""
        scores = self.score(torch.tanh(self.query(queries)[:, :, None] + self.key(memory)[:, None])).squeeze(-1)
        return torch.softmax(scores + bias[:, None], dim=-1) @ memory


class GeneralAttention(nn.Module):
    """q · key(k) (Luong et al. 2015, §3.1, "general")."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(hidden, hidden, bias=False)

    def forward(self, queries: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """queries (B, T, D), memory (B, S, D), bias (B, S) → what is looked at, (B, T, D)."""
        scores = queries @ self.key(memory).mT
        return torch.softmax(scores + bias[:, None], dim=-1) @ memory
