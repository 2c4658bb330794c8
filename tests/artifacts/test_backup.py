"""A store goes into a tar and comes back whole; nothing else comes back. Run: pytest tests/artifacts/test_backup.py"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from athanor.artifacts import Store
from athanor.artifacts.backup import backup
from athanor.artifacts.ids import canonical_json
from athanor.artifacts.restore import restore
from athanor.artifacts.verify import verify
from athanor.core.errors import InputError, NameTakenError, NotFoundError


@pytest.fixture
def full(store, make):
    """A store with everything a backup holds and leaves out."""
    corpus = make(store, files={"港/rows.txt": "港" * 2000, "empty": ""})
    model = make(store, "model", [corpus.id], {"w": "1" * 30000})
    store.bind("旧港-1.0", model.id)
    store.bind("𠀀" * 64, corpus.id)
    store.bind("moved", corpus.id)
    store.bind("moved", model.id, replace=True)
    store.run("a" * 64).describe({"name": "later"})
    for path in ("secrets/key", "cache/machine.json", "tmp/x", "audit/log.jsonl"):
        (store.home / path).parent.mkdir(exist_ok=True)
        (store.home / path).write_text(path)
    return store


def tree(home, *left_out):
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.relative_to(home).parts[0] not in ("locks", "tmp", "cache", *left_out)
    }


@pytest.fixture
def elsewhere(tmp_path):
    return Store.open(tmp_path / "elsewhere")


def test_round_trip(full, elsewhere, tmp_path):
    result = backup(full, tmp_path / "b.tar")
    assert (result["checked"], result["damaged"], result["bytes"]) == (2, [], (tmp_path / "b.tar").stat().st_size)
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    result = restore(elsewhere, tmp_path / "b.tar")
    assert (result["checked"], result["damaged"], result["kept"]) == (2, [], [])
    assert tree(elsewhere.home) == tree(full.home, "secrets")
    assert elsewhere.names() == full.names()
    assert verify(elsewhere)["damaged"] == []
    for path in elsewhere.home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert restore(elsewhere, tmp_path / "b.tar")["restored"] == []
    assert tree(elsewhere.home) == tree(full.home, "secrets")


def test_with_secrets(full, elsewhere, tmp_path):
    backup(full, tmp_path / "b.tar", with_secrets=True)
    restore(elsewhere, tmp_path / "b.tar")
    assert (elsewhere.home / "secrets/key").read_text() == "secrets/key"


def test_merge_and_mend(full, elsewhere, tmp_path, make):
    """Beside what is there: own artifacts and names stay, damaged ones are mended, differing files stay."""
    backup(full, tmp_path / "b.tar")
    own = make(elsewhere, files={"mine": "x"}, recipe={"step": "own"})
    elsewhere.bind("own", own.id)
    model = full.resolve("旧港-1.0")
    damaged = elsewhere.home / "artifacts/model" / model.id
    damaged.mkdir(parents=True)
    (elsewhere.home / "audit").mkdir()
    (elsewhere.home / "audit/log.jsonl").write_text("mine")
    (elsewhere.home / "steps" / model.manifest.key).write_text("f" * 64)  # dangling
    result = restore(elsewhere, tmp_path / "b.tar")
    assert result["kept"] == ["audit/log.jsonl"]
    assert elsewhere.names() == {**full.names(), "own": own.id}
    assert verify(elsewhere)["damaged"] == []
    found = elsewhere.find("model", model.manifest.key)
    assert found is not None
    assert found.id == model.id


@pytest.mark.parametrize("name", ["moved", "MOVED"])
def test_names_that_clash(full, elsewhere, tmp_path, make, name):
    backup(full, tmp_path / "b.tar")
    elsewhere.bind(name, make(elsewhere, files={"mine": "x"}).id)
    before = tree(elsewhere.home)
    with pytest.raises(NameTakenError, match="moved"):
        restore(elsewhere, tmp_path / "b.tar")
    assert tree(elsewhere.home) == before


def test_damage_is_not_backed_up(full, tmp_path):
    target = tmp_path / "b.tar"
    backup(full, target)
    older = target.read_bytes()
    full.resolve("moved").file("w").write_text("0")
    result = backup(full, target)
    assert result["damaged"] == [{"id": full.resolve("moved").id, "file": "w"}]
    assert target.read_bytes() == older


def test_targets(full, tmp_path):
    for target in (tmp_path, tmp_path / "no/b.tar", full.home / "b.tar"):
        with pytest.raises(InputError, match="cannot be written"):
            backup(full, target)
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(InputError, match="no regular file"):
            backup(full, target)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(NotFoundError, match=r"c\.tar"):
        restore(full, tmp_path / "c.tar")


def test_only_a_backup_is_replaced(full, tmp_path):
    letter = tmp_path / "letter.tar"
    letter.write_text("Dear Ann")
    with pytest.raises(InputError, match="no whole backup, and would be lost"):
        backup(full, letter)
    assert letter.read_text() == "Dear Ann"
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(letter)
    with pytest.raises(InputError, match="no whole backup"):
        backup(full, tmp_path / "other.tar")
    first = backup(full, tmp_path / "b.tar")
    assert backup(full, tmp_path / "b.tar") == first, "last week's may go"
    (tmp_path / "empty").touch()
    assert backup(full, tmp_path / "empty")["bytes"] == first["bytes"]


def test_an_empty_store(elsewhere, tmp_path):
    assert backup(elsewhere, tmp_path / "b.tar")["checked"] == 0
    other = Store.open(tmp_path / "other")
    assert restore(other, tmp_path / "b.tar")["checked"] == 0
    assert other.artifacts() == []


def test_a_live_run_is_left_out(full, elsewhere, tmp_path):
    with full.run("a" * 64).lock(None):
        backup(full, tmp_path / "b.tar")
    restore(elsewhere, tmp_path / "b.tar")
    assert elsewhere.runs() == []


class Busy(Store):
    """A store where a build ends, and moves its name, whenever somebody has listed the artifacts."""

    def folders(self, kind=None):
        found = super().folders(kind)
        with self.draft("corpus", {"step": str(len(found))}, []) as draft:
            (draft.folder / "rows").write_text(str(len(found)))
            self.table.bind("busy", draft.commit().id, replace=True)
        return found


def test_a_build_that_ends_meanwhile(store, elsewhere, tmp_path, make):
    store.bind("busy", make(store).id)
    backup(Busy(store.home), tmp_path / "b.tar")
    assert restore(elsewhere, tmp_path / "b.tar")["names"] == ["busy"]
    assert verify(elsewhere)["damaged"] == []


def test_what_no_store_holds_is_left_out(full, elsewhere, tmp_path):
    for path in ("steps/README", "runs/README"):
        (full.home / path).write_text("mine")
    backup(full, tmp_path / "b.tar")
    restore(elsewhere, tmp_path / "b.tar")
    assert not (elsewhere.home / "steps/README").exists()


def test_cut_anywhere(full, elsewhere, tmp_path):
    backup(full, tmp_path / "b.tar")
    whole = (tmp_path / "b.tar").read_bytes()
    for size in [
        0,
        1,
        512,
        10240,
        *range(700, len(whole), 4999),
        len(whole) - 10240,
        len(whole) - 5000,
        len(whole) - 1,
    ]:
        (tmp_path / "cut.tar").write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"cut\.tar"):
            restore(elsewhere, tmp_path / "cut.tar")
    assert not elsewhere.home.exists()


def test_changed_anywhere(full, elsewhere, tmp_path):
    """A flipped byte is found, or lies where nothing is kept (padding, owner) and changes nothing."""
    backup(full, tmp_path / "b.tar")
    whole = bytearray((tmp_path / "b.tar").read_bytes())
    refused = 0
    for place in range(0, len(whole), 311):
        changed = bytearray(whole)
        changed[place] ^= 0x41
        (tmp_path / "changed.tar").write_bytes(changed)
        other = Store.open(tmp_path / f"other-{place}")
        try:
            restore(other, tmp_path / "changed.tar")
            assert tree(other.home) == tree(full.home, "secrets")
        except InputError:
            refused += 1
            assert not other.home.exists()
    assert refused > 50


def forged(path, members):
    """A tar whose index fits: only the check in question can refuse it."""
    listed = {}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
            listed[member.name] = hashlib.sha256(data).hexdigest()
        body = {"format": 1, "files": listed}
        own = hashlib.sha256(canonical_json(body)).hexdigest()
        data = json.dumps({"sha256": own, **body}).encode()
        index = tarfile.TarInfo("athanor-backup.json")
        index.size = len(data)
        tar.addfile(index, io.BytesIO(data))
    return path


def member(name, kind=tarfile.REGTYPE, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


HOSTILE = [
    [member("../escaped")], [member("/tmp/escaped-athanor")], [member("audit/../../escaped")], [member("audit/./x")],
    [member("tmp/x")], [member("locks/store")], [member("cache/x")], [member("names/a/b")], [member("steps/x")],
    [member("artifacts/x/y/z")], [member("artifacts/model/short/w")], [member("runs/x/y")],
    [member("audit/x", tarfile.SYMTYPE, "/etc/passwd")], [member("audit/x", tarfile.LNKTYPE, "/etc/passwd")],
    [member("audit/x", tarfile.CHRTYPE)], [member("audit/x", tarfile.FIFOTYPE)], [member("audit", tarfile.DIRTYPE)],
    [member("audit/x", tarfile.GNUTYPE_SPARSE)], [member("audit/x"), member("audit/x")],
    [member("audit/x"), member("audit/x/y")],
    [member("audit/" + "x" * 300)], [member("audit/" + "港" * 86)],
    [member("names/x")], [member(f"artifacts/model/{'0' * 64}/w")],
]  # fmt: skip


@pytest.mark.parametrize(
    "members", HOSTILE, ids=lambda members: f"{members[-1].name}-{members[-1].type.decode('latin1')}"
)
def test_hostile(elsewhere, tmp_path, members):
    path = forged(tmp_path / "b.tar", [(each, b"data") for each in members])
    with pytest.raises(InputError, match=r"b\.tar"):
        restore(elsewhere, path)
    assert not list(tmp_path.rglob("escaped*"))
    assert tree(elsewhere.home) == {}


def test_a_name_for_what_is_not_there(elsewhere, tmp_path):
    path = forged(tmp_path / "b.tar", [(member("names/x"), json.dumps({"name": "x", "id": "0" * 64}).encode())])
    with pytest.raises(InputError, match="stands for"):
        restore(elsewhere, path)


def test_the_forger_forges_well(elsewhere, tmp_path):
    restore(elsewhere, forged(tmp_path / "b.tar", [(member("audit/x"), b"data")]))
    assert (elsewhere.home / "audit/x").read_bytes() == b"data"


@pytest.mark.parametrize("data", [b"", b"\0" * 10240, b"x" * 10240, b"\x1f\x8b" + b"\0" * 10238])
def test_no_tar_at_all(elsewhere, tmp_path, data):
    (tmp_path / "b.tar").write_bytes(data)
    with pytest.raises(InputError):
        restore(elsewhere, tmp_path / "b.tar")
    assert not elsewhere.home.exists()
