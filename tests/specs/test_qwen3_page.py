"""The Qwen3 page: configs round trip in both spellings, the key map is one to one, parameter counts are the network's.

Run: pytest tests/specs/test_qwen3_page.py
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.core.errors import InputError, RecipeError
from athanor.specs.decoder import DecoderSpec, parameters, training_flops_per_token
from athanor.specs.families import families, family
from athanor.specs.keymap import published_names, published_shapes
from athanor.specs.qwen3 import PRESETS, from_preset, key_map, read_config, write_config
from athanor.specs.rotary import Rotary
from athanor.specs.trunk import MOST

NUMBERS = [*MOST, "vocabulary", "context"]


@st.composite
def specs(draw) -> DecoderSpec:
    kv_heads = draw(st.integers(1, 4))
    return DecoderSpec(
        family="qwen3",
        vocabulary=draw(st.integers(1, 300)),
        width=draw(st.integers(1, 64)),
        layers=draw(st.integers(1, 5)),
        heads=kv_heads * draw(st.integers(1, 4)),
        kv_heads=kv_heads,
        head_width=2 * draw(st.integers(1, 20)),
        inner=draw(st.integers(1, 99)),
        context=draw(st.integers(1, 999)),
        rotary=Rotary(theta=draw(st.floats(1, 1e7))),
        norm_epsilon=draw(st.floats(1e-12, 1e-3)),
        tied=draw(st.booleans()),
    )


def our_shapes(spec: DecoderSpec) -> dict[str, tuple[int, ...]]:
    """Shapes of our parameters, from the definition of the model."""
    width, rows, queries = spec.width, spec.heads + 2 * spec.kv_heads, spec.heads * spec.head_width
    shapes = {"embedding.weight": (spec.vocabulary, width), "trunk.norm.weight": (width,)}
    if not spec.tied:
        shapes["head.weight"] = (spec.vocabulary, width)
    for layer in range(spec.layers):
        block = f"trunk.blocks.{layer}."
        shapes |= {
            block + "attention_norm.weight": (width,),
            block + "attention.qkv.weight": (rows * spec.head_width, width),
            block + "attention.q_norm.weight": (spec.head_width,),
            block + "attention.k_norm.weight": (spec.head_width,),
            block + "attention.out.weight": (width, queries),
            block + "mlp_norm.weight": (width,),
            block + "mlp.gate_up.weight": (2 * spec.inner, width),
            block + "mlp.down.weight": (width, spec.inner),
        }
    return shapes


@given(specs())
def test_config_round_trip(spec):
    assert read_config(write_config(spec)) == spec


@given(specs())
def test_key_map_is_one_to_one_and_counts_every_parameter(spec):
    ours = our_shapes(spec)
    rules = key_map(spec)
    assert sorted(rule.ours for rule in rules) == sorted(ours)
    published = published_shapes(rules, ours)
    names = [part.theirs for rule in rules for part in rule.parts]
    assert len(set(names)) == len(names) == len(published)
    assert published_names(rules) == set(names)
    assert sum(math.prod(shape) for shape in published.values()) == sum(parameters(spec).values())


def test_both_spellings_of_the_rotary_base():
    spec = from_preset("qwen3-1m", 500, 64)
    config = write_config(spec)
    del config["rope_theta"], config["torch_dtype"]
    assert read_config({**config, "rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}).rotary.theta == 5e5
    assert read_config({**config, "rope_theta": 5e5, "rope_scaling": None}).rotary.theta == 5e5
    assert read_config(config).rotary.theta == 10000.0
    assert read_config({**config, "rope_theta": 5e5, "rope_scaling": {"rope_type": "default"}}).rotary.theta == 5e5
    assert read_config({**config, "rope_scaling": {"type": "default", "rope_theta": 5e5}}).rotary.theta == 5e5


@pytest.mark.parametrize(
    "changed",
    [
        {"tie_word_embeddings": "false"}, {"tie_word_embeddings": 0}, {"partial_rotary_factor": 0},
        {"layer_types": ["full_attention", "sliding_attention"]}, {"layer_types": "full_attention"},
        {"rope_scaling": "default"},
        {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 1e6}}},
    ],
)  # fmt: skip
def test_what_is_not_run_is_refused(changed):
    config = write_config(from_preset("qwen3-1m", 500, 64))
    with pytest.raises(InputError, match=next(iter(changed))):
        read_config({**config, **changed})


def test_settings_that_change_nothing_are_read():
    spec = from_preset("qwen3-1m", 500, 64)
    plain = {"partial_rotary_factor": 1.0, "layer_types": ["full_attention"] * spec.layers, "rope_scaling": {}}
    assert read_config({**write_config(spec), **plain}) == spec


@pytest.mark.parametrize("name", ["vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings"])
def test_a_missing_number_is_named(name):
    config = write_config(from_preset("qwen3-1m", 500, 64))
    del config[name]
    with pytest.raises(InputError, match=f"lacks {name}"):
        read_config(config)


@pytest.mark.parametrize(
    "changed",
    [{"heads": 3, "kv_heads": 2}, {"head_width": 7}] + [{name: n} for name in NUMBERS for n in (0, -1, 2**40)],
)
def test_numbers_that_do_not_fit(changed):
    base = {"vocabulary": 9, "width": 8, "layers": 1, "heads": 2, "kv_heads": 1, "head_width": 4, "inner": 8}
    with pytest.raises(RecipeError, match=r"is -?\d+"):
        DecoderSpec(**{"family": "qwen3", "context": 8, **base, **changed}).check()


def test_presets_have_the_size_of_their_name():
    """Own shapes with a vocabulary of 4096; the published ones with theirs, against the published count."""
    for name in PRESETS:
        if name.endswith("m"):
            size = sum(parameters(from_preset(name, 4096, 512)).values())
            assert size == pytest.approx(1e6 * float(name.removeprefix("qwen3-").removesuffix("m")), rel=0.4), name
    # https://huggingface.co/Qwen/Qwen3-0.6B: 0.6B parameters, 0.44B without embedding.
    big = parameters(from_preset("qwen3-0.6b", 151_936, 40_960))
    assert sum(big.values()) == 596_049_920
    assert sum(big.values()) - big["embedding"] == pytest.approx(0.44e9, rel=0.01)


def test_flops_by_hand():
    """One layer, D 2, N 1, G 1, K 2, F 3, V 5, T 4: q, k, v, out 4·4, mlp 18, head 10; scores 6·1·1·2·4."""
    spec = DecoderSpec(
        family="qwen3", vocabulary=5, width=2, layers=1, heads=1, kv_heads=1, head_width=2, inner=3, context=9
    )
    assert training_flops_per_token(spec, 4) == 6 * (16 + 18 + 10) + 48


@pytest.mark.parametrize("model_type", ["gpt9", None, 3, [], "../qwen3", "decoder"])
def test_unknown_family_lists_the_known(model_type):
    with pytest.raises(InputError, match="qwen3") as caught:
        family(model_type)
    assert caught.value.limit == sorted(families())
