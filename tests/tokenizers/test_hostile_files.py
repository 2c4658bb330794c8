"""Broken and hostile tokenizer files are refused by name; none hangs, takes all memory or passes for text.

Run: pytest tests/tokenizers/test_hostile_files.py
"""

from __future__ import annotations

import contextlib
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError
from athanor.core.protobuf import fields
from athanor.tokenizers.charsmap import read_rules
from athanor.tokenizers.pieces import Kind
from athanor.tokenizers.sentencepiece import parse
from athanor.tokenizers.tokenizer import Tokenizer


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def part(number: int, raw: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def piece(text: str | bytes, score: float = -1.0, kind: int = Kind.NORMAL) -> bytes:
    raw = text if isinstance(text, bytes) else text.encode()
    return part(1, part(1, raw) + b"\x15" + struct.pack("<f", score) + b"\x18" + varint(kind))


def trainer(kind: int) -> bytes:
    return part(2, b"\x18" + varint(kind))


START = piece("<unk>", 0, Kind.UNKNOWN) + piece("<s>", 0, Kind.CONTROL) + piece("▁a") + piece("a") + piece("▁")
MODEL = START + trainer(2)
# Each unit's children are all the units again.
LOOP = struct.pack("<257I", 1024, 1 << 10, *((place ^ 1) << 10 | (place ^ 1) for place in range(1, 256)))
HOSTILE_MODELS = {
    "empty": b"",
    "cut": MODEL[:-1],
    "no pieces": trainer(2),
    "length beyond the end": part(1, b"")[:1] + varint(1 << 62),
    "number without end": b"\xff" * 40,
    "unknown wire type": b"\x0f\x00",
    "piece of the wrong type": b"\x08\x01",
    "score of the wrong type": part(1, part(1, b"a") + part(2, b"a")),
    "unknown kind": piece("a", kind=77),
    "not UTF-8": START + piece(b"\xff\xfe"),
    "twice": START + piece("a"),
    "nameless": START + piece(""),
    "endless piece": START + piece("a" * 5000),
    "score that is no number": START + piece("b", float("nan")),
    "endless score": START + piece("b", float("inf")),
    "word model": START + trainer(3),
    "charsmap cut": MODEL + part(3, part(2, b"\x01")),
    "charsmap too long": MODEL + part(3, part(2, struct.pack("<I", 1 << 31) + b"ab")),
    "charsmap in circles": MODEL + part(3, part(2, LOOP)),
}


@pytest.mark.parametrize("raw", HOSTILE_MODELS.values(), ids=HOSTILE_MODELS.keys())
def test_sentencepiece_models(tmp_path, raw):
    (tmp_path / "tokenizer.model").write_bytes(raw)
    with pytest.raises(InputError, match=r"tokenizer\.model") as caught:
        Tokenizer.load(tmp_path)
    assert caught.value.remedy


def test_the_smallest_model_is_read(tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(MODEL)
    assert Tokenizer.load(tmp_path).encode("a") == [2]


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=80), st.integers(0, len(MODEL)), st.integers(0, 40))
def test_any_bytes_are_a_model_or_a_value_error(raw, at, more):
    for mixed in (raw, MODEL[:at] + raw + MODEL[at + more :], MODEL + part(3, part(2, raw))):
        for read in (lambda raw=mixed: list(fields(raw)), lambda raw=mixed: parse(raw)[0].build()):
            try:
                read()
            except ValueError:
                pass
            except Exception as error:  # noqa: BLE001 - the library raises bare ones; load() translates them
                assert type(error) is Exception


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=40), st.binary(max_size=40))
def test_any_charsmap_is_rules_or_a_value_error(units, strings):
    with contextlib.suppress(ValueError):
        read_rules(struct.pack(f"<{len(units) + 1}I", 4 * len(units), *units) + strings)


