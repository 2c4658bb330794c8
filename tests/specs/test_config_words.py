"""Words of published configs that change what is computed are read as transformers reads them, or refused by name.

Run: pytest tests/specs/test_config_words.py
"""

from __future__ import annotations

import pytest

from athanor.core.errors import InputError, RecipeError
from athanor.specs import clip, glm4, llama, mistral, qwen2, roberta, t5, vit
from athanor.specs.recurrent import RecurrentSpec

LLAMA = {
    "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 48, "vocab_size": 90,
    "max_position_embeddings": 64,
}  # fmt: skip
BERT = {**LLAMA, "type_vocab_size": 2}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "vocab_size": 90}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}


def test_families_have_defaults_of_their_own():
    assert (
        mistral.read_config(LLAMA).window == 4096
        and mistral.read_config({**LLAMA, "sliding_window": None}).window is None
    )
    assert glm4.read_config(LLAMA).norm_epsilon == 1.5625e-07


def test_the_original_length_beside_the_scaling_goes_first():
    found = llama.read_config({**LLAMA, "rope_scaling": YARN, "original_max_position_embeddings": 16}).rotary
    assert found is not None and found.original == 16


def test_the_first_clip_configs_have_their_towers_twice():
    again = {"text_config": {"num_hidden_layers": 12}, "text_config_dict": {"num_hidden_layers": 3, "hidden_act": None}}
    assert clip.read_config({**again, "vision_config": {}}).text.layers == 3


@pytest.mark.parametrize(
    ("page", "config", "word"),
    [
        (llama, {**LLAMA, "partial_rotary_factor": 0.5}, "partial_rotary_factor"),
        (roberta, {**BERT, "architectures": ["RobertaForMaskedLM"], "hidden_act": "relu"}, "hidden_act"),
        (vit, {**LLAMA, "pooler_act": "relu"}, "pooler_act"),
        (qwen2, {**LLAMA, "use_sliding_window": True, "layer_types": 7}, "layer_types"),
        (qwen2, {**LLAMA, "use_sliding_window": True, "layer_types": [None, "a"]}, "layer_types"),
        (clip, {"text_config": {"eos_token_id": 10**40}}, "eos_token_id"),
    ],
)
def test_what_is_not_run_is_named(page, config, word):
    with pytest.raises(InputError, match=word):
        page.read_config(config)


@pytest.mark.parametrize(
    ("page", "config", "word"),
    [
        (glm4, {**LLAMA, "partial_rotary_factor": 2.0}, "share"),
        (llama, {**LLAMA, "rope_theta": 1.0, "rope_scaling": YARN}, "base"),
        (glm4, {**LLAMA, "head_dim": 4, "rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "turned"),
        (mistral, {**LLAMA, "sliding_window": 10**40}, "window"),
        (t5, {**T5, "relative_attention_max_distance": 16}, "distance"),
    ],
)
def test_numbers_that_have_no_meaning_are_refused(page, config, word):
    with pytest.raises(RecipeError, match=word):
        page.read_config(config).check()


def test_a_t5_whose_head_is_its_own_is_untied_whatever_its_config_says():
    new = t5.read_config({**T5, "tie_word_embeddings": True, "scale_decoder_outputs": False})
    assert not t5.fitted(new, {"lm_head.weight"}).tied and t5.fitted(new, set()).tied
    old = t5.read_config({**T5, "tie_word_embeddings": True})
    assert t5.fitted(old, {"lm_head.weight"}).tied, "its head is a copy"


def test_a_recurrent_network_knows_the_ids_that_both_sides_know():
    from athanor.specs.families import embedding_rows

    assert embedding_rows(RecurrentSpec(source_vocabulary=6, vocabulary=64, width=4, hidden=4, layers=1)) == 6
