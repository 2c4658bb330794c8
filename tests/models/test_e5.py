"""multilingual-e5-small's file as a network: transformers' BERT on the same numbers.

Run: pytest tests/models/test_e5.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1] / "specs"))

from e5_files import E5

from athanor.core.errors import InputError
from athanor.models import roundtrip
from athanor.models.e5 import open_e5
from athanor.models.opening import load_network
from athanor.specs.e5 import EMBEDDINGS, LAYER

NAME = "e5-small-q4.bin"


def published(name: str) -> str:
    if name in EMBEDDINGS:
        return f"embeddings.{EMBEDDINGS[name]}"
    layer, _, rest = name.removeprefix("l").partition(".")
    return f"encoder.layer.{layer}.{LAYER[rest]}"


@pytest.fixture
def made(tmp_path) -> E5:
    its = E5()
    its.write(tmp_path / NAME)
    return its


def test_every_tensor_is_what_its_blocks_stand_for(made, tmp_path):
    found = open_e5(tmp_path / NAME)
    assert roundtrip.prove(found)["tensors"] == len(made.stored)
    for name, wanted in made.stored.items():
        assert np.array_equal(found.read(f"bert.{published(name)}").numpy(), wanted), name


def test_transformers_computes_the_same(made, tmp_path):
    config = transformers.BertConfig(**dict(open_e5(tmp_path / NAME).config))
    theirs = transformers.BertModel(config, add_pooling_layer=False).eval()
    weights = {published(name): torch.from_numpy(its.copy()) for name, its in made.stored.items()}
    theirs.load_state_dict(weights)
    ours = load_network(tmp_path / NAME)
    ids = torch.randint(2, 16, (3, 20), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = (ours(ids) - theirs(ids).last_hidden_state).abs().max()
    assert difference < 1e-5  # float32's spread over two layers


def test_a_tensor_of_another_size_is_named(tmp_path):
    made = E5()
    made.tensors["l0.fi.w"] = made.tensors["l0.fi.w"][:-1].copy()
    with pytest.raises(InputError, match=r"encoder\.layer\.0\.intermediate\.dense\.weight"):
        open_e5(made.write(tmp_path / NAME))
