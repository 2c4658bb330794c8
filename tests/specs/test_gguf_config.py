"""GGUF's names and metadata against the reference library's tables and the family pages.

Names: for every published tensor, ours is the one that gguf-py's converter tables give. Configs: any spec's metadata
reads back as the same spec, and what GGUF cannot say or no page runs is refused by name.
Run: pytest tests/specs/test_gguf_config.py
"""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from gguf import MODEL_ARCH_NAMES, get_tensor_name_map
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError
from athanor.specs.decoder import DecoderSpec
from athanor.specs.encoder import EncoderSpec
from athanor.specs.families import family
from athanor.specs.gguf_config import MODEL_TYPES, architecture, config_of, metadata_of
from athanor.specs.gguf_names import gguf_rules
from athanor.specs.keymap import published_names
from athanor.specs.rotary import Rotary
from athanor.specs.trunk import Experts

BASE = {
    "vocabulary": 40,
    "width": 32,
    "layers": 2,
    "heads": 4,
    "kv_heads": 2,
    "head_width": 8,
    "inner": 48,
    "context": 64,
    "tied": False,
}
PLAIN = {"qk_norm": False}
GPT2 = {
    "kv_heads": 4, "norm": "layer", "qkv_bias": True, "out_bias": True, "mlp_bias": True, "gated": False,
    "activation": "gelu_tanh", "rotary": None, "learned_positions": True, "qk_norm": False,
}  # fmt: skip
LLAMA3 = Rotary(theta=500000.0, kind="llama3", factor=8.0, original=8192, slow=1.0, fast=4.0)
YARN = Rotary(theta=1e6, kind="yarn", factor=4.0, original=32, slow=1.0, fast=32.0, loudness=1.25)
SPECS = {
    "llama": DecoderSpec(family="llama", **BASE, **PLAIN),
    "llama tied": DecoderSpec(family="llama", **BASE | PLAIN | {"tied": True, "head_width": 12}),
    "llama biased": DecoderSpec(family="llama", **BASE, **PLAIN, qkv_bias=True, out_bias=True, mlp_bias=True),
    "llama 3": DecoderSpec(family="llama", **BASE | PLAIN | {"head_width": 64}, rotary=LLAMA3),
    "llama 3 of other lengths": DecoderSpec(
        family="llama", **BASE | PLAIN | {"head_width": 32},
        rotary=msgspec.structs.replace(LLAMA3, original=64, fast=3.5, factor=32.0),
    ),
    "llama linear": DecoderSpec(
        family="llama", **BASE, **PLAIN, rotary=Rotary(theta=10000.0, kind="linear", factor=2.5, original=64)
    ),
    "mistral": DecoderSpec(family="mistral", **BASE, **PLAIN, window=16),
    "mistral without a window": DecoderSpec(family="mistral", **BASE, **PLAIN),
    "qwen2": DecoderSpec(family="qwen2", **BASE, **PLAIN, qkv_bias=True, rotary=YARN),
    "qwen2 with a window": DecoderSpec(family="qwen2", **BASE, **PLAIN, qkv_bias=True, window=9),
    "qwen3": DecoderSpec(family="qwen3", **BASE),
    "experts": DecoderSpec(family="qwen3_moe", **BASE, experts=Experts(number=6, chosen=2, inner=24)),
    "glm4": DecoderSpec(family="glm4", **BASE, **PLAIN, norm_place="around", qkv_bias=True, rotary=Rotary(share=0.5)),
    "chatglm": DecoderSpec(family="chatglm", **BASE, **PLAIN, qkv_bias=True, rotary=Rotary(theta=5e5, share=0.5)),
    "gpt2": DecoderSpec(family="gpt2", **BASE | GPT2),
    "bert": EncoderSpec(
        family="bert", vocabulary=40, width=32, layers=2, heads=4, kv_heads=4, head_width=8, inner=48, context=64,
        norm="layer", norm_place="after", last_norm=False, causal=False,
        norm_epsilon=1e-12, qkv_bias=True, out_bias=True, mlp_bias=True,
        qk_norm=False, gated=False, activation="gelu", rotary=None,
    ),
}  # fmt: skip


