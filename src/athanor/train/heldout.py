"""The held-out loss: nats a predicted token and bits a byte, over documents the network never learns from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from athanor.models.decoder import Decoder
from athanor.objectives.next_token import weighted_nll
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.train.packing import batches, cut, in_order
from athanor.train.tokens import TokenSet

ROWS_AT_A_TIME = 16


@dataclass(frozen=True)
class HeldOut:
    """loss: nats a token. bits_per_byte: bits of all predicted tokens over the bytes they stand for. tokens: how
    many were predicted. read: how many went through the network for it. nan where nothing is held out."""

    loss: float
    bits_per_byte: float
    tokens: int
    read: int


@torch.no_grad()
def measure(
    network: Decoder, tokens: TokenSet, tokenizer: Tokenizer, row_length: int, most_tokens: int | None = None
) -> HeldOut:
    """Measure a network. most_tokens: stop after about as many (the same ones each time)."""
    pieces = cut(tokens, row_length)
    rows = in_order(pieces, row_length)
    if most_tokens is not None:
        rows = rows[: max(1, most_tokens // row_length)]
    sizes = token_sizes(tokenizer)
    nats, count, size = 0.0, 0, 0
    read = int(sum(pieces.length[piece] for row in rows for piece in row))
    for at in range(0, len(rows), ROWS_AT_A_TIME):
        for batch in batches(tokens, pieces, rows[at : at + ROWS_AT_A_TIME], row_length, ROWS_AT_A_TIME):
            frame = network.packed(batch.documents, batch.positions)
            hidden = network.hidden(batch.ids, frame).flatten(0, 1)
            nats += float(weighted_nll(network, hidden, batch.targets.flatten(), batch.weights.flatten()))
            learned = batch.targets[batch.weights > 0]
            count += learned.numel()
            size += int(sizes[learned.numpy()].sum())
    if not count:
        return HeldOut(math.nan, math.nan, 0, read)
    return HeldOut(nats / count, nats / math.log(2) / max(1, size), count, read)


def token_sizes(tokenizer: Tokenizer) -> np.ndarray:
    """UTF-8 bytes each id stands for, (V,) int64; 0 for control tokens."""
    specials = set(tokenizer.specials.values())
    numbers = range(tokenizer.vocabulary)
    return np.array([0 if number in specials else tokenizer.token_bytes(number) for number in numbers], dtype=np.int64)
