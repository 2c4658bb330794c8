"""The plan: bigger budgets never choose smaller networks, what cannot fit is refused, dry run and run agree.

Run: pytest tests/pipelines/test_plan.py
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.core.errors import RecipeError, ResourceError, UsageError
from athanor.core.hardware import detect
from athanor.core.recipes import as_tree, convert
from athanor.pipelines.plan import Planned, choose, estimate_characters, refuse_what_cannot_fit, training_plan
from athanor.pipelines.recipe import BuildRecipe
from athanor.specs.decoder import parameters
from athanor.train.calibrate import Machine, Speed

MACHINE = Machine(1, "x", detect(), [Speed(128, "float32", 8e10), Speed(256, "float32", 1.2e11)])


def recipe(**keys: object) -> BuildRecipe:
    return convert({"inputs": ["x"], **keys}, BuildRecipe)


@given(st.floats(0.1, 1000), st.floats(0.1, 1000))
def test_more_minutes_never_choose_a_smaller_network(one, other):
    less, more = sorted((one, other))
    sizes = [choose(recipe(minutes=m), MACHINE, 400_000, 0).planned.parameters for m in (less, more)]
    assert sizes[0] <= sizes[1]


@given(st.floats(0.2, 600), st.integers(1000, 10**8))
def test_the_plan_keeps_to_the_budget_and_its_parts_fit(minutes, characters):
    found = choose(recipe(minutes=minutes), MACHINE, characters, 100)
    assert found.planned.seconds >= minutes * 60
    assert characters > 10**7 or minutes < 1 or found.planned.seconds == minutes * 60
    assert found.batch_size % found.micro_rows == 0
    assert found.row_length <= found.spec.context
    assert found.micro_rows * found.row_length <= 8192 or found.micro_rows == 1
    assert found.planned.parameters == sum(parameters(found.spec).values())


def test_what_is_asked_is_obeyed():
    asked = recipe(
        model={"layers": 2, "width": 64, "heads": 4, "kv_heads": 2, "inner": 96, "context": 64},
        train={"learning_rate": 2e-3, "batch_size": 8, "steps": 25, "precision": "bf16", "seed": 7},
        tokenizer={"vocabulary": 600},
    )
    found = choose(asked, MACHINE, 10_000, 0)
    spec = found.spec
    shape = (spec.layers, spec.width, spec.heads, spec.kv_heads, spec.inner, spec.context, spec.vocabulary)
    assert shape == (2, 64, 4, 2, 96, 64, 600)
    assert (found.learning_rate, found.batch_size, found.precision) == (2e-3, 8, "bf16")
    plan = training_plan(found, asked)
    assert (plan.steps, plan.seed, plan.row_length) == (25, 7, 64)


def test_rows_are_as_long_as_the_context_that_is_asked_for():
    long = choose(recipe(model={"context": 4096}), MACHINE, 10_000, 0)
    assert long.row_length == 4096
    # A model that goes on keeps the rows it learned; without them a foreign promise of context costs nothing.
    assert choose(recipe(), MACHINE, 10_000, 0, long.spec, 4096).row_length == 4096
    assert choose(recipe(), MACHINE, 10_000, 0, long.spec).row_length == 1024


@pytest.mark.parametrize("width", [64, 100, 192, 200, 1000, 1024])
def test_a_width_alone_finds_heads_that_divide_it(width):
    spec = choose(recipe(model={"width": width}), MACHINE, 10_000, 0).spec
    assert spec.heads * spec.head_width == width and spec.head_width % 2 == 0
    assert spec.heads == 1 or spec.head_width >= 64


@pytest.mark.parametrize("wrong", [{"model": {"context": 1}}, {"train": {"batch_size": 1 << 17}}])
def test_numbers_that_no_run_can_have_are_refused(wrong):
    with pytest.raises(RecipeError, match=r"model\.context is 1|train\.batch_size is 131072"):
        recipe(**wrong)


def test_heads_that_do_not_divide_the_width_are_refused_by_name():
    with pytest.raises(RecipeError, match=r"model\.heads is 5"):
        choose(recipe(model={"heads": 5, "width": 64}), MACHINE, 10_000, 0)


def test_steps_and_minutes_cannot_both_rule():
    with pytest.raises(UsageError, match=r"train\.steps=10 and --minutes 1"):
        recipe(minutes=1.0, train={"steps": 10})


def test_a_recipe_survives_the_round_trip():
    asked = recipe(minutes=3.5, seed=4, data={"redact": "none"}, train={"accumulate": 2})
    assert convert(as_tree(asked), BuildRecipe) == asked


@pytest.mark.parametrize(("memory", "disk", "word"), [(1 << 60, 1, "memory"), (1, 1 << 60, "disk space")])
def test_what_cannot_fit_is_refused(tmp_path: Path, memory, disk, word):
    planned = Planned(seconds=1, peak_memory_bytes=memory, disk_bytes=disk, parameters=1)
    with pytest.raises(ResourceError, match=word) as caught:
        refuse_what_cannot_fit(planned, tmp_path / "not" / "there")
    assert caught.value.limit < (1 << 60)


def test_packed_files_count_for_more():
    assert estimate_characters([(".xz", 1000)]) > estimate_characters([(".jsonl", 1000)])
