"""Names are never paths, never look alike, and move atomically. Run: pytest tests/artifacts/test_names.py"""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.artifacts.names import alike, check_name
from athanor.core.errors import NameTakenError, NotFoundError, UsageError

GOOD = [
    "g",
    "my-model",
    "旧港-1.0",
    "Ærø",
    "naïve",
    "модель",
    "ΑΒΓ",
    "हिन्दी",
    "ภาษาไทย",
    "2x",
    "e5",
    "a",
    "2024",
    "deadbeefx",
    "x" * 64,
    "٣-x",
]
BAD = [
    "", "../up", "a/b", "/", ".", "..", ".hidden", "-x", "_x", "x" * 65, "-x\n", "x\n", "x\0", "two words",
    "deadbeef12", "20240101", "DEADBEEF", "x\u202ey", "x\u200by", "x\u200dy", "x\ufe0f", "x\u3164", "\u0301x",
    "a\\b", "a:b", "x*", "😀", "x\ud800", "～x",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good(name):
    assert check_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", BAD)
def test_bad(name):
    with pytest.raises(UsageError) as caught:
        check_name(name)
    assert caught.value.exit_code == 2
    assert repr(name) in str(caught.value)


def test_nfc():
    assert check_name("e\u0301te\u0301") == "été"
    assert check_name("e\u0301" * 64) == "é" * 64


@given(st.text(max_size=70))
def test_any_text(text):
    """What passes is a file name of one part, has letters that can be seen, and passes again unchanged."""
    try:
        name = check_name(text)
    except UsageError:
        return
    assert check_name(name) == name
    assert 1 <= len(name) <= 64
    assert not set(name) & set("/\\\0\n\r\t \"'$`;|&<>*?")
    assert name[0] not in ".-_~"
    assert name.isprintable()


@given(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=64))
def test_any_letters_round_trip(tmp_path_factory, text):
    from athanor.artifacts.names import Names

    try:
        name = check_name(text)
    except UsageError:
        return
    table = Names(tmp_path_factory.getbasetemp() / "table")
    if not any(alike(other) == alike(name) for other in table.all()):
        table.bind(name, "0" * 64, replace=True)
        assert table.all()[name] == "0" * 64
    assert all(len(os.fsencode(path.name)) <= 255 for path in (table._home / "names").iterdir())
    assert table.unreadable() == []


def test_longest_letters(store, make):
    """64 letters of four bytes are more than a file name may have."""
    artifact = make(store)
    for name in ("𠀀" * 64, "港" * 64):
        store.bind(name, artifact.id)
        assert store.resolve(name).id == artifact.id
        with store.name_lock(name, None):
            pass
    assert store.names_of(artifact.id) == sorted(["𠀀" * 64, "港" * 64])
    store.unbind("𠀀" * 64)
    assert store.names_of(artifact.id) == ["港" * 64]


def test_taken(store, make):
    one, two = make(store, files={"a": "1"}), make(store, files={"a": "2"})
    store.bind("quay", one.id)
    store.bind("quay", one.id)
    with pytest.raises(NameTakenError, match="--replace"):
        store.bind("quay", two.id)
    with pytest.raises(NameTakenError, match="--replace"):
        store.check_name_free("quay", False)
    store.check_name_free("quay", False, one.id)
    store.check_name_free("quay", True)
    for replace in (False, True):
        with pytest.raises(NameTakenError, match="quay"):
            store.check_name_free("QUAY", replace)
    store.bind("quay", two.id, replace=True)
    assert store.resolve("quay").id == two.id
    assert [entry["id"] for entry in store.table.entry("quay")["moved"]] == [one.id]
    assert store.get(one.id).id == one.id


def test_bind_needs_an_artifact(store):
    with pytest.raises(NotFoundError):
        store.bind("x", "0" * 64)
    assert store.names() == {}


def test_nfc_is_one_name(store, make):
    artifact = make(store)
    store.bind("cafe\u0301-x", artifact.id)
    assert store.resolve("café-x").id == artifact.id
    assert list(store.names()) == ["café-x"]


def test_two_processes_one_name(store, make):
    """Of eight that bind one name (half of them in capitals) at once, one wins and the others are told."""
    made = [make(store, files={"n": str(number)}) for number in range(8)]
    for number_of_round in range(5):
        children = []
        for number, artifact in enumerate(made):
            child = os.fork()
            if child == 0:
                try:
                    store.bind(f"name-{number_of_round}" if number % 2 else f"NAME-{number_of_round}", artifact.id)
                    os._exit(0)
                except NameTakenError:
                    os._exit(4)
                finally:
                    os._exit(1)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert sorted(codes) == [0] + [4] * 7
        winner = made[codes.index(0)].id
        assert [its for name, its in store.names().items() if alike(name) == f"name-{number_of_round}"] == [winner]


def test_a_link_is_not_followed(store, make, tmp_path):
    """A link planted as a name's file is neither believed nor written through."""
    artifact = make(store)
    store.bind("real", artifact.id)
    outside = tmp_path / "outside"
    outside.write_text("precious")
    (store.home / "names" / "fake").symlink_to(outside)
    assert list(store.names()) == ["real"]
    store.bind("fake", artifact.id)
    assert outside.read_text() == "precious"
    assert not (store.home / "names" / "fake").is_symlink()
