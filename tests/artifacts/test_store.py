"""Drafts become artifacts or nothing; work is found again; words resolve as CONTRACT says.

Run: pytest tests/artifacts/test_store.py
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from athanor.artifacts import Store, step_key
from athanor.artifacts import manifest as manifests
from athanor.artifacts.verify import verify
from athanor.core import hardware
from athanor.core.errors import InputError, NameTakenError, NotFoundError, RecipeError


def below(store: Store) -> list[str]:
    return (
        sorted(path.relative_to(store.home).as_posix() for path in store.home.rglob("*")) if store.home.exists() else []
    )


def test_opening_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ATHANOR_HOME", "relative/home")
    monkeypatch.chdir(tmp_path)
    store = Store.open()
    assert store.home == tmp_path / "relative/home"
    assert store.find("corpus", "0" * 64) is None
    assert (store.artifacts(), store.names(), store.runs(), verify(store)["checked"]) == ([], {}, [], 0)
    with pytest.raises(NotFoundError):
        store.resolve("x")
    assert list(tmp_path.iterdir()) == []


def test_home_is_a_file(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(InputError, match="home"):
        Store.open(tmp_path / "home")


def test_commit(store):
    recipe = {"step": "build", "z": 1, "a": [1.5]}
    source = {"path": "bad\udcff.txt", "sha256": "1" * 64}
    with store.draft("corpus", recipe, ["f" * 64], version=2, sources=[source], seed=7, licence="CC0") as draft:
        (draft.folder / "deep").mkdir()
        (draft.folder / "deep/rows.txt").write_text("港")
        made = draft.commit(metrics={"rows": 1}, proofs={"p": {}}, resolved={"size": 3}, seconds=1.5)
    found = store.find("corpus", step_key("corpus", recipe, ["f" * 64], 2))
    assert found is not None
    assert found.id == made.id == found.manifest.computed_id()
    manifest = store.get(made.id).manifest
    assert list(manifest.recipe) == ["step", "z", "a"]
    assert (manifest.seed, manifest.licence, manifest.seconds, manifest.metrics) == (7, "CC0", 1.5, {"rows": 1})
    assert [(item.path, item.bytes) for item in manifest.files] == [("deep/rows.txt", 3)]
    assert manifest.sources[0].path == "bad\\udcff.txt"
    assert manifest.created.endswith("Z")
    assert manifest.environment["cores"] >= 1
    assert found.file("deep/rows.txt").read_text() == "港"
    assert found.bytes == 3
    with pytest.raises(NotFoundError, match=r"deep/rows\.txt"):
        found.file("deep/row.txt")
    with pytest.raises(NotFoundError):
        found.file("../../../../etc/passwd")
    assert list((store.home / "tmp").iterdir()) == []


def test_nothing_is_left_without_commit(store):
    with store.draft("corpus", {}, []) as draft:
        (draft.folder / "x").write_text("x")
    with pytest.raises(ZeroDivisionError), store.draft("corpus", {}, []) as draft:
        (draft.folder / "x").write_text("x")
        raise ZeroDivisionError
    assert [path for path in below(store) if not path.startswith("locks")] == ["tmp"]


@pytest.mark.parametrize("plant", ["link", "fifo", "manifest", "folder-link"])
def test_payload_is_plain_files(store, tmp_path, plant):
    with pytest.raises(InputError), store.draft("corpus", {}, []) as draft:
        if plant == "link":
            (draft.folder / "x").symlink_to("/etc/hostname")
        elif plant == "folder-link":
            (draft.folder / "x").symlink_to(tmp_path)
        elif plant == "fifo":
            os.mkfifo(draft.folder / "x")
        else:
            (draft.folder / "manifest.json").write_text("{}")
        draft.commit()
    assert store.artifacts() == []


def test_no_figures_that_are_no_numbers(store):
    with pytest.raises(RecipeError, match=r"metrics\.loss"), store.draft("corpus", {}, []) as draft:
        draft.commit(metrics={"loss": float("nan")})
    with pytest.raises(InputError, match="corpse"), store.draft("corpse", {}, []):
        pass
    assert list((store.home / "tmp").iterdir()) == []


def test_again_keeps_the_old(store, make):
    first = make(store)
    inode = first.file("text.txt").stat().st_ino
    second = make(store)
    assert second.id == first.id
    assert second.file("text.txt").stat().st_ino == inode
    assert second.manifest.created == first.manifest.created
    assert list((store.home / "tmp").iterdir()) == []


@pytest.mark.parametrize("damage", ["flip", "gone", "extra", "manifest"])
def test_again_mends_the_damaged(store, make, damage):
    first = make(store)
    path = first.folder / {"flip": "text.txt", "gone": "text.txt", "extra": "more", "manifest": "manifest.json"}[damage]
    path.unlink() if damage == "gone" else path.write_text("xxxxxx")
    assert verify(store)["damaged"] == [{"id": first.id, "file": path.name}]
    make(store)
    assert verify(store)["damaged"] == []
    assert first.file("text.txt").read_text() == "corpus"


def test_dangling_and_damaged_steps(store, make):
    first = make(store)
    key = first.manifest.key
    assert store.find("model", key) is None
    for text in ("", "x", "0" * 64, "../../etc", "\udcff".encode("utf-8", "surrogateescape")):
        (store.home / "steps" / key).write_bytes(text if isinstance(text, bytes) else text.encode())
        assert store.find("corpus", key) is None
    (store.home / "steps" / key).write_text(first.id)
    assert store.find("corpus", key) is not None
    first.file("text.txt").unlink()
    assert store.find("corpus", key) is None
    assert store.find("corpus", "../x") is None


def test_resolve(store, make):
    made = make(store)
    store.bind("harbour", made.id)
    for word in ("harbour", made.id, made.id[:8], made.id[:12], made.id.upper(), f"{made.id}@3"):
        assert store.resolve(word).id == made.id
    for word in (made.id[:7], "harbor", "../names/harbour", "", "0" * 64, "0" * 8, "*"):
        with pytest.raises(NotFoundError) as caught:
            store.resolve(word)
        assert caught.value.exit_code == 4
        assert word in str(caught.value)
    with pytest.raises(NotFoundError, match="harbour"):
        store.resolve("harbor")


def test_ambiguous_prefix(store, make):
    made = make(store)
    twin = made.folder.with_name(made.id[:20] + "0" * 44)
    twin.mkdir()
    with pytest.raises(NotFoundError, match="2 artifacts"):
        store.resolve(made.id[:12])
    assert store.resolve(made.id[:30]).id == made.id


def test_assistant_stands_for_its_parts(store, make):
    model, index, corpus = make(store, "model"), make(store, "index"), make(store, "corpus")
    payload = {"model": model.id, "index": None, "settings": {}}
    bare = make(store, "assistant", [model.id], {"assistant.json": json.dumps(payload)})
    full = make(store, "assistant", [model.id], {"assistant.json": json.dumps(payload | {"index": f"{index.id}@2"})})
    assert store.resolve(full.id, ["model"]).id == model.id
    assert store.resolve(full.id, {"index"}).id == index.id
    assert store.resolve(full.id).id == full.id
    assert store.resolve(full.id, ["assistant", "model"]).id == full.id
    assert store.resolve(model.id, ["model"]).id == model.id
    with pytest.raises(InputError, match="assistant without index"):
        store.resolve(bare.id, ["index"])
    with pytest.raises(InputError, match="is a corpus"):
        store.resolve(corpus.id, ["model"])


def test_rubbish_in_the_store(store, make):
    """Foreign files crash nothing; verify names them."""
    made = make(store)
    for path in (
        "artifacts/x",
        "artifacts/corpus/y",
        "names/.DS_Store",
        "names/a b",
        "names/good",
        "steps/z",
        "runs/q",
    ):
        (store.home / path).parent.mkdir(exist_ok=True)
        (store.home / path).write_bytes(b"\xff{")
    (store.home / "artifacts/model" / ("0" * 64)).mkdir(parents=True)
    (store.home / "artifacts/model" / ("1" * 64)).symlink_to("/etc")
    assert [artifact.id for artifact in store.artifacts()] == [made.id]
    assert (store.names(), store.runs()) == ({}, [])
    damaged = {(item["id"], item["file"]) for item in verify(store)["damaged"]}
    assert damaged == {
        ("", "artifacts/x"), ("y", "manifest.json"), ("", "names/a b"), ("", "names/good"),
        ("0" * 64, "manifest.json"), ("1" * 64, "manifest.json"),
    }  # fmt: skip


@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_private_whatever_the_umask(store, make, mask):
    before = os.umask(mask)
    try:
        made = make(store, files={"deep/a.txt": "x"}) if mask == 0 else None
        if made is None:
            with store.draft("corpus", {}, []) as draft:
                (draft.folder / "a.txt").touch(0o666)
                made = draft.commit()
        store.bind("x", made.id)
        store.run("0" * 64).describe({"name": "x"})
        with store.run("0" * 64).lock(None), store.name_lock("x", None):
            pass
    finally:
        os.umask(before)
    for path in [store.home, *store.home.rglob("*")]:
        assert stat.S_IMODE(path.lstat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("part", ["tmp", "artifacts", "names", "locks", "steps", "artifacts/corpus"])
def test_links_in_the_stores_place(store, make, tmp_path, part):
    """A link where the store's folder should be is not followed when writing."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (store.home / part).parent.mkdir(parents=True)
    (store.home / part).symlink_to(outside)
    with pytest.raises(InputError, match="no folder"):
        store.bind("x", make(store).id)
    assert list(outside.iterdir()) == []


