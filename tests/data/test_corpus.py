"""A folder as a corpus: counts that add up, the same bytes for any number of workers, splits, faults.

`pytest tests/data/test_corpus.py`
"""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError, MissingExtraError, NotFoundError, RecipeError, ResourceError
from athanor.data import corpus as corpus_module
from athanor.data import formats, process
from athanor.data.corpus import build_corpus
from athanor.data.documents import Limits, RawDocument
from athanor.data.read import scan
from athanor.data.reader import Corpus
from athanor.data.recipe import DataRecipe
from athanor.data.redact import Span
from athanor.data.split import Split, position
from athanor.data.statistics import CorpusStatistics

SUBJECTS = ["the keeper", "the cooper's cat", "a gull", "the ferry master", "Petra Lund", "the choir", "the mayor"]
VERBS = ["counts", "mends", "remembers", "forgets", "paints", "sells", "carries", "weighs", "draws", "hides"]
OBJECTS = ["nine windows", "a green book", "the tide", "some rope", "two herring", "a brass bell", "the last lamp"]
PLACES = ["beside the bar", "on Thursdays", "in thick fog", "above the shop", "before supper", "at dusk"]


def page(seed: int, sentences: int = 12) -> str:
    rng = random.Random(seed)
    kinds = (SUBJECTS, VERBS, OBJECTS, PLACES)
    rows = [" ".join(rng.choice(kind) for kind in kinds) for _ in range(sentences)]
    return " ".join(f"{row[0].upper()}{row[1:]}." for row in rows) + "\n"


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def build(folder: Path, target: Path, workers: int = 1, **recipe: object) -> CorpusStatistics:
    statistics = build_corpus(scan(folder), DataRecipe(**recipe), target, workers=workers)  # type: ignore[arg-type]
    assert statistics.read == statistics.kept + sum(statistics.dropped.values())
    assert sorted(path.name for path in target.iterdir()) == ["heldout.parquet", "statistics.json", "train.parquet"]
    return statistics


