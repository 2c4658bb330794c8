"""Compiled blocks are used only where they compute the same; else the network is plain as before.

Run: pytest tests/train/test_compiled.py
"""

from __future__ import annotations

import pytest
import torch
from toy_run import trainer

from athanor.train.compiled import compile_blocks, compiler, pays

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")


def is_plain(network) -> bool:
    return all(block._compiled_call_impl is None for block in network.trunk.blocks)


def test_without_a_compiler_the_network_stays_plain(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-compiler"))
    made = trainer(tmp_path)
    assert compile_blocks(made.network, made.gradients, tmp_path / "cache") == "there is no C++ compiler"
    assert is_plain(made.network) and not pays(1e9)


@needs_compiler
@pytest.mark.parametrize("error", [0.05, float("nan")])
def test_other_gradients_are_refused_and_the_network_is_plain_again(tmp_path, error):
    made = trainer(tmp_path)
    calls = []

    def gradients():
        calls.append(1)
        return loss, [gradient * (1 + error * (len(calls) == 2)) for gradient in plain]

    loss, plain = made.gradients()
    reason = compile_blocks(made.network, gradients, tmp_path / "cache")
    assert reason is not None and "gradient" in reason
    assert is_plain(made.network)


@needs_compiler
@pytest.mark.parametrize("error", [RuntimeError(), RuntimeError("one\ntwo"), OSError()])
def test_a_compiler_that_fails_leaves_the_network_plain(tmp_path, error):
    """Whether it says why or not."""
    made = trainer(tmp_path)
    plain = iter([made.gradients()])

    def gradients():
        for found in plain:
            return found
        raise error

    reason = compile_blocks(made.network, gradients, tmp_path / "cache")
    assert reason == f"the compiler failed: {'one' if str(error) else repr(error)}"
    assert is_plain(made.network)


def test_looking_at_gradients_moves_nothing(tmp_path):
    made, other = trainer(tmp_path / "a"), trainer(tmp_path / "b")
    made.gradients()
    assert all(parameter.grad is None for parameter in made.network.parameters())
    for one in (made, other):
        one._step()
    for a, b in zip(made.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(a, b)


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_compiled_network_computes_the_same(tmp_path, dtype):
    made = trainer(tmp_path, dtype=dtype)
    assert compile_blocks(made.network, made.gradients, tmp_path / "cache") is None
    assert not is_plain(made.network)
    loss, gradients = made.gradients()
    for block in made.network.trunk.blocks:
        block._compiled_call_impl = None
    plain_loss, plain = made.gradients()
    assert loss == pytest.approx(plain_loss, rel=1e-2)
    for a, b in zip(gradients, plain, strict=True):
        assert torch.allclose(a.float(), b.float(), atol=2e-2 * float(b.float().norm()))
