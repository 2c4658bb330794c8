"""Cached = uncached: ids read in chunks into slots of a ContiguousMemory give the logits of one whole pass.

In float64, where the two orders of sums stay 1e-9 apart, so that the tolerance lets nothing else through.

Chunks of any sizes, slots in any order, several sequences in turns, slots used again after other words.
Run: pytest tests/nn/test_memory_of_keys.py
"""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.models.decoder import Decoder, initialise
from athanor.nn.memory import ContiguousMemory
from athanor.specs.decoder import DecoderSpec

SPEC = DecoderSpec(
    family="qwen3", vocabulary=40, width=24, layers=2, heads=4, kv_heads=2, head_width=8, inner=32, context=40
)
SLOTS = 4


def make() -> Decoder:
    network = Decoder(SPEC)
    initialise(network, 0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    return network.double().eval()


NETWORK = make()


def feed(memory: ContiguousMemory, slots: list[int], starts: list[int], ids: torch.Tensor, span: int) -> torch.Tensor:
    """One pass over ids (B, T) that go to `slots` from `starts` on."""
    positions = torch.tensor(starts)[:, None] + torch.arange(ids.shape[1])[None]
    window = memory.window(torch.tensor(slots), positions, span)
    return NETWORK.logits(NETWORK.hidden(ids, NETWORK.cached(positions, span), window))


@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
@torch.no_grad()
def test_chunks_in_any_order_of_slots(data, seed):
    generator = torch.Generator().manual_seed(seed)
    memory = ContiguousMemory(SPEC, SLOTS, SPEC.context, torch.float64)
    memory.keys.normal_(generator=generator)  # what an earlier request left behind
    memory.values.normal_(generator=generator)
    slots = data.draw(st.permutations(range(SLOTS)))[: data.draw(st.integers(1, SLOTS))]
    lengths = [data.draw(st.integers(1, SPEC.context)) for _ in slots]
    texts = [torch.randint(SPEC.vocabulary, (length,), generator=generator) for length in lengths]
    found: list[list[torch.Tensor]] = [[] for _ in slots]
    read = [0] * len(slots)
    while any(at < length for at, length in zip(read, lengths, strict=True)):
        open_ = [n for n in range(len(slots)) if read[n] < lengths[n]]
        chosen = data.draw(st.lists(st.sampled_from(open_), min_size=1, unique=True))
        chunk = data.draw(st.integers(1, min(lengths[n] - read[n] for n in chosen)))
        ids = torch.stack([texts[n][read[n] : read[n] + chunk] for n in chosen])
        least = max(read[n] + chunk for n in chosen)
        span = data.draw(st.integers(least, SPEC.context))
        logits = feed(memory, [slots[n] for n in chosen], [read[n] for n in chosen], ids, span)
        for row, n in enumerate(chosen):
            found[n].append(logits[row])
            read[n] += chunk
    for text, parts in zip(texts, found, strict=True):
        torch.testing.assert_close(torch.cat(parts), NETWORK(text[None])[0], atol=1e-9, rtol=0)


@torch.no_grad()
def test_other_slots_stay_as_they_are():
    memory = ContiguousMemory(SPEC, SLOTS, SPEC.context, torch.float64)
    ids = torch.arange(12).view(2, 6)
    feed(memory, [3, 1], [0, 0], ids, 6)
    for slot, used in enumerate([False, True, False, True]):
        assert bool(memory.keys[:, slot].any()) is used and bool(memory.values[:, slot].any()) is used
    assert not memory.keys[:, :, :, 6:].any()
