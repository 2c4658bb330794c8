"""Any text comes back as it went in, whole and streamed id by id; broken bytes come out as U+FFFD and then end.

Run: pytest tests/tokenizers/test_round_trips.py
"""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers

from athanor.core import signals
from athanor.core.errors import InputError, Interrupted, NotFoundError
from athanor.tokenizers.stream import TextStream
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.tokenizers.train import END_OF_TEXT, SPECIALS, train

# Han, rare Han beyond the basic plane, emoji joined by ZWJ and with skin tones, accents apart, line ends, NUL, marks.
HARD = st.sampled_from(
    ["汉", "字", "𠀀", "𪚥", "👩‍👩‍👧‍👦", "👍🏽", "🇨🇳", "é", "e\u0301", "\r\n", "\r", "\n\n", "\0", "\ufeff", "\u2028",
     "\u200b", " ", "  ", "\t", "\ufffd", "ﬁ", "İ", "the", "渡船", "<|im_end|>", "<|endoftext|>", "'s", "１２３", "ـ"]
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.lists(HARD, max_size=20).map("".join)


@settings(max_examples=400, deadline=None)
@given(TEXT)
@example("汉字👩‍👩‍👧‍👦\r\n\0 x")
def test_decode_of_encode(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert sum(tokenizer.token_bytes(number) for number in ids) == len(text.encode())
    assert not set(ids) & set(tokenizer.specials.values())


@settings(max_examples=400, deadline=None)
@given(TEXT.filter(lambda text: "\ufffd" not in text))
def test_a_stream_is_the_text_without_broken_characters(tokenizer, text):
    stream = TextStream(tokenizer)
    parts = [stream.feed(number) for number in tokenizer.encode(text)]
    assert "".join(parts) == text  # so nothing is left for the end
    assert stream.finish() == ""
    for part in parts:
        assert "\ufffd" not in part


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(3, 400), max_size=60))
def test_a_stream_of_any_ids_is_their_text(tokenizer, ids):
    stream = TextStream(tokenizer)
    parts = [stream.feed(number) for number in ids]
    assert "".join(parts) + stream.finish() == tokenizer.decode(ids, specials=False)


def byte_level(*merges: tuple[str, str]) -> Tokenizer:
    """A vocabulary of the 256 bytes and these merges, without a split: what a model may say, not what encode gives."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*alphabet, *(a + b for a, b in merges)]
    backend = tokenizers.Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces)}, list(merges)))
    backend.decoder = decoders.ByteLevel()
    return Tokenizer(backend, {})


LETTERS = {byte: tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(chr(byte))[0][0]
           for byte in range(0x21, 0x7F)}  # fmt: skip


def letter(byte: int) -> str:
    """The character that stands for a byte in a byte-level vocabulary (GPT-2's table)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in plain]
    return chr(byte) if byte in plain else chr(256 + others.index(byte))


def ids_of(tokenizer: Tokenizer, *pieces: bytes) -> list[int]:
    return [tokenizer._backend.token_to_id("".join(map(letter, piece))) for piece in pieces]


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40, 100, 1000])
def test_ids_that_always_end_in_the_middle_of_a_character(count):
    """汉 is e6 b1 89; with a piece "89 e6" and one "b1" every id but the last leaves a character open."""
    tokenizer = byte_level((letter(0x89), letter(0xE6)))
    pieces = [b"\xe6", b"\xb1", *[b"\x89\xe6", b"\xb1"] * (count - 1), b"\x89"]
    stream = TextStream(tokenizer)
    parts = [stream.feed(number) for number in ids_of(tokenizer, *pieces)]
    assert "".join(parts) + stream.finish() == "汉" * count
    assert not any("\ufffd" in part for part in parts)


@pytest.mark.parametrize(
    "raw", [b"\xe2", b"\xed\xa0\x80", b"\xff", b"\xf0\x9f", b"\x80" * 40, b"a\xe6\xb1b", b"\xe6" * 30, b"\xf8\x88\x80"]
)
def test_broken_bytes_come_out_and_end(raw):
    tokenizer = byte_level()
    stream = TextStream(tokenizer)
    parts = [stream.feed(number) for number in ids_of(tokenizer, *(bytes([byte]) for byte in raw))]
    whole = "".join(parts) + stream.finish()
    assert whole == raw.decode("utf-8", "replace") == tokenizer.decode(ids_of(tokenizer, *(bytes([b]) for b in raw)))
    assert stream.finish() == ""
    after = [stream.feed(number) for number in ids_of(tokenizer, b"o", b"k")]
    assert "".join(after) == "ok"


@pytest.mark.parametrize("raw", [b"\x80" * 4000, b"\xe6" * 4000, b"\xf0\x9f" * 2000, b"\xf0\x9f\x98\x80\xe6" * 800])
def test_broken_bytes_without_end_are_decoded_once(raw):
    """Ids held for an unfinished character stay few, whatever comes."""
    tokenizer = byte_level()
    ids = ids_of(tokenizer, *(bytes([byte]) for byte in raw))
    stream, decoded = TextStream(tokenizer), 0
    parts = []
    for number in ids:
        parts.append(stream.feed(number))
        decoded += len(stream._new) + len(stream._context)
    assert "".join(parts) + stream.finish() == raw.decode("utf-8", "replace")
    assert decoded < 64 * len(ids)


def test_control_tokens_are_not_shown_in_a_stream(tokenizer):
    stream = TextStream(tokenizer)
    ids = [*tokenizer.encode("渡"), tokenizer.specials[END_OF_TEXT], *tokenizer.encode("船")]
    assert "".join(map(stream.feed, ids)) + stream.finish() == "渡船"


