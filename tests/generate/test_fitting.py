"""The tokenizer beside a network, or in its file: found, none, or refused with both numbers.

Run: pytest tests/generate/test_fitting.py
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pipelines"))
sys.path.insert(0, str(Path(__file__).parents[1] / "specs"))

from e5_files import E5, PIECES
from small_llama import small_llama

from athanor.core.errors import InputError
from athanor.generate.fitting import fitting_tokenizer
from athanor.models.opening import open_model
from athanor.transform.export_gguf import export_gguf_file


def test_beside_and_in_the_file(tmp_path):
    source = small_llama(tmp_path / "source")
    beside = fitting_tokenizer(source, open_model(source).spec)
    export_gguf_file(source, tmp_path / "small.gguf", "f16", "small", None, None, lambda done: None)
    inside = fitting_tokenizer(tmp_path / "small.gguf", open_model(tmp_path / "small.gguf").spec)
    assert beside is not None and inside is not None
    for text in ("", "The ferry 渡船 leaves.\n", "<|endoftext|>"):
        assert beside.encode(text) == inside.encode(text)


def test_none(tmp_path):
    source = small_llama(tmp_path / "source")
    for path in source.glob("tokenizer*"):
        path.unlink()
    assert fitting_tokenizer(source, open_model(source).spec) is None


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (43, True), (44, False)])
def test_as_many_ids_as_rows_at_the_most(tmp_path, spare, fits):
    source = small_llama(tmp_path / "source", tokens=spare)
    spec = open_model(source).spec
    if fits:
        assert fitting_tokenizer(source, spec) is not None
        return
    with pytest.raises(InputError, match=r"301 ids.* 300") as refused:
        fitting_tokenizer(source, spec)
    assert (refused.value.value, refused.value.limit) == (301, 300)


def test_the_pieces_of_e5(tmp_path):
    path = E5().write(tmp_path / "e5-small-q4.bin")
    tokenizer = fitting_tokenizer(path, open_model(path).spec)
    assert tokenizer is not None
    assert [PIECES[number] for number in tokenizer.encode("the ferry")] == ["▁the", "▁fer", "ry"]
    assert [PIECES[number] for number in (*tokenizer.before, *tokenizer.after)] == ["<s>", "</s>"]
    assert tokenizer.encode("Ａ渡船") == tokenizer.encode("a渡船")  # by the file's own map of characters


def test_more_pieces_than_rows(tmp_path):
    more = replace(E5(), pieces=[*PIECES, "▁more"], sizes=(32, 2, 4, 64, len(PIECES), 40, 2))
    path = more.write(tmp_path / "e5-small-q4.bin")
    with pytest.raises(InputError, match=re.escape("17 ids, the network 16")):
        fitting_tokenizer(path, open_model(path).spec)
