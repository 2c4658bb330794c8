"""Same weights, same numbers: our decoder against transformers' Qwen3ForCausalLM, forward, backward and greedy.

The folder is written by us and opened by transformers, and the other way round, so the published names and the rows
of joined matrices are proved too. Tolerance 1e-4 at float32: two orders of sums over a few layers stay near 1e-6.

Run: pytest tests/models/test_decoder_parity.py
"""

from __future__ import annotations

import json

import pytest
import torch

from athanor.models import keys
from athanor.models.decoder import Decoder, initialise
from athanor.models.folder import save_network
from athanor.models.opening import load_network
from athanor.specs.decoder import DecoderSpec
from athanor.specs.qwen3 import key_map
from athanor.specs.rotary import Rotary

transformers = pytest.importorskip("transformers")

TOLERANCE = 1e-4


def spec(**changed) -> DecoderSpec:
    base = {"vocabulary": 61, "width": 24, "layers": 2, "heads": 4, "kv_heads": 2, "head_width": 8, "inner": 40}
    return DecoderSpec(**{"family": "qwen3", "context": 64, **base, **changed})


SPECS = {
    "grouped": spec(),
    "every head its own": spec(kv_heads=4),
    "one key head": spec(kv_heads=1, layers=3),
    "untied": spec(tied=False),
    "odd": spec(
        vocabulary=37, width=23, heads=3, kv_heads=3, head_width=10, inner=17, rotary=Rotary(theta=1e6), tied=False
    ),
    "narrow heads": spec(width=48, heads=2, kv_heads=1, head_width=4, norm_epsilon=1e-5),
}


@pytest.fixture(params=SPECS.values(), ids=SPECS.keys())
def pair(request, tmp_path):
    """Our network and transformers' on the same saved folder; norms and head are not at their start values."""
    network = Decoder(request.param)
    initialise(network, 1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    save_network(network, tmp_path)
    theirs = transformers.Qwen3ForCausalLM.from_pretrained(tmp_path, dtype=torch.float32, attn_implementation="eager")
    return network, theirs


def ids_for(network: Decoder, rows: int = 3, length: int = 19) -> torch.Tensor:
    return torch.randint(network.spec.vocabulary, (rows, length), generator=torch.Generator().manual_seed(3))


def test_forward_and_backward(pair):
    network, theirs = pair
    ids = ids_for(network)
    ours = network(ids)
    other = theirs(ids).logits
    assert ours.shape == other.shape == (3, 19, network.spec.vocabulary)
    torch.testing.assert_close(ours, other, atol=TOLERANCE, rtol=0)
    assert other.std() > 0.5  # the logits say something, so the tolerance does too

    for logits in (ours, other):
        torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    mine = {name: parameter.grad for name, parameter in network.named_parameters()}
    shapes = {name: gradient.shape for name, gradient in mine.items()}
    for name, gradient in keys.publish(key_map(network.spec), shapes, mine.__getitem__):
        torch.testing.assert_close(gradient, gradients.pop(name), atol=TOLERANCE, rtol=1e-3, msg=name)
    assert not gradients


def test_greedy_tokens(pair):
    network, theirs = pair
    ids = ids_for(network, rows=2, length=5)
    with torch.no_grad():
        seen = torch.ones_like(ids)
        other = theirs.generate(ids, attention_mask=seen, max_new_tokens=12, do_sample=False, eos_token_id=None)
        ours = ids
        for _ in range(12):
            ours = torch.cat((ours, network(ours)[:, -1].argmax(-1, keepdim=True)), dim=1)
    assert ours.tolist() == other.tolist()


def test_bfloat16_on_the_same_folder(pair, tmp_path):
    """Looser: bf16 keeps 8 bits, and the two round in different places. 0.05 of the spread of the logits."""
    network, _ = pair
    ids = ids_for(network)
    wide = network(ids)
    narrow = load_network(tmp_path, torch.bfloat16)(ids).float()
    assert (wide - narrow).abs().mean() < 0.05 * wide.std()


@pytest.mark.parametrize("tied", [True, False])
def test_a_folder_that_transformers_wrote(tmp_path, tied):
    config = transformers.Qwen3Config(
        vocab_size=41, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=6,
        intermediate_size=20, max_position_embeddings=32, tie_word_embeddings=tied, rope_theta=5000.0,
    )  # fmt: skip
    torch.manual_seed(0)
    theirs = transformers.Qwen3ForCausalLM(config).eval()
    theirs.save_pretrained(tmp_path)
    network = load_network(tmp_path)
    assert network.spec.tied is tied
    ids = ids_for(network, length=9)
    with torch.no_grad():
        torch.testing.assert_close(network(ids), theirs(ids).logits, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("shards", ["5KB", "12KB"])
def test_shards_that_transformers_wrote(pair, tmp_path, shards):
    network, theirs = pair
    folder = tmp_path / "shards"
    theirs.save_pretrained(folder, max_shard_size=shards)
    assert len(json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]) > 10
    again = load_network(folder)
    for (name, one), (other_name, two) in zip(network.named_parameters(), again.named_parameters(), strict=True):
        assert name == other_name and torch.equal(one, two)
