"""Saved tokenizers open in other programs and give the same ids: SentencePiece models as the library's own parts.

Run: pytest tests/tokenizers/test_saving.py
"""

from __future__ import annotations

import io

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.tokenizers.saving import save_tokenizer
from athanor.tokenizers.tokenizer import Tokenizer

sentencepiece = pytest.importorskip("sentencepiece")

LINES = [
    "The ferry leaves at seven and comes back before noon; the harbour master keeps the book.",
    "渡船七点开，中午以前回来。港口的管理员记着账本，每天都写。",
    "Who keeps the book? The harbour master does. 谁记账本？管理员记。",
] * 20
KINDS = {
    "unigram": {"model_type": "unigram", "vocab_size": 170, "normalization_rule_name": "nmt_nfkc"},
    "unigram with bytes": {"model_type": "unigram", "vocab_size": 430, "byte_fallback": True,
                           "normalization_rule_name": "nmt_nfkc"},
    "bpe": {"model_type": "bpe", "vocab_size": 260, "normalization_rule_name": "nfkc"},
    "bpe with bytes": {"model_type": "bpe", "vocab_size": 470, "byte_fallback": True,
                       "normalization_rule_name": "identity", "remove_extra_whitespaces": False},
}  # fmt: skip
TEXT = st.text(st.sampled_from("The ferry leaves at seven; who keeps book? 渡船七点开管理员记账本,.é１ﬁ½"), max_size=40)


@pytest.fixture(scope="session", params=KINDS.values(), ids=list(KINDS))
def saved(request, tmp_path_factory):
    """Our tokenizer and what transformers makes of the files that were saved."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=out, minloglevel=2, hard_vocab_limit=False, **request.param
    )
    folder = tmp_path_factory.mktemp("model")
    (folder / "tokenizer.model").write_bytes(out.getvalue())
    ours, target = Tokenizer.load(folder), tmp_path_factory.mktemp("saved")
    save_tokenizer(ours, target)
    return ours, transformers.PreTrainedTokenizerFast.from_pretrained(target), target


@settings(max_examples=200, deadline=None)
@given(TEXT)
def test_transformers_gives_the_same_ids(saved, text):
    ours, theirs, _ = saved
    assert theirs(text, add_special_tokens=False)["input_ids"] == ours.encode(text)


@settings(max_examples=100, deadline=None)
@given(TEXT)
def test_and_so_does_our_own_reading(saved, text):
    ours, _, folder = saved
    assert Tokenizer.load(folder).encode(text) == ours.encode(text)


def test_control_tokens_keep_their_numbers(saved):
    ours, theirs, _ = saved
    assert ours.vocabulary == len(theirs)
    for name in ("<s>", "</s>", "<unk>"):
        assert theirs.convert_tokens_to_ids(name) == ours.specials[name]


def test_a_byte_level_tokenizer_is_written_as_it_is(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path)
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    for text in ("", "The ferry.\r\n 渡船 é", "<|im_start|>  x"):
        assert Tokenizer.load(tmp_path).encode(text) == tokenizer.encode(text)
    assert theirs("The ferry 渡船", add_special_tokens=False)["input_ids"] == tokenizer.encode("The ferry 渡船")
