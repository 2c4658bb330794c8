"""The next-token loss: torch's cross entropy, whatever the chunk; true gradients; accumulation = the joined batch.

Run: pytest tests/objectives/test_next_token.py
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from athanor.models.decoder import Decoder, initialise
from athanor.objectives import next_token
from athanor.objectives.batch import Batch
from athanor.objectives.next_token import Step, weighted_nll
from athanor.specs.decoder import DecoderSpec

SPEC = DecoderSpec(
    family="qwen3", vocabulary=29, width=8, layers=2, heads=2, kv_heads=1, head_width=4, inner=12, context=16
)


def make(spec: DecoderSpec = SPEC) -> Decoder:
    network = Decoder(spec)
    initialise(network, 0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    return network


def batch(rows: int, length: int, seed: int, weight: float | None = None) -> Batch:
    """Rows of two or three ragged documents each, with uneven weights and an empty tail."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(SPEC.vocabulary, (rows, length + 1), generator=generator)
    documents, positions = torch.zeros(rows, length).long(), torch.zeros(rows, length).long()
    weights = torch.rand(rows, length, generator=generator) * (torch.rand(rows, length, generator=generator) < 0.6)
    for row in range(rows):
        ends = sorted(torch.randint(1, length, (2,), generator=generator).tolist())
        for number, (start, end) in enumerate(zip([0, *ends], [*ends, length - row % 3], strict=True), 1):
            documents[row, start:end], positions[row, start:end] = number, torch.arange(max(0, end - start))
        weights[row, length - row % 3 :] = 0
    total = float(weights.sum()) if weight is None else weight
    return Batch(ids[:, :-1].clone(), ids[:, 1:].clone(), weights, documents, positions, total)


def loss_of(network: Decoder, given: Batch) -> torch.Tensor:
    return next_token.loss("decoder", {"decoder": network}, given, Step(0, torch.Generator()))[0]


@settings(max_examples=30, deadline=None)
@given(chunk=st.integers(1, 70), count=st.integers(0, 64), seed=st.integers(0, 99))
def test_chunked_weighted_cross_entropy(chunk, count, seed):
    network = make()
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(count, SPEC.width, generator=generator, requires_grad=True)
    targets = torch.randint(SPEC.vocabulary, (count,), generator=generator)
    weights = torch.rand(count, generator=generator) * (torch.rand(count, generator=generator) < 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(next_token, "CHUNK", chunk)
        ours = weighted_nll(network, hidden, targets, weights)
    wanted = (functional.cross_entropy(network.logits(hidden), targets, reduction="none") * weights).sum()
    torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-6)
    if weights.any():
        mine, theirs = (torch.autograd.grad(value, hidden, retain_graph=True)[0] for value in (ours, wanted))
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)


def test_no_target_is_no_loss_and_no_gradient_of_nan():
    network = make()
    given = batch(2, 10, 0)
    empty = Batch(given.ids, given.targets, given.weights * 0, given.documents, given.positions, 1.0)
    assert float(loss_of(network, empty).detach()) == 0.0


def test_targets_without_weight_do_not_matter():
    network = make()
    given = batch(3, 12, 1)
    other = given.targets.where(given.weights > 0, (given.targets + 1) % SPEC.vocabulary)
    changed = Batch(given.ids, other, given.weights, given.documents, given.positions, given.weight)
    assert torch.equal(loss_of(network, given), loss_of(network, changed))


@pytest.mark.parametrize("micro", [1, 2, 3, 8])
def test_accumulation_is_the_joined_batch(micro):
    """8 ragged rows in micro-batches of any size, the last one short: gradients ≤ 1e-6 apart."""
    network, whole = make(), batch(8, 14, 2)
    wanted = torch.autograd.grad(loss_of(network, whole), list(network.parameters()))
    total = 0.0
    for at in range(0, 8, micro):
        part = slice(at, at + micro)
        rows = (whole.ids, whole.targets, whole.weights, whole.documents, whole.positions)
        loss = loss_of(network, Batch(*(field[part] for field in rows), whole.weight))
        loss.backward()
        total += float(loss.detach())
    assert total == pytest.approx(float(loss_of(network, whole).detach()), abs=1e-6)
    for parameter, gradient in zip(network.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-6, rtol=0)


@pytest.mark.parametrize("tied", [True, False])
def test_gradients_by_finite_differences(monkeypatch, tied):
    """Every parameter tensor, along its own gradient and along a random direction, in float64: < 1e-5.

    The loss is float32 by design; here `.float()` keeps float64, so that differences can be taken.
    """
    narrow = torch.Tensor.float
    monkeypatch.setattr(torch.Tensor, "float", lambda x: x if x.dtype == torch.float64 else narrow(x))
    spec = DecoderSpec(**{**{name: getattr(SPEC, name) for name in SPEC.__struct_fields__}, "tied": tied})
    network, given = make(spec).double(), batch(2, 9, 3)
    generator = torch.Generator().manual_seed(0)
    gradients = torch.autograd.grad(loss_of(network, given), list(network.parameters()))
    step = 1e-5
    for (name, parameter), gradient in zip(network.named_parameters(), gradients, strict=True):
        for direction in (gradient, torch.randn(gradient.shape, generator=generator, dtype=torch.float64)):
            along = direction / direction.norm()
            values = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter.add_(along, alpha=sign * step)
                    values.append(float(loss_of(network, given)))
                    parameter.sub_(along, alpha=sign * step)
            numeric, exact = (values[0] - values[1]) / (2 * step), float((gradient * along).sum())
            assert abs(numeric - exact) < 1e-5 * max(1.0, abs(exact)), name
            assert abs(exact) > 1e-9, name
