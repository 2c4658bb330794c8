"""remove and gc take what nothing needs, and nothing else. Run: pytest tests/artifacts/test_collect.py"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from datetime import timedelta

import pytest

from athanor.artifacts import Store, collect
from athanor.artifacts.collect import gc, remove
from athanor.artifacts.verify import verify
from athanor.core.errors import InputError, NameTakenError, NotFoundError, ProofError


@pytest.fixture
def town(store, make):
    """Two assistants that share a corpus, each with a model and an unnamed report on it."""
    shared = make(store, files={"shared": "x"})
    parts = {"shared": shared}
    for name in ("one", "two"):
        own = parts[f"{name} own"] = make(store, files={"own": name})
        model = parts[f"{name} model"] = make(store, "model", [shared.id, own.id], {"w": name})
        parts[f"{name} report"] = make(store, "report", [model.id], {"r": name})
        payload = json.dumps({"model": model.id, "index": None, "settings": {}})
        parts[name] = make(store, "assistant", [], {"assistant.json": payload})
        store.bind(name, parts[name].id)
    return {key: artifact.id for key, artifact in parts.items()}


def ids(store):
    return {artifact.id for artifact in store.artifacts()}


def test_gc_keeps_all_that_names_reach(store, town):
    assert gc(store) == {"removed": [], "freed_bytes": 0}
    assert ids(store) == set(town.values())


def test_remove_a_name(store, town):
    before = ids(store)
    plan = remove(store, "one", dry_run=True)
    assert (ids(store), list(store.names())) == (before, ["one", "two"])
    result = remove(store, "one")
    assert result == plan
    assert set(result["removed"]) == {town[key] for key in ("one", "one own", "one model", "one report")}
    assert ids(store) == before - set(result["removed"])
    assert result["freed_bytes"] > 0
    assert verify(store)["damaged"] == []
    with pytest.raises(NotFoundError, match="one"):
        remove(store, "one")
    # Each result goes before what it was made from.
    order = [result["removed"].index(town[key]) for key in ("one", "one model", "one own")]
    assert order == sorted(order)


def test_a_name_beside_a_name(store, town):
    store.bind("again", town["one"])
    assert remove(store, "one")["removed"] == []
    assert "one" not in store.names()
    assert town["one model"] in remove(store, "again")["removed"]


def test_remove_an_id(store, town, make):
    for key, who in (("one", "name one"), ("one model", "assistant"), ("shared", "model")):
        with pytest.raises(InputError, match=who):
            remove(store, town[key])
    loose = make(store, "tokenizer")
    assert remove(store, loose.id[:10])["removed"] == [loose.id]
    assert remove(store, town["one report"])["removed"] == [town["one report"]]
    assert ids(store) == set(town.values()) - {town["one report"]}


def test_gc_takes_what_has_no_name(store, town, make):
    loose = make(store, "model", [town["shared"]], {"w": "loose"})
    key = loose.manifest.key
    store.unbind("one")
    gone = {town[name] for name in ("one", "one own", "one model", "one report")} | {loose.id}
    assert set(gc(store, dry_run=True)["removed"]) == gone
    assert gone <= ids(store)
    assert set(gc(store)["removed"]) == gone
    assert not (store.home / "steps" / key).exists()
    assert gc(store) == {"removed": [], "freed_bytes": 0}
    assert verify(store)["damaged"] == []


def test_failed_proofs_wait_a_week(store, make, monkeypatch):
    base = make(store)
    failed = make(store, "model", [base.id], {"w": "1"}, proofs={"quantize": {"verdict": "outside", "accepted": None}})
    make(store, "model", [base.id], {"w": "2"}, proofs={"quantize": {"verdict": "within", "accepted": None}})
    gc(store)
    assert ids(store) == {base.id, failed.id}
    monkeypatch.setattr("athanor.artifacts.reach.ACCEPT_WITHIN", timedelta(0))
    gc(store)
    assert ids(store) == set()


def test_a_damaged_artifact_in_use_stops_gc(store, town):
    """Its needs are not known, so anything could be one."""
    store.get(town["one"]).file("assistant.json").write_text("{")
    with pytest.raises(ProofError, match="store verify"):
        gc(store)
    assert ids(store) == set(town.values())
    assert remove(store, "one")["removed"] == [town["one"]]  # the way out
    assert town["one model"] in gc(store)["removed"]


def test_two_damaged_can_both_be_removed(store, town):
    for name in ("one", "two"):
        (store.get(town[name]).folder / "manifest.json").write_text("{")
    for name in ("one", "two"):
        remove(store, name)
    gc(store)
    assert ids(store) == set()


def test_a_name_without_its_artifact(store, town):
    shutil.rmtree(store.get(town["one"]).folder)
    assert {"id": town["one"], "file": "names/one"} in verify(store)["damaged"]
    assert remove(store, "one")["removed"] == []
    assert list(store.names()) == ["two"]


def child_that(store, work):
    """A child process that has begun the work, which waits for ever."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with work():
                os.write(writing, b"x")
                time.sleep(60)
        finally:
            os._exit(1)
    os.read(reading, 1)
    os.close(reading)
    os.close(writing)
    return child


