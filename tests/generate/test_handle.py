"""Odd and hostile model folders end in a sentence at loading. Run: pytest tests/generate/test_handle.py"""

from __future__ import annotations

import json
import shutil

import pytest

from athanor.core.errors import InputError
from athanor.generate.handle import Model
from athanor.specs.decoder import DecoderSpec


@pytest.fixture
def folder(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "model")


def configure(folder, **changed) -> None:
    path = folder / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def test_settings_that_are_null_are_not_set(folder):
    configure(folder, temperature=None, top_p=None, eos_token_id=None)
    assert Model.open(folder).settings().temperature == 1.0
    configure(folder, do_sample=False, temperature=0.7)
    assert Model.open(folder).settings().temperature == 0.0


@pytest.mark.parametrize("changed", [{"temperature": "hot"}, {"top_k": 1.5}, {"top_p": -1}, {"min_p": []}])
def test_settings_that_are_none_name_their_file(folder, changed):
    configure(folder, **changed)
    with pytest.raises(InputError, match=r"generation_config\.json"):
        Model.open(folder).settings()


@pytest.mark.parametrize("number", [-1, 330, 151_645, "1", 1.0, True, [0, None, 330], [[0]]])
def test_an_end_that_is_no_id_is_refused(folder, number):
    configure(folder, eos_token_id=number)
    with pytest.raises(InputError, match="eos_token_id"):
        Model.open(folder)


def test_a_tokenizer_larger_than_the_embedding_is_refused(folder, model):
    from athanor.models.decoder import Decoder

    fields = {name: getattr(model.spec, name) for name in model.spec.__struct_fields__}
    small = Decoder(DecoderSpec(**{**fields, "vocabulary": 300}))
    with pytest.raises(InputError, match="330 ids, the network 300") as caught:
        Model(folder, small)
    assert (caught.value.value, caught.value.limit) == (330, 300)
