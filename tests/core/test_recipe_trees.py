"""Recipes: nothing unknown or of a wrong type passes, errors name the dotted path, trees round trip.

Run: pytest tests/core/test_recipe_trees.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.core.errors import NotFoundError, RecipeError
from athanor.core.recipes import MAX_RECIPE_BYTES, as_tree, convert, merge, parse_words, read_toml


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    learning_rate: float | None = None
    batch_size: int | None = None
    precision: Literal["float32", "bf16"] | None = None
    on: bool = False

    def check(self) -> None:
        if self.batch_size == 13:
            raise RecipeError("train.batch_size is 13.", value=13, remedy="Take another.")


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    train: Inner = msgspec.field(default_factory=Inner)
    name: str = "x"
    deep: dict[str, int] = msgspec.field(default_factory=dict)


def refused(tree) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        convert(tree, Outer)
    assert caught.value.remedy and caught.value.exit_code == 3
    return caught.value


@pytest.mark.parametrize(
    ("tree", "path", "close"),
    [
        ({"trian": {}}, "trian", "train"),
        ({"train": {"learning_rat": 1}}, "train.learning_rat", "train.learning_rate"),
        ({"train": {"batch-size": 1}}, "train.batch-size", "train.batch_size"),
        ({"name": "y", "train": {"zzzz": 1}}, "train.zzzz", None),
    ],
)
def test_unknown_keys(tree, path, close):
    error = refused(tree)
    assert path in error.message and error.value == path
    assert ("Did you mean " + str(close) in error.remedy) is (close is not None)
    known = set(Inner.__struct_fields__ if "." in path else Outer.__struct_fields__)
    assert {item.split(".")[-1] for item in error.limit} == known and all(name in error.remedy for name in known)


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("learning_rate", "3e-4", "a number (float)"),
        ("learning_rate", True, "a number (float)"),
        ("learning_rate", [1], "a number (float)"),
        ("batch_size", 1.5, "a whole number (int)"),
        ("batch_size", "8", "a whole number (int)"),
        ("batch_size", True, "a whole number (int)"),
        ("precision", "fp8", "one of float32, bf16"),
        ("on", 1, "true or false"),
        ("on", "yes", "true or false"),
    ],
)
def test_wrong_types(key, value, wanted):
    error = refused({"train": {key: value}})
    assert f"train.{key} is {value!r}" in error.message and wanted in error.message and error.value == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none(value):
    assert "train.learning_rate" in refused({"train": {"learning_rate": value}}).message


@pytest.mark.parametrize("value", [3, "x", [], None])
def test_a_table_is_wanted(value):
    assert "a table" in refused({"train": value}).message


def test_checks_of_every_part_run():
    assert "batch_size is 13" in refused({"train": {"batch_size": 13}}).message


def test_words_of_the_command_line():
    tree = parse_words(["train.learning_rate=3e-4", "train.batch_size = 8", "name=渡 船", "train.on=true",
                        'train.precision="bf16"', "deep.a=1", "deep.b=2"])  # fmt: skip
    found = convert(tree, Outer)
    assert found.train == Inner(learning_rate=3e-4, batch_size=8, precision="bf16", on=True)
    assert found.name == "渡 船" and found.deep == {"a": 1, "b": 2}
    assert parse_words(["a=1\nb=2"]) == {"a": "1\nb=2"}  # one value, never a second key
    assert parse_words(["a=", "b=x=y", "c=[1, 2]", "d='3e-4'"]) == {"a": "", "b": "x=y", "c": [1, 2], "d": "3e-4"}
    assert parse_words(["a=1", "a=2"]) == {"a": 2}


@pytest.mark.parametrize("words", [["train"], ["=3"], [" =3"], ["a=1", "a.b=2"]])
def test_words_that_are_no_settings(words):
    with pytest.raises(RecipeError) as caught:
        parse_words(words)
    assert caught.value.remedy


def test_later_trees_win_key_by_key():
    one = {"train": {"learning_rate": 1.0, "batch_size": 2}, "name": "a"}
    assert merge(one, {"train": {"batch_size": 3}}, {"name": "b"}) == {
        "train": {"learning_rate": 1.0, "batch_size": 3}, "name": "b",
    }  # fmt: skip
    assert one == {"train": {"learning_rate": 1.0, "batch_size": 2}, "name": "a"}
    assert merge({"a": {"b": 1}}, {"a": 2}) == {"a": 2}


@given(
    st.builds(
        Outer,
        train=st.builds(
            Inner,
            learning_rate=st.none() | st.floats(allow_nan=False, allow_infinity=False),
            batch_size=st.none() | st.integers(14, 10**9),
            precision=st.sampled_from([None, "float32", "bf16"]),
            on=st.booleans(),
        ),
        name=st.text(),
        deep=st.dictionaries(st.text(), st.integers(-(2**62), 2**62)),
    )
)
def test_round_trip(recipe):
    tree = as_tree(recipe)
    assert convert(tree, Outer) == recipe
    assert None not in tree["train"].values()


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"\xff", "UTF-8"), (b"a = ", "TOML"), (b"a = 1\na = 2", "TOML"), (b"a=" + b"[" * 5000, "TOML"),
     (b"#" * (MAX_RECIPE_BYTES + 1), str(MAX_RECIPE_BYTES)), (b"a = 1" + b"0" * 5000, "TOML")],
)  # fmt: skip
def test_files_that_are_no_recipes(tmp_path, raw, words):
    path = tmp_path / "recipe.toml"
    path.write_bytes(raw)
    with pytest.raises(RecipeError, match=words) as caught:
        read_toml(path)
    assert str(path) in caught.value.message


def test_a_recipe_that_is_not_there(tmp_path):
    (tmp_path / "a.txt").write_text("")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "a.txt/b.toml"):
        with pytest.raises(NotFoundError, match="no recipe"):
            read_toml(path)


def test_a_recipe_that_never_ends(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(RecipeError, match="no regular file"):
            read_toml(path)
