"""The file of multilingual-e5-small: read as it is described; cut or lying anywhere it is refused by name, at once.

Run: pytest tests/specs/test_e5_file.py
"""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from e5_files import E5, LAYERS, MAPPED, PIECES
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError
from athanor.specs.e5 import read_e5

NAME = "e5-small-q4.bin"


def test_what_the_header_says(tmp_path):
    file = read_e5(E5().write(tmp_path / NAME))
    config = file.config
    assert (config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]) == (32, LAYERS, 4)
    assert (config["intermediate_size"], config["vocab_size"], config["max_position_embeddings"]) == (64, 16, 40)
    assert config["layer_norm_eps"] == 1e-12 and config["pad_token_id"] == 1
    assert list(file.pieces) == PIECES and list(file.scores) == [-float(n) for n in range(16)]
    assert file.controls == {"bos": 0, "eos": 2, "pad": 1, "unk": 3} and file.mapped == MAPPED
    assert len(file.tensors) == 5 + 16 * LAYERS
    word = file.tensors["embeddings.word_embeddings.weight"]
    assert (word.kind, word.items, word.bytes) == ("Q4_0", 16 * 32, 16 * 18)


def test_cut_at_every_field(tmp_path):
    made = E5()
    whole = made.write(tmp_path / NAME).read_bytes()
    for at in sorted({*made.fields, *(place + 1 for place in made.fields), made.body, len(whole) - 1}):
        (tmp_path / NAME).write_bytes(whole[:at])
        with pytest.raises(InputError, match=r"e5-small-q4\.bin"):
            read_e5(tmp_path / NAME)


@pytest.mark.parametrize(
    "lie",
    [
        {"version": 2}, {"sizes": (0, 2, 4, 64, 16, 40, 2)}, {"sizes": (32, -1, 4, 64, 16, 40, 2)},
        {"sizes": (32, 1 << 30, 4, 64, 16, 40, 2)}, {"sizes": (32, 3, 4, 64, 16, 40, 2)}, {"block": 64},
        {"controls": (0, 2, 1, 16)}, {"controls": (-1, 2, 1, 3)}, {"pieces": []},
    ],
)  # fmt: skip
def test_lies_of_the_header(tmp_path, lie):
    path = replace(E5(), **lie).write(tmp_path / NAME)
    with pytest.raises(InputError, match=r"e5-small-q4\.bin"):
        read_e5(path)


LIES = {
    "pieces": (4, "<i", 1 << 30), "bytes of pieces": (6, "<Q", 1 << 62), "first end": (7, "<I", 1 << 31),
    "a score": (8, "<f", float("nan")), "no text": (9, "<B", 0xFF), "mapped": (10, "<i", 1 << 29),
    "mapped bytes": (11, "<I", 1), "a character": (12, "<I", 0x110000), "surplus": (12, "<I", 0xFFFFFFFF),
    "tensors": (13, "<i", 1 << 30), "negative tensors": (13, "<i", -1), "a name's length": (14, "<H", 0xFFFF),
    "a name": (15, "<B", ord("x")), "a type": (16, "<B", 7),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_lies_of_a_field(tmp_path, lie):
    made, (number, form, value) = E5(), LIES[lie]
    raw = bytearray(made.write(tmp_path / NAME).read_bytes())
    struct.pack_into(form, raw, made.fields[number], value)
    (tmp_path / NAME).write_bytes(raw)
    with pytest.raises(InputError, match=r"e5-small-q4\.bin"):
        read_e5(tmp_path / NAME)


@pytest.mark.parametrize(
    ("at", "form", "value"), [(1, "<I", 33), (5, "<Q", 1 << 62), (13, "<Q", 1 << 62), (13, "<Q", 0)]
)
def test_a_tensor_that_cannot_lie_there(tmp_path, at, form, value):
    made = E5()
    raw = bytearray(made.write(tmp_path / NAME).read_bytes())
    struct.pack_into(form, raw, made.fields[16] + at, value)
    (tmp_path / NAME).write_bytes(raw)
    with pytest.raises(InputError, match="cannot lie"):
        read_e5(tmp_path / NAME)


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_tensors_missing_and_unknown(tmp_path, change):
    made = E5()
    its = made.tensors.pop("l1.q.w")
    if change == "unknown":
        made.tensors |= {"l1.q.w": its, "l2.q.w": its}
    named = "l2.q.w" if change == "unknown" else "encoder.layer.1.attention.self.query.weight"
    with pytest.raises(InputError, match=named):
        read_e5(made.write(tmp_path / NAME))


@settings(max_examples=200, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(tmp_path_factory, share, value):
    path, made = tmp_path_factory.mktemp("e5") / NAME, E5()
    raw = bytearray(made.write(path).read_bytes())
    raw[int(share * made.body)] = value
    path.write_bytes(raw)
    try:
        read_e5(path)
    except InputError as error:
        assert NAME in error.message
