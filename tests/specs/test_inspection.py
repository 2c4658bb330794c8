"""`inspect` counts exactly and names what is wrong, by headers alone. Run: pytest tests/specs/test_inspection.py"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from small_folders import CONFIG, Make, llama_shapes, write_weights

from athanor.core.errors import InputError, NotFoundError
from athanor.core.progress import Reporter
from athanor.specs.inspection import inspect

PARAMETERS = sum(math.prod(shape) for shape in llama_shapes().values())


def look(folder: Path, deep: bool = False) -> dict[str, Any]:
    return inspect(str(folder), deep, Reporter(quiet=True))


def kinds(found: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(item["kind"], item["file"]) for item in found["findings"]]


@pytest.mark.parametrize("shards", [1, 3])
def test_a_whole_folder_has_no_findings_and_exact_counts(make_folder: Make, shards):
    folder = make_folder(shards)
    found = look(folder, deep=True)
    assert found["findings"] == []
    assert found["parameters"] == sum(found["by_part"].values()) == PARAMETERS
    assert found["by_part"]["head"] == found["by_part"]["embedding"] == 800
    assert (found["family"], found["dtype"], found["licence"]) == ("llama", "float32", "Apache-2.0")
    assert [found[key] for key in ("layers", "width", "heads", "kv_heads", "vocabulary", "context")] == [
        2, 16, 4, 2, 50, 64,
    ]  # fmt: skip
    assert found["bytes_on_disk"] == sum(path.stat().st_size for path in folder.iterdir())
    roles = {file["path"]: file["role"] for file in found["files"]}
    assert roles["config.json"] == "config" and roles["LICENSE"] == "licence"
    assert list(roles.values()).count("weights") == shards
    assert "2 x block" in found["architecture"] and "2 key/value heads" in found["architecture"]


def lose_a_shard(folder: Path) -> None:
    (folder / "model-00002-of-00003.safetensors").unlink()


def cut_a_shard(folder: Path) -> None:
    path = folder / "model-00002-of-00003.safetensors"
    path.write_bytes(path.read_bytes()[:-4])


def point_elsewhere(folder: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 988097824\n"
    (folder / "model-00002-of-00003.safetensors").write_text(text)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [(lose_a_shard, "missing_shard"), (cut_a_shard, "size_mismatch"), (point_elsewhere, "pointer_file")],
)
def test_where_weights_are_missing_the_config_tells_the_numbers(make_folder: Make, spoil, kind):
    folder = make_folder(3)
    spoil(folder)
    found = look(folder)
    assert kinds(found) == [(kind, "model-00002-of-00003.safetensors")]
    assert found["parameters"] == sum(found["by_part"].values()) == PARAMETERS


def test_tied_weights_that_are_stored_twice_count_once(make_folder: Make):
    found = look(make_folder(tie_word_embeddings=True))
    assert kinds(found) == [("tied_twice", "model.safetensors")]
    assert "lm_head.weight" in found["findings"][0]["message"]
    assert (found["parameters"], found["by_part"]["head"]) == (PARAMETERS - 800, 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_found_by_looking_deep(make_folder: Make, value):
    folder = make_folder()
    name = "model.layers.1.mlp.up_proj.weight"
    write_weights(folder / "model.safetensors", llama_shapes(), {name: struct.pack("<640f", *[1.0] * 639, value)})
    assert look(folder)["findings"] == []
    found = look(folder, deep=True)
    assert kinds(found) == [("nonfinite", "model.safetensors")]
    assert name in found["findings"][0]["message"] and "1 numbers" in found["findings"][0]["message"]


def test_code_and_pickles_are_named_and_left_alone(make_folder: Make):
    folder = make_folder(auto_map={"AutoModel": "modeling_x.X"})
    (folder / "modeling_x.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    assert kinds(look(folder)) == [("remote_code", "modeling_x.py"), ("pickle", "pytorch_model.bin")]
    assert not (folder / "ran").exists()


def test_a_pickle_under_the_name_of_safetensors_is_told(make_folder: Make):
    folder = make_folder()
    (folder / "model.safetensors").write_bytes(b"\x80\x04}.")
    assert kinds(look(folder)) == [("pickle", "model.safetensors")]


def test_a_config_of_another_model_is_a_finding(make_folder: Make):
    found = look(make_folder(num_hidden_layers=3))
    assert kinds(found) == [("size_mismatch", "config.json")]
    assert "model.layers.2" in found["findings"][0]["message"]
    assert found["parameters"] == PARAMETERS


def test_other_sizes_than_the_config_says_are_a_finding(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "intermediate_size": 48}))
    write_weights(tmp_path / "model.safetensors", llama_shapes())
    found = look(tmp_path)
    assert kinds(found) == [("size_mismatch", "config.json"), ("licence", None)]
    assert f"{PARAMETERS:,}" in found["findings"][0]["message"]


def test_an_unknown_family_is_still_counted(make_folder: Make):
    found = look(make_folder(model_type="mamba9", auto_map={"AutoModel": "modeling_x.X"}))
    assert kinds(found) == [("remote_code", "config.json")]
    assert "mamba9" in found["architecture"]
    assert found["parameters"] == PARAMETERS
    assert found["by_part"]["mlp"] == 2 * 3 * 640 and found["by_part"]["other"] == 0
    assert found["layers"] is None and len(found["memory_to_run"]) == 24


def test_a_folder_of_pickles_is_described_by_its_config(make_folder: Make):
    folder = make_folder()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    found = look(folder)
    assert kinds(found) == [("pickle", "pytorch_model.bin")]
    assert (found["parameters"], found["dtype"]) == (PARAMETERS, "float32")


HEADERS: dict[str, Callable[[Path], object]] = {
    "short": lambda path: path.write_bytes(b"\x01"),
    "longer than the file": lambda path: path.write_bytes(struct.pack("<Q", 1 << 62) + b"{}"),
    "no JSON": lambda path: path.write_bytes(struct.pack("<Q", 2) + b"{{"),
    "deep": lambda path: path.write_bytes(struct.pack("<Q", 600_000) + b'{"a":' * 120_000),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_broken_header_stops_nothing(make_folder: Make, name):
    folder = make_folder()
    HEADERS[name](folder / "model.safetensors")
    found = look(folder)
    assert kinds(found) == [("size_mismatch", "model.safetensors")]
    assert found["parameters"] == PARAMETERS


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": 3}', '{"weight_map": {"a": "../../etc/passwd"}}'])
def test_a_broken_index_stops_nothing(make_folder: Make, index):
    folder = make_folder(3)
    (folder / "model.safetensors.index.json").write_text(index)
    assert {kind for kind, _ in kinds(look(folder))} <= {"size_mismatch", "missing_shard"} != set()


def test_what_is_no_model_is_refused_by_name(tmp_path: Path):
    with pytest.raises(NotFoundError, match="nowhere"):
        look(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"config\.json"):
        look(tmp_path)
    (tmp_path / "config.json").write_text("{not json")
    with pytest.raises(InputError, match=r"config\.json"):
        look(tmp_path)


def write_gguf(path: Path, **more: np.ndarray) -> Path:
    """CONFIG's network as the reference library writes it, one layer of it packed."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_license("mit")
    writer.add_vocab_size(50)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_block_count(1)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    shapes = {
        "token_embd": (50, 32), "output": (50, 32), "output_norm": (32,), "blk.0.attn_norm": (32,),
        "blk.0.ffn_norm": (32,), "blk.0.attn_q": (32, 32), "blk.0.attn_k": (16, 32), "blk.0.attn_v": (16, 32),
        "blk.0.attn_output": (32, 32), "blk.0.ffn_gate": (64, 32), "blk.0.ffn_up": (64, 32), "blk.0.ffn_down": (32, 64),
    }  # fmt: skip
    for name, shape in shapes.items():
        values = more.get(name, np.ones(shape, np.float32))
        if name == "blk.0.ffn_up":
            packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(f"{name}.weight", packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(f"{name}.weight", values)
    writer.add_tensor("rope_freqs.weight", np.ones(4, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_file_is_known_by_its_header(tmp_path: Path):
    path = write_gguf(tmp_path / "model.gguf")
    for place in (path, tmp_path):
        found = look(place, deep=True)
        assert found["by_part"] == {
            "embedding": 1600, "attention": 3072, "mlp": 3 * 2048, "norm": 96, "head": 1600, "other": 0,
        }  # fmt: skip
        assert (found["family"], found["layers"], found["kv_heads"], found["licence"]) == ("llama", 1, 2, "mit")
        assert found["findings"] == [] and "1 x block" in found["architecture"]
    broken = write_gguf(tmp_path / "broken.gguf", token_embd=np.full((50, 32), np.nan, np.float32))
    assert kinds(look(broken, deep=True)) == [("nonfinite", "broken.gguf")]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"model\.gguf"):
        look(path)


@pytest.mark.parametrize(
    ("readme", "text", "licence"),
    [
        ("---\nlicense: mit\n---\n", "Apache License\nVersion 2.0", "mit"),
        ("---\nlicense: other\nlicense_name: qwen-research\n---\n", "", "qwen-research"),
        ("---\ntags: [x]\n---\nlicense: mit\n", "MIT License\n", "MIT"),
        ("words", "LLAMA 2 COMMUNITY LICENSE AGREEMENT\nand so on", "LLAMA 2 COMMUNITY LICENSE AGREEMENT"),
        ("words", "", None),
    ],
)
def test_the_licence_is_what_the_folder_states(make_folder: Make, readme, text, licence):
    folder = make_folder()
    (folder / "README.md").write_text(readme)
    (folder / "LICENSE").write_text(text)
    found = look(folder)
    assert found["licence"] == licence
    assert kinds(found) == ([] if licence else [("licence", None)])
