"""Model folders: what was saved is read bit for bit, and nothing that is missing or foreign is made up.

Each fault is made, then the file or tensor must be named in the error. Run: pytest tests/models/test_model_folder.py
"""

from __future__ import annotations

import json
import shutil
import time

import pytest
import torch

from athanor.core.errors import InputError
from athanor.models.decoder import Decoder, initialise
from athanor.models.folder import save_network, tensor_bytes
from athanor.models.opening import load_network
from athanor.specs import safetensors
from athanor.specs.checkpoint import read_spec
from athanor.specs.decoder import DecoderSpec

SPEC = DecoderSpec(
    family="qwen3", vocabulary=50, width=16, layers=2, heads=4, kv_heads=2, head_width=4, inner=24, context=32
)
TIED, UNTIED = SPEC, DecoderSpec(**{**{name: getattr(SPEC, name) for name in SPEC.__struct_fields__}, "tied": False})


@pytest.fixture
def folder(tmp_path):
    """A saved tied model."""
    network = Decoder(TIED)
    initialise(network, 0)
    save_network(network, tmp_path / "model")
    return tmp_path / "model"


def tensors_of(folder) -> dict[str, torch.Tensor]:
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    return {
        name: torch.frombuffer(bytearray(raw[e.start : e.start + e.bytes]), dtype=torch.float32).view(e.shape)
        for name, e in safetensors.read_header(path).items()
    }


def write(path, tensors: dict[str, torch.Tensor]) -> None:
    with path.open("wb") as file:
        heads = [(name, "F32", tuple(tensor.shape)) for name, tensor in tensors.items()]
        safetensors.write(file, heads, (tensor_bytes(tensor) for tensor in tensors.values()))


def shard(folder) -> dict[str, dict[str, str]]:
    """Turn the folder into two shards with an index; the index."""
    tensors = tensors_of(folder)
    names = list(tensors)
    parts = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for file, keys in parts.items():
        write(folder / file, {key: tensors[key] for key in keys})
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {key: file for file, keys in parts.items() for key in keys}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return index


def edit_config(folder, **changed) -> None:
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changed}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not ...}))


