"""GGUF files as checkpoints: what we write computes the same in transformers, and in our network when it comes back.

transformers reads F32 files of the architectures it knows; tolerance 1e-4 at float32, as for folders. All block types,
stacked experts and the rows that llama.cpp turns are held against the reference library's numbers.
Run: pytest tests/models/test_gguf.py
"""

from __future__ import annotations

import gguf
import msgspec
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError
from athanor.models import keys
from athanor.models.decoder import Decoder, initialise
from athanor.models.encoder import Encoder
from athanor.models.gguf import export_gguf, open_gguf
from athanor.specs.decoder import DecoderSpec
from athanor.specs.encoder import EncoderSpec
from athanor.specs.families import family
from athanor.specs.gguf import KINDS, NUMBERS, read_header
from athanor.specs.gguf_write import Slot, write_gguf
from athanor.specs.rotary import Rotary
from athanor.specs.trunk import Experts

transformers = pytest.importorskip("transformers")

BASE = {
    "vocabulary": 50,
    "width": 64,
    "layers": 2,
    "heads": 4,
    "kv_heads": 2,
    "head_width": 16,
    "inner": 96,
    "context": 64,
    "tied": False,
}
PLAIN = {"qk_norm": False}
GPT2 = {
    "kv_heads": 4, "norm": "layer", "qkv_bias": True, "out_bias": True, "mlp_bias": True, "gated": False,
    "activation": "gelu_tanh", "rotary": None, "learned_positions": True, "qk_norm": False, "norm_epsilon": 1e-5,
    "tied": True,
}  # fmt: skip
LLAMA3 = Rotary(theta=500000.0, kind="llama3", factor=8.0, original=8192, slow=1.0, fast=4.0)
SPECS = {
    "llama": DecoderSpec(family="llama", **BASE, **PLAIN),
    "llama tied": DecoderSpec(family="llama", **BASE | PLAIN | {"tied": True, "kv_heads": 4}),
    "llama 3": DecoderSpec(family="llama", **BASE | PLAIN | {"head_width": 32, "rotary": LLAMA3}),
    "llama biased": DecoderSpec(family="llama", **BASE, **PLAIN, qkv_bias=True, out_bias=True, mlp_bias=True),
    "mistral": DecoderSpec(family="mistral", **BASE, **PLAIN, window=7),
    "qwen2": DecoderSpec(family="qwen2", **BASE, **PLAIN, qkv_bias=True),
    "qwen3": DecoderSpec(family="qwen3", **BASE | {"head_width": 128}),
    "experts": DecoderSpec(family="qwen3_moe", **BASE, experts=Experts(number=6, chosen=2, inner=32)),
    "glm4": DecoderSpec(family="glm4", **BASE, **PLAIN, norm_place="around", rotary=Rotary(share=0.5), qkv_bias=True),
    "chatglm": DecoderSpec(family="chatglm", **BASE, **PLAIN, qkv_bias=True, rotary=Rotary(share=0.5)),
    "gpt2": DecoderSpec(family="gpt2", **BASE | GPT2),
    "bert": EncoderSpec(
        family="bert", vocabulary=50, width=64, layers=2, heads=4, kv_heads=4, head_width=16, inner=96, context=64,
        norm="layer", norm_place="after", last_norm=False, causal=False,
        norm_epsilon=1e-12, qkv_bias=True, out_bias=True, mlp_bias=True,
        qk_norm=False, gated=False, activation="gelu", rotary=None,
    ),
}  # fmt: skip
# What transformers does not read from GGUF has its own defaults: widths of experts, GPT-2's context and inner width.
TRANSFORMERS = {
    **{name: SPECS[name] for name in ("llama", "llama tied", "qwen2", "qwen3")},
    "experts": msgspec.structs.replace(SPECS["experts"], experts=Experts(number=6, chosen=2, inner=768)),
    "gpt2": msgspec.structs.replace(SPECS["gpt2"], inner=256, context=1024),
}
TOKENS = {"tokenizer.ggml.tokens": [f"<{at}>" for at in range(50)]}


def published_by(network) -> dict[str, torch.Tensor]:
    """A network's tensors by their published names."""
    ours = dict(network.named_parameters())
    shapes = {name: tensor.shape for name, tensor in ours.items()}
    return dict(keys.publish(family(network.spec.family).key_map(network.spec), shapes, ours.__getitem__))


