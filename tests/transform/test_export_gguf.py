"""GGUF: what was written is read back and compared before it counts. Run: pytest tests/transform/test_export_gguf.py"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from small_llama import small_llama

from athanor.core.errors import NameTakenError, ProofError, UsageError
from athanor.core.progress import Reporter
from athanor.pipelines.exports import Request
from athanor.pipelines.exports import export as export_as
from athanor.transform.export_gguf import TOLERANCES, export_gguf_file


def export(source: Path, target: Path, dtype: str, reason: str | None = None) -> dict:
    return export_gguf_file(source, target, dtype, "small", "mit", reason, lambda done: None)


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_the_reference_library_reads_what_was_compared(tmp_path, dtype):
    source = small_llama(tmp_path / "source")
    found = export(source, tmp_path / "out.gguf", dtype)
    proof = found["proof"]
    assert proof["verdict"] in ("same", "within") and proof["max_difference"] <= TOLERANCES[dtype]
    assert (proof["verdict"] == "same") == (proof["max_difference"] == 0.0)
    reader = gguf.GGUFReader(tmp_path / "out.gguf")
    assert reader.fields["general.license"].contents() == "mit"
    (embedding,) = [its for its in reader.tensors if its.name == "token_embd.weight"]
    theirs = gguf.dequantize(embedding.data, embedding.tensor_type).reshape(300, 32)
    wanted = load_file(source / "model.safetensors")["model.embed_tokens.weight"].numpy()
    assert np.abs(theirs - wanted).max() <= TOLERANCES[dtype] * np.abs(wanted).max()


def coarse(folder: Path) -> Path:
    """A model in which one small group of numbers shares its block with a large one of the other sign."""
    source = small_llama(folder)
    tensors = load_file(source / "model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    tensors[name][:] = 0.0
    tensors[name][0, :2] = tensors[name].new_tensor([8.0, -7.99])  # 4 bits hold -8 … 7: one side is cut
    save_file(tensors, source / "model.safetensors")
    return source


def test_outside_the_tolerance(tmp_path, monkeypatch):
    source = coarse(tmp_path / "source")
    monkeypatch.setitem(TOLERANCES, "q4_0", 0.01)  # so that this difference is beyond it
    with pytest.raises(ProofError, match="q4_0") as refused:
        export(source, tmp_path / "out.gguf", "q4_0")
    assert refused.value.exit_code == 6 and "--accept" in refused.value.remedy and refused.value.value > 0.01
    assert not (tmp_path / "out.gguf").exists()
    proof = export(source, tmp_path / "out.gguf", "q4_0", "a trial")["proof"]
    assert (proof["verdict"], proof["accepted"]) == ("outside", "a trial")
    assert proof["max_difference"] == refused.value.value and (tmp_path / "out.gguf").is_file()


def test_what_is_there_stays_and_types_are_known(tmp_path):
    source = small_llama(tmp_path / "source")
    (tmp_path / "out.gguf").write_text("mine")
    with pytest.raises(NameTakenError, match=r"out\.gguf"):
        export(source, tmp_path / "out.gguf", "f16")
    assert (tmp_path / "out.gguf").read_text() == "mine"
    for kind, dtype in (("gguf", "q3_k"), ("safetensors", "q8_0")):
        request = Request(str(source), tmp_path / "other", kind, dtype, None, None, Reporter(quiet=True))
        with pytest.raises(UsageError, match=dtype):
            export_as(request)
    assert not (tmp_path / "other").exists()


def test_an_infinity_hides_no_difference(tmp_path, monkeypatch):
    """One in a norm's vector, which stays F32 and comes back as it is; the coarse matrix is still outside."""
    source = coarse(tmp_path / "source")
    tensors = load_file(source / "model.safetensors")
    tensors["model.norm.weight"][0] = float("inf")
    save_file(tensors, source / "model.safetensors")
    monkeypatch.setitem(TOLERANCES, "q4_0", 0.01)
    with pytest.raises(ProofError, match="q4_0"):
        export(source, tmp_path / "out.gguf", "q4_0")
    assert not (tmp_path / "out.gguf").exists()
