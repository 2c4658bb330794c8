"""Athanor: own folder to own generative AI, on your own machine, with a proof of every step.

The public door. Nothing heavy is imported until it is used: `import athanor` loads neither torch nor numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from athanor.core.errors import AthanorError

if TYPE_CHECKING:
    from athanor.generate.handle import load

__version__ = "0.1.0"
__all__ = ["AthanorError", "__version__", "load"]

_HOMES = {"load": "athanor.generate.handle"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'athanor' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
