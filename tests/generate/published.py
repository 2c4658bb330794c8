"""Tiny random networks of transformers, and the same in our engine: ids in, ids out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tokenizers
import torch
import transformers as T

from athanor.generate.engine import Engine, NetworkStep
from athanor.generate.request import Request, Settings
from athanor.generate.step_torch import TorchStep
from athanor.generate.step_translate import TranslateStep
from athanor.models.decoder import Decoder
from athanor.models.folder import load_network
from athanor.tokenizers.tokenizer import Tokenizer

VOCABULARY = 48
LETTERS = [chr(number) for number in range(65, 65 + VOCABULARY)]  # id n is one letter, so that words are ids


def letters() -> Tokenizer:
    backend = tokenizers.Tokenizer(tokenizers.models.BPE({letter: n for n, letter in enumerate(LETTERS)}, []))
    backend.decoder = tokenizers.decoders.Fuse()
    return Tokenizer(backend, {})


def gpt2(context: int = 96) -> T.PreTrainedModel:
    torch.manual_seed(1)
    return T.GPT2LMHeadModel(T.GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=context, initializer_range=0.2,
        bos_token_id=None, eos_token_id=None,
    ))  # fmt: skip


def llama() -> T.PreTrainedModel:
    torch.manual_seed(2)
    return T.LlamaForCausalLM(T.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=96, initializer_range=0.4, bos_token_id=None, eos_token_id=None,
    ))  # fmt: skip


def t5() -> T.PreTrainedModel:
    torch.manual_seed(3)
    return T.T5ForConditionalGeneration(T.T5Config(
        vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0,
        initializer_factor=3.0, pad_token_id=0, eos_token_id=None,
    ))  # fmt: skip


@dataclass
class Pair:
    """One network twice."""

    theirs: T.PreTrainedModel
    step: NetworkStep
    tokenizer: Tokenizer

    @classmethod
    def of(cls, theirs: T.PreTrainedModel, folder: Path) -> Pair:
        theirs = theirs.eval()
        theirs.save_pretrained(folder)
        network = load_network(folder)
        step = TorchStep(network) if isinstance(network, Decoder) else TranslateStep(network)  # type: ignore[arg-type]
        return cls(theirs, step, letters())

    @property
    def reads(self) -> bool:
        """Whether it is an encoder-decoder."""
        return self.theirs.config.is_encoder_decoder

    def request(self, prompt: list[int], settings: Settings, ends: frozenset[int] = frozenset()) -> Request:
        return Request([0], settings, ends, source=prompt) if self.reads else Request(list(prompt), settings, ends)

    def ours(self, prompt: list[int], settings: Settings, ends: frozenset[int] = frozenset()) -> Request:
        request = self.request(prompt, settings, ends)
        Engine(self.step, self.tokenizer).complete([request])
        return request

    def wanted(self, prompt: list[int], ends: frozenset[int], tokens: int, **settings) -> list[list[int]]:
        """What transformers generates, each without prompt, padding and the end."""
        ids = torch.tensor([prompt])
        made = self.theirs.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=tokens,
            eos_token_id=sorted(ends) or None, pad_token_id=min(ends, default=0), **settings,
        )  # fmt: skip
        rows = made[:, 1 if self.reads else len(prompt) :].tolist()
        return [row[: next((at for at, number in enumerate(row) if number in ends), len(row))] for row in rows]
