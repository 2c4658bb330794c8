"""TOML that is written reads back equal and in order. Run: pytest tests/core/test_recipes_toml.py"""

from __future__ import annotations

import json
import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.core.errors import RecipeError
from athanor.core.recipes_toml import write

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
TABLES = st.dictionaries(TEXT, VALUES, max_size=6)


@given(TABLES)
def test_round_trip(values):
    read = tomllib.loads(write(values))
    assert read == values
    assert json.dumps(read) == json.dumps(values)  # also the order of keys, and 1.0 is not 1


def test_form():
    recipe = {
        "step": "build",
        "inputs": ["./papers"],
        "data": {"holdout": 0.1, "redact": "identifiers", "deep": {"x": 1e-7, "y": []}},
        "train": {"seed": 7, "on": True},
    }
    assert write(recipe) == (
        'step = "build"\ninputs = ["./papers"]\n\n[data]\nholdout = 0.1\nredact = "identifiers"\n'
        "\n[data.deep]\nx = 1e-07\ny = []\n\n[train]\nseed = 7\non = true\n"
    )
    assert write({}) == ""


def test_a_table_before_a_value_stays_before_it():
    values = {"step": "ask", "inputs": {"folder": "x"}, "top": 3, "rest": {"a": 1}}
    text = write(values)
    assert list(tomllib.loads(text)) == list(values)
    assert 'inputs = { folder = "x" }' in text
    assert "[rest]" in text


def test_special_values():
    read = tomllib.loads(write({"a": math.inf, "b": -math.inf, "c": math.nan, "d": 2**70, "e": (1, {"x": {}})}))
    assert (read["a"], read["b"], read["d"], read["e"]) == (math.inf, -math.inf, 2**70, [1, {"x": {}}])
    assert math.isnan(read["c"])
    assert tomllib.loads(write({"a": None, "b": {"c": None}, "d": [{"e": None}]})) == {"b": {}, "d": [{}]}
    assert "\x1b" not in write({"a": "\x1b[2J\u202e"})


@pytest.mark.parametrize("values", [{"a": [None]}, {"a": b"x"}, {1: 2}, {"a": "\ud800"}, {"a": object()}])
def test_refused(values):
    with pytest.raises(RecipeError, match="TOML cannot hold"):
        write(values)
