"""What a block does at each position alone: gated or plain, or a mixture of gated experts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from athanor.specs.trunk import Activation, Experts, TrunkSpec


def quick_gelu(x: Tensor) -> Tensor:
    """x · σ(1.702 x), CLIP's approximation of GELU."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "quick_gelu": quick_gelu,
    "relu": functional.relu,
}


class GatedMLP(nn.Module):
    """down(act(gate(x)) · up(x)) (Shazeer 2020, arXiv:2002.05202), gate and up in one product; x (B, T, D) → same."""

    def __init__(self, width: int, inner: int, activation: Activation, bias: bool) -> None:
        super().__init__()
        self.gate_up = nn.Linear(width, 2 * inner, bias=bias)
        self.down = nn.Linear(inner, width, bias=bias)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up(x).chunk(2, dim=-1)  # (B, T, F) each
        return self.down(self.activation(gate) * up)


class PlainMLP(nn.Module):
    """down(act(up(x))); x (B, T, D) → same."""

    def __init__(self, width: int, inner: int, activation: Activation, bias: bool) -> None:
        super().__init__()
        self.up = nn.Linear(width, inner, bias=bias)
        self.down = nn.Linear(inner, width, bias=bias)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.up(x)))


class MixtureMLP(nn.Module):
    """Each position goes through the few gated experts that a router chooses for it, weighted by the router.

    Shazeer et al. 2017, arXiv:1701.06538. x (B, T, D) → same. The experts' matrices stand one below the other.
    """

    def __init__(self, width: int, experts: Experts, activation: Activation) -> None:
        super().__init__()
        self.experts = experts
        self.router = nn.Linear(width, experts.number, bias=False)
        self.gate_up = nn.Parameter(torch.empty(experts.number * 2 * experts.inner, width))
        self.down = nn.Parameter(torch.empty(experts.number * width, experts.inner))
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(0, -2)  # (M, D)
        shares = torch.softmax(self.router(flat), dim=-1, dtype=torch.float32)
        share, chosen = shares.topk(self.experts.chosen, dim=-1)  # (M, chosen)
        if self.experts.normalised:
            share = share / share.sum(-1, keepdim=True)
        gates_ups, downs = self.gate_up.chunk(self.experts.number), self.down.chunk(self.experts.number)
        mixed = torch.zeros_like(flat)
        for number in chosen.unique().tolist():
            rows, place = (chosen == number).nonzero(as_tuple=True)
            gate, up = functional.linear(flat[rows], gates_ups[number]).chunk(2, dim=-1)
            made = functional.linear(self.activation(gate) * up, downs[number])
            mixed.index_add_(0, rows, made * share[rows, place, None].to(made.dtype))
        return mixed.view_as(x)


def mlp(spec: TrunkSpec) -> nn.Module:
    """The MLP of a trunk's blocks."""
    if spec.experts is not None:
        return MixtureMLP(spec.width, spec.experts, spec.activation)
    kind = GatedMLP if spec.gated else PlainMLP
    return kind(spec.width, spec.inner, spec.activation, spec.mlp_bias)
