"""Networks that are laid out in several threads leave torch's layers as they were, and differences see infinities.

Run: pytest tests/models/test_opened.py
"""

from __future__ import annotations

import sys
import threading

import torch
from torch import nn

from athanor.models.opened import LAYERS, allocate, laid_out
from athanor.models.roundtrip import difference
from athanor.specs.decoder import DecoderSpec

SPEC = DecoderSpec(
    family="qwen3", vocabulary=9, width=8, layers=2, heads=2, kv_heads=1, head_width=4, inner=8, context=16
)


def test_threads_leave_the_layers_as_they_were():
    before = [kind.reset_parameters for kind in LAYERS]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=lambda: [laid_out(SPEC) for _ in range(20)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        layers = [nn.Linear(64, 64) for _ in range(200)]
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert [kind.reset_parameters for kind in LAYERS] == before
    assert all(0 < float(layer.weight.abs().max()) <= 64**-0.5 for layer in layers), "others' layers are filled"


def test_what_was_laid_out_gets_memory():
    network = laid_out(SPEC)
    assert all(parameter.is_meta for parameter in network.parameters())
    allocate(network, torch.bfloat16)
    assert {(its.device.type, its.dtype) for its in network.parameters()} == {("cpu", torch.bfloat16)}
    assert network.head is network.embedding


def test_differences():
    inf, nan = float("inf"), float("nan")
    assert difference(torch.tensor([1.0, inf, nan]), torch.tensor([1.5, inf, nan])) == 0.5
    assert difference(torch.tensor([1.0, -inf]), torch.tensor([1.0, inf])) == inf
    assert difference(torch.tensor([1.0, 2.0]), torch.tensor([nan, 2.0])) == inf
    assert difference(torch.empty(0), torch.empty(0)) == 0.0
