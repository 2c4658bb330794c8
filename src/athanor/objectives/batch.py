"""A micro-batch of packed rows, as every text objective gets it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Rows that hold several documents one after the other.

    ids, targets (B, T) int64: targets are the ids one position later. weights (B, T) float32: how much each target
    counts; 0 for prompts and padding. documents (B, T) int64: equal numbers are one document. positions (B, T)
    int64: from 0 within each document.
    weight: what the loss is divided by: the sum of the weights of the whole optimiser step, so that micro-batches
    add up to the gradient of the joined batch.
    """

    ids: Tensor
    targets: Tensor
    weights: Tensor
    documents: Tensor
    positions: Tensor
    weight: float
