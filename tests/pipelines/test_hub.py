"""A hub name: only what a model needs is fetched, resumed and hash-checked; offline the error says what to do.

The hub is a small server on this machine. Run: pytest tests/pipelines/test_hub.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub
from small_llama import small_llama

NAME = "owner/small-llama"
PROGRAM = str(Path(sys.executable).parent / "athanor")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that has a small LLaMA, with files that nobody needs."""
    folder = small_llama(tmp_path / "hub")
    for name in ("modeling_x.py", "pytorch_model.bin", "README.py", "flax_model.msgpack", "sub/config.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not wanted")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# small\n")
    made = Hub(folder, NAME)
    yield made
    made.close()


def bring(tmp_path: Path, address: str, *prefix: str, **more: str) -> tuple[int, dict]:
    """Exit code and object of `athanor import`; in a process of its own, since the hub's address is read once."""
    env = {**os.environ, "ATHANOR_HOME": str(tmp_path / "home"), "HF_ENDPOINT": address, "OMP_NUM_THREADS": "1"}
    env |= {"HF_HOME": str(tmp_path / "hf")}
    env.pop("HF_HUB_OFFLINE", None)
    words = [*prefix, PROGRAM, "import", NAME, "--name", "small", "--json"]
    done = subprocess.run(words, env={**env, **more}, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    return done.returncode, json.loads(done.stdout)


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_a_model_comes_as_a_folder_does(hub, tmp_path):
    code, found = bring(tmp_path, hub.address)
    assert code == 0, found
    assert {name for name, _ in hub.asked} == {
        "README.md", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json",
    }  # fmt: skip
    (kept,) = (tmp_path / "home/artifacts/model").iterdir()
    assert (kept / "model.safetensors").read_bytes() == (hub.folder / "model.safetensors").read_bytes()
    manifest = json.loads((kept / "manifest.json").read_text())
    assert manifest["licence"] == "mit" and manifest["connections"] == []
    assert {source["path"] for source in manifest["sources"]} == {
        f"{hub.address}/{NAME}/resolve/{COMMIT}/{name}" for name, _ in hub.asked
    }
    assert not sizes(tmp_path / "home/cache")
    asked = len(hub.asked)
    code, again = bring(tmp_path, hub.address)
    assert (code, again["cached"], again["id"], len(hub.asked)) == (0, True, found["id"], asked)


CHUNK = 10 << 20  # what huggingface_hub writes at a time


def test_a_cut_connection_goes_on_and_a_later_command_too(hub, tmp_path):
    small_llama(hub.folder, vocab_size=60_000)  # 15 MB
    hub.cut_at = {"model.safetensors": CHUNK + 1000}
    part = tmp_path / "home/cache/hub" / f"{NAME.replace('/', '--')}-{COMMIT}" / "model.safetensors.part"
    part.parent.mkdir(parents=True)
    part.write_bytes((hub.folder / "model.safetensors").read_bytes()[:700])
    code, found = bring(tmp_path, hub.address)
    assert code == 0, found
    assert [its for name, its in hub.asked if name == "model.safetensors"] == ["bytes=700-", f"bytes={700 + CHUNK}-"]


def test_a_hub_that_fails(hub, tmp_path):
    hub.down = True
    code, found = bring(tmp_path, hub.address)
    assert code == 4 and "503" in found["error"]["message"]
    hub.down = False
    assert bring(tmp_path, hub.address)[0] == 0


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_wrong_hash_is_refused_and_not_kept(hub, tmp_path, name):
    hub.damaged = {name}
    code, found = bring(tmp_path, hub.address)
    assert code == 6 and name in found["error"]["message"] and "hash" in found["error"]["message"]
    assert not (tmp_path / "home/artifacts").exists()
    assert not any(kept.startswith(name) for kept in sizes(tmp_path / "home/cache"))
    hub.damaged = set()
    assert bring(tmp_path, hub.address)[0] == 0


def test_shards(hub, tmp_path):
    import transformers

    model = transformers.LlamaForCausalLM.from_pretrained(hub.folder)
    (hub.folder / "model.safetensors").unlink()
    model.save_pretrained(hub.folder, max_shard_size="20KB")
    code, found = bring(tmp_path, hub.address)
    assert code == 0, found
    shards = {path.name for path in hub.folder.glob("model-*.safetensors")}
    assert len(shards) > 1 and shards <= {name for name, _ in hub.asked}


def test_without_safetensors_nothing_is_fetched(hub, tmp_path):
    (hub.folder / "model.safetensors").unlink()
    code, found = bring(tmp_path, hub.address)
    assert code == 3 and "pytorch_model.bin" in found["error"]["message"] and hub.asked == []


def test_an_unknown_family_is_refused_before_its_weights(hub, tmp_path):
    config = json.loads((hub.folder / "config.json").read_text())
    (hub.folder / "config.json").write_text(json.dumps(config | {"model_type": "mamba"}))
    code, found = bring(tmp_path, hub.address)
    assert code == 3 and "mamba" in found["error"]["message"]
    assert "model.safetensors" not in {name for name, _ in hub.asked}


def check_error(code: int, found: dict) -> None:
    error = found["error"]
    assert code in (3, 4, 5) and NAME in error["message"] and "network" in error["message"]
    for word in ("config.json", "*.safetensors", "tokenizer.json", "athanor import ./small-llama"):
        assert word in error["remedy"], error


def test_offline(hub, tmp_path):
    check_error(*bring(tmp_path, hub.address, ATHANOR_OFFLINE="1"))
    hub.close()
    check_error(*bring(tmp_path, hub.address))  # nobody listens there
    check_error(*bring(tmp_path, "https://no-such-host.invalid"))
    check_error(*bring(tmp_path, hub.address, HF_HUB_OFFLINE="1"))


@pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"]).returncode != 0, reason="needs unshare"
)
def test_without_any_network(tmp_path):
    check_error(*bring(tmp_path, "https://huggingface.co", "unshare", "-rn"))


def test_a_name_that_the_hub_lacks(hub, tmp_path):
    hub.name = "owner/other"
    code, found = bring(tmp_path, hub.address)
    assert code == 4 and NAME in found["error"]["message"]
