"""Where something was made: versions, processor, memory. It stands in the manifest, outside the id."""

from __future__ import annotations

import functools
import platform
from typing import Any

from athanor.core import hardware

# What results can depend on; those that are not installed are left out.
PACKAGES = (
    "msgspec",
    "numpy",
    "onnxruntime",
    "py3langid",
    "pyarrow",
    "rensa",
    "safetensors",
    "sentencepiece",
    "tokenizers",
    "torch",
    "trafilatura",
)


def environment() -> dict[str, Any]:
    """Versions of Athanor, Python and packages; processor, cores and bytes of memory this process may use, platform."""
    machine = hardware.detect()
    return {
        "athanor": _version("athanor"),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "cpu": machine.cpu,
        "cores": machine.cores,
        "memory": machine.memory_bytes,
        "platform": platform.platform(),
    }


@functools.cache
def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
