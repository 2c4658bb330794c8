"""Compiled blocks: fused element-wise work, where a C++ compiler is there and the time to learn pays for compiling.

All blocks of a trunk have one code and one shape, so that one compilation serves them all. Compilers err: the result is
used only after it gave the loss and the gradients of the plain network on rows of the run itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from athanor.models.decoder import Decoder

LEAST_SECONDS = 150.0  # of learning: compiling takes about 20 and gives about a quarter more speed
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""How far, relative to its length, the gradient of the compiled network may lie from the plain one's."""

Gradients = Callable[[], tuple[float, list[Tensor]]]
"""The loss of fixed rows and the gradient of every parameter."""


def compiler() -> str | None:
    """The C++ compiler that would be used, or None."""
    named = os.environ.get("CXX")
    return shutil.which(named) if named else shutil.which("g++") or shutil.which("clang++")


def pays(seconds: float) -> bool:
    """Whether to compile for a run that learns this long."""
    return seconds >= LEAST_SECONDS and compiler() is not None


def compile_blocks(network: Decoder, gradients: Gradients, cache: Path) -> str | None:
    """Compile the blocks; None when they compute the same as before, else why they were left plain.

    cache: the folder for what is compiled; it may be deleted at any time.
    """
    program = compiler()
    if program is None:
        return "there is no C++ compiler"
    plain = gradients()
    _settle(program, cache)
    for block in network.trunk.blocks:
        block.compile(dynamic=False)
    try:
        reason = _difference(plain, gradients(), TOLERANCE[network.embedding.weight.dtype])
    except (RuntimeError, OSError) as error:
        reason = f"the compiler failed: {(str(error) or repr(error)).splitlines()[0]}"
    if reason is not None:
        for block in network.trunk.blocks:
            block._compiled_call_impl = None
    return reason


def _settle(program: str, cache: Path) -> None:
    """Keep what is compiled with the store, in this process alone, and never unpickle from it."""
    from torch._functorch import config as autograd
    from torch._inductor import config as inductor

    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache)
    inductor.cpp.cxx = (None, program)
    inductor.compile_threads = 1
    inductor.fx_graph_cache = False
    autograd.enable_autograd_cache = False


def _difference(plain: tuple[float, list[Tensor]], fast: tuple[float, list[Tensor]], most: float) -> str | None:
    """What is wrong with the compiled network's figures, or None."""
    length = sum(float(gradient.float().square().sum()) for gradient in plain[1]) ** 0.5
    apart = sum(float((a.float() - b.float()).square().sum()) for a, b in zip(plain[1], fast[1], strict=True)) ** 0.5
    if abs(plain[0] - fast[0]) <= most and apart <= most * length:
        return None
    return f"its gradient is off by {apart / max(length, 1e-30):.2g} of its length (at most {most:g})"
