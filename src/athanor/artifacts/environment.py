"""Where something was made: versions, processor, memory. It stands in the manifest, outside the id."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path
from typing import Any

# What results can depend on; those that are not installed are left out.
PACKAGES = (
    "charset-normalizer",
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
    """Versions of Athanor, Python and packages; processor, cores this process may use, memory in bytes, platform."""
    return {
        "athanor": _version("athanor"),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "platform": platform.platform(),
    }


@functools.cache
def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Hardware", "cpu model"):
            return value.strip()
    return platform.processor() or platform.machine()
