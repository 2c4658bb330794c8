"""Float32 masters and their update: Muon for the matrices inside blocks, AdamW for everything else.

The network computes in its own precision; gradients are widened, clipped by their common norm and applied to the
masters, which are then written back. With float32 networks masters and parameters are the same storage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from athanor.nn.attention import Attention
from athanor.nn.mlp import GatedMLP
from athanor.train.muon import Muon

BETAS = (0.9, 0.95)
EPSILON = 1e-8
MOMENTUM = 0.95
WEIGHT_DECAY = 0.1
CLIP = 1.0  # largest norm of all gradients together


class Optimiser:
    """One player's parameters and how they move."""

    def __init__(self, network: nn.Module, matrices: bool = True) -> None:
        """matrices: move block matrices by Muon; False: everything by AdamW."""
        self._parameters = dict(network.named_parameters())
        self._masters = {name: _master(parameter) for name, parameter in self._parameters.items()}
        self._views = dict(_block_matrices(network)) if matrices else {}
        owned = {owner for owner, _ in self._views.values()}
        self._muon = Muon(
            {name: self._masters[owner][place] for name, (owner, place) in self._views.items()}, MOMENTUM, WEIGHT_DECAY
        )
        rest = {name: master for name, master in self._masters.items() if name not in owned}
        self._adamw = _adamw(rest)
        self._rest = list(rest)

    @torch.no_grad()
    def step(self, rate: float) -> float:
        """Apply the gradients at this learning rate and clear them; the norm they had. A norm that is no finite
        number changes nothing and is returned as it is."""
        gradients = {name: _gradient(parameter) for name, parameter in self._parameters.items()}
        for parameter in self._parameters.values():
            parameter.grad = None
        norm = float(nn.utils.get_total_norm(gradients.values()))
        if not math.isfinite(norm):
            return norm
        if norm > CLIP:
            for gradient in gradients.values():
                gradient.mul_(CLIP / norm)
        self._muon.step({name: gradients[owner][place] for name, (owner, place) in self._views.items()}, rate)
        for name in self._rest:
            self._masters[name].grad = gradients[name]
        for group in self._adamw.param_groups:
            group["lr"] = rate
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)
        self._write_back()
        return norm

    def masters(self) -> dict[str, Tensor]:
        """The float32 weights by name."""
        return dict(self._masters)

    def state(self) -> dict[str, Tensor]:
        """Everything but the weights that a resumed run needs, by name."""
        found = {f"muon.{name}": moment for name, moment in self._muon.state.items()}
        for name in self._rest:
            kept = self._adamw.state.get(self._masters[name], {})
            found.update({f"adamw.{key}.{name}": cast(Tensor, value) for key, value in kept.items()})
        return found

    @torch.no_grad()
    def restore(self, masters: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
        """Take over weights and state from a checkpoint."""
        for name, master in self._masters.items():
            master.copy_(masters[name])
        for name, moment in self._muon.state.items():
            moment.copy_(state[f"muon.{name}"])
        for name in self._rest:
            keys = ("step", "exp_avg", "exp_avg_sq")
            if f"adamw.step.{name}" in state:
                self._adamw.state[self._masters[name]] = {key: state[f"adamw.{key}.{name}"].clone() for key in keys}
        self._write_back()

    def _write_back(self) -> None:
        for name, parameter in self._parameters.items():
            if parameter.data_ptr() != self._masters[name].data_ptr():
                parameter.data.copy_(self._masters[name])


def _master(parameter: nn.Parameter) -> Tensor:
    return parameter.data if parameter.dtype == torch.float32 else parameter.data.float()


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter, dtype=torch.float32) if parameter.grad is None else parameter.grad.float()


def _adamw(masters: Mapping[str, Tensor]) -> torch.optim.AdamW:
    groups = [
        {"params": [master for master in masters.values() if (master.dim() > 1) is wide], "weight_decay": decay}
        for wide, decay in ((True, WEIGHT_DECAY), (False, 0.0))
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=BETAS, eps=EPSILON, fused=True)


def _block_matrices(network: nn.Module) -> Iterator[tuple[str, tuple[str, slice]]]:
    """(name, (parameter, its rows)) of every matrix inside the blocks; joined ones part by part, since each part
    maps between spaces of its own."""
    for path, module in network.named_modules():
        if isinstance(module, Attention):
            queries, keys = module.heads * module.head_width, module.kv_heads * module.head_width
            yield f"{path}.q", (f"{path}.qkv.weight", slice(0, queries))
            yield f"{path}.k", (f"{path}.qkv.weight", slice(queries, queries + keys))
            yield f"{path}.v", (f"{path}.qkv.weight", slice(queries + keys, queries + 2 * keys))
            yield f"{path}.out", (f"{path}.out.weight", slice(None))
        elif isinstance(module, GatedMLP):
            inner = module.gate_up.weight.shape[0] // 2
            yield f"{path}.gate", (f"{path}.gate_up.weight", slice(0, inner))
            yield f"{path}.up", (f"{path}.gate_up.weight", slice(inner, 2 * inner))
            yield f"{path}.down", (f"{path}.down.weight", slice(None))
