"""The walk over a folder: links, hidden files, odd names; the fingerprint. `pytest tests/data/test_read.py`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from athanor.core.errors import InputError, NotFoundError
from athanor.data.read import require_sources, scan, unread_in_words


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"The page called {name}.")


def test_sorted_by_path_and_hidden_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "b.txt", "a/z.md", "a.txt", "A.txt", ".git/x.txt", ".env.txt", "pictures/x.png", "x.tar.gz", "README")
    found = scan(tmp_path)
    assert [source.path for source in found.sources] == ["A.txt", "a.txt", "a/z.md", "b.txt"]
    assert found.unread == {".png": 1, ".tar.gz": 1, "(none)": 1}
    assert found.problems == {"hidden": [".env.txt", ".git"]}


def test_kinds_that_are_not_read_are_named_briefly() -> None:
    many = {f".{number:04}": 1 for number in range(20)}
    said = unread_in_words({**many, ".png": 7, "y.\u202egnp": 2})
    assert said.startswith("7 .png, 2 y.\\u202egnp, 1 .0000, ") and said.endswith(", 14 of other kinds")
    assert unread_in_words({".png": 1, ".zip": 3}) == "3 .zip, 1 .png"


def test_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    put(outside, "secret.txt")
    put(inside, "real.txt", "folder/page.txt", ".vault/kept.txt")
    (inside / "gone.txt").symlink_to("nowhere.txt")
    (inside / "self").symlink_to("self")
    (inside / "loop").symlink_to(".", target_is_directory=True)
    (inside / "folder/up").symlink_to("..", target_is_directory=True)
    (inside / "out").symlink_to(outside, target_is_directory=True)
    (inside / "secret.txt").symlink_to(outside / "secret.txt")
    (inside / "again.txt").symlink_to("real.txt")
    (inside / "folder2").symlink_to("folder", target_is_directory=True)
    (inside / "kept.txt").symlink_to(".vault/kept.txt")
    found = scan(inside)
    assert [source.path for source in found.sources] == ["folder/page.txt", "kept.txt", "real.txt"]
    assert found.problems == {
        "dangling_link": ["gone.txt"],
        "hidden": [".vault"],
        "link_loop": ["folder/up", "loop", "self"],
        "link_outside": ["out", "secret.txt"],
    }


def test_odd_names(tmp_path: Path) -> None:
    put(tmp_path, "-rf.txt", "two\nlines.txt", "$(touch x);`'\".txt", "港口 🐟.txt", "x" * 240 + ".txt")
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("The page of a name that is no UTF-8.")
    paths = [source.path for source in scan(tmp_path).sources]
    assert len(paths) == 6 and "caf\\xe9.txt" in paths and "two\nlines.txt" in paths
    for path in paths:
        path.encode("utf-8")


def test_special_files_are_counted_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    put(tmp_path, "page.txt")
    found = scan(tmp_path)
    assert found.problems == {"special": ["pipe.txt"]} and len(found.sources) == 1


def test_a_single_file(tmp_path: Path) -> None:
    put(tmp_path, "page.md")
    assert [source.path for source in scan(tmp_path / "page.md").sources] == ["page.md"]


def test_the_fingerprint_follows_names_and_contents_only(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "b.txt")
    first = scan(tmp_path).fingerprint
    os.utime(tmp_path / "a.txt", (1, 1))
    put(tmp_path, "picture.png")
    assert scan(tmp_path).fingerprint == first
    (tmp_path / "a.txt").write_text("x")
    changed = scan(tmp_path).fingerprint
    put(tmp_path, "a.txt")
    assert changed != first == scan(tmp_path).fingerprint
    (tmp_path / "b.txt").rename(tmp_path / "c.txt")
    assert scan(tmp_path).fingerprint != first


def test_refusals_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no-such-folder"):
        scan(tmp_path / "no-such-folder")
    with pytest.raises(InputError, match="empty"):
        require_sources(scan(tmp_path))
    put(tmp_path, "a.png", "b.png", "c.stl")
    with pytest.raises(InputError, match=r"only 2 \.png, 1 \.stl.*\.txt"):
        require_sources(scan(tmp_path))
