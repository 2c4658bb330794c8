"""Import: what a checkpoint is called and is kept as, and that a refusal leaves nothing. Pickles: tensors alone.

Run: pytest tests/pipelines/test_imports.py
"""

from __future__ import annotations

import json
import shutil
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_llama import small_llama

from athanor.artifacts.store import Store
from athanor.core.errors import InputError, NameTakenError, NotFoundError
from athanor.core.progress import Reporter
from athanor.models.opening import load_network
from athanor.pipelines.imports import Request, import_model
from athanor.transform.export_gguf import export_gguf_file


def bring(source: Path, name: str | None = None, replace: bool = False, pickle: bool = False) -> dict:
    return import_model(Request(source, name, replace, Reporter(quiet=True), unsafe_pickle=pickle))


def nothing_kept(home: Path) -> bool:
    """Whether no artifact, no name and no scratch folder is in the store."""
    places = [home / "artifacts", home / "names", home / "steps", home / "tmp"]
    return not any(path.is_file() for place in places if place.exists() for path in place.rglob("*"))


def test_what_an_import_says(home, tmp_path):
    source = small_llama(tmp_path / "source")
    found = bring(source, "small")
    assert set(found) == {
        "name", "id", "family", "parameters", "dtype", "format", "tensors", "findings", "cached"
    }  # fmt: skip
    tensors = load_file(source / "model.safetensors")
    assert found["tensors"] == len(tensors) and found["parameters"] == sum(t.numel() for t in tensors.values())
    assert (found["name"], found["family"], found["format"], found["cached"]) == (
        "small",
        "llama",
        "safetensors",
        False,
    )
    artifact = Store.open().resolve("small")
    assert (artifact.folder / "model.safetensors").read_bytes() == (source / "model.safetensors").read_bytes()
    assert artifact.manifest.proofs["import"]["equal"] is True


def test_the_same_content_is_the_same_model(home, tmp_path):
    source = small_llama(tmp_path / "source")
    first = bring(source)
    shutil.copytree(source, tmp_path / "elsewhere")
    (tmp_path / "elsewhere/modeling_x.py").write_text("raise SystemExit(9)")
    again = bring(tmp_path / "elsewhere", "again")
    assert again["id"] == first["id"] and again["cached"] and not first["cached"]
    other = bring(small_llama(tmp_path / "other", seed=1))
    assert other["id"] != first["id"] and not other["cached"]


def test_a_name_is_moved_only_when_asked(home, tmp_path):
    first, second = small_llama(tmp_path / "first"), small_llama(tmp_path / "second", seed=1)
    kept = bring(first, "small")["id"]
    assert bring(first, "small")["id"] == kept  # the same again is no conflict
    with pytest.raises(NameTakenError, match="small"):
        bring(second, "small")
    assert Store.open().resolve("small").id == kept
    assert bring(second, "small", replace=True)["id"] == Store.open().resolve("small").id != kept


def test_a_gguf_file(home, tmp_path):
    source = small_llama(tmp_path / "source")
    export_gguf_file(source, tmp_path / "small.gguf", "f16", "small", None, None, lambda done: None)
    found = bring(tmp_path / "small.gguf", "packed")
    assert (found["format"], found["family"]) == ("gguf", "llama")
    kept = Store.open().resolve("packed").folder
    assert [path.name for path in kept.glob("*.gguf")] == ["small.gguf"]
    ids = torch.arange(12)[None]
    ours, theirs = (load_network(place)(ids).float() for place in (kept, source))
    assert torch.allclose(ours, theirs, atol=2e-3)  # float16's own spread


def test_a_tokenizer_larger_than_the_embedding_names_both(home, tmp_path):
    with pytest.raises(InputError, match=r"340.*300"):
        bring(small_llama(tmp_path / "source", tokens=83), "large")
    assert nothing_kept(home)


@pytest.mark.parametrize("fault", ["cut", "config", "extra"])
def test_a_refusal_leaves_nothing(home, tmp_path, fault):
    source = small_llama(tmp_path / "source")
    if fault == "cut":
        path = source / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
    config = json.loads((source / "config.json").read_text())
    change = {"config": {"num_hidden_layers": 3}, "extra": {"num_hidden_layers": 1}}.get(fault, {})
    (source / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError):
        bring(source, "small")
    assert nothing_kept(home)


def test_nothing_there(home, tmp_path):
    with pytest.raises(NotFoundError, match="nowhere"):
        bring(tmp_path / "nowhere")


# Pickles


