"""vocab.json with merges.txt, and vocab.txt, give the ids that transformers' own classes give.

Small vocabularies are trained here by the tokenizers library. Run: pytest tests/tokenizers/test_vocabulary_files.py
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from athanor.core.errors import InputError, NotFoundError
from athanor.tokenizers.bytelevel import QWEN2
from athanor.tokenizers.clip import WORDS
from athanor.tokenizers.ggml_out import to_gguf
from athanor.tokenizers.stream import TextStream
from athanor.tokenizers.tokenizer import Tokenizer

LINES = [
    "The ferry leaves at seven and comes back before noon; the harbour master keeps the book.",
    "渡船七点开，中午以前回来。港口的管理员记着账本，每天都写。",
    "Who keeps the book? The harbour master doesn't. I'LL see café CAFÉ 123 456",
] * 20
HARD = st.sampled_from(
    ["汉", "渡船", "𠀀", "👩‍👩‍👧‍👦", "é", "e\u0301", "É", "\r\n", "\n\n", "\0", " ", "  ", "\t", "\u3000", "'s",
     "'LL", "İ", "ß", "<|endoftext|>", "<|im_end|>", "<|startoftext|>", "[MASK]", "[CLS]", "the", "Harbour", "１２３",
     "12", "...", "</w>", "##er", "ﬁ"]
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.lists(HARD, max_size=16).map("".join)
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ADDED = {
    "300": {"content": "<|endoftext|>", "special": True},
    "301": {"content": "<|im_start|>", "special": True},
    "302": {"content": "<|im_end|>", "special": True},
    "303": {"content": "<tool>", "special": False},
}


def bpe(folder, split: str, suffix: str = "", controls: tuple[str, ...] = (), behavior: str = "isolated") -> None:
    """vocab.json and merges.txt of a small byte-level BPE, the control tokens last."""
    backend = Backend(models.BPE(end_of_word_suffix=suffix) if suffix else models.BPE())
    backend.normalizer = normalizers.Lowercase() if suffix else None
    parts = pre_tokenizers.Split(Regex(split), behavior=behavior, invert=bool(suffix))
    backend.pre_tokenizer = pre_tokenizers.Sequence([parts, pre_tokenizers.ByteLevel(False, use_regex=False)])
    letters = pre_tokenizers.ByteLevel.alphabet()
    extra: dict[str, Any] = {"vocab_size": 700, "end_of_word_suffix": suffix} if suffix else {"vocab_size": 300}
    trainer = trainers.BpeTrainer(initial_alphabet=letters, show_progress=False, **extra)
    backend.train_from_iterator(LINES, trainer)
    model = json.loads(backend.model.__getstate__())
    vocab = model["vocab"]
    for piece in [letter + suffix for letter in letters] if suffix else []:
        vocab.setdefault(piece, len(vocab))
    for name in controls:
        vocab[name] = len(vocab)
    (folder / "vocab.json").write_text(json.dumps(vocab))
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]))


def config(folder, **values) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(values))


def gpt2(folder):
    bpe(
        folder,
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        controls=("<|endoftext|>",),
    )
    config(folder, tokenizer_class="GPT2Tokenizer")


def qwen2(folder):
    bpe(folder, QWEN2)
    config(folder, tokenizer_class="Qwen2Tokenizer", added_tokens_decoder=ADDED, eos_token="<|im_end|>",
           pad_token="<|endoftext|>", additional_special_tokens=["<|im_start|>"], bos_token=None)  # fmt: skip


def clip(folder):
    bpe(folder, WORDS, "</w>", ("<|startoftext|>", "<|endoftext|>"), "removed")
    config(folder, tokenizer_class="CLIPTokenizer")


def wordpiece(folder, **values):
    backend = Backend(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=values.get("do_lower_case", True))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    backend.train_from_iterator(
        LINES, trainers.WordPieceTrainer(vocab_size=200, special_tokens=names, show_progress=False)
    )
    vocab = sorted(backend.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece, _ in vocab))
    config(folder, tokenizer_class="BertTokenizer", **values)


MADE = {
    "gpt2": gpt2,
    "qwen2": qwen2,
    "clip": clip,
    "bert": wordpiece,
    "bert cased": lambda folder: wordpiece(folder, do_lower_case=False),
    "bert with accents": lambda folder: wordpiece(folder, do_lower_case=True, strip_accents=False),
    "bert without Han": lambda folder: wordpiece(folder, tokenize_chinese_chars=False),
}


@pytest.fixture(scope="session", params=MADE.values(), ids=list(MADE))
def both(request, tmp_path_factory):
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("vocabulary")
    request.param(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    return theirs, Tokenizer.load(folder)


@settings(max_examples=300, deadline=None)
@given(TEXT)
@example("The ferry 渡船\r\n\0 doesn't CAFÉ e\u0301 👩‍👩‍👧‍👦")
def test_the_ids_of_transformers(both, text):
    theirs, ours = both
    assert ours.encode(text) == theirs(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@settings(max_examples=100, deadline=None)
@given(TEXT)
def test_what_goes_around_a_text(both, text):
    theirs, ours = both
    assert ours.encode_prompt(text) == theirs(text, split_special_tokens=True)["input_ids"]
    found = set(ours.encode(text)) & set(ours.specials.values())
    assert found <= {ours.unk}


def test_control_tokens_by_name(both):
    theirs, ours = both
    for key in ("bos", "eos", "pad", "unk", "cls", "sep", "mask"):
        name = getattr(theirs, f"{key}_token")
        if ours.named(key) is not None:
            assert getattr(ours, key) == ours.named(key) == theirs.convert_tokens_to_ids(name)
    for name, number in ours.specials.items():
        assert number in ours.encode(f"the {name} book", specials=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 199), max_size=30))
def test_any_ids_decode_and_stream(both, ids):
    _, ours = both
    if not ours.after:  # encoders write nothing
        stream = TextStream(ours)
        parts = [stream.feed(number) for number in ids]
        assert "".join(parts) + stream.finish() == ours.decode(ids, specials=False)
    assert isinstance(ours.decode([*ids, ours.vocabulary + 5]), str)


def test_gguf_and_back(both):
    _, ours = both
    cleaning = getattr(ours.backend.normalizer, "handle_chinese_chars", True)
    accents = getattr(ours.backend.normalizer, "strip_accents", None)
    if getattr(ours.backend.model, "end_of_word_suffix", None) or accents is False or not cleaning:
        with pytest.raises(InputError, match="GGUF cannot hold"):
            to_gguf(ours)
        return
    metadata = to_gguf(ours, ours.vocabulary + 3)
    json.dumps(metadata)
    back = Tokenizer.from_gguf(metadata)
    assert back.vocabulary == ours.vocabulary + 3
    for text in ("the harbour 管理员\r\n\0 12", "Who keeps the BOOK? [MASK]", "<|im_end|><tool>"):
        assert back.encode(text) == ours.encode(text)
        assert back.encode_prompt(text) == ours.encode_prompt(text)
        assert back.decode(ours.encode(text)) == ours.decode(ours.encode(text))


def made(tmp_path, kind: str) -> Tokenizer:
    MADE[kind](tmp_path)
    return Tokenizer.load(tmp_path)


def test_text_comes_back(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for found in (made(tmp_path / "a", "gpt2"), made(tmp_path / "b", "qwen2")):
        for text in ("a\0b", "one\r\ntwo", "👩‍👩‍👧‍👦", " x  y ", "渡船𠀀", "<|endoftext|>"):
            ids = found.encode(text)
            assert found.decode(ids) == text
            assert sum(map(found.token_bytes, ids)) == len(text.encode())


def test_bytes_of_words_without_their_spaces(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for found in (made(tmp_path / "a", "bert"), made(tmp_path / "b", "clip")):
        ids = found.encode("the harbour book")
        assert sum(map(found.token_bytes, ids)) == len("theharbourbook") and found.decode(ids) == "the harbour book"


def test_the_first_of_several_files_is_read(tmp_path):
    with pytest.raises(NotFoundError, match=r"tokenizer\.json.*vocab\.txt"):
        Tokenizer.load(tmp_path)
    wordpiece(tmp_path)
    assert Tokenizer.load(tmp_path).mask == 4
    gpt2(tmp_path)
    assert Tokenizer.load(tmp_path).mask is None


def test_roberta_is_its_own(tmp_path):
    bpe(tmp_path, QWEN2, controls=("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    config(tmp_path, tokenizer_class="RobertaTokenizer")
    found = Tokenizer.load(tmp_path)
    assert found.encode_prompt("a") == [found.specials["<s>"], *found.encode("a"), found.specials["</s>"]]
    assert found.mask == found.specials["<mask>"] and to_gguf(found)["tokenizer.ggml.pre"] == "roberta-bpe"
    back = Tokenizer.from_gguf(to_gguf(found))
    assert back.encode_prompt("the harbour") == found.encode_prompt("the harbour")
