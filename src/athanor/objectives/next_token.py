"""Next token: −log p(target | what came before in its own document), averaged over the targets that count.

Chat fine-tuning is this objective with weight 0 on everything but the assistant's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from athanor.models.decoder import Decoder
from athanor.objectives.batch import Batch

players = ("decoder",)

# Rows of logits made at a time: (CHUNK, V) float32 stays near the cache and out of the peak memory.
CHUNK = 1024


@dataclass(frozen=True)
class Step:
    """Where the loop stands: the step's number and its own random stream."""

    number: int
    generator: torch.Generator


def loss(player: str, networks: Mapping[str, Decoder], batch: Batch, step: Step) -> tuple[Tensor, dict[str, float]]:
    """The loss to differentiate, a float32 scalar; nothing further to report."""
    network = networks[player]
    hidden = network.hidden(batch.ids, network.packed(batch.documents, batch.positions)).flatten(0, 1)  # (B·T, D)
    total = weighted_nll(network, hidden, batch.targets.flatten(), batch.weights.flatten())
    return total / batch.weight, {}


def weighted_nll(network: Decoder, hidden: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Σ weight · −log p(target) in nats, a float32 scalar.

    hidden (M, D), targets (M,) int64, weights (M,) float32. Logits are made only where the weight is not 0.
    """
    counted = weights.nonzero().squeeze(-1)
    hidden, targets, weights = hidden[counted], targets[counted], weights[counted]
    total = torch.zeros((), dtype=torch.float32)
    for part, wanted, weight in zip(hidden.split(CHUNK), targets.split(CHUNK), weights.split(CHUNK), strict=True):
        nll = functional.cross_entropy(network.logits(part).float(), wanted, reduction="none")
        total = total + (nll * weight).sum()
    return total