def test_name_lock_says_for_whom(store):
    code = (
        "import sys, time; from pathlib import Path; from athanor.artifacts import Store\n"
        "with Store.open(Path(sys.argv[1])).name_lock('quay', None): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, store.home], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with (
            pytest.raises(NameTakenError, match=f"quay is being used by process {holder.pid} "),
            store.name_lock("quay", None),
        ):
            pass
        holder.kill()
        holder.wait()
        told: list[str] = []
        with store.name_lock("quay", told.append):
            assert told == []  # the kernel freed it: a killed holder leaves no stale lock
    finally:
        holder.kill()
        holder.wait()


def test_runs(store):
    run = store.run("a" * 64)
    assert (run.exists, run.is_live, run.description, store.runs()) == (False, False, {}, [])
    run.describe({"name": "mine", "verb": "build", "argv": ["build", "港\udcff"]})
    assert run.description["name"] == "mine"
    assert run.description["pid"] == os.getpid()
    assert [one.key for one in store.runs()] == ["a" * 64]
    with run.lock(None):
        assert store.run("a" * 64).is_live
        with pytest.raises(NameTakenError, match="aaaaaaaaaaaa"), store.run("a" * 64).lock(None):
            pass
    assert not run.is_live
    (run.folder / "run.json").write_text("[")
    assert run.description == {}
    run.remove()
    run.remove()
    assert not run.exists
    with pytest.raises(InputError):
        store.run("../x")


