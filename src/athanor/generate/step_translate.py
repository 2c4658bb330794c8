"""The step of encoder-decoders: a request's source is read once, then its answer grows row by row.

A slot holds what was made of the source beside the decoder's own keys and values, or its states.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from athanor.generate.scheduler import Work
from athanor.models.encoder_decoder import EncoderDecoder
from athanor.models.recurrent import Reading, Recurrent
from athanor.nn.attention import Source
from athanor.nn.memory import ContiguousMemory

SLOTS = 16
FIRST_SPAN = 64  # positions a slot's memory begins with; it grows with the answer


class TranslateStep:
    """Runs rows of requests that have a source."""

    def __init__(self, network: EncoderDecoder | Recurrent, slots: int = SLOTS) -> None:
        self.context, self.slots = network.spec.context, slots
        self._transformer = network if isinstance(network, EncoderDecoder) else None
        self._recurrent = network if isinstance(network, Recurrent) else None
        self._sources: dict[int, tuple[Source, ContiguousMemory]] = {}
        self._readings: dict[int, Reading] = {}

    @torch.inference_mode()
    def run(self, rows: Sequence[Work]) -> npt.NDArray[np.float32]:
        """Logits (rows, V) after each row's last id."""
        return np.stack([self._row(row).float().numpy() for row in rows])

    @torch.inference_mode()
    def fork(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Copy between slots, (from, to) each: what was made of the source is shared, since nothing writes to it."""
        for slot, twin in pairs:
            if self._recurrent is not None:
                self._readings[twin] = self._readings[slot]
            else:
                source, memory = self._sources[slot]
                self._sources[twin] = source, memory.clone()

    def _row(self, row: Work) -> Tensor:
        """Logits (V,) of one row, whatever the others are."""
        ids = torch.tensor([row.ids])
        if self._recurrent is not None:
            if row.start == 0:
                self._readings[row.slot] = self._recurrent.encode(torch.tensor([row.request.source]))
            logits, self._readings[row.slot] = self._recurrent.decode(ids, self._readings[row.slot])
            return logits[0, -1]
        network = self._transformer
        assert network is not None
        if row.start == 0:
            source = network.encode(torch.tensor([row.request.source]))
            self._sources[row.slot] = source, ContiguousMemory(network.spec.decoder, 1, FIRST_SPAN, network.dtype)
        source, memory = self._sources[row.slot]
        span = row.start + len(row.ids)
        memory.grow(span)
        positions = torch.arange(row.start, span)[None]
        window = memory.window(torch.tensor([0]), positions, span)
        hidden = network.hidden(ids, network.cached(positions, span, source), window)
        return network.logits(hidden[0, -1])
