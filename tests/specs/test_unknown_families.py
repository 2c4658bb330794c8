"""A config of a family that is not known: the error says which known one is nearest, by its name and by its words, and
what differs; and whatever stands in a config, it is refused in our words.

Run: pytest tests/specs/test_unknown_families.py
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError
from athanor.specs.families import families, family

LLAMA = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 300, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": False, "mlp_bias": False,
    "attention_bias": False, "torch_dtype": "float32",
}  # fmt: skip
GPT2 = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64, "n_ctx": 64, "vocab_size": 300}
MAMBA = {"hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 300, "state_size": 16, "conv_kernel": 4, "expand": 2}


def said(config: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        family(config.get("model_type"), config)
    assert caught.value.value == config.get("model_type") and caught.value.limit == sorted(families())
    assert "qwen3_moe" in caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "gpt9", **GPT2}, ["'gpt9'", "nearest name known is gpt2", "All its words are gpt2's"]),
        ({"model_type": "mystery", **LLAMA}, ["All its words are llama's", "model_type"]),
        (
            {"model_type": "gemma2", **LLAMA, "attn_logit_softcapping": 50.0, "query_pre_attn_scalar": 256},
            ["like llama, but for attn_logit_softcapping, query_pre_attn_scalar."],
        ),
        ({"model_type": "mamba", **MAMBA}, ["'mamba'", "no known family"]),
        ({"model_type": "qwen4", **LLAMA}, ["nearest name known is qwen"]),
        ({"model_type": 7, **GPT2}, ["model_type 7", "gpt2's"]),
        (GPT2, ["model_type None", "gpt2's"]),
        ({"model_type": "x"}, ["'x'"]),
    ],
)
def test_the_nearest_and_what_differs(config: dict[str, Any], words: list[str]) -> None:
    message = said(config)
    assert all(word in message for word in words), message


def test_many_words_are_not_all_named() -> None:
    message = said({"model_type": "huge", **LLAMA, **{f"a{number:03}" + "x" * 500: number for number in range(11)}})
    assert "and 3 more" in message and len(message) < 1000


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**70), st.floats(), st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.lists(st.lists(st.text(max_size=2), max_size=2), max_size=2),
    st.dictionaries(st.sampled_from(["rope_type", "type", "factor", "hidden_size"]), st.integers(0, 3), max_size=2),
)  # fmt: skip
KEYS = sorted({key for page in families().values() for spec in getattr(page, "PRESETS", {}).values()
               for key in page.write_config(spec)} | {"text_config", "vision_config", "layer_types"})  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([LLAMA, GPT2, MAMBA]), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
def test_any_config_is_refused_in_our_words(base: dict[str, Any], changed: dict[str, Any]) -> None:
    said({**base, **changed, "model_type": "mystery"})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(families())), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
def test_a_known_family_with_any_values_is_read_or_refused(name: str, changed: dict[str, Any]) -> None:
    page = families()[name]
    first = next(iter(getattr(page, "PRESETS", {}).values()), None)
    config = (
        page.write_config(first) if first else {**LLAMA, "num_layers": 1, "embedding_size": 8, "d_model": 8, "nhead": 2}
    )
    try:
        spec = page.read_config({**config, **changed}).check()
    except InputError:
        return
    assert page.read_config(page.write_config(spec)).check() == spec


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt2", {**GPT2, "n_head": 5}),
        ("llama", {**LLAMA, "num_attention_heads": 5, "num_key_value_heads": 5}),
        ("qwen2", {**LLAMA, "num_attention_heads": 5, "num_key_value_heads": 1}),
        ("bert", {**LLAMA, "architectures": None, "num_attention_heads": 5}),
        ("vit", {**LLAMA, "architectures": None, "num_attention_heads": 5}),
        ("transformer", {"vocab_size": 300, "d_model": 64, "nhead": 5}),
        ("chatglm", {"num_layers": 2, "num_attention_heads": 5, "hidden_size": 64, "padded_vocab_size": 9,
                     "seq_length": 9, "ffn_hidden_size": 8}),
        ("clip", {"text_config": {"hidden_size": 64, "num_attention_heads": 5}}),
    ],
)  # fmt: skip
def test_heads_that_do_not_divide_the_width(name: str, words: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"head.* 5; a number of heads that divides the width 64") as caught:
        families()[name].read_config(words)
    assert caught.value.value == 5


def test_heads_with_a_width_of_their_own_need_not_divide() -> None:
    words = {**LLAMA, "num_attention_heads": 5, "num_key_value_heads": 5, "head_dim": 16}
    assert families()["llama"].read_config(words).check()


@pytest.mark.parametrize("name", ["llama", "mistral", "qwen2", "qwen3", "glm4"])
def test_an_unknown_rotary_type_is_named(name: str) -> None:
    for spelling in ("rope_scaling", "rope_parameters"):
        for word in ("rope_type", "type"):
            with pytest.raises(InputError, match="rope_type 'spiral', which is not known here") as caught:
                families()[name].read_config({**LLAMA, spelling: {word: "spiral", "factor": 2.0}})
            assert caught.value.value == "spiral" and "yarn" in caught.value.remedy