def test_names_of_control_tokens_in_text_are_text(tokenizer):
    for name in SPECIALS:
        plain, special = tokenizer.encode(f"a{name}b"), tokenizer.encode(f"a{name}b", specials=True)
        assert tokenizer.specials[name] not in plain and len(plain) > 3
        assert tokenizer.specials[name] in special and len(special) == 3
        assert tokenizer.decode(plain) == f"a{name}b"
    assert tokenizer.encode("<|im_end|>") == tokenizer.encode_many(["x", "<|im_end|>"])[1]


def test_training_is_a_function_of_the_texts(tmp_path):
    texts = ["one two three 一二三 " * 9]
    for name in "ab":
        train(texts, 300, tmp_path / name)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    found = Tokenizer.load(tmp_path / "a")
    assert 259 <= found.vocabulary <= 300 and list(found.specials) == list(SPECIALS)


def test_transformers_gives_the_same_ids(tokenizer, tokenizer_folder):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(tokenizer_folder)
    for text in ("The ferry 渡船\r\n", "a  b\t\0c 123", "👩‍👩‍👧‍👦𠀀", ""):
        assert theirs(text, add_special_tokens=False)["input_ids"] == tokenizer.encode(text)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000, b'"x"', b"3"])
@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json"])
def test_broken_files_are_named(tmp_path, tokenizer_folder, file, raw):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((tokenizer_folder / name).read_bytes())
    (tmp_path / file).write_bytes(raw)
    with pytest.raises(InputError, match=file) as caught:
        Tokenizer.load(tmp_path)
    assert caught.value.remedy


def changed(tmp_path, tokenizer_folder, **parts):
    """The tokenizer's folder with other parts of tokenizer.json."""
    whole = json.loads((tokenizer_folder / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps({**whole, **parts}))
    return tmp_path


def test_truncation_and_padding_of_the_file_are_left_out(tmp_path, tokenizer, tokenizer_folder):
    cut = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    padded = {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
              "pad_type_id": 0, "pad_token": "<|endoftext|>"}  # fmt: skip
    found = Tokenizer.load(changed(tmp_path, tokenizer_folder, truncation=cut, padding=padded))
    for text in ("a", "The ferry leaves at seven. " * 9):
        assert found.encode(text) == tokenizer.encode(text)


HOSTILE = {
    "charsmap": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAAAA=="}},
    "length 0": {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
    "word level": {"model": {"type": "WordLevel", "vocab": {"[a]": 0}, "unk_token": "[UNK]"}, "added_tokens": [],
                   "pre_tokenizer": {"type": "BertPreTokenizer"}},
}  # fmt: skip


@pytest.mark.parametrize("parts", HOSTILE.values(), ids=HOSTILE.keys())
def test_files_that_fail_at_the_first_text_are_refused(tmp_path, tokenizer_folder, parts):
    with pytest.raises(InputError, match=r"tokenizer\.json is no tokenizer"):
        Tokenizer.load(changed(tmp_path, tokenizer_folder, **parts))


def test_a_text_that_the_vocabulary_cannot_express(tmp_path, tokenizer, tokenizer_folder):
    wordpiece = {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                 "max_input_chars_per_word": 100}  # fmt: skip
    unigram = {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": None, "byte_fallback": False}
    for model in (wordpiece, unigram):
        plain = {"model": model, "added_tokens": [], "pre_tokenizer": None, "decoder": None}
        found = Tokenizer.load(changed(tmp_path, tokenizer_folder, **plain))
        assert found.encode("a") == [0]
        with pytest.raises(InputError, match=r"unk|UNK"):
            found.encode("zebra")
    letters = {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "[UNK]"}
    split = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False}
    apart = {"model": letters, "pre_tokenizer": split, "added_tokens": [], "decoder": None}
    assert Tokenizer.load(changed(tmp_path, tokenizer_folder, **apart)).encode("ab") == [0, 1]
    with pytest.raises(InputError, match=r"U\+D83D"):
        tokenizer.encode_many(["fine", "half \ud83d"])
    with pytest.raises(InputError, match="no text"):
        tokenizer.decode([1 << 40])


def test_files_beside_the_vocabulary(tmp_path, tokenizer_folder):
    with pytest.raises(NotFoundError, match=r"tokenizer\.json"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((tokenizer_folder / "tokenizer.json").read_bytes())
    bare = Tokenizer.load(tmp_path)
    assert bare.template is None and bare.eos is None
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0].content }}!")
    assert Tokenizer.load(tmp_path).render([{"role": "user", "content": "hi"}]) == "hi!"
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(InputError, match="chat_template"):
        Tokenizer.load(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    several = [{"name": "default", "template": "A{{ messages|length }}"}, {"name": "tools", "template": "B"}]
    settings_ = {"chat_template": several, "eos_token": {"content": "<|im_end|>"}, "bos_token": {}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings_))
    found = Tokenizer.load(tmp_path)
    assert found.render([]) == "A0" and found.eos == found.specials["<|im_end|>"]


def test_a_signal_while_encoding_is_no_fault_of_the_text(tokenizer):
    """Python runs the handler as soon as the library has returned, so still inside the call."""

    def stop(*_: object) -> None:
        raise signals.interrupted(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    killer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
    try:
        killer.start()
        with pytest.raises(Interrupted):
            while True:
                tokenizer.encode_many(["The ferry leaves at seven. " * 2000])
    finally:
        killer.join()
        signal.signal(signal.SIGTERM, before)