def random_network(spec) -> Decoder | Encoder:
    network = Decoder(spec) if isinstance(spec, DecoderSpec) else Encoder(spec)
    if isinstance(network, Decoder):
        initialise(network, 1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return network.eval().requires_grad_(False)


def read_network(path, dtype=torch.float32) -> Decoder | Encoder:
    """What a loader does: the spec from the config, each of our tensors filled by the family's key map."""
    checkpoint = open_gguf(path)
    page = family(checkpoint.config["model_type"])
    spec = page.read_config(checkpoint.config).check()
    network = (Decoder(spec) if isinstance(spec, DecoderSpec) else Encoder(spec)).to(dtype)
    ours = dict(network.named_parameters())
    with torch.no_grad():
        for rule in page.key_map(spec):
            checkpoint.fill(rule, ours[rule.ours])
    return network.eval().requires_grad_(False)


def ids_for(spec) -> torch.Tensor:
    return torch.randint(1, spec.vocabulary, (2, 19), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("spec", TRANSFORMERS.values(), ids=TRANSFORMERS.keys())
def test_transformers_computes_the_same(tmp_path, spec):
    network = random_network(spec)
    assert export_gguf(network, tmp_path / "x.gguf", "F32", "tiny", TOKENS) == []
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file="x.gguf", dtype=torch.float32, attn_implementation="eager"
    )
    ids = ids_for(spec)
    with torch.no_grad():
        wanted = theirs(ids).logits
    assert wanted.std() > 0.3
    torch.testing.assert_close(network(ids), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_it_comes_back_bit_for_bit(tmp_path, spec):
    network = random_network(spec)
    export_gguf(network, tmp_path / "x.gguf", "F32", "tiny", TOKENS)
    again = read_network(tmp_path / "x.gguf")
    before, after = dict(network.named_parameters()), dict(again.named_parameters())
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    torch.testing.assert_close(network(ids_for(spec)), again(ids_for(spec)), atol=1e-6, rtol=0)
    # and once more out: not a byte is another
    export_gguf(again, tmp_path / "y.gguf", "F32", "tiny", TOKENS)
    assert (tmp_path / "y.gguf").read_bytes() == (tmp_path / "x.gguf").read_bytes()


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q4_0"])
def test_a_file_that_went_through_our_network_is_the_same_file(tmp_path, kind):
    """Unpacked and packed anew, with the rows turned back: the codes that quantizing gave are found again."""
    export_gguf(random_network(SPECS["llama 3"]), tmp_path / "x.gguf", kind, "tiny")
    export_gguf(read_network(tmp_path / "x.gguf"), tmp_path / "y.gguf", kind, "tiny")
    assert (tmp_path / "y.gguf").read_bytes() == (tmp_path / "x.gguf").read_bytes()


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q4_0"])
@pytest.mark.parametrize("name", ["llama", "experts", "gpt2", "chatglm", "bert"])
def test_every_type_holds_what_the_reference_library_makes_of_it(tmp_path, kind, name):
    spec = SPECS[name]
    network = random_network(spec)
    assert export_gguf(network, tmp_path / "x.gguf", kind, "tiny") == []
    checkpoint = open_gguf(tmp_path / "x.gguf")
    published = published_by(network)
    assert published.keys() == checkpoint.shapes.keys()
    for key, tensor in published.items():
        stored = checkpoint.kind(key)
        whole = tensor.dim() == 1 or any(word in key for word in ("mlp.gate.", "wpe", "position", "type"))
        assert stored == ("F32" if whole else kind)
        turned = checkpoint.parts[key].transposed
        rows = (tensor.T if turned else tensor).contiguous().numpy()
        packed = gguf.quants.quantize(rows, GGMLQuantizationType[stored])
        wanted = torch.from_numpy(gguf.quants.dequantize(packed, GGMLQuantizationType[stored]).copy()).reshape(
            rows.shape
        )
        assert torch.equal(checkpoint.read(key), wanted.T if turned else wanted), key
    file_type = read_header(tmp_path / "x.gguf").metadata["general.file_type"]
    names = {"F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16", "Q8_0": "MOSTLY_Q8_0", "Q4_0": "MOSTLY_Q4_0"}
    assert gguf.LlamaFileType(file_type).name == names[kind]


def blocks(kind: str, shape: tuple[int, ...], seed: int) -> bytes:
    """A tensor of any codes, with scales that are numbers."""
    _, items, size = KINDS[NUMBERS[kind]]
    count = int(np.prod(shape)) // items
    raw = np.random.default_rng(seed).integers(0, 255, (count, size), dtype=np.uint8)
    if items > 1:
        places = {"Q6_K": [208]}.get(kind, [0, 2] if kind in ("Q4_1", "Q5_1", "Q4_K", "Q5_K") else [0])
        for place in places:
            raw[:, place : place + 2] = np.float16(0.01).reshape(1).view(np.uint8)
        return raw.tobytes()
    values = np.random.default_rng(seed).standard_normal(count).astype(np.float32) * 0.1
    return gguf.quants.quantize(values, GGMLQuantizationType[kind]).tobytes()


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"])
def test_a_llama_of_every_type(tmp_path, kind):
    """Every matrix in blocks: as the reference library unpacks it, the rows of queries and keys put back."""
    base = {"context_length": 64, "embedding_length": 256, "block_count": 1, "feed_forward_length": 512}
    more = {"attention.head_count": 4, "attention.head_count_kv": 2, "attention.layer_norm_rms_epsilon": 1e-5}
    metadata = {"general.architecture": "llama", **{f"llama.{key}": value for key, value in {**base, **more}.items()}}
    shapes = {
        "token_embd.weight": (40, 256), "output_norm.weight": (256,), "blk.0.attn_norm.weight": (256,),
        "blk.0.ffn_norm.weight": (256,), "blk.0.attn_q.weight": (256, 256), "blk.0.attn_k.weight": (128, 256),
        "blk.0.attn_v.weight": (128, 256), "blk.0.attn_output.weight": (256, 256), "blk.0.ffn_up.weight": (512, 256),
        "blk.0.ffn_gate.weight": (512, 256), "blk.0.ffn_down.weight": (256, 512),
    }  # fmt: skip
    slots = [Slot(name, kind if len(shape) > 1 else "F32", shape) for name, shape in shapes.items()]
    path = tmp_path / "x.gguf"
    write_gguf(path, metadata, slots, ([blocks(slot.kind, slot.shape, at)] for at, slot in enumerate(slots)))
    network = read_network(path)
    ours = published_by(network)
    checkpoint = open_gguf(path)
    for item in gguf.GGUFReader(path).tensors:
        wanted = torch.from_numpy(gguf.quants.dequantize(item.data, item.tensor_type).copy()).reshape(shapes[item.name])
        if item.name in ("blk.0.attn_q.weight", "blk.0.attn_k.weight"):
            wanted = wanted.view(-1, 32, 2, 256).transpose(1, 2).reshape(wanted.shape)  # llama.cpp's permute undone
        name = next(name for name, part in checkpoint.parts.items() if part.theirs == item.name)
        assert torch.equal(ours[name], wanted) and torch.equal(checkpoint.read(name), wanted), item.name
        assert torch.equal(checkpoint.read(name, torch.bfloat16), wanted.bfloat16())
    assert torch.isfinite(network(ids_for(msgspec.structs.replace(network.spec, vocabulary=40)))).all()


def test_rows_that_fill_no_blocks_go_to_f16_and_are_told(tmp_path):
    spec = DecoderSpec(family="llama", **BASE | PLAIN | {"inner": 80})
    notes = export_gguf(random_network(spec), tmp_path / "x.gguf", "Q8_0", "tiny")
    assert notes == [f"blk.{layer}.ffn_down.weight is F16: its rows of 80 do not fill blocks of 32" for layer in (0, 1)]
    tensors = read_header(tmp_path / "x.gguf").tensors
    assert tensors["blk.0.ffn_down.weight"].kind.name == "F16" and tensors["blk.0.ffn_up.weight"].kind.name == "Q8_0"


def test_a_pooler_and_heads_are_left_out_and_told(tmp_path):
    spec = msgspec.structs.replace(SPECS["bert"], pooler=True, head="masked", next_sentence=True)
    network = random_network(spec)
    notes = export_gguf(network, tmp_path / "x.gguf", "F32", "tiny")
    assert len(notes) == 3 and "pooler" in notes[0]
    again = read_network(tmp_path / "x.gguf")
    assert again.spec == SPECS["bert"]
    assert torch.equal(again(ids_for(spec)), network(ids_for(spec)))


def test_a_number_too_large_for_f16_leaves_no_file(tmp_path):
    network = random_network(SPECS["llama"])
    network.embedding.weight.data[3, 5] = 1e6
    with pytest.raises(InputError, match=r"token_embd\.weight holds 1e\+06"):
        export_gguf(network, tmp_path / "x.gguf", "F16", "tiny")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="q9_9"):
        export_gguf(network, tmp_path / "x.gguf", "q9_9", "tiny")


def rewritten(path, change_metadata=None, change_slots=None) -> None:
    """The same file with other metadata or tensors, all of them zero."""
    header = read_header(path)
    slots = [Slot(entry.name, entry.kind.name, entry.shape) for entry in header.tensors.values()]
    metadata = {**header.metadata, **(change_metadata or {})}
    slots = change_slots(slots) if change_slots else slots
    write_gguf(path, metadata, slots, ([bytes(slot.bytes)] for slot in slots))


def stored_as(kind: str, name: str):
    """A change of one tensor's type."""
    return lambda slots: [slot._replace(kind=kind) if slot.name == name else slot for slot in slots]


EXTRA = [Slot("extra.one", "F32", (3,)), Slot("extra.two", "F16", (3,))]


@pytest.mark.parametrize(("metadata", "slots", "words"), [
    ({"llama.block_count": 3}, None, ["blk.2.attn_q.weight is missing", "blk.2.ffn_up.weight is missing"]),
    ({"llama.block_count": 4000}, None, ["4000 layers"]),
    ({"llama.embedding_length": 32}, None, ["token_embd.weight has shape [50, 64] instead of [50, 32]", "output_norm"]),
    ({"llama.vocab_size": 51}, None, ["[50, 64] instead of [51, 64]"]),
    ({"general.architecture": "mamba"}, None, ["mamba"]),
    (None, lambda slots: slots[1:-2], ["token_embd.weight is missing"]),
    (None, lambda slots: [*slots, *EXTRA], ["extra.one is left over", "extra.two is left over"]),
    (None, stored_as("Q8_0", "output_norm.weight"), ["output_norm.weight is of type Q8_0", "vector"]),
    (None, stored_as("Q8_1", "blk.0.ffn_up.weight"), ["blk.0.ffn_up.weight is of type Q8_1"]),
])  # fmt: skip
def test_what_does_not_go_together_is_named(tmp_path, metadata, slots, words):
    path = tmp_path / "model.gguf"
    export_gguf(random_network(SPECS["llama"]), path, "F32", "tiny")
    rewritten(path, metadata, slots)
    with pytest.raises(InputError) as caught:
        open_gguf(path)
    assert all(word in caught.value.message for word in ["model.gguf", *words]), caught.value.message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), name=st.sampled_from(["llama 3", "experts"]))
def test_any_flipped_byte_of_a_header(tmp_path, share, value, name):
    """Refused with the file's name, or a checkpoint whose every tensor can be read."""
    path, good = tmp_path / "model.gguf", tmp_path / f"{name}.good"
    if not good.exists():
        export_gguf(random_network(SPECS[name]), good, "Q8_0", "tiny", TOKENS)
    raw = bytearray(good.read_bytes())
    raw[int(share * next(iter(read_header(good).tensors.values())).start)] = value
    path.write_bytes(raw)
    try:
        checkpoint = open_gguf(path)
    except InputError as error:
        assert "model.gguf" in error.message and error.remedy
        return
    for key, shape in checkpoint.shapes.items():
        assert tuple(checkpoint.read(key).shape) == shape


def test_tables_that_follow_from_the_config_are_no_fault(tmp_path):
    path = tmp_path / "model.gguf"
    export_gguf(random_network(SPECS["llama"]), path, "F16", "tiny")
    rewritten(path, None, lambda slots: [*slots, Slot("blk.0.attn_rot_embd.weight", "F32", (8,))])
    assert open_gguf(path).config["torch_dtype"] == "float16"
