"""One thread, so that sums have one order; and a tiny model folder with a tokenizer, its weights random but sure."""

from __future__ import annotations

import pytest
import torch

from athanor.generate.handle import Model, write_generation_config
from athanor.models.decoder import Decoder, initialise
from athanor.models.folder import save_network
from athanor.specs.decoder import DecoderSpec
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.tokenizers.train import train

torch.set_num_threads(1)

TEXTS = ["The ferry leaves at seven. 渡船七点开，中午以前回来。", "Who keeps the book? 管理员记着账本。"] * 20


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    train(TEXTS, 330, folder)
    tokenizer = Tokenizer.load(folder)
    spec = DecoderSpec(
        family="qwen3", vocabulary=tokenizer.vocabulary, width=32, layers=2, heads=4, kv_heads=2, head_width=8,
        inner=48, context=96, tied=False,
    )  # fmt: skip
    network = Decoder(spec)
    initialise(network, 3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(8 if parameter.dim() > 1 else 1)  # so that no two logits are near
    save_network(network, folder)
    write_generation_config(folder, tokenizer)
    return folder


@pytest.fixture
def model(model_folder) -> Model:
    return Model.open(model_folder)