def kill(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_live_draft_is_spared(store, make):
    make(store)
    child = child_that(store, lambda: store.draft("model", {}, []))
    (draft,) = (store.home / "tmp").iterdir()
    try:
        (draft / "w").write_text("half")
        gc(store)
        assert (draft / "w").exists()
    finally:
        kill(child)
    gc(store)
    assert not draft.exists()


def test_who_uses_the_store_is_waited_for(store, make, monkeypatch):
    loose = make(store)
    monkeypatch.setattr(collect, "PATIENCE", 0.3)
    child = child_that(store, store.in_use)
    told: list[str] = []
    try:
        for work in (lambda: gc(store, waiting=told.append), lambda: remove(store, loose.id, waiting=told.append)):
            with pytest.raises(NameTakenError, match=f"process {child} ") as caught:
                work()
            assert caught.value.exit_code == 4
        assert len(told) == 2
        assert f"process {child} " in told[0]
        assert gc(store, dry_run=True)["removed"] == [loose.id]
        assert make(store, files={"x": "y"}).is_there()  # others that use it go on
    finally:
        kill(child)
    assert loose.id in gc(store)["removed"]


def test_runs(store, make):
    done = make(store)
    store.bind("x", done.id)
    finished, dead, old, live, kept = (
        store.run(key) for key in (done.manifest.key, "a" * 64, "b" * 64, "c" * 64, "d" * 64)
    )
    for run in (finished, dead, old, live):
        run.describe({"name": "mine"})
        with run.lock(None):
            pass
    loose = make(store, "tokenizer")
    kept.describe({"name": "mine", "inputs": [loose.id]})
    for path in (old.folder / "run.json", old.folder):
        os.utime(path, (0, time.time() - 15 * 86400))
    with live.lock(None):
        os.utime(live.folder, (0, 0))
        os.utime(live.folder / "run.json", (0, 0))
        freed = gc(store)["freed_bytes"]
    assert freed > 0
    assert {run.key for run in store.runs()} == {dead.key, live.key, kept.key}
    assert loose.id in ids(store)
    assert {path.name for path in (store.home / "locks/runs").iterdir()} == {dead.key, live.key}


def test_nothing_is_made_by_looking(store):
    assert gc(store) == {"removed": [], "freed_bytes": 0}
    assert gc(store, dry_run=True) == {"removed": [], "freed_bytes": 0}
    with pytest.raises(NotFoundError):
        remove(store, "x")
    assert not store.home.exists()


def test_binding_while_collecting(store, make):
    """Results that are made and named under in_use survive any number of gc beside them."""
    collector = os.fork()
    if collector == 0:
        try:
            while True:
                gc(store)
        finally:
            os._exit(1)
    try:
        for number in range(30):
            with store.in_use():
                corpus = make(store, files={"n": str(number)})
                model = make(store, "model", [corpus.id], {"n": str(number)})
                store.bind(f"n-{number}", model.id)
    finally:
        kill(collector)
    assert verify(store)["damaged"] == []
    assert len(store.names()) == 30
    assert len(ids(store)) == 60


def test_what_an_unfinished_run_needs_stays(store, town, make):
    """Until the run is finished or has lain there too long."""
    run = store.run("a" * 64)
    run.describe({"name": "later", "inputs": [town["one own"]]})
    loose = make(store, "tokenizer")
    other = store.run("b" * 64)
    other.describe({"name": "later", "inputs": [loose.id]})
    with pytest.raises(InputError, match=f"the unfinished run {'b' * 12}") as caught:
        remove(store, loose.id)
    assert caught.value.limit == [other.key]
    assert set(remove(store, "one")["removed"]) == {town[key] for key in ("one", "one model", "one report")}
    for path in (other.folder / "run.json", other.folder):
        os.utime(path, (0, time.time() - 15 * 86400))
    assert remove(store, loose.id)["removed"] == [loose.id]


class Busy(Store):
    """A store where a build ends whenever somebody has listed the artifacts."""

    def folders(self, kind=None):
        found = super().folders(kind)
        with self.draft("corpus", {"step": "meanwhile"}, []) as draft:
            draft.commit()
        return found


def test_a_build_that_ends_while_steps_are_forgotten_is_found_again(store, make):
    (store.home / "steps" / make(store).manifest.key).write_text("f" * 64)
    collect.forget_steps(Busy(store.home))
    (step,) = (store.home / "steps").iterdir()
    assert step.read_text() in ids(store)
