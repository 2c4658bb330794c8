"""Export: the stored bytes again, in one file or shards; other types within their limits; all of it or nothing.

Run: pytest tests/transform/test_export.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_llama import small_llama

from athanor.core.errors import InputError, NameTakenError
from athanor.transform.export import export_folder


def export(source: Path, target: Path, dtype: str | None = None, shard: int = 1 << 40) -> dict:
    return export_folder(source, target, dtype, shard, lambda proof: f"# card\n{proof['verdict']}\n", lambda done: None)


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    return {key: its for path in sorted(folder.glob("*.safetensors")) for key, its in load_file(path).items()}


def same_bytes(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    """Also for numbers that are none, which equal nothing."""
    raw = lambda its: (its.dtype, its.shape, its.contiguous().view(-1).view(torch.uint8).numpy().tobytes())  # noqa: E731
    return ours.keys() == theirs.keys() and all(raw(ours[name]) == raw(theirs[name]) for name in ours)


def gpt2_with_extras(folder: Path) -> Path:
    """A GPT-2 whose folder stores its tied head again, and a table of whole numbers and a mask that nobody needs."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=60, n_embd=16, n_layer=1, n_head=2, n_positions=24)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()
    tensors["transformer.h.0.attn.bias"] = torch.ones(1, 1, 24, 24, dtype=torch.uint8).tril()
    tensors["transformer.h.0.attn.masked_bias"] = torch.tensor(-10_000, dtype=torch.int64)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_byte_equal_with_copies_and_tables(tmp_path):
    source = gpt2_with_extras(tmp_path / "source")
    found = export(source, tmp_path / "out")
    assert same_bytes(tensors_of(tmp_path / "out"), tensors_of(source))
    assert found["proof"]["verdict"] == "same" and found["proof"]["max_difference"] == 0.0
    assert (tmp_path / "out/config.json").read_bytes() == (source / "config.json").read_bytes()
    assert (tmp_path / "out/README.md").read_text() == "# card\nsame\n"


def test_numbers_that_are_none_come_back(tmp_path):
    source = small_llama(tmp_path / "source")
    tensors = tensors_of(source)
    tensors["model.norm.weight"][:4] = torch.tensor([float("nan"), float("inf"), -0.0, 1e-42])
    save_file(tensors, source / "model.safetensors")
    export(source, tmp_path / "out")
    assert same_bytes(tensors_of(tmp_path / "out"), tensors)


def test_what_the_files_are(tmp_path):
    source = small_llama(tmp_path / "source")
    (source / "README.md").write_text("# theirs\n")
    (source / "modeling_x.py").write_text("")
    found = export(source, tmp_path / "out")
    rows = {row["path"]: row for row in found["files"]}
    assert rows.keys() == {path.name for path in (tmp_path / "out").iterdir()}
    assert {"README.md", "README.source.md", "config.json", "model.safetensors", "tokenizer.json"} < rows.keys()
    assert "modeling_x.py" not in rows and (tmp_path / "out/README.source.md").read_text() == "# theirs\n"
    assert all(row["bytes"] == (tmp_path / "out" / name).stat().st_size for name, row in rows.items())


@pytest.mark.parametrize("size", [1, 5_000, 20_000])
def test_shards_of_a_chosen_size(tmp_path, size):
    source = small_llama(tmp_path / "source")
    export(source, tmp_path / "out", shard=size)
    index = json.loads((tmp_path / "out/model.safetensors.index.json").read_text())
    tensors = tensors_of(source)
    assert same_bytes(tensors_of(tmp_path / "out"), tensors)
    assert index["metadata"]["total_size"] == sum(its.nbytes for its in tensors.values())
    held: dict[str, list[str]] = {}
    for path in (tmp_path / "out").glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            held[path.name] = list(file.keys())
        bytes_held = sum(tensors[name].nbytes for name in held[path.name])
        assert bytes_held <= size or len(held[path.name]) == 1
    assert index["weight_map"] == {name: path for path, names in held.items() for name in names}
    ours = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "out").state_dict()
    assert all(torch.equal(ours[name], its) for name, its in tensors.items())


@pytest.mark.parametrize(("word", "dtype"), [("f16", torch.float16), ("bf16", torch.bfloat16), ("f32", torch.float32)])
def test_other_types(tmp_path, word, dtype):
    source = small_llama(tmp_path / "source")
    found = export(source, tmp_path / "out", word)
    tensors, written = tensors_of(source), tensors_of(tmp_path / "out")
    assert same_bytes(written, {name: its.to(dtype) for name, its in tensors.items()})
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert config["dtype"] == config["torch_dtype"] == str(dtype).removeprefix("torch.")
    worst = max(float((its.to(dtype).float() - its).abs().max()) for its in tensors.values())
    assert found["proof"]["max_difference"] == worst
    assert found["proof"]["verdict"] == ("same" if word == "f32" else "within")


def test_tables_keep_their_type(tmp_path):
    export(gpt2_with_extras(tmp_path / "source"), tmp_path / "out", "f16")
    written = tensors_of(tmp_path / "out")
    assert written["transformer.h.0.attn.masked_bias"].dtype == torch.int64
    assert written["transformer.h.0.attn.bias"].dtype == torch.uint8
    assert written["lm_head.weight"].dtype == torch.float16


def test_what_float16_cannot_hold_is_named(tmp_path):
    source = small_llama(tmp_path / "source")
    tensors = tensors_of(source)
    tensors["model.layers.1.mlp.up_proj.weight"][3, 5] = 70_000.0
    save_file(tensors, source / "model.safetensors")
    with pytest.raises(InputError, match=r"model\.layers\.1\.mlp\.up_proj\.weight holds 70000"):
        export(source, tmp_path / "out", "f16")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    assert export(source, tmp_path / "out", "bf16")["proof"]["verdict"] == "within"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_there_already_stays(tmp_path, what):
    source, target = small_llama(tmp_path / "source"), tmp_path / "out"
    if what == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine").write_text("mine")
    with pytest.raises(NameTakenError, match="out"):
        export(source, target)
    assert (target if what == "file" else target / "mine").read_text() == "mine"


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    export(small_llama(tmp_path / "source"), tmp_path / "out")
    assert (tmp_path / "out/model.safetensors").is_file()


SLOW = """
import sys, time
from pathlib import Path
from athanor.transform.export import export_folder
def slow(done):
    print(done, flush=True)
    time.sleep(60)
export_folder(Path(sys.argv[1]), Path(sys.argv[2]), None, 1 << 40, lambda proof: "", slow)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_leaves_nothing_at_the_target(tmp_path, number):
    source = small_llama(tmp_path / "source")
    command = [sys.executable, "-c", SLOW, str(source), str(tmp_path / "out")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as child:
        assert child.stdout is not None and child.stdout.readline()
        time.sleep(0.1)
        child.send_signal(number)
        child.wait(30)
    assert not (tmp_path / "out").exists()
    if number == signal.SIGINT:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    assert export(source, tmp_path / "out")["proof"]["verdict"] == "same"
