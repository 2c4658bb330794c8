"""Bytes and operations against counts by hand, presets against published counts.

Run: pytest tests/specs/test_arithmetic.py
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.core.errors import RecipeError
from athanor.specs import arithmetic
from athanor.specs.bert import PRESETS as BERT
from athanor.specs.decoder import DecoderSpec
from athanor.specs.drawing import WIDTH, draw
from athanor.specs.encoder_decoder import EncoderDecoderSpec
from athanor.specs.presets import presets
from athanor.specs.trunk import Experts, TrunkSpec

# As counted in the published weights, by the model cards and their safetensors files.
COUNTS = {
    "gpt2": 124_439_808, "gpt2-xl": 1_557_611_200, "bert-base": 109_482_240, "bert-large": 335_141_888,
    "llama-7b": 6_738_415_616, "llama-65b": 65_285_660_672, "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192, "llama-3-8b": 8_030_261_248, "llama-3.1-405b": 405_853_388_800,
    "llama-3.2-1b": 1_235_814_400, "smollm2-135m": 134_515_008, "smollm2-1.7b": 1_711_376_384,
    "mistral-7b": 7_241_732_096, "qwen2.5-0.5b": 494_032_768, "qwen2.5-72b": 72_706_203_648,
    "qwen3-0.6b": 596_049_920, "qwen3-32b": 32_762_123_264, "qwen3-30b-a3b": 30_532_122_624,
    "chatglm3-6b": 6_243_584_000, "glm-4-9b": 9_399_951_360, "glm-4-9b-0414": 9_400_279_040,
}  # fmt: skip
# As printed in the papers, in millions.
PAPERS = {
    "gpt-3-small": 125, "gpt-3-medium": 350, "gpt-3-large": 760, "gpt-3-2.7b": 2650, "gpt-3-6.7b": 6660,
    "gpt-3-13b": 12_850, "gpt-3-175b": 174_600, "palm-8b": 8630, "palm-62b": 62_500, "palm-540b": 540_350,
    "gopher-280b": 280_000, "chinchilla-70b": 70_000,
}  # fmt: skip

# One layer: D 4, N 2, G 1, K 2, F 6, V 10; attention 4·8 + 4·4 = 48, MLP 72.
TINY = DecoderSpec(
    family="qwen3", vocabulary=10, width=4, layers=1, heads=2, kv_heads=1, head_width=2, inner=6, context=32
)


def parts_of(spec) -> dict[str, int]:
    found = arithmetic.parameters(spec)
    assert found is not None and list(found) == list(arithmetic.PARTS)
    return found


@pytest.mark.parametrize("name", COUNTS)
def test_presets_have_the_published_number_of_parameters(name):
    assert sum(parts_of(presets()[name]).values()) == COUNTS[name]


@pytest.mark.parametrize("name", PAPERS)
def test_papers_models_are_as_large_as_printed(name):
    assert sum(parts_of(presets()[name]).values()) == pytest.approx(1e6 * PAPERS[name], rel=0.02)


def test_every_preset_holds_together():
    for name, spec in presets().items():
        assert name == name.lower()
        if name != "gpt-3-13b":  # printed with a width that its heads do not divide
            spec.check()


def test_bytes_of_weights_by_hand():
    parts = {"embedding": 40, "attention": 48, "mlp": 80, "norm": 12, "head": 0, "other": 0}
    assert arithmetic.weight_bytes(parts, "float32") == 4 * 180
    assert arithmetic.weight_bytes(parts, "bf16") == 2 * 180
    assert arithmetic.weight_bytes(parts, "int8") == 128 + 2 * 2 + 2 * 52
    assert arithmetic.weight_bytes(parts, "int4") == 64 + 2 * 2 + 2 * 52


def test_keys_and_values_by_hand():
    """2 kinds · 1 layer · 1 head · 2 wide, for 3 texts of 100 tokens."""
    assert arithmetic.cache_bytes(TINY, "bf16", 100, 3) == 2 * 4 * 300
    assert arithmetic.cache_bytes(TINY, "int4", 100, 3) == 2 * 4 * 300
    assert arithmetic.cache_bytes(TINY, "float32", 100, 3) == 4 * 4 * 300
    windowed = DecoderSpec(**{**{key: getattr(TINY, key) for key in TINY.__struct_fields__}, "window": 7})
    assert arithmetic.cache_bytes(windowed, "bf16", 100, 3) == 2 * 4 * 21
    assert arithmetic.cache_bytes(BERT["bert-base"], "bf16", 100, 3) == 0


def test_training_bytes_by_hand():
    """4·4 for norms, 2·(2 + 1)·2 of attention and 4·6 of the MLP a token; logits of 10 twice in float32."""
    memory = arithmetic.training_memory(TINY, 100, "bf16", 5)
    assert memory[:3] == (200, 200, 1200)
    assert memory.activations == 5 * ((16 + 12 + 24) * 2 + 2 * 4 * 10)
    assert arithmetic.training_memory(TINY, 100, "float32", 5)[:3] == (400, 400, 800)


def test_adapters_by_hand():
    """q 4→4, k and v 4→2, out 4→4, gate and up 4→6, down 6→4, at rank 3."""
    assert arithmetic.lora_parameters(TINY, rank=3) == 3 * (8 + 6 + 6 + 8 + 10 + 10 + 10)


def test_operations_of_what_sees_both_ways_by_hand():
    spec = BERT["bert-base"]
    parts = parts_of(spec)
    multiply = sum(parts.values()) - parts["embedding"]
    assert arithmetic.flops_per_token(spec, parts, 128) == 6 * multiply + 12 * 12 * 12 * 64 * 128


def test_of_experts_the_chosen_are_in_use():
    spec = presets()["qwen3-30b-a3b"]
    parts = parts_of(spec)
    # https://huggingface.co/Qwen/Qwen3-30B-A3B: 3.3B activated, the embedding counted
    assert sum(arithmetic.active(spec, parts).values()) + parts["embedding"] == pytest.approx(3.3e9, rel=0.03)


def test_experts_without_end_are_refused():
    spec = presets()["qwen3-30b-a3b"]
    many = {key: getattr(spec, key) for key in spec.__struct_fields__}
    many |= {"layers": 4000, "experts": Experts(number=1000, chosen=2, inner=8)}
    with pytest.raises(RecipeError, match="experts of all layers is 4000000"):
        DecoderSpec(**many).check()


@given(
    st.sampled_from(sorted(presets())),
    st.sampled_from(arithmetic.RUN_CONTEXTS),
    st.sampled_from(arithmetic.RUN_BATCHES),
)
def test_narrower_weights_take_less_and_more_text_takes_more(name, context, batch):
    spec = presets()[name]
    parts = parts_of(spec)
    sizes = [arithmetic.run_bytes(spec, parts, dtype, context, batch) for dtype in arithmetic.RUN_DTYPES]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 4
    assert sizes[0] > sum(parts.values()) * 4
    longer = arithmetic.run_bytes(spec, parts, "bf16", 2 * context, batch)
    windowed = spec.window is not None and context >= max(spec.window, arithmetic.AT_ONCE)
    assert longer == sizes[1] if windowed else longer > sizes[1]


@pytest.mark.parametrize(
    ("count", "word"),
    [(0, "0"), (999, "999"), (177_088, "177K"), (1_377_920, "1.4M"), (134_515_008, "135M"), (494_032_768, "0.5B"),
     (6_738_415_616, "6.7B"), (9_960_000_000, "10B"), (68_976_648_192, "69B"), (405_853_388_800, "406B")],
)  # fmt: skip
def test_counts_for_people(count, word):
    assert arithmetic.human(count) == word


def test_a_decoder_that_looks_back_at_its_source():
    """Each of its blocks has attention twice: the same adapters and activations once more, and a norm in front."""
    trunk = {"width": 4, "layers": 1, "heads": 2, "kv_heads": 1, "head_width": 2, "inner": 6}
    encoder, decoder = TrunkSpec(**trunk, causal=False), TrunkSpec(**trunk, cross=True)
    spec = EncoderDecoderSpec(family="t5", vocabulary=10, context=32, encoder=encoder, decoder=decoder)
    assert arithmetic.lora_parameters(spec, rank=1) == (28 + 30) + (28 + 28 + 30)
    assert arithmetic.activation_bytes(spec, "bf16", 1) == 2 * (52 + 52 + 8 + 12) + 80
    drawn = draw(spec)
    assert drawn.count("1 x block") == 2 and drawn.count("cross-attention") == 1
    assert drawn.count("RMS norm") == 2 + 3 + 2
    assert drawn.index("encoder:") < drawn.index("decoder:") < drawn.index("(tied)")
    assert arithmetic.number(spec, "layers") == 1 and arithmetic.number(spec, "context") == 32


def test_every_preset_can_be_drawn():
    for spec in presets().values():
        lines = draw(spec).splitlines()
        assert all(len(line) == WIDTH for line in lines if line[0] in "+|")
        assert f"{spec.layers} x block" in draw(spec)
        assert ("experts" in draw(spec)) == (isinstance(spec, TrunkSpec) and spec.experts is not None)
        assert draw(spec).isascii()