def test_importing_is_cheap():
    code = "import sys, athanor.artifacts; print({'torch', 'numpy', 'rich', 'tarfile'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_manifest_of_a_newer_version(store, make, monkeypatch):
    made = make(store)
    monkeypatch.setattr("athanor.artifacts.manifest.FORMAT", 0)
    with pytest.raises(InputError, match="newer"):
        store.get(made.id)


def test_every_flipped_byte_of_a_manifest_is_noticed(store, make):
    made = make(store, files={"a": ""}, metrics={"x": 1})
    path: Path = made.folder / "manifest.json"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError):
            store.get(made.id)
    path.write_bytes(whole)
    assert store.get(made.id).id == made.id


def test_the_environment_knows_a_container_s_limits(store, make, tmp_path, monkeypatch):
    for name, text in (("cpu.max", "100000 100000"), ("memory.max", str(1 << 30))):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(hardware, "CONTROL_GROUPS", tmp_path)
    found = make(store).manifest.environment
    assert (found["cores"], found["memory"], found["cpu"]) == (1, 1 << 30, hardware.detect().cpu)


@pytest.mark.parametrize(
    "listed", ["/etc/hostname", "../outside", "deep/../../outside", "deep//in", "./in", "a\0b", ""]
)
def test_a_manifest_that_lists_what_lies_elsewhere(store, make, listed):
    """Forged from end to end: checksum and id fit."""
    made = make(store, files={"in": "x"})
    entry = msgspec.structs.replace(made.manifest.files[0], path=listed)
    forged = msgspec.structs.replace(made.manifest, files=[entry])
    forged = msgspec.structs.replace(forged, id=forged.computed_id())
    folder = made.folder.with_name(forged.id)
    folder.mkdir()
    (store.home / "artifacts/outside").write_text("x")
    manifests.write(forged, folder)
    assert {"id": forged.id, "file": "manifest.json"} in verify(store)["damaged"]
    with pytest.raises(InputError, match="inside the artifact"):
        store.get(forged.id)


def test_a_file_that_a_link_leads_to_is_damage(store, make):
    made = make(store, files={"deep/in": "x"})
    (made.folder / "deep").rename(store.home / "elsewhere")
    (made.folder / "deep").symlink_to(store.home / "elsewhere")
    found = {item["file"] for item in verify(store)["damaged"]}
    assert found == {"deep", "deep/in"}
