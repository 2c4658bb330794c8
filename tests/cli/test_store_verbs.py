"""list, show, lineage, remove, gc, store: CONTRACT's keys and exit codes, and text that a person can read.

Run: pytest tests/cli/test_store_verbs.py
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from athanor.artifacts import Artifact, Store
from athanor.cli.main import main
from athanor.cli.table import cells, columns

LISTED = {"name", "names", "id", "kind", "bytes", "created", "inputs"}
SHOWN = {
    "name",
    "id",
    "kind",
    "bytes",
    "created",
    "recipe",
    "metrics",
    "proofs",
    "environment",
    "licence",
    "files",
    "path",
}
ATHANOR = [sys.executable, "-c", "from athanor.cli.main import main; main()"]


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("ATHANOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("athanor.core.signals.install", lambda: None)
    monkeypatch.setattr("athanor.core.offline.guard", lambda: None)
    return Store.open()


@pytest.fixture
def run(store, capsys):
    """run(*words) -> (exit code, stdout, stderr)."""

    def run(*words):
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def call(run):
    """call(*words, code=0) -> the one JSON object."""

    def call(*words, code=0):
        found, out, err = run(*words, "--json")
        assert found == code, (out, err)
        assert out.count("\n") == 1
        return json.loads(out)

    return call


def put(store: Store, kind: str, files: dict[str, str], inputs=(), **options) -> Artifact:
    recipe = {"step": "build", "inputs": ["./papers"], "train": {"seed": 7, "rate": 1e-3, "none": None}}
    with store.draft(kind, recipe, list(inputs), **options) as draft:
        for path, text in files.items():
            (draft.folder / path).write_text(text)
        return draft.commit(metrics={"loss": 0.5})


@pytest.fixture
def town(store):
    corpus = put(store, "corpus", {"rows": "港"}, sources=[{"path": "papers/a\x1b[31m.txt", "sha256": "1" * 64}])
    model = put(store, "model", {"w": "x" * 1500}, [corpus.id], licence="CC0")
    whole = put(store, "assistant", {"assistant.json": json.dumps({"model": model.id, "index": None})}, [model.id])
    store.bind("旧港-1.0", whole.id)
    store.bind("harbour", whole.id)
    return {"corpus": corpus, "model": model, "assistant": whole}


def test_empty_store(call, run, store):
    assert call("list") == {"artifacts": [], "total_bytes": 0}
    assert call("list", "--runs")["runs"] == []
    assert call("gc") == {"removed": [], "freed_bytes": 0}
    assert call("gc", "--dry-run", "--yes")["removed"] == []
    assert call("store", "verify").items() >= {"checked": 0, "damaged": []}.items()
    for words in (["show"], ["lineage"], ["remove"]):
        assert call(*words, "no-such-name", code=4)["error"]["value"] == "no-such-name"
    assert run("list")[0] == 0
    assert not store.home.exists()


def test_list(call, run, store, town):
    found = call("list")
    assert [set(item) for item in found["artifacts"]] == [LISTED] * 3
    assert [item["kind"] for item in found["artifacts"]] == ["corpus", "model", "assistant"]
    assert found["artifacts"][2]["names"] == ["harbour", "旧港-1.0"]
    assert found["artifacts"][1]["name"] is None
    assert found["total_bytes"] == sum(artifact.bytes for artifact in town.values())
    assert [item["kind"] for item in call("list", "--kind", "model")["artifacts"]] == ["model"]
    assert call("list", "--kind", "modle", code=2)["error"]["kind"] == "usage"
    lines = run("list")[1].splitlines()
    assert lines[1].startswith("harbour, 旧港-1.0")
    assert (
        len(
            {
                cells(line[: line.index(kind)])
                for line, kind in zip(lines[1:4], ("assistant", "corpus", "model"), strict=True)
            }
        )
        == 1
    )
    assert "1.5 KB" in lines[3]
    assert town["model"].id[:12] in lines[3]
    assert town["model"].id not in lines[3]


def test_list_runs_and_damage(call, run, store, town):
    store.run("a" * 64).describe({"name": "later", "verb": "build", "argv": ["build"]})
    (row,) = call("list", "--runs")["runs"]
    assert (row["key"], row["name"], row["verb"], row["live"], row["pid"]) == (
        "a" * 64,
        "later",
        "build",
        False,
        os.getpid(),
    )
    assert "--resume" in run("list", "--runs")[1]
    (town["model"].folder / "manifest.json").write_text("{")
    code, out, err = run("list")
    assert (code, "store verify" in err, town["model"].id[:12] in out) == (0, True, False)


def test_show(call, run, town):
    whole = town["assistant"]
    for word in ("harbour", "旧港-1.0", whole.id, whole.id[:8]):
        assert call("show", word)["id"] == whole.id
    shown = call("show", town["model"].id)
    assert set(shown) >= SHOWN
    assert (shown["name"], shown["kind"], shown["licence"], shown["metrics"]) == (None, "model", "CC0", {"loss": 0.5})
    assert Path(shown["path"]) == town["model"].folder
    assert shown["files"] == [{"path": "w", "bytes": 1500, "sha256": town["model"].manifest.files[0].sha256}]
    code, out, _ = run("show", "harbour")
    assert code == 0
    assert "assistant.json" in out
    assert call("show", whole.id[:7], code=4)["error"]["kind"] == "not_found"
    assert "harbour" in call("show", "harbor", code=4)["error"]["remedy"]


def test_show_recipe(call, run, town):
    text = run("show", "harbour", "--recipe")[1]
    assert list(tomllib.loads(text))[:2] == ["step", "inputs"]
    assert tomllib.loads(text)["train"] == {"seed": 7, "rate": 1e-3}
    assert call("show", "harbour", "--recipe")["recipe"]["step"] == "build"


def test_show_what_is_being_made(call, store):
    run = store.run("b" * 64)
    run.describe({"name": "phoenix", "verb": "build", "argv": ["build", "x"]})
    error = call("show", "phoenix", code=4)["error"]
    assert "phoenix" in error["message"]
    assert "--resume" in error["remedy"]
    with run.lock(None):
        error = call("show", "phoenix", code=4)["error"]
    assert f"process {os.getpid()}" in error["message"]
    assert "--watch" in error["remedy"]


def test_lineage(call, run, town):
    found = call("lineage", "harbour")
    assert found["id"] == town["assistant"].id
    assert {node["kind"] for node in found["nodes"]} == {"assistant", "model", "corpus"}
    assert [town["corpus"].id, town["model"].id] in found["edges"]
    assert found["sources"] == [{"path": "papers/a\x1b[31m.txt", "sha256": "1" * 64}]
    dot = run("lineage", "harbour", "--dot")[1]
    assert dot.startswith("digraph")
    assert "->" in dot
    text = run("lineage", "harbour")[1]
    assert "\x1b" not in text
    assert "papers/a\\x1b[31m.txt" in text


def test_remove(call, run, store, town):
    store.unbind("harbour")
    before = call("list")["total_bytes"]
    plan = call("remove", "旧港-1.0", "--dry-run", "--yes")
    assert call("list")["total_bytes"] == before
    assert call("remove", town["model"].id, code=3)["error"]["limit"] == [town["assistant"].id]
    code, out, _ = run("remove", "旧港-1.0", "--yes")
    assert code == 0
    assert "3 artifacts" in out
    assert set(plan["removed"]) == {artifact.id for artifact in town.values()}
    assert call("list")["artifacts"] == []
    assert call("show", "旧港-1.0", code=4)


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 1), (b"y\n", 0)])
def test_remove_asks_on_a_terminal(store, town, answer, left):
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [*ATHANOR, "remove", "harbour"], stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.write(ours, answer)
    out, err = process.communicate(timeout=30)
    os.close(ours)
    os.close(its)
    assert b"Remove harbour" in err
    assert process.returncode == 0, (out, err)
    assert len([name for name in store.names() if name == "harbour"]) == left


def test_gc(call, store, town):
    store.unbind("harbour")
    store.unbind("旧港-1.0")
    plan = call("gc", "--dry-run")
    assert len(call("list")["artifacts"]) == 3
    assert call("gc", "--yes") == plan
    assert len(plan["removed"]) == 3
    assert plan["freed_bytes"] > 1500


def test_store(call, run, store, town, tmp_path, monkeypatch):
    target = tmp_path / "b.tar"
    assert call("store", "backup", target).items() >= {"checked": 3, "damaged": []}.items()
    monkeypatch.setenv("ATHANOR_HOME", str(tmp_path / "elsewhere"))
    assert call("store", "restore", target).items() >= {"checked": 3, "damaged": []}.items()
    assert call("show", "旧港-1.0")["id"] == town["assistant"].id
    weights = tmp_path / "elsewhere/artifacts/model" / town["model"].id / "w"
    weights.write_text("x" * 1499 + "y")
    found = call("store", "verify", code=6)
    assert found["damaged"] == [{"id": town["model"].id, "file": "w"}]
    assert [item["kind"] for item in found["dependants"]] == ["assistant"]
    code, out, err = run("store", "verify")
    assert (code, "error: " in err, f"{town['model'].id[:12]} w" in out) == (6, True, True)
    assert call("store", "backup", tmp_path / "c.tar", code=6)["damaged"]
    assert not (tmp_path / "c.tar").exists()
    target.write_bytes(target.read_bytes()[:-5000])
    assert call("store", "restore", target, code=3)["error"]["kind"] == "input"
    assert call("store", "restore", tmp_path / "none.tar", code=4)
    assert call("store", "backup", tmp_path, code=3)


def test_odd_terminals(store, town):
    """LANG=C, no colour codes, a reader that goes away, closed stdin, a read-only store."""
    store.bind("rows-x", put(store, "corpus", {"港.txt": "x"}).id)
    plain = {**os.environ, "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = subprocess.run([*ATHANOR, "list"], env=plain, capture_output=True, check=True)
    assert b"\\u65e7\\u6e2f-1.0" in found.stdout
    assert b"\x1b[" not in found.stdout
    shown = subprocess.run([*ATHANOR, "show", "rows-x"], env=plain, capture_output=True, check=True)
    verified = subprocess.run([*ATHANOR, "store", "verify"], env=plain, capture_output=True, check=True)
    assert b"\\u6e2f.txt" in shown.stdout
    assert b"no damage" in verified.stdout
    shell = " ".join(f"'{word}'" for word in ATHANOR)
    words = f"{shell} list | true; left=${{PIPESTATUS[0]}}; {shell} show harbour <&-; exit $left"
    gone = subprocess.run(words, shell=True, executable="/bin/bash", capture_output=True)
    assert (gone.returncode, gone.stderr) == (0, b"")
    assert b"assistant.json" in gone.stdout


def test_columns():
    assert columns([["旧港", "1"], ["e\u0301", "22"], ["\x1b[2J", "3"]], right=[1]) == (
        "旧港      1\ne\u0301        22\n\\x1b[2J   3"
    )


def test_a_signal_while_verifying_is_no_damage(store, town):
    manifest = town["model"].folder / "manifest.json"
    manifest.unlink()
    os.mkfifo(manifest)
    process = subprocess.Popen([*ATHANOR, "store", "verify"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with manifest.open("wb"):  # returns when the other side reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"Stopped by SIGINT" in err


def test_show_what_holds_its_name_and_has_no_run_yet(run, call, store):
    assert "nothing" in call("show", "phoenix", code=4)["error"]["message"].lower()
    store.run("c" * 64).describe({"name": "phoenix", "verb": "build", "argv": ["build"]})
    assert "did not end" in call("show", "phoenix", code=4)["error"]["message"]
    with store.name_lock("phoenix", None):
        error = call("show", "phoenix", code=4)["error"]
        assert f"process {os.getpid()}" in error["message"] and "--watch" in error["remedy"]
        waiting = subprocess.Popen([*ATHANOR, "show", "phoenix", "--watch"], stderr=subprocess.PIPE, text=True)
        assert f"process {os.getpid()}" in waiting.stderr.readline()
    waiting.communicate(timeout=30)
    assert waiting.returncode == 4


def test_a_part_shows_the_recipe_that_run_takes(run, call, store):
    corpus = store_plain(store, "corpus", {"holdout": 0.1}, [])
    assert call("show", corpus.id, "--recipe", code=3)["error"]["value"] == corpus.id
    whole = store_plain(store, "assistant", {"step": "build", "inputs": ["papers"]}, [corpus.id])
    assert tomllib.loads(run("show", corpus.id, "--recipe")[1]) == whole.manifest.recipe
    assert call("show", corpus.id, "--recipe")["recipe"] == whole.manifest.recipe
    assert call("show", corpus.id)["recipe"] == {"holdout": 0.1}


def store_plain(store: Store, kind: str, recipe: dict, inputs: list[str]) -> Artifact:
    with store.draft(kind, recipe, inputs) as draft:
        (draft.folder / "assistant.json").write_text('{"model": null}')
        return draft.commit()


@pytest.mark.parametrize("words", [["list"], ["store", "verify"], ["gc"]])
def test_common_options_are_common(call, run, words):
    call(*words, "--yes", "--force", "--replace", "--quiet")
    assert "--force" not in run(*words, "--help")[1]


def test_run_with_a_folder_that_looks_like_an_option(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-docs").mkdir()
    (tmp_path / "-r.toml").write_text('step = "build"\ninputs = ["-docs"]\n')
    error = call("run", "./-r.toml", "data.holdout=0.2", code=3)["error"]
    assert "The folder -docs is empty" in error["message"]


def test_words_of_a_run_are_no_commands_to_the_terminal(run, store):
    """A backup of somebody else's may hold any description."""
    store.run("a" * 64).describe({"name": "evil", "verb": "\x1b[2Jbuild", "started": "\x1b]0;now\x07"})
    for words in (["list", "--runs"], ["show", "evil"]):
        _, out, err = run(*words)
        assert "\x1b" not in out + err and "\\x1b[2Jbuild" in out + err
    assert "\x1b" not in run("show", "no\x1b[2J")[2]


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_json_of_what_is_no_unicode(store, encoding):
    store.run("a" * 64).describe({"name": "caf\udce9 😀"})
    done = subprocess.run(
        [*ATHANOR, "list", "--runs", "--json"], env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"][0]["name"] == "caf\udce9 😀"


def test_a_conversation_takes_the_common_options_but_has_no_object(run):
    code, _, err = run("chat", "no-such-name", "--yes", "--force", "--replace", "--quiet")
    assert (code, "no-such-name" in err) == (4, True)
    assert run("chat", "no-such-name", "--json")[0] == 2
    assert "--force" not in run("chat", "--help")[1]
