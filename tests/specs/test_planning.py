"""`plan` against published runs and counts by hand; mistakes are named. Run: pytest tests/specs/test_planning.py"""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import pytest
from small_folders import Make, llama_shapes

from athanor.core.errors import InputError, NotFoundError, UsageError
from athanor.core.hardware import detect
from athanor.specs.hardware_table import DEVICES, device
from athanor.specs.machine import Machine, Speed
from athanor.specs.plan_page import page
from athanor.specs.planning import PUE, Wishes, find, implied_utilisation, plan
from athanor.specs.published_runs import RUNS, published

PAGE = Path(__file__).parents[2] / "docs" / "plan.md"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    place = tmp_path / "home"
    monkeypatch.setenv("ATHANOR_HOME", str(place))
    return place


def keep_figures(home: Path) -> None:
    """This machine as if measured: 1e11 operations a second whatever the width."""
    speeds = [Speed(width, "float32", 1e11) for width in (128, 256)]
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "machine.json").write_bytes(msgspec.json.encode(Machine(1, "x", detect(), speeds)))


@pytest.mark.parametrize("run", [run for run in RUNS if run.flops], ids=lambda run: run.preset)
def test_operations_are_those_that_were_published(run):
    found = plan(run.preset, Wishes(tokens=run.tokens))
    assert found["training_flops"] == pytest.approx(run.flops, rel=0.1)
    assert found["published"]["source"].startswith("https://")


def test_llama_2_70b_as_its_paper_has_it():
    """1,720,320 hours of A100s for 2e12 tokens; 138 GB of weights in 16 bits."""
    found = plan("llama-2-70b", Wishes(tokens=2e12, devices=2000, utilisation=0.43, price=2.0))
    assert found["device_hours"] == pytest.approx(1_720_320, rel=0.05)
    assert found["days"] == pytest.approx(found["device_hours"] / 2000 / 24)
    assert found["cost_usd"] == pytest.approx(2 * found["device_hours"])
    assert found["energy_kwh"] == pytest.approx(found["device_hours"] * 0.4 * PUE)
    assert found["peak_memory_bytes"]["weights"] == 2 * 68_976_648_192
    assert found["checkpoint_bytes"] == 14 * 68_976_648_192
    assert found["compute_optimal_tokens"] == 20 * 68_976_648_192
    assert found["published"]["implied_utilisation"] == pytest.approx(0.44, abs=0.01)


def test_memory_adds_up_and_names_the_fewest_devices():
    found = plan("llama-3-8b", Wishes(tokens=1e9))
    memory = found["peak_memory_bytes"]
    assert memory["total"] == sum(size for kind, size in memory.items() if kind != "total")
    assert found["devices"] == found["least_devices"] == 3  # of 80 GB for 181
    assert plan("llama-3-8b", Wishes(tokens=1e9, devices=1))["least_devices"] == 3


def test_serving_is_bound_by_what_is_read():
    """Weights of 8.03e9 but the look-up of 128,256 × 4,096, and 8,192 tokens of 32 layers of 2 · 8 heads of 128."""
    found = plan("llama-3-8b", Wishes(tokens=1e9))["serving"]
    read = 2 * (8_030_261_248 - 128_256 * 4096) + 2 * 32 * 2 * 8 * 128 * 8192
    assert found["tokens_per_second_bound"] == pytest.approx(2039e9 / read)
    assert plan("bert-base", Wishes(tokens=1e9))["serving"]["tokens_per_second_bound"] is None


def test_tokens_are_compute_optimal_where_none_are_asked_for():
    found = plan("qwen3-0.6b", Wishes())
    assert (found["tokens"], found["parameters"], found["cost_usd"]) == (20 * 596_049_920, 596_049_920, None)


def test_this_machine_goes_at_the_speed_that_was_kept(home):
    assert plan("qwen3-3m", Wishes(tokens=1e6, hardware="this"))["utilisation"] < 1
    assert not device("this", home, 128).measured
    keep_figures(home)
    assert device("this", home, 128).measured
    found = plan("qwen3-3m", Wishes(tokens=1e6, hardware="this"))
    assert found["device_hours"] == pytest.approx(found["training_flops"] / 1e11 / 3600)
    assert (found["utilisation"], found["devices"], found["row"]) == (1.0, 1, 256)
    assert plan("qwen3-3m", Wishes(tokens=1e6, hardware="this", utilisation=0.5))["device_hours"] == pytest.approx(
        2 * found["device_hours"]
    )


def test_figures_of_another_processor_are_left_alone(home):
    keep_figures(home)
    path = home / "cache" / "machine.json"
    path.write_bytes(path.read_bytes().replace(b'"cores":', b'"cores":9'))
    assert not device("this", home, 128).measured


@pytest.mark.parametrize("kept", [b"", b"{}", b"\xff", b'{"version":1,"torch":"x","hardware":{},"speeds":[]}'])
def test_figures_that_are_not_whole_are_left_alone(home, kept):
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "machine.json").write_bytes(kept)
    assert not device("this", home, 128).measured


def test_a_folder_is_planned_for_by_its_config(make_folder: Make):
    found = plan(str(make_folder()), Wishes(tokens=1000))
    assert found["parameters"] == sum(math.prod(shape) for shape in llama_shapes().values())
    assert (found["published"], found["row"]) == (None, 64)


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        ({"tokens": 0}, "--tokens is 0"), ({"tokens": -3}, "--tokens is -3"), ({"tokens": float("inf")}, "inf"),
        ({"tokens": float("nan")}, "nan"), ({"utilisation": 0}, "--utilisation is 0"),
        ({"utilisation": 1.4}, "--utilisation is 1.4"), ({"price": -1}, "--price is -1"),
        ({"devices": 0}, "--devices is 0"), ({"dtype": "float99"}, "float99"), ({"hardware": "abacus"}, "abacus"),
    ],
)  # fmt: skip
def test_wishes_that_no_run_can_have_are_named(wishes, word):
    with pytest.raises(UsageError, match=word) as caught:
        plan("llama-2-70b", Wishes(**{"tokens": 1e9, **wishes}))
    assert caught.value.remedy and caught.value.limit


def test_a_type_that_a_device_does_not_compute_is_refused():
    with pytest.raises(InputError, match="bf16 no peak of v100-32gb"):
        plan("llama-2-7b", Wishes(tokens=1e9, hardware="v100-32gb", dtype="bf16"))
    assert plan("llama-2-7b", Wishes(tokens=1e9, hardware="v100-32gb"))["dtype"] == "float16"


@pytest.mark.parametrize("name", ["llama-2-71b", "LLAMA-2-70B", "../nowhere", "x" * 500, ""])
def test_an_unknown_preset_is_named_with_the_nearest(name):
    with pytest.raises(NotFoundError) as caught:
        plan(name, Wishes(tokens=1e9))
    assert name in caught.value.message
    assert ("llama-2-70b" in caught.value.remedy) == ("lama" in name)


def test_every_run_is_a_preset_and_every_device_has_a_source():
    for run in RUNS:
        assert published(run.preset) is run and run.source.startswith("https://")
        assert (implied_utilisation(run, find(run.preset)) or 0.5) < 1
    assert all(device.source.startswith("https://") for device in DEVICES.values())


def test_the_page_is_the_generated_one():
    assert PAGE.read_text("utf-8") == page(), "run python tools/plan_page.py"


def test_the_object_is_json():
    json.dumps(plan("palm-540b", Wishes(tokens=7.8e11, hardware="tpu-v4")), allow_nan=False)
