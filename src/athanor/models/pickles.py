"""One pickled checkpoint file → safetensors. Run in a process of its own: python -m athanor.models.pickles IN OUT BYTES

Only torch's restricted unpickler is used, which rebuilds tensors and calls nothing else; what comes out must be a flat
table of dense tensors. Memory, seconds and the size of the output are limited before the file is opened, and Python's
sockets are guarded; the parent takes the network away as well where the system lets it.
"""

from __future__ import annotations

import pickle
import re
import resource
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from athanor.core import offline
from athanor.core.files import replacing
from athanor.models.folder import NAMES, tensor_bytes
from athanor.specs import safetensors

SPARE_BYTES = 1 << 30  # of memory, beside three times the file: as read, in one piece, and what the library needs
BYTES_PER_SECOND = 20_000_000  # of processor time; disks and unpicklers are far faster
LEAST_SECONDS = 60


def main(source: Path, target: Path, most: int) -> None:
    """Convert; most: bytes of tensors that may be written. Ends the process with a reason for what is refused."""
    torch.set_num_threads(1)
    offline.guard()
    _limit(source.stat().st_size, most)
    try:
        # Mapped where the file allows it: only the zip form does.
        found = torch.load(source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source))
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+) was not an allowed", str(error))
        sys.exit(
            f"it asks for {asked[1][:200]}, which no tensor needs" if asked else "it is no pickle of tensors alone"
        )
    write(checked(found, most), target)


def checked(found: Any, most: int) -> dict[str, Tensor]:
    """A flat table of dense tensors. Raises ValueError for anything else, or more than `most` bytes of them."""
    if not isinstance(found, Mapping):
        raise ValueError(f"it holds a {type(found).__name__}, not a table of tensors")
    for name, tensor in found.items():
        if type(name) is not str or not isinstance(tensor, Tensor) or name == "__metadata__":
            raise ValueError(f"it holds {str(name)[:200]!r}: {type(tensor).__name__}, which is no named tensor")
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.dtype not in NAMES:
            raise ValueError(f"{name[:200]} is a tensor of the kind {tensor.dtype}, {tensor.layout}")
    wanted = sum(tensor.numel() * tensor.itemsize for tensor in found.values())
    if wanted > most:
        raise ValueError(f"its tensors would take {wanted} bytes, {most} are allowed for a file of its size")
    return dict(found)


def write(tensors: Mapping[str, Tensor], target: Path) -> None:
    """The tensors as they are called, one after the other; a shared one is written for each of its names."""
    heads = [(name, NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()]
    with replacing(target) as file:
        safetensors.write(file, heads, (tensor_bytes(tensor) for tensor in tensors.values()))


def _limit(size: int, most: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + 3 * size + SPARE_BYTES
    seconds = LEAST_SECONDS + size // BYTES_PER_SECOND
    for kind, number in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, most + safetensors.MAX_HEADER_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (number, number))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