GOOD = {"vocab.json": {"a": 0, "b": 1, "ab": 2}, "merges.txt": "a b\n"}
HOSTILE_FOLDERS = {
    "ids beyond all": {**GOOD, "vocab.json": {"a": 2**31}},
    "negative ids": {**GOOD, "vocab.json": {"a": -1}},
    "ids of 70 bits": {**GOOD, "vocab.json": {"a": 2**70}},
    "ids that are no numbers": {**GOOD, "vocab.json": {"a": "0"}},
    "vocabulary is a list": {**GOOD, "vocab.json": ["a"]},
    "broken JSON": {**GOOD, "vocab.json": "{"},
    "deep JSON": {**GOOD, "vocab.json": "[" * 100_000},
    "merge out of the vocabulary": {**GOOD, "merges.txt": "a c\n"},
    "merge to what is not there": {**GOOD, "merges.txt": "b a\n"},
    "merge of one": {**GOOD, "merges.txt": "ab\n"},
    "merge of three": {**GOOD, "merges.txt": "a b ab\n"},
    "merges not UTF-8": {**GOOD, "merges.txt": b"\xff\xfe"},
    "words not UTF-8": {"vocab.txt": b"[UNK]\n\xff\n"},
    "words without the unknown": {"vocab.txt": "a\n"},
    "added far away": {**GOOD, "added_tokens.json": {"<x>": 2**30}},
    "added over another": {**GOOD, "added_tokens.json": {"<x>": 1}},
    "added with another's name": {**GOOD, "added_tokens.json": {"a": 1}},
    "added id that is no number": {**GOOD, "added_tokens.json": {"<x>": "x"}},
    "added id below 0": {**GOOD, "added_tokens.json": {"<x>": -5}},
    "added without a name": {**GOOD, "tokenizer_config.json": {"added_tokens_decoder": {"3": {}}}},
    "config is a list": {**GOOD, "tokenizer_config.json": ["a"]},
    "model's config is broken": {**GOOD, "config.json": "{"},
    "names are broken": {**GOOD, "special_tokens_map.json": "{"},
}  # fmt: skip


def write(folder, files) -> None:
    for name, content in files.items():
        raw = content if isinstance(content, bytes | str) else json.dumps(content)
        (folder / name).write_bytes(raw if isinstance(raw, bytes) else raw.encode())


@pytest.mark.parametrize("files", HOSTILE_FOLDERS.values(), ids=HOSTILE_FOLDERS.keys())
def test_folders(tmp_path, files):
    write(tmp_path, files)
    with pytest.raises(InputError) as caught:
        found = Tokenizer.load(tmp_path)
        found.encode("zebra")  # an unknown word shows only here
    assert caught.value.remedy and caught.value.message


def test_the_good_folder_is_read(tmp_path):
    write(tmp_path, {**GOOD, "added_tokens.json": {"<x>": 3}})
    assert Tokenizer.load(tmp_path).encode("ab<x>") == [2, 3]


UNIGRAM = {
    "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None,
    "post_processor": None, "decoder": None,
    "added_tokens": [{"id": 1, "content": "</s>", "special": True, "single_word": False, "lstrip": False,
                      "rstrip": False, "normalized": False}],
    "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False,
              "vocab": [["<unk>", 0.0], ["</s>", 0.0], *[[letter, -3.0] for letter in "</s>a"]]},
}  # fmt: skip


def test_a_control_token_that_is_a_piece_is_not_found_in_text(tmp_path):
    """T5's tokenizer.json has `</s>` among its pieces."""
    (tmp_path / "tokenizer.json").write_text(json.dumps(UNIGRAM))
    found = Tokenizer.load(tmp_path)
    for text in ("</s>", "a</s>a", "</s></s>"):
        assert 1 not in found.encode(text) and found.decode(found.encode(text)).replace(" ", "") == text
    assert found.encode("a</s>", specials=True)[-1] == 1


LETTERS = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": ["a", "b", "ab"],
           "tokenizer.ggml.merges": ["a b"]}  # fmt: skip
HOSTILE_GGUF = {
    "model": "rwkv",
    "pre": "deepseek-codr",
    "tokens": ["a", "a", "ab"],
    "token_type": [1],
    "scores": ["a", "b", "c"],
    "merges": ["ab"],
    "bos_token_id": 3,
    "eos_token_id": -1,
}


@pytest.mark.parametrize(("key", "value"), HOSTILE_GGUF.items(), ids=HOSTILE_GGUF.keys())
def test_gguf_metadata(key, value):
    assert Tokenizer.from_gguf(LETTERS).encode("ab") == [2]
    with pytest.raises(InputError, match=f"tokenizer.ggml.{key}") as caught:
        Tokenizer.from_gguf({**LETTERS, f"tokenizer.ggml.{key}": value})
    assert caught.value.remedy


@pytest.mark.parametrize("value", [None, 3, [], "ab", [3], {"a": 1}, [b"a"]])
@pytest.mark.parametrize("key", ["model", "tokens", "merges", "token_type"])
def test_gguf_values_of_other_types(key, value):
    try:
        Tokenizer.from_gguf({**LETTERS, f"tokenizer.ggml.{key}": value})
    except InputError as error:
        assert error.remedy
    else:
        assert key in ("merges", "token_type") and not value
    with pytest.raises(InputError):
        Tokenizer.from_gguf({**LETTERS, "tokenizer.ggml.merges": ["a c"]})


def test_an_unknown_split_names_the_nearest():
    with pytest.raises(InputError, match="deepseek-coder"):
        Tokenizer.from_gguf({**LETTERS, "tokenizer.ggml.pre": "deepseek-codr"})
