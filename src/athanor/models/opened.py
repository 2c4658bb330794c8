"""What a published checkpoint offers once it is opened, whatever it lies in: headers were read, weights were not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from athanor.models.build import Network, network_for
from athanor.specs.families import Spec
from athanor.specs.keymap import Rule

_ONE_AT_A_TIME = threading.Lock()
LAYERS: tuple[Any, ...] = (nn.Linear, nn.Embedding, nn.LayerNorm, nn.Conv2d)


class Opened(Protocol):
    """A checkpoint whose tensors are all there and fit its config."""

    @property
    def format(self) -> str:
        """The kind of file: safetensors, gguf, e5."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """As config.json has it, or would."""
        ...

    @property
    def spec(self) -> Spec: ...

    @property
    def rules(self) -> Sequence[Rule]:
        """The key map: published names ↔ ours."""
        ...

    @property
    def ours(self) -> Mapping[str, tuple[int, ...]]:
        """Our tensors and their shapes."""
        ...

    @property
    def kinds(self) -> Mapping[str, str]:
        """What type each published tensor is stored in, by the format's own word."""
        ...

    def read(self, name: str) -> Tensor:
        """A published tensor, in the type it is stored in or in float32 where that is packed; it may be mapped."""
        ...

    def fill(self, rule: Rule, ours: Tensor) -> None:
        """Copy into one of ours what a rule of the key map says."""
        ...


def laid_out(spec: Spec) -> Network:
    """The network of a spec, without memory for its weights."""
    with torch.device("meta"), _unfilled():
        return network_for(spec)


@contextmanager
def _unfilled() -> Iterator[None]:
    """Layers without memory are left alone: drawing numbers that nobody reads makes torch load a second of Python code.

    Layers that others build meanwhile are filled as ever; one at a time changes the classes.
    """
    with _ONE_AT_A_TIME:
        kept = {kind: kind.reset_parameters for kind in LAYERS}
        try:
            for kind, function in kept.items():
                kind.reset_parameters = _unless_meta(function)
            yield
        finally:
            for kind, function in kept.items():
                kind.reset_parameters = function


def _unless_meta(function: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda layer: None if layer.weight.is_meta else function(layer)


def allocate(network: Network, dtype: torch.dtype) -> None:
    """Give a network that was laid out memory for its weights, not filled. (`to_empty` does so and loads sympy.)"""
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(torch.empty(parameter.shape, dtype=dtype), requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=dtype)


def shapes_of(network: Network) -> dict[str, tuple[int, ...]]:
    """Our tensors and their shapes."""
    return {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
