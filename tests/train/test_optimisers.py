"""Muon and AdamW against their definitions: singular values, SVD, separate matrices, torch's AdamW; float32 masters.

Run: pytest tests/train/test_optimisers.py
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from athanor.models.decoder import Decoder, initialise
from athanor.specs.decoder import DecoderSpec
from athanor.train import optimiser as module
from athanor.train.muon import Muon, orthogonal
from athanor.train.optimiser import Optimiser

SPEC = DecoderSpec(
    family="qwen3", vocabulary=20, width=12, layers=2, heads=4, kv_heads=2, head_width=6, inner=10, context=8
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def network(dtype=torch.float32) -> Decoder:
    made = Decoder(SPEC)
    initialise(made, 0)
    return made.to(dtype)


def give_gradients(made: nn.Module, seed: int, size: float = 1e-3) -> dict[str, torch.Tensor]:
    """Random gradients on every parameter; copies of them in float32."""
    found = {}
    for number, (name, parameter) in enumerate(made.named_parameters()):
        parameter.grad = (random(*parameter.shape, seed=seed * 100 + number) * size).to(parameter.dtype)
        found[name] = parameter.grad.float().clone()
    return found


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 5, 16), (1, 16, 5), (3, 24, 12), (2, 1, 7)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_orthogonal_brings_singular_values_near_one(shape, scale):
    """Inputs with singular values between 0.05 and 1: all in [0.6, 1.3] afterwards, on the SVD's own axes."""
    u, s, vh = torch.linalg.svd(random(*shape).double(), full_matrices=False)
    spread = torch.linspace(1, 0.05, s.shape[-1], dtype=torch.float64).expand(s.shape)
    given = (u * spread[..., None, :] @ vh * scale).float()
    found = orthogonal(given)
    assert found.shape == given.shape and found.dtype == given.dtype
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6 and values.max() < 1.3
    inner = u.mT @ found.double() @ vh.mT  # diagonal, positive: no axis is turned
    diagonal = inner.diagonal(dim1=-2, dim2=-1)
    assert diagonal.min() > 0.6
    assert (inner - torch.diag_embed(diagonal)).abs().max() < 1e-3
    exact = u @ vh
    cosine = (found * exact).sum((-2, -1)) / found.norm(dim=(-2, -1)) / exact.norm(dim=(-2, -1))
    assert cosine.min() > 0.97


def test_orthogonal_of_nothing_is_nothing():
    assert torch.equal(orthogonal(torch.zeros(2, 4, 3)), torch.zeros(2, 4, 3))


def test_one_muon_step_by_formula():
    """Nesterov momentum, orthogonal, 0.2·√max(rows, columns), decay by rate · weight decay."""
    matrix, gradients = random(4, 6), [random(4, 6, seed=seed) for seed in (1, 2)]
    moving = matrix.clone()
    muon = Muon({"w": moving}, momentum=0.9, weight_decay=0.3)
    moment = torch.zeros(4, 6)
    for gradient in gradients:
        muon.step({"w": gradient}, 0.01)
        moment = 0.9 * moment + 0.1 * gradient
        update = orthogonal((0.1 * gradient + 0.9 * moment)[None])[0] * 0.2 * 6**0.5
        matrix = matrix * (1 - 0.01 * 0.3) - 0.01 * update
    torch.testing.assert_close(moving, matrix, atol=1e-6, rtol=0)