def all_text(target: Path) -> str:
    corpus = Corpus(target)
    return "\n".join(row.text + row.messages for split in ("train", "heldout") for row in corpus.rows(split))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of every kind with every fault."""
    folder = tmp_path / "folder"
    for number in range(30):
        put(folder, f"pages/{number}.md", f"# Page {number}\n\n{page(number)}")
    put(folder, "copy.md", f"# Page 3\n\n{page(3)}")
    put(folder, "near.txt", f"# Page 4\n\n{page(4)}One word more.")
    put(folder, "binary.txt", bytes(range(256)) * 100)
    put(folder, "zero.txt", b"")
    put(folder, "bad.txt.gz", gzip.compress(page(1).encode() * 9)[:80])
    put(folder, "rows.jsonl", json.dumps({"text": page(100)}) + '\n{"text": \n' + json.dumps({"text": page(101)}))
    put(folder, "broken.txt", page(102).encode() + b"\xff\xfe\n")
    put(folder, "table.csv", "ship,captain\n" + "".join(f"Ship {n},Captain {n * 7}\n" for n in range(12)))
    put(folder, "secret.txt", page(103) + "Write to orla@example.com or 13800138000.\n")
    put(folder, "x.png", b"\x89PNG")
    return folder


def test_every_document_is_kept_or_counted(mixed: Path, tmp_path: Path) -> None:
    statistics = build(mixed, tmp_path / "corpus")
    assert statistics.dropped == {
        "binary": 1, "broken_json": 1, "duplicate": 1, "empty": 1, "near_duplicate": 1, "unreadable": 1,
    }  # fmt: skip
    assert (statistics.files, statistics.read, statistics.unread) == (39, 41, {".png": 1})
    assert statistics.repaired == {"bytes": 2} and statistics.redacted == {"email": 1, "phone": 1}
    assert statistics.examples["broken_json"] == ["rows.jsonl:2"]
    assert statistics.examples["duplicate"] == ["pages/3.md:1"], "the first in the order of paths stays"
    text = all_text(tmp_path / "corpus")
    assert "Write to [email] or [phone]." in text and "\ufffd" not in text
    assert statistics.kinds == {"text": statistics.kept} and statistics.languages["en"].documents >= 30
    assert (
        statistics.chats.read == 0 and statistics.chats.made["heading"] == 30 and statistics.chats.made["table"] == 12
    )
    assert Corpus(tmp_path / "corpus").statistics == statistics


def test_rows_have_what_the_statistics_say(mixed: Path, tmp_path: Path) -> None:
    statistics = build(mixed, tmp_path / "corpus", holdout=0.3)
    corpus = Corpus(tmp_path / "corpus")
    rows = {split: list(corpus.rows(split)) for split in ("train", "heldout")}
    files = [row for split in rows for row in rows[split] if row.origin == "file"]
    assert len(files) == statistics.kept and sum(row.characters for row in files) == statistics.characters
    assert sum(row.bytes for row in files) == statistics.bytes
    held = [row for row in rows["heldout"] if row.origin == "file"]
    assert (len(held), sum(row.characters for row in held)) == msgspec.structs.astuple(statistics.heldout)
    assert all((row.text == "") == (row.kind == "chat") == (row.messages != "") for row in files)
    sides = {(row.file, row.part): split for split in rows for row in rows[split] if row.origin == "file"}
    assert all(sides[row.file, row.part] == split for split in rows for row in rows[split]), "made rows follow theirs"
    assert list(corpus.texts("train")) == [row.text for row in rows["train"] if row.kind == "text"]
    assert all(row.turns()[0][0] == "user" for row in corpus.rows("train", "chat"))
    with pytest.raises(InputError, match="validation"):
        next(corpus.rows("validation"))


def test_no_chats_are_made_where_the_folder_holds_some(mixed: Path, tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "mail a@example.com"}]}
    put(mixed, "talk.jsonl", (json.dumps(chat) + "\n") * 2)
    statistics = build(mixed, tmp_path / "corpus")
    assert (statistics.chats.read, statistics.chats.made, statistics.dropped["repeated_chat"]) == (1, {}, 1)
    (row,) = [row for split in ("train", "heldout") for row in Corpus(tmp_path / "corpus").rows(split, "chat")]
    assert row.turns() == [("user", "Hi"), ("assistant", "mail [email]")]


def test_the_same_bytes_for_any_number_of_workers(mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(mixed, "large.jsonl", "".join(json.dumps({"text": page(1000 + n)}) + "\n" for n in range(400)))
    monkeypatch.setattr(corpus_module, "POOL_FROM", 0)
    monkeypatch.setattr(corpus_module, "TASK", 20_000)
    monkeypatch.setattr(corpus_module, "LARGE", 50_000)
    one, two = (build(mixed, tmp_path / f"corpus-{workers}", workers) for workers in (1, 2))
    assert one == two and one.kept > 400
    for name in ("train.parquet", "heldout.parquet", "statistics.json"):
        assert (tmp_path / "corpus-1" / name).read_bytes() == (tmp_path / "corpus-2" / name).read_bytes()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=20, unique=True), st.floats(0.01, 0.49))
def test_a_split_depends_on_the_document_alone(ids: list[bytes], share: float) -> None:
    split = Split(share)
    for identity in ids:
        split.see(identity)
    held = [identity for identity in ids if split.is_held_out(identity)]
    assert 0 < len(held) < len(ids)
    ordered = sorted(ids)
    for identity in ordered[1:-1]:
        assert split.is_held_out(identity) == (position(identity) < share)
    assert split.is_held_out(ordered[0]) and not split.is_held_out(ordered[-1])


def test_few_documents_land_on_both_sides(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path / "tiny", f"{number}.txt", f"Boat number {number} is painted blue.\n")
    assert build(tmp_path / "tiny", tmp_path / "corpus").heldout.documents == 1
    put(tmp_path / "one", "0.txt", "Boat number 0 is painted blue.\n")
    assert build(tmp_path / "one", tmp_path / "corpus-1").heldout.documents == 0
    assert build(tmp_path / "tiny", tmp_path / "corpus-0", holdout=0.0).heldout.documents == 0


def test_a_giant_line_is_read_in_bounded_time_and_memory(tmp_path: Path) -> None:
    with put(tmp_path / "folder", "giant.txt", b"").open("wb") as file:
        for _ in range(64):
            file.write(b"the sea the sea the " * 52_429)
    put(tmp_path / "folder", "page.txt", page(1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    statistics = build(tmp_path / "folder", tmp_path / "corpus")
    assert time.process_time() - began < 8
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert statistics.kept == 1 and statistics.dropped["repetitive"] > 100


def test_refusals(tmp_path: Path, mixed: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        build(tmp_path / "empty", tmp_path / "corpus")
    put(tmp_path / "pictures", "a.png", b"x")
    with pytest.raises(InputError, match=r"1 \.png"):
        build(tmp_path / "pictures", tmp_path / "corpus")
    with pytest.raises(InputError, match="recogniser"):
        build(mixed, tmp_path / "corpus", redact="all")
    for key, value in (("holdout", 0.5), ("holdout", float("nan")), ("near_duplicates", 0.0), ("redact", "identifier")):
        with pytest.raises(RecipeError, match=rf"data\.{key} = '?{value}"):
            build(mixed, tmp_path / "corpus", **{key: value})
    assert not (tmp_path / "corpus").exists()
    with pytest.raises(NotFoundError, match=r"train\.parquet is missing"):
        Corpus(tmp_path / "pictures")


def find_names(text: str) -> list[Span]:
    """Stands for a trained recogniser."""
    at = text.find("Petra Lund")
    return [Span(at, at + 10, "person", 0.9)] if at >= 0 else []


def test_recognisers_from_above_and_none_at_all(mixed: Path, tmp_path: Path) -> None:
    build_corpus(scan(mixed), DataRecipe(redact="all"), tmp_path / "all", workers=1, recognisers=(find_names,))
    assert "Petra Lund" not in all_text(tmp_path / "all") and "[email]" in all_text(tmp_path / "all")
    build(mixed, tmp_path / "none", redact="none")
    assert "orla@example.com" in all_text(tmp_path / "none")
    build(mixed, tmp_path / "identifiers")
    assert "Petra Lund" in all_text(tmp_path / "identifiers")


def test_progress_rises_to_one(mixed: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    build_corpus(scan(mixed), DataRecipe(), tmp_path / "corpus", progress=lambda share, note: seen.append(share))
    assert seen == sorted(seen) and seen[-1] == 1.0


# ---------------------------------------------------------------- processes

SCRIPT = """
import sys
from pathlib import Path
from athanor.data.corpus import build_corpus
from athanor.data.read import scan
from athanor.data.recipe import DataRecipe
found = scan(Path(sys.argv[1]))
print("go", flush=True)
build_corpus(found, DataRecipe(), Path(sys.argv[2]), workers=2)
"""


def start(folder: Path, target: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "go\n"
    return process


def group(leader: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, session = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            except OSError:
                continue
            if int(session) == leader and state != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_end_in_the_middle_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    put(tmp_path / "folder", "large.jsonl", "".join(json.dumps({"text": page(n, 60)}) + "\n" for n in range(6000)))
    process = start(tmp_path / "folder", tmp_path / "corpus")
    deadline = time.monotonic() + 10
    while len(group(process.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    assert len(group(process.pid)) == 3
    began = time.monotonic()
    os.kill(process.pid, number)
    process.wait(5)
    while group(process.pid) and time.monotonic() - began < 5:
        time.sleep(0.05)
    assert time.monotonic() - began < 5 and group(process.pid) == []
    process.communicate()
    if number == signal.SIGINT:
        assert list((tmp_path / "corpus").iterdir()) == []


def test_a_full_disk_is_said(mixed: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/train.parquet").symlink_to("/dev/full")
    with pytest.raises(ResourceError, match="disk is full"):
        build_corpus(scan(mixed), DataRecipe(), tmp_path / "corpus")


@pytest.mark.parametrize("error", [ValueError, RecursionError, LookupError])
def test_a_reader_that_stumbles_costs_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def stumbles(*_: object) -> Iterator[RawDocument]:
        yield RawDocument(place=0, text=page(1))
        raise error("an odd page")

    monkeypatch.setitem(formats.readers(), ".odd", SimpleNamespace(read=stumbles))
    put(tmp_path / "folder", "a.odd", "x")
    put(tmp_path / "folder", "b.txt", page(2))
    statistics = build(tmp_path / "folder", tmp_path / "corpus")
    assert statistics.kept == 2 and statistics.dropped == {"unreadable": 1}
    assert statistics.examples == {"unreadable": ["a.odd:2"]}


@pytest.mark.parametrize("package", ["rensa", "trafilatura"])
def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    put(tmp_path / "folder", "a.html", f"<p>{page(1)}</p>")
    monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    with pytest.raises(MissingExtraError, match=rf"{package}.*athanor\[train\]"):
        build(tmp_path / "folder", tmp_path / "corpus")


@pytest.mark.parametrize("size", [2_000, 3 << 20])
def test_a_file_that_is_written_after_the_scan_is_counted(tmp_path: Path, size: int) -> None:
    folder, target = tmp_path / "folder", tmp_path / "corpus"
    put(folder, "a.txt", page(1))
    put(folder, "b.txt", page(2) * (size // len(page(2))))
    found = scan(folder)
    put(folder, "b.txt", page(3) * (size // len(page(3))))
    statistics = build_corpus(found, DataRecipe(), target, workers=1)
    assert statistics.dropped == {"changed": 1} and statistics.examples == {"changed": ["b.txt:1"]}


def test_a_file_that_is_written_while_it_is_read_is_counted(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", "".join(json.dumps({"text": page(n)}) + "\n" for n in range(50)))
    documents = process.read(scan(tmp_path).sources[0], Limits())
    first = next(documents)
    with path.open("a") as file:
        file.write("more\n")
    assert first.text and [document.reason for document in documents][-1] == "changed"
