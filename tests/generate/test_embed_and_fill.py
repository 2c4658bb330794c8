"""Embeddings are transformers' hidden states, pooled; one text alone is what it is among others. Masks are filled as
transformers fills them. Run: pytest tests/generate/test_embed_and_fill.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from small_bert import VOCABULARY, small_bert

from athanor.core.errors import InputError, UsageError
from athanor.generate.embed import BATCH_TOKENS
from athanor.generate.handle import load

TEXTS = [
    "The ferry leaves at seven.",
    "渡船七点开",
    "a",
    "",
    "who keeps the book? the harbour master, zebra",
    "ab " * 60,
]
WORD = st.sampled_from([*VOCABULARY[5:], "zebra", "Leaves", "é", "  ", "[MASK]", "[SEP]"])


def tokenizer_of(folder: Path) -> transformers.BertTokenizer:
    vocabulary = {piece: number for number, piece in enumerate(VOCABULARY)}
    return transformers.BertTokenizer(vocab=vocabulary, do_lower_case=True)


def pooled(model, folder: Path, text: str, longest: int, first: bool = False) -> np.ndarray:
    """transformers' own: one text, its tokens, the mean over them or the first."""
    rows = tokenizer_of(folder)(text, truncation=True, max_length=longest, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**rows).last_hidden_state[0]
    vector = hidden[0] if first else hidden.mean(0)
    return (vector / vector.norm()).numpy()


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    return small_bert(folder), folder, load(folder)


def test_the_mean_of_transformers(bert):
    theirs, folder, ours = bert
    found = ours.embed(TEXTS)
    assert found.shape == (len(TEXTS), 32) and found.dtype == np.float32
    for text, row in zip(TEXTS, found, strict=True):
        assert np.abs(row - pooled(theirs, folder, text, 40)).max() < 2e-6, text  # float32's spread


@pytest.mark.parametrize("first", [False, True])
def test_what_the_folder_says(tmp_path, first):
    """sentence-transformers' files: which position counts, how much of a text, and what stands before it."""
    theirs = small_bert(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    pooling = {"pooling_mode_cls_token": first, "pooling_mode_mean_tokens": not first}
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps(pooling))
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": {"query": "the book, "}}')
    ours = load(tmp_path)
    for kind, before in ((None, ""), ("query", "the book, "), ("passage", "")):
        for text, row in zip(TEXTS, ours.embed(TEXTS, kind), strict=True):
            assert np.abs(row - pooled(theirs, tmp_path, before + text, 12, first)).max() < 2e-6, (kind, text)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(WORD, max_size=30).map(" ".join), min_size=1, max_size=12))
def test_alone_as_among_others(bert, texts):
    _, _, ours = bert
    among = ours.embed(texts)
    alone = np.concatenate([ours.embed([text]) for text in texts])
    assert np.abs(among - alone).max() < 2e-6
    assert np.abs(np.linalg.norm(among, axis=1) - 1).max() < 1e-6


def test_more_texts_than_one_batch(bert):
    _, _, ours = bert
    texts = [f"the ferry {'book ' * (number % 30)}" for number in range(BATCH_TOKENS // 20)]
    found = ours.embed(texts)
    assert np.abs(found[::37] - ours.embed(texts[::37])).max() < 2e-6


def test_what_is_no_list_and_no_kind(bert):
    _, _, ours = bert
    with pytest.raises(UsageError, match="list"):
        ours.embed("one text")
    with pytest.raises(UsageError, match="document"):
        ours.embed(["a"], "document")
    assert ours.embed([]).shape == (0, 32)


# Masks


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masked")
    return small_bert(folder, transformers.BertForMaskedLM), folder, load(folder)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(WORD.filter(lambda word: not word.startswith("[")), max_size=12), st.lists(st.integers(0, 12), min_size=1)
)
def test_masks_are_filled_as_transformers_fills_them(masked, words, places):
    theirs, folder, ours = masked
    for place in sorted(set(places[:3]), reverse=True):
        words = [*words[:place], "[MASK]", *words[place:]]
    rows = tokenizer_of(folder)(" ".join(words), return_tensors="pt")
    if rows["input_ids"].shape[1] > 40:
        return
    with torch.inference_mode():
        scores = theirs(**rows).logits[0].log_softmax(-1)[rows["input_ids"][0] == 4]
    found = ours.fill(" ".join(words))
    best = scores.max(-1)
    assert found.prompt_tokens == rows["input_ids"].shape[1]
    chosen = [float(row[number]) for row, number in zip(scores, found.ids, strict=True)]
    assert np.allclose(chosen, best.values, atol=1e-4) and np.allclose(found.logprobs, chosen, atol=1e-4)


def test_other_control_tokens_in_a_text_are_text(masked):
    _, _, ours = masked
    found = ours.fill("the [SEP] [CLS] book [MASK]")
    assert len(found.ids) == 1  # and [SEP] was read as "[", "sep", "]"
    assert found.prompt_tokens > 7


def test_the_filled_text(masked):
    _, _, ours = masked
    found = ours.fill("the ferry [MASK] at seven")
    word = VOCABULARY[found.ids[0]]
    assert found.text in (f"the ferry {word} at seven", f"the ferry{word.removeprefix('##')} at seven")


def test_what_cannot_be_filled(masked, bert, model):
    _, _, ours = masked
    with pytest.raises(InputError, match=r"\[MASK\]"):
        ours.fill("no mask here")
    with pytest.raises(InputError, match="40"):
        ours.fill("[MASK] " + "book " * 60)
    with pytest.raises(InputError, match="no head"):
        bert[2].fill("the [MASK]")
    with pytest.raises(InputError, match="qwen3"):
        model.fill("the [MASK]")
    with pytest.raises(InputError, match="qwen3"):
        model.embed(["a"])


@pytest.mark.parametrize(
    ("name", "table", "word"),
    [
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, "max_tokens"),
        ("1_Pooling/config.json", {"pooling_mode": "lasttoken"}, "lasttoken"),
        ("modules.json", [{"type": "sentence_transformers.models.Transformer"}, {"type": "x.Dense"}], "Dense"),
    ],
)
def test_a_pooling_that_is_not_run_is_refused(tmp_path, name, table, word):
    small_bert(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps(table))
    with pytest.raises(InputError, match=word):
        load(tmp_path).embed(["a"])


def test_both_spellings_of_the_first_position(tmp_path):
    theirs = small_bert(tmp_path)
    (tmp_path / "1_Pooling").mkdir(exist_ok=True)
    for table in ({"pooling_mode": "cls"}, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}):
        (tmp_path / "1_Pooling/config.json").write_text(json.dumps(table))
        found = load(tmp_path).embed(["who keeps the book?"])[0]
        assert found @ pooled(theirs, tmp_path, "who keeps the book?", 512, first=True) > 0.99999


def test_a_gguf_keeps_its_pooling_and_gets_no_prefix(tmp_path):
    from athanor.transform.export_gguf import export_gguf_file

    small_bert(tmp_path / "source")
    (tmp_path / "source/1_Pooling").mkdir(exist_ok=True)
    (tmp_path / "source/1_Pooling/config.json").write_text(json.dumps({"pooling_mode": "cls"}))
    export_gguf_file(tmp_path / "source", tmp_path / "out.gguf", "f32", "small", None, None, lambda done: None)
    (tmp_path / "packed").mkdir()
    (tmp_path / "out.gguf").rename(tmp_path / "packed/out.gguf")
    before, after = (load(tmp_path / name).embed(["who keeps the book?"], "query")[0] for name in ("source", "packed"))
    assert before @ after > 0.99999