@pytest.mark.parametrize("spec", [TIED, UNTIED], ids=["tied", "untied"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_saved_and_loaded_is_bit_equal(tmp_path, spec, dtype):
    network = Decoder(spec)
    initialise(network, 4)
    network.to(dtype)
    save_network(network, tmp_path / "a")
    again = load_network(tmp_path / "a", dtype)
    assert again.spec == spec and not again.training
    for (name, one), (_, two) in zip(network.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(one, two) and two.dtype == dtype, name
    save_network(again, tmp_path / "b")
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_tied_weights_are_stored_once(folder):
    assert "lm_head.weight" not in tensors_of(folder)
    network = load_network(folder)
    assert network.head.weight is network.embedding.weight


def test_tied_checkpoint_with_its_head_twice(folder):
    tensors = tensors_of(folder)
    write(folder / "model.safetensors", {**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"]})
    assert torch.equal(load_network(folder).head.weight, tensors["model.embed_tokens.weight"])


@pytest.mark.parametrize("broken", [lambda tensor: tensor + 1, lambda tensor: tensor[:-1].clone()])
def test_tied_checkpoint_with_another_head_is_refused(folder, broken):
    tensors = tensors_of(folder)
    write(folder / "model.safetensors", {**tensors, "lm_head.weight": broken(tensors["model.embed_tokens.weight"])})
    with pytest.raises(InputError, match=r"lm_head\.weight") as caught:
        load_network(folder)
    assert "tie_word_embeddings" in caught.value.remedy


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_config_says_the_type_of_the_weights(tmp_path, dtype):
    save_network(Decoder(TIED).to(dtype), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["dtype"] == config["torch_dtype"] == str(dtype).removeprefix("torch.")


def test_loading_draws_no_random_numbers(folder):
    before = torch.get_rng_state()
    network = load_network(folder)
    assert torch.equal(torch.get_rng_state(), before) and network.head is network.embedding
    assert not any(parameter.is_meta for parameter in [*network.parameters(), *network.buffers()])


def test_many_layers_that_are_not_there_are_refused_at_once(folder):
    """The first that is missing is named; no network of 4,096 layers is laid out for it."""
    edit_config(folder, num_hidden_layers=4096)
    began = time.process_time()
    with pytest.raises(InputError, match=r"lacks the tensors model\.layers\.10\..* and 45\d\d\d more"):
        load_network(folder)
    assert time.process_time() - began < 2


def test_a_long_context_costs_nothing_until_it_is_used(folder):
    """Its whole rotary table would take 128 MiB here, and 10 GB with wide heads."""
    edit_config(folder, max_position_embeddings=1 << 22)
    network = load_network(folder)
    ids = torch.tensor([[1, 2, 3]])
    edit_config(folder, max_position_embeddings=32)
    assert torch.equal(network(ids), load_network(folder)(ids))
    assert network.turns.shape[1] < 10_000


def test_a_rotary_table_grows_and_stays_the_same(folder):
    network = load_network(folder)
    edit_config(folder, max_position_embeddings=5000)
    long = load_network(folder, torch.bfloat16)
    with torch.inference_mode():
        first = long.rotary_of(3).clone()
    grown = long.rotary_of(4000)
    assert 4000 <= grown.shape[1] <= 5000 and grown.dtype == torch.bfloat16
    assert torch.equal(grown[:, : first.shape[1]], first) and not grown.is_inference()
    whole = network.rotary_of(4500)  # a text may be longer than the config says
    assert torch.equal(grown[:, :4000], whole.bfloat16()[:, :4000]) and whole.shape[1] == 4500
    assert long.rotary_of(5000).shape[1] == 5000


def test_shards(folder):
    before = tensors_of(folder)["model.norm.weight"], load_network(folder)
    shard(folder)
    for (name, one), (_, two) in zip(
        before[1].named_parameters(), load_network(folder).named_parameters(), strict=True
    ):
        assert torch.equal(one, two), name


def test_missing_shard_is_named(folder):
    shard(folder)
    (folder / "two.safetensors").unlink()
    with pytest.raises(InputError, match=r"two\.safetensors"):
        load_network(folder)


def test_swapped_shards_are_named(folder):
    shard(folder)
    (folder / "one.safetensors").rename(folder / "x")
    (folder / "two.safetensors").rename(folder / "one.safetensors")
    (folder / "x").rename(folder / "two.safetensors")
    with pytest.raises(InputError, match=r"one\.safetensors (lacks|also holds) model"):
        load_network(folder)


@pytest.mark.parametrize(
    "name", ["../out.safetensors", "/etc/passwd", "sub/x.safetensors", "..", "", ".", "a\0b", "x" * 300]
)
def test_index_cannot_name_a_path(folder, tmp_path, name):
    """The planted file outside is a good one: only the name can be the reason."""
    index = shard(folder)
    shutil.copy(folder / "one.safetensors", tmp_path / "out.safetensors")
    (folder / "sub").mkdir()
    shutil.copy(folder / "one.safetensors", folder / "sub" / "x.safetensors")
    for key, file in index["weight_map"].items():
        if file == "one.safetensors":
            index["weight_map"][key] = name
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(InputError) as caught:
        load_network(folder)
    assert caught.value.value == name


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": 3}}', "[" * 100_000])
def test_broken_index(folder, text):
    shard(folder)
    (folder / "model.safetensors.index.json").write_text(text)
    with pytest.raises(InputError, match=r"index\.json"):
        load_network(folder)


@pytest.mark.parametrize("name", ["model.norm.weight", "model.layers.1.self_attn.k_proj.weight"])
def test_dropped_renamed_misshapen_tensor_is_named(folder, name):
    whole = tensors_of(folder)
    path = folder / "model.safetensors"

    write(path, {key: tensor for key, tensor in whole.items() if key != name})
    with pytest.raises(InputError, match=f"lacks the tensor {name}"):
        load_network(folder)

    write(path, {(key + "s" if key == name else key): tensor for key, tensor in whole.items()})
    with pytest.raises(InputError, match=name):
        load_network(folder)

    write(path, {key: tensor[:-1].clone() if key == name else tensor for key, tensor in whole.items()})
    with pytest.raises(InputError, match=name) as caught:
        load_network(folder)
    assert caught.value.limit == list(whole[name].shape)


def test_transposed_tensor_is_named(folder):
    name = "model.layers.0.mlp.down_proj.weight"
    whole = tensors_of(folder)
    write(folder / "model.safetensors", {**whole, name: whole[name].T.contiguous()})
    with pytest.raises(InputError, match=rf"{name} .* \[24, 16\].*\[16, 24\]"):
        load_network(folder)


def test_unknown_tensor_is_named(folder):
    whole = {**tensors_of(folder), "model.extra": torch.zeros(2)}
    write(folder / "model.safetensors", whole)
    with pytest.raises(InputError, match=r"unknown tensor model\.extra"):
        load_network(folder)


def test_untied_model_without_its_head(folder):
    edit_config(folder, tie_word_embeddings=False)
    with pytest.raises(InputError, match=r"lacks the tensor lm_head\.weight"):
        load_network(folder)


@pytest.mark.parametrize("left", [0, 7, 8, 100, -1])
def test_truncated_file(folder, left):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=r"model\.safetensors is broken"):
        load_network(folder)


def test_tensor_type_that_is_no_weight(folder):
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"F32"', b'"I32"', 1))
    with pytest.raises(InputError, match="I32"):
        load_network(folder)


def test_no_weights_and_no_config(tmp_path, folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors"):
        load_network(folder)
    with pytest.raises(InputError, match=r"config\.json"):
        load_network(tmp_path)


@pytest.mark.parametrize(
    "key", ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
            "max_position_embeddings"],
)  # fmt: skip
@pytest.mark.parametrize("value", [..., None, "64", -1, 0, 1.5, [], True, 2**63, 10**30])
def test_config_with_a_bad_number(folder, key, value):
    """Missing, of another type, or so large that a table for it would fill the memory."""
    edit_config(folder, **{key: value})
    began = time.monotonic()
    with pytest.raises(InputError):
        load_network(folder)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "changed",
    [
        {"model_type": "gpt9"},
        {"model_type": None},
        {"model_type": "../x"},
        {"num_key_value_heads": 3},
        {"num_key_value_heads": 0},
        {"head_dim": 5},
        {"head_dim": "x"},
        {"rope_scaling": {"type": "spiral", "factor": 4}},
        {"rope_parameters": {"rope_type": "yarn", "factor": -1.0}},
        {"rope_parameters": [1]},
        {"rope_theta": "far"},
        {"rope_theta": -1.0},
        {"rms_norm_eps": []},
        {"attention_bias": 1},
        {"use_sliding_window": True},
        {"hidden_act": "tanhish"},
    ],
)
def test_config_that_cannot_be_run(folder, changed):
    edit_config(folder, **changed)
    with pytest.raises(InputError):
        read_spec(folder)


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff\xfe", b"{", b"[" * 100_000, b'{"a": 1' + b"0" * 5000 + b"}"])
def test_broken_config(folder, raw):
    (folder / "config.json").write_bytes(raw)
    with pytest.raises(InputError, match=r"config\.json"):
        load_network(folder)