def pickled(folder: Path, shards: int = 1) -> dict[str, torch.Tensor]:
    """Turn the folder's weights into pickles; the tensors."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    if shards == 1:
        torch.save(tensors, folder / "pytorch_model.bin")
        return tensors
    placed = {}
    for number in range(shards):
        name = f"pytorch_model-{number + 1:05}-of-{shards:05}.bin"
        part = dict(list(tensors.items())[number::shards])
        torch.save(part, folder / name)
        placed |= dict.fromkeys(part, name)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    return tensors


def kept_tensors(name: str) -> dict[str, torch.Tensor]:
    files = Store.open().resolve(name).folder.glob("*.safetensors")
    return {key: tensor for path in files for key, tensor in load_file(path).items()}


@pytest.mark.parametrize("shards", [1, 3])
def test_pickles_only_when_asked(home, tmp_path, shards):
    source = small_llama(tmp_path / "source")
    tensors = pickled(source, shards)
    with pytest.raises(InputError, match="pickle") as refused:
        bring(source, "small")
    assert "--unsafe-pickle" in refused.value.remedy and nothing_kept(home)
    found = bring(source, "small", pickle=True)
    kept = kept_tensors("small")
    assert kept.keys() == tensors.keys() and all(torch.equal(kept[name], its) for name, its in tensors.items())
    assert [one["kind"] for one in found["findings"] if one["kind"] == "pickle"] == ["pickle"] * shards
    assert not list(Store.open().resolve("small").folder.glob("*.bin"))
    assert all(source.path.endswith((".bin", ".json")) for source in Store.open().resolve("small").manifest.sources)
    assert bring(source, "small", pickle=True)["cached"]


@pytest.mark.parametrize("zipped", [True, False])
def test_old_and_new_pickles_with_tied_weights(home, tmp_path, zipped):
    """A storage that two names share is written for both; the key map knows the second as a copy."""
    source = small_llama(tmp_path / "source", tie_word_embeddings=True)
    tensors = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    both = OrderedDict(tensors) | {"lm_head.weight": tensors["model.embed_tokens.weight"]}
    torch.save(both, source / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    bring(source, "tied", pickle=True)
    kept = kept_tensors("tied")
    assert torch.equal(kept["lm_head.weight"], tensors["model.embed_tokens.weight"])
    assert kept.keys() == both.keys()


class Runs:
    """Would run a command when it is opened."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        import os

        return os.system, (self.command,)


@pytest.mark.parametrize("form", ["plain", "zip", "old", "beside"])
def test_a_pickle_runs_nothing(home, tmp_path, form):
    source = small_llama(tmp_path / "source")
    tensors, canary = pickled(source), tmp_path / "canary"
    command = f"touch {canary}"
    path = source / "pytorch_model.bin"
    if form == "plain":
        path.write_bytes(f"cos\nsystem\n(S'{command}'\ntR.".encode())
    else:
        what = {**tensors, "evil": Runs(command)} if form == "beside" else Runs(command)
        torch.save(what, path, _use_new_zipfile_serialization=form != "old")
    for pickle in (False, True):
        with pytest.raises(InputError, match=r"pytorch_model\.bin"):
            bring(source, "evil", pickle=pickle)
    shutil.move(path, source / "model.safetensors")
    for pickle in (False, True):
        with pytest.raises(InputError, match=r"model\.safetensors"):
            bring(source, "renamed", pickle=pickle)
    assert not canary.exists() and nothing_kept(home)


def huge() -> dict[str, torch.Tensor]:
    """A few bytes that stand for a terabyte."""
    return {"a": torch.zeros(1).expand(1 << 38)}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ([torch.zeros(2)], "not a table"), ({"a": 3}, "'a'"), ({"a": {"b": torch.zeros(2)}}, "'a'"),
        ({3: torch.zeros(2)}, "'3'"), ({"__metadata__": torch.zeros(2)}, "__metadata__"),
        ({"a": torch.zeros(2, dtype=torch.complex64)}, "complex64"), ({"a": torch.eye(3).to_sparse()}, "sparse"),
        (huge(), "allowed for a file of its size"),
    ],
)  # fmt: skip
def test_more_than_tensors_is_refused(home, tmp_path, what, said):
    source = small_llama(tmp_path / "source")
    pickled(source)
    torch.save(what, source / "pytorch_model.bin")
    with pytest.raises(InputError, match=said):
        bring(source, "odd", pickle=True)
    assert nothing_kept(home)


@pytest.mark.parametrize("name", ["../pytorch_model.bin", "/etc/passwd", "gone.bin"])
def test_an_index_names_no_path_and_nothing_missing(home, tmp_path, name):
    source = small_llama(tmp_path / "source")
    pickled(source)
    shutil.move(source / "pytorch_model.bin", tmp_path / "pytorch_model.bin")
    (source / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(InputError, match=name):
        bring(source, "odd", pickle=True)