def stored_names(spec) -> dict[str, tuple[int, ...]]:
    """GGUF's names of a spec's tensors, with shapes that say no more than what is read of them."""
    shapes = {
        name: (40,) if "bias" in name else (40, 32) for name in published_names(family(spec.family).key_map(spec))
    }
    rules = gguf_rules(architecture(spec.family), spec, shapes)
    found = {rule.parts[0].theirs: shapes[rule.ours] for rule in rules}
    return found | ({"token_types.weight": (2, 32)} if spec.family == "bert" else {})


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_names_are_the_reference_librarys(spec):
    name = architecture(spec.family)
    kind = next(kind for kind, word in MODEL_ARCH_NAMES.items() if word == name)
    table = get_tensor_name_map(kind, spec.layers)
    published = dict.fromkeys(published_names(family(spec.family).key_map(spec)), (40, 32))
    for rule in gguf_rules(name, spec, published):
        # the converter takes these off before it looks a name up, and joins the experts' names
        theirs = rule.ours.removeprefix("transformer.") if name == "chatglm" else rule.ours.removeprefix("bert.")
        parts = theirs.split(".experts.")
        theirs = theirs if len(parts) == 1 else f"{parts[0]}.experts.{parts[1].split('.', 1)[1]}"
        assert table.get_name(theirs, (".weight", ".bias")) == rule.parts[0].theirs, rule.ours


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_metadata_reads_back_as_the_same_spec(spec):
    shapes = stored_names(spec)
    metadata, divisors = metadata_of(spec, shapes)
    held = {key: float(np.float32(value)) if isinstance(value, float) else value for key, value in metadata.items()}
    divisors = None if divisors is None else np.float32(divisors).tolist()
    config = config_of(held, shapes, divisors)
    again = family(config["model_type"]).read_config(config).check()
    if spec.family == "mistral" and spec.window is None:
        spec = msgspec.structs.replace(spec, family="llama")  # nothing tells them apart
    if spec.rotary is not None and spec.rotary.kind == "yarn":
        assert again.rotary.loudness == pytest.approx(spec.rotary.loudness, rel=1e-6)
        again = msgspec.structs.replace(again, rotary=spec.rotary)
    assert again == spec


@settings(max_examples=80, deadline=None)
@given(
    theta=st.floats(100, 1e7, width=32), factor=st.floats(1.0625, 64, width=16), width=st.sampled_from([16, 64, 128]),
    original=st.integers(64, 1 << 17), slow=st.floats(0.5, 2, width=16), fast=st.floats(2.5, 64, width=16),
)  # fmt: skip
def test_llama_3_settings_follow_from_its_divisors(theta, factor, width, original, slow, fast):
    """Where any pair is stretched; the factor comes back to five places."""
    rotary = Rotary(theta=theta, kind="llama3", factor=factor, original=original, slow=slow, fast=fast)
    spec = DecoderSpec(family="llama", **BASE | PLAIN | {"head_width": width}, rotary=rotary)
    try:
        metadata, divisors = metadata_of(spec, stored_names(spec))
    except InputError as error:  # nothing is stretched, or the factor has more than five places
        assert "rotary" in str(error) or "stretched" in str(error) or "slow enough" in str(error)
        return
    config = config_of(metadata, stored_names(spec), np.float32(divisors).tolist())
    assert config["rope_scaling"]["factor"] == pytest.approx(factor, rel=1e-4)


def metadata(**changed) -> dict:
    base = {"context_length": 64, "embedding_length": 32, "block_count": 1, "feed_forward_length": 48}
    more = {"attention.head_count": 4, "attention.layer_norm_rms_epsilon": 1e-5}
    given = {f"llama.{key}": value for key, value in {**base, **more}.items()}
    return {"general.architecture": "llama", **given, **changed}


