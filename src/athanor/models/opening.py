"""The door to published checkpoints: a folder in any of the forms that are read, and the network in it."""

from __future__ import annotations

from pathlib import Path

import torch

from athanor.core.errors import InputError
from athanor.models.build import Network
from athanor.models.decoder import Decoder
from athanor.models.e5 import open_e5
from athanor.models.folder import open_folder
from athanor.models.gguf import open_gguf
from athanor.models.opened import Opened, allocate, laid_out
from athanor.specs.checkpoint import read_decoder_spec
from athanor.specs.folder import PACKED, packed_file


def open_model(place: Path) -> Opened:
    """Open a model folder, or a GGUF file alone or in a folder. Raises InputError naming what is wrong."""
    packed = packed_file(place)
    if packed is None:
        return open_folder(place)
    if packed.suffix.lower() == ".gguf":
        return open_gguf(packed)
    if packed.name.endswith(PACKED):
        return open_e5(packed)
    raise InputError(
        f"{packed} is no model: neither a folder nor a GGUF file.",
        value=str(packed),
        limit="a model folder, or a file that ends in .gguf",
        remedy="Name the folder that holds its config.json.",
    )


def load_network(place: Path, dtype: torch.dtype = torch.float32) -> Network:
    """The network of a model with its weights in `dtype`, in evaluation mode."""
    found = open_model(place)
    network = laid_out(found.spec)
    allocate(network, dtype)
    with torch.no_grad():
        parameters = dict(network.named_parameters())
        for rule in found.rules:
            found.fill(rule, parameters[rule.ours])
    return network.eval()


def load_decoder(folder: Path, dtype: torch.dtype = torch.float32) -> Decoder:
    """The decoder of a model folder. Raises InputError where another kind of network lies there."""
    read_decoder_spec(folder)
    network = load_network(folder, dtype)
    assert isinstance(network, Decoder)
    return network
