"""Keys and ids: fixed for ever, and different for anything that differs. Run: pytest tests/artifacts/test_ids.py"""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.artifacts.ids import artifact_id, canonical_json, step_key
from athanor.core.errors import RecipeError

RECIPE = {
    "step": "build",
    "inputs": ["./papers"],
    "train": {"minutes": 5, "rate": 1e-3, "名": "港", "on": True, "no": None},
}
TEXT = '{"inputs":["./papers"],"step":"build","train":{"minutes":5,"no":null,"on":true,"rate":0.001,"名":"港"}}'
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


def test_golden():
    """Stores written by every version find their work again only while these stay as they are."""
    assert canonical_json(RECIPE).decode() == TEXT
    files = {"b.txt": "22", "a/c.txt": "11"}
    key = f'{{"inputs":["i2","i1"],"kind":"model","recipe":{TEXT},"version":3}}'
    made = f'{{"files":{{"a/c.txt":"11","b.txt":"22"}},"inputs":["i2","i1"],"kind":"model","recipe":{TEXT}}}'
    assert step_key("model", RECIPE, ["i2", "i1"], 3) == hashlib.sha256(key.encode()).hexdigest()
    assert artifact_id("model", RECIPE, ["i2", "i1"], files) == hashlib.sha256(made.encode()).hexdigest()
    assert (
        step_key("model", RECIPE, ["i2", "i1"], 3) == "ed6ba335ef89d07334edf90af7f9d38d9c6337a020d2513360b0dd5fdcd938a7"
    )
    assert (
        artifact_id("model", RECIPE, ["i2", "i1"], files)
        == "b6b1b6d5a530cd4a718029dd9b6cc5f878c420506eb56df39107841315c5944b"
    )


def test_order():
    """Keys may come in any order; inputs may not."""
    assert step_key("model", {"a": 1, "b": 2}, [], 1) == step_key("model", {"b": 2, "a": 1}, [], 1)
    assert step_key("model", {}, ["x", "y"], 1) != step_key("model", {}, ["y", "x"], 1)


def test_everything_counts():
    base = ("model", {"a": 1}, ["x"], 1)
    others = [("corpus", {"a": 1}, ["x"], 1), ("model", {"a": 1.0}, ["x"], 1), ("model", {"a": True}, ["x"], 1),
              ("model", {"a": "1"}, ["x"], 1), ("model", {"a": 1}, [], 1), ("model", {"a": 1}, ["x"], 2)]  # fmt: skip
    assert len({step_key(*each) for each in [base, *others]}) == len(others) + 1


@given(PLAIN)
def test_survives_json(value):
    """A recipe read back from a manifest has the id it had."""
    assert canonical_json(json.loads(json.dumps(value))) == canonical_json(value)
    assert json.loads(canonical_json(value)) == value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ({1: 2}, "1"),
        (b"x", "bytes"),
        ("\ud800", "text"),
        ({"\udc00": 1}, "text"),
    ],
)
def test_refused(value, says):
    with pytest.raises(RecipeError) as caught:
        step_key("model", {"train": {"x": [value]}}, [], 1)
    assert says in str(caught.value)
    assert "train.x[0]" in str(caught.value)
