"""The torch step: any decoder, any precision torch computes in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from athanor.core.errors import ResourceError
from athanor.core.hardware import cores
from athanor.generate.scheduler import Work
from athanor.models.decoder import Decoder
from athanor.nn.memory import ContiguousMemory

MEMORY_BYTES = 256 << 20  # keys and values of all slots keep below this; one slot is had whatever it takes
MOST_SLOTS = 64
FIRST_SPAN = 512  # positions a memory begins with; it grows with the longest text, a context may never be used up
SPAN_STEP = 32  # keys are looked at in multiples of this, so that shapes repeat


class TorchStep:
    """Runs rows of requests through a network with its key/value memory."""

    def __init__(self, network: Decoder, slots: int = MOST_SLOTS) -> None:
        # By default torch counts the machine's cores, also where a control group grants fewer: then its threads wait
        # for one another. Never more than it has: a caller may have chosen fewer.
        torch.set_num_threads(min(torch.get_num_threads(), cores()))
        spec = network.spec
        self._network = network
        self._dtype = dtype = network.embedding.weight.dtype
        row = 2 * spec.layers * spec.kv_heads * spec.head_width * spec.context * dtype.itemsize
        self.context = spec.context
        self.slots = max(1, min(slots, MEMORY_BYTES // row))
        self._memory = self._new_memory(self.slots, min(spec.context, FIRST_SPAN))
        self._written: dict[int, int] = {}
        """Positions of each slot that hold something."""

    @torch.inference_mode()
    def run(self, rows: Sequence[Work]) -> npt.NDArray[np.float32]:
        """Logits (rows, V) after each row's last id."""
        lengths = torch.tensor([len(row.ids) for row in rows])
        starts = torch.tensor([row.start for row in rows])
        longest = int(lengths.max())
        ids = torch.zeros(len(rows), longest, dtype=torch.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row.ids)] = torch.tensor(row.ids)
        # Padding repeats a row's last position: it writes there before the row's own next id does, and sees only
        # what that position may see; its outputs are not read.
        offsets = torch.minimum(torch.arange(longest)[None], lengths[:, None] - 1)
        ids = ids.gather(1, offsets)
        positions = starts[:, None] + offsets  # (B, T)
        span = min(self.context, -(-(int(positions.max()) + 1) // SPAN_STEP) * SPAN_STEP)
        self._make_room(span, 1 + max(row.slot for row in rows))
        self._written.update({row.slot: row.start + len(row.ids) for row in rows})
        window = self._memory.window(torch.tensor([row.slot for row in rows]), positions, span)
        hidden = self._network.hidden(ids, self._network.cached(positions, span), window)
        last = hidden[torch.arange(len(rows)), lengths - 1]  # (B, D)
        return self._network.logits(last).float().numpy()

    @torch.inference_mode()
    def fork(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Copy what slots hold to others, (from, to) each."""
        self._make_room(self._memory.span, 1 + max(target for _, target in pairs))
        self._written.update({target: self._written[source] for source, target in pairs})
        self._memory.fork(pairs, max(self._written[target] for _, target in pairs))

    def _make_room(self, span: int, slots: int = 1) -> None:
        """Let the memory hold `span` positions of every slot, and so many slots."""
        old = self._memory
        if span > old.span or slots > old.slots:
            wider = min(self.context, max(span, 2 * old.span)) if span > old.span else old.span
            self._memory = self._new_memory(max(slots, old.slots), wider)
            self._memory.keys[:, : old.slots, :, : old.span] = old.keys
            self._memory.values[:, : old.slots, :, : old.span] = old.values

    def _new_memory(self, slots: int, span: int) -> ContiguousMemory:
        try:
            return ContiguousMemory(self._network.spec, slots, span, self._dtype)
        except RuntimeError:  # torch's word for an allocation that failed
            raise ResourceError(
                f"There is not enough memory for the keys and values of {slots} texts of {span} positions.",
                value=span,
                limit=self.context,
                remedy="Give shorter prompts, fewer tokens or fewer beams, or close other programs.",
            ) from None
