"""inspect and plan: CONTRACT's keys and exit codes, text for people, and no torch.

Run: pytest tests/cli/test_inspect_and_plan.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from athanor.artifacts import Store
from athanor.cli.main import main
from athanor.specs.qwen3 import from_preset, write_config

INSPECTED = (
    "family architecture parameters parameters_human by_part layers width heads kv_heads vocabulary context dtype "
    "bytes_on_disk files memory_to_run memory_to_train licence findings"
)
PLANNED = (
    "parameters tokens training_flops compute_optimal_tokens peak_memory_bytes device_hours days cost_usd energy_kwh "
    "checkpoint_bytes serving"
)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """run(*words) -> (exit code, stdout, stderr)."""
    monkeypatch.setenv("ATHANOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("athanor.core.signals.install", lambda: None)
    monkeypatch.setattr("athanor.core.offline.guard", lambda: None)

    def run(*words: object) -> tuple[int, str, str]:
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


def described(folder: Path) -> Path:
    """A folder without weights: its config alone tells what it is."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(write_config(from_preset("qwen3-1m", 4096, 256))))
    return folder


def test_inspect_has_contracts_keys(run, tmp_path):
    code, out, _ = run("inspect", described(tmp_path / "model"), "--json")
    found = json.loads(out)
    assert code == 0 and set(INSPECTED.split()) <= set(found)
    assert found["parameters"] == sum(found["by_part"].values()) == 1_377_920
    rows = [(row["dtype"], row["context"], row["batch"]) for row in found["memory_to_run"]]
    assert len(set(rows)) == 4 * 3 * 2
    assert all(set(item) == {"path", "bytes", "role", "note"} for item in found["files"])
    assert all(set(item) == {"kind", "file", "message"} for item in found["findings"])


def test_inspect_reads_well(run, tmp_path):
    folder = described(tmp_path / "model")
    (folder / "modeling_x.py").write_text("")
    code, out, _ = run("inspect", folder)
    assert code == 0
    for word in ("1.4M (1,377,920)", "4 x block", "rotary", "memory to run", "LoRA", "will not be run", "licence"):
        assert word in out


def test_a_config_cannot_steer_the_terminal(run, tmp_path):
    folder = described(tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"model_type": "\x1b[2J\x07evil"}))
    code, out, _ = run("inspect", folder)
    assert code == 0 and "evil" in out
    assert "\x1b" not in out and "\x07" not in out


def test_a_name_in_the_store_is_inspected_and_planned_for(run, tmp_path):
    store = Store.open()
    with store.draft("model", {"step": "test"}, []) as draft:
        (draft.folder / "config.json").write_text(json.dumps(write_config(from_preset("qwen3-1m", 300, 256))))
        artifact = draft.commit()
    store.bind("mine", artifact.id)
    inspected = json.loads(run("inspect", "mine", "--json")[1])
    planned = json.loads(run("plan", "mine", "--tokens", "1e6", "--hardware", "this", "--json")[1])
    assert inspected["parameters"] == planned["parameters"] == 1_377_920 - (4096 - 300) * 128
    assert any(file["role"] == "manifest" for file in inspected["files"])


def test_plan_has_contracts_keys(run):
    code, out, _ = run("plan", "llama-2-70b", "--tokens", "2e12", "--utilisation", "0.4", "--price", "2", "--json")
    found = json.loads(out)
    assert code == 0 and set(PLANNED.split()) <= set(found)
    assert {"weights", "gradients", "optimizer", "activations", "total"} <= set(found["peak_memory_bytes"])
    assert {"bytes", "devices", "tokens_per_second_bound"} <= set(found["serving"])
    assert found["tokens"] == 2_000_000_000_000


def test_plan_reads_well(run):
    code, out, _ = run("plan", "llama-2-70b", "--tokens", "2e12", "--devices", "8")
    assert code == 0
    for word in ("69B", "FLOPs", "kWh", "1,720,320 hours", "implies 44%", "too little for this run", "arxiv.org"):
        assert word in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plan", "llama-2-71b", "--tokens", "1e9"], 4, "llama-2-70b"),
        (["plan", "llama-2-70b", "--tokens", "some"], 2, "some"),
        (["plan", "llama-2-70b", "--tokens", "-3"], 2, "-3"),
        (["plan", "llama-2-70b", "--hardware", "abacus"], 2, "a100-80gb"),
        (["plan", "llama-2-70b", "--utilisation", "1.4"], 2, "1.4"),
        (["plan", "llama-2-70b", "--dtype", "float99"], 2, "float99"),
        (["plan", "llama-2-70b", "--hardware", "tpu-v4", "--dtype", "float16"], 3, "float16"),
        (["inspect", "./nowhere"], 4, "nowhere"),
        (["inspect", "nowhere"], 4, "nowhere"),
    ],
)
def test_mistakes_are_named(run, words, code, said):
    ended, out, err = run(*words, "--json")
    error = json.loads(out)["error"]
    assert ended == code and said in json.dumps(error) and error["remedy"] and err.strip()


def test_neither_brings_torch_along(tmp_path):
    folder = described(tmp_path / "model")
    for words in (["inspect", str(folder), "--deep"], ["plan", "llama-2-70b", "--tokens", "1e9"]):
        program = "import sys; from athanor.cli.main import main\ntry: main(sys.argv[1:])\n"
        program += "finally: print('torch' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "False"