def test_joined_matrices_move_as_separate_ones():
    """q, k, v and gate, up lie in joined parameters; each part moves as a matrix of its own."""
    made = network()
    optimiser = Optimiser(made)
    queries, keys = SPEC.heads * SPEC.head_width, SPEC.kv_heads * SPEC.head_width
    parts = {
        "attention.qkv.weight": (queries, keys, keys), "attention.out.weight": (SPEC.width,),
        "mlp.gate_up.weight": (SPEC.inner, SPEC.inner), "mlp.down.weight": (SPEC.width,),
    }  # fmt: skip
    names = [name for name, _ in made.named_parameters() if name.endswith(tuple(parts))]
    assert len(names) == 4 * SPEC.layers
    rows = {name: next(value for key, value in parts.items() if name.endswith(key)) for name in names}
    parameters = dict(made.named_parameters())
    apart = {
        f"{name}/{at}": part.clone()
        for name in names
        for at, part in enumerate(parameters[name].detach().split(rows[name]))
    }
    other = Muon(apart, module.MOMENTUM, module.WEIGHT_DECAY)
    for seed in range(3):
        gradients = give_gradients(made, seed)
        optimiser.step(0.02)
        split = {f"{n}/{at}": p for n in names for at, p in enumerate(gradients[n].split(rows[n]))}
        other.step(split, 0.02)
    for name in names:
        whole = torch.cat([apart[f"{name}/{at}"] for at in range(len(rows[name]))])
        torch.testing.assert_close(parameters[name].detach(), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("matrices", [True, False])
def test_the_rest_moves_by_torch_adamw(matrices):
    """Embedding with decay, norms without; every parameter where Muon is off."""
    made, twin = network(), network()
    optimiser = Optimiser(made, matrices=matrices)
    rest = {
        name: parameter
        for name, parameter in twin.named_parameters()
        if not matrices or "embedding" in name or "norm" in name
    }
    wide = [parameter for parameter in rest.values() if parameter.dim() > 1]
    thin = [parameter for parameter in rest.values() if parameter.dim() == 1]
    reference = torch.optim.AdamW(
        [{"params": wide, "weight_decay": 0.1}, {"params": thin, "weight_decay": 0.0}],
        lr=0.01, betas=(0.9, 0.95), eps=1e-8, fused=False,
    )  # fmt: skip
    for seed in range(4):
        for name, gradient in give_gradients(made, seed).items():
            if name in rest:
                rest[name].grad = gradient
        optimiser.step(0.01)
        reference.step()
    mine = dict(made.named_parameters())
    for name, parameter in rest.items():
        torch.testing.assert_close(mine[name], parameter, atol=1e-6, rtol=0)


def test_gradients_are_clipped_by_their_common_norm():
    """Gradients ten and a hundred times too long move the weights as their clipped direction does."""
    moved = []
    for size in (10.0, 100.0):
        made = network()
        optimiser = Optimiser(made)
        gradients = give_gradients(made, 0, size)
        norm = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm()
        assert optimiser.step(0.1) == pytest.approx(float(norm), rel=1e-5)
        assert all(parameter.grad is None for parameter in made.parameters())
        moment = optimiser.state()["adamw.exp_avg.embedding.weight"]
        torch.testing.assert_close(moment, 0.1 * gradients["embedding.weight"] / norm, rtol=1e-4, atol=0)
        moved.append([parameter.detach().clone() for parameter in made.parameters()])
    for one, two in zip(*moved, strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_no_number_changes_nothing(value):
    made = network()
    optimiser = Optimiser(made)
    give_gradients(made, 0)
    optimiser.step(0.1)
    before = {name: tensor.clone() for name, tensor in {**optimiser.masters(), **optimiser.state()}.items()}
    give_gradients(made, 1)
    made.trunk.norm.weight.grad[3] = value
    assert not torch.tensor(optimiser.step(0.1)).isfinite()
    after = {**optimiser.masters(), **optimiser.state()}
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_bf16_networks_keep_float32_masters():
    """Hundreds of steps too small for bf16 add up in the masters, and the network follows them by rounding."""
    made = network(torch.bfloat16)
    with torch.no_grad():
        made.trunk.norm.weight.fill_(1.0)
    optimiser = Optimiser(made)
    for _ in range(200):
        give_gradients(made, 0)
        optimiser.step(1e-4)
    masters = optimiser.masters()
    assert {master.dtype for master in masters.values()} == {torch.float32}
    assert all(parameter.dtype == torch.bfloat16 for parameter in made.parameters())
    for name, parameter in made.named_parameters():
        assert torch.equal(parameter.detach(), masters[name].bfloat16()), name
    moved = (masters["trunk.norm.weight"] - 1).abs()
    torch.testing.assert_close(moved, torch.full_like(moved, 200e-4), rtol=0.05, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_state_restores(dtype):
    """Three steps, then two more; or restore after three and two more: bit-equal."""
    made, again = network(dtype), network(dtype)
    one, two = Optimiser(made), Optimiser(again)
    for seed in range(3):
        give_gradients(made, seed)
        one.step(0.05)
    two.restore(
        {name: tensor.clone() for name, tensor in one.masters().items()},
        {name: tensor.clone() for name, tensor in one.state().items()},
    )
    for seed in (3, 4):
        for each, optimiser in ((made, one), (again, two)):
            give_gradients(each, seed)
            optimiser.step(0.05)
    assert all(torch.equal(one.masters()[name], two.masters()[name]) for name in one.masters())
    assert all(torch.equal(one.state()[name], two.state()[name]) for name in one.state())
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), again.parameters(), strict=True))