SHAPES = {"token_embd.weight": (40, 32)}


def test_what_metadata_leaves_open():
    config = config_of(metadata(**{"llama.attention.head_count_kv": [2, 2], "tokenizer.ggml.eos_token_id": 3}), SHAPES)
    spec = family(config["model_type"]).read_config(config)
    assert (spec.vocabulary, spec.kv_heads, spec.tied, spec.rotary) == (40, 2, True, Rotary())
    assert config["eos_token_id"] == 3 and config["rms_norm_eps"] == 1e-5
    older = config_of(metadata(**{"llama.rope.scale_linear": 4.0}), SHAPES)
    assert older["rope_scaling"] == {"rope_type": "linear", "factor": 4.0}
    assert config_of(metadata(), SHAPES, [1.0] * 4)["rope_scaling"] is None  # a table of ones stretches nothing


REFUSED = {
    "another architecture": ({"general.architecture": "mamba"}, "mamba"),
    "no architecture": ({"general.architecture": None}, "None"),
    "a list of architectures": ({"general.architecture": ["llama"]}, "llama"),
    "nearly one": ({"general.architecture": "qwen3mo"}, "nearest known is qwen3moe"),
    "softcapping": ({"llama.final_logit_softcapping": 30.0}, "final_logit_softcapping"),
    "a mixture": ({"llama.expert_count": 8}, "expert_count"),
    "a scale": ({"llama.embedding_scale": 12.0}, "embedding_scale"),
    "values of another width": ({"llama.attention.key_length": 8, "llama.attention.value_length": 4}, "value_length"),
    "heads by layer": ({"llama.attention.head_count_kv": [2, 4]}, "head_count_kv"),
    "a part": ({"split.count": 3}, "split.count"),
    "half turned": ({"llama.rope.dimension_count": 4}, "rope.dimension_count"),
    "rope as text": ({"llama.rope.freq_base": "x"}, "rope.freq_base"),
    "rope not a number": ({"llama.rope.freq_base": float("nan")}, "rope.freq_base"),
    "no heads": ({"llama.attention.head_count": 0}, "num_attention_heads"),
    "longrope": ({"llama.rope.scaling.type": "longrope", "llama.rope.scaling.factor": 2.0}, "longrope"),
    "factor of text": ({"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": "x"}, "factor"),
    "width of text": ({"llama.embedding_length": "x"}, "dimension_count|hidden_size"),
    "no layers": ({"llama.block_count": 0}, "num_hidden_layers"),
}


@pytest.mark.parametrize(("changed", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(changed, word):
    with pytest.raises(InputError, match=word):
        config = config_of(metadata(**changed), SHAPES)
        family(config["model_type"]).read_config(config).check()


@pytest.mark.parametrize("divisors", [(2, 2, 2), (2, 2, 2, 2), (1, 1, 1, -1), (1, 1, 1, float("nan")), (5, 1, 1, 2)])
def test_divisors_that_are_not_llama_3s(divisors):
    with pytest.raises(InputError, match=r"rope_freqs\.weight"):
        config_of(metadata(), SHAPES, divisors)


@pytest.mark.parametrize(("changed", "word"), [
    ({"rotary": Rotary(kind="dynamic", factor=2.0, original=64)}, "rotary"),
    ({"rotary": msgspec.structs.replace(YARN, truncate=False)}, "rotary"),
    ({"activation": "gelu"}, "activation"),
])  # fmt: skip
def test_what_gguf_has_no_words_for(changed, word):
    spec = DecoderSpec(family="llama", **BASE, **PLAIN, **changed)
    with pytest.raises(InputError, match=f"GGUF's llama has no words for {word}"):
        metadata_of(spec, stored_names(spec))


def test_a_family_that_is_not_written():
    with pytest.raises(InputError, match="family t5"):
        architecture("t5")
    assert all(architecture(theirs) == name for name, theirs in MODEL_TYPES.items())
