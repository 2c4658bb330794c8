"""Beam search and n-gram bans give the ids that transformers gives: GPT-2, LLaMA and T5, random, over all settings.

Run: pytest tests/generate/test_beams_parity.py
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import tokenizers
import torch
import transformers as T
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from athanor.generate.engine import Engine, NetworkStep
from athanor.generate.request import Request, Settings
from athanor.generate.step_torch import TorchStep
from athanor.generate.step_translate import TranslateStep
from athanor.models.decoder import Decoder
from athanor.models.opening import load_network
from athanor.tokenizers.tokenizer import Tokenizer

VOCABULARY = 48
LETTERS = [chr(number) for number in range(65, 65 + VOCABULARY)]  # id n is one letter: a bad word is an id
# Weights that are large for their width, so that no two scores are as near as float32 errs.
NETWORKS = {
    "gpt2": (T.GPT2LMHeadModel, T.GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=96, initializer_range=0.2,
        bos_token_id=None, eos_token_id=None,
    )),
    "llama": (T.LlamaForCausalLM, T.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=96, initializer_range=0.4, bos_token_id=None, eos_token_id=None,
    )),
    "t5": (T.T5ForConditionalGeneration, T.T5Config(
        vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0,
        initializer_factor=3.0, pad_token_id=0, eos_token_id=None,
    )),
}  # fmt: skip
PROMPTS = st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=12)


@dataclass
class Pair:
    """One network twice."""

    theirs: T.PreTrainedModel
    step: NetworkStep
    tokenizer: Tokenizer

    @property
    def reads(self) -> bool:
        """Whether it is an encoder-decoder."""
        return self.theirs.config.is_encoder_decoder

    def ours(self, prompt: list[int], chosen: Settings, ends: frozenset[int] = frozenset()) -> list[list[int]]:
        request = Request([0], chosen, ends, source=prompt) if self.reads else Request(prompt, chosen, ends)
        Engine(self.step, self.tokenizer).complete([request])
        return [answer.ids for answer in request.beams or [request]]

    def wanted(self, prompt: list[int], ends: frozenset[int], **chosen) -> list[list[int]]:
        """What transformers generates, without prompt, end and padding."""
        ids = torch.tensor([prompt])
        made = self.theirs.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, eos_token_id=sorted(ends) or None,
            pad_token_id=min(ends, default=0), num_return_sequences=chosen["num_beams"], **chosen,
        )  # fmt: skip
        rows = made[:, 1 if self.reads else len(prompt) :].tolist()
        return [row[: next((at for at, number in enumerate(row) if number in ends), len(row))] for row in rows]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> dict[str, Pair]:
    backend = tokenizers.Tokenizer(tokenizers.models.BPE({letter: n for n, letter in enumerate(LETTERS)}, []))
    backend.decoder = tokenizers.decoders.Fuse()
    made = {}
    for seed, (name, (kind, config)) in enumerate(NETWORKS.items(), 1):
        torch.manual_seed(seed)
        folder: Path = tmp_path_factory.mktemp(name)
        theirs = kind(config).eval()
        theirs.save_pretrained(folder)
        network = load_network(folder)
        step = TorchStep(network) if isinstance(network, Decoder) else TranslateStep(network)
        made[name] = Pair(theirs, step, Tokenizer(backend, {}))
    return made


def test_the_example_of_the_books(pairs):
    """num_beams=5, no_repeat_ngram_size=2, early_stopping=True, max_length=50: all five answers, best first."""
    for begin in range(1, 40, 4):
        prompt = list(range(begin, begin + 7))
        chosen = {"num_beams": 5, "no_repeat_ngram_size": 2, "early_stopping": True}
        found = pairs["gpt2"].ours(prompt, Settings.of({**chosen, "max_tokens": 43}), frozenset({3}))
        assert found == pairs["gpt2"].wanted(prompt, frozenset({3}), max_length=50, **chosen)
        assert len(found) == 5


@settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(NETWORKS)),
    prompt=PROMPTS,
    ends=st.frozensets(st.integers(1, VOCABULARY - 1), max_size=5),
    num_beams=st.sampled_from([1, 2, 3, 5, 8]),
    no_repeat_ngram_size=st.sampled_from([0, 1, 2, 3]),
    early_stopping=st.booleans(),
    length_penalty=st.sampled_from([1.0, 0.0, -1.0, 2.0, 0.3, -0.5, 5.0]),
    repetition_penalty=st.sampled_from([1.0, 1.3]),
    most=st.sampled_from([1, 2, 8, 20, 30]),
    least=st.sampled_from([0, 0, 3, 30]),
    words=st.sets(st.integers(1, VOCABULARY - 1), max_size=3),
)
def test_every_setting(pairs, name, prompt, ends, most, least, words, **shared):
    words = [word for word in words if word not in ends]  # transformers lets an end come whatever is bad
    assume(shared["no_repeat_ngram_size"] != 1 or most + len(prompt) + len(words) < VOCABULARY - 8)
    least = min(least, most)
    more = {"bad_words_ids": [[word] for word in words]} if words else {}
    wanted = pairs[name].wanted(prompt, ends, max_new_tokens=most, min_new_tokens=least, **shared, **more)
    bad = tuple(LETTERS[word] for word in words)
    chosen = Settings.of({**shared, "temperature": 0, "max_tokens": most, "min_tokens": least, "bad_words": bad})
    assert pairs[name].ours(prompt, chosen, ends) == wanted


@pytest.mark.parametrize("length_penalty", [0.3, 1.0, 2.0])
def test_a_search_ends_where_no_beam_is_better(pairs, length_penalty):
    """Answers come early and go on being found: where the search ends decides which are returned."""
    ends, chosen = frozenset(range(1, VOCABULARY, 6)), {"num_beams": 3, "length_penalty": length_penalty}
    for begin in range(1, 40):
        prompt = [begin, 2 * begin % 47, 7]
        found = pairs["gpt2"].ours(prompt, Settings.of({**chosen, "max_tokens": 25}), ends)
        assert found == pairs["gpt2"].wanted(prompt, ends, max_new_tokens=25, **chosen)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_bad_words_of_several_ids(pairs, name):
    """A word is banned where it would be completed, in each beam by what that beam says."""
    compared = 0
    for begin in range(1, 30, 3):
        prompt = [begin, begin + 5, begin + 9]
        free = pairs[name].wanted(prompt, frozenset(), max_new_tokens=12, num_beams=4)[0]
        words = [free[at : at + 2] for at in range(4)]
        wanted = pairs[name].wanted(prompt, frozenset(), max_new_tokens=12, num_beams=4, bad_words_ids=words)
        texts = tuple("".join(LETTERS[number] for number in word) for word in words)
        chosen = Settings.of({"num_beams": 4, "max_tokens": 12, "bad_words": texts})
        if all(word[0] != prompt[-1] for word in words):  # theirs would see a word that begins in the prompt
            assert pairs[name].ours(prompt, chosen) == wanted
            compared += 1
    assert compared > 5
