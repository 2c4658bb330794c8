"""docs/metrics.md is what the catalogue says, and the catalogue names every figure a report shows.

Run: pytest tests/evaluate/test_catalogue.py
"""

from pathlib import Path

from athanor.evaluate import catalogue, measure
from athanor.evaluate.answers import accuracy, precision_recall_f1
from athanor.evaluate.measure import Sample

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date():
    assert (ROOT / "docs/metrics.md").read_text("utf-8") == catalogue.page()


def test_every_figure_has_a_row():
    samples = [Sample("a", "the sea is wide", "en"), Sample("b", "the boat is blue", "en")]
    shown = {"quality": measure.quality(1.0, 2.0, samples, []), "diversity": measure.variety(samples)}
    for part, figures in shown.items():
        for name in figures:
            assert catalogue.METRICS[name].part == part, name


def test_every_figure_of_labels_has_a_row():
    found = {*precision_recall_f1("ab", "ba"), accuracy.__name__}
    assert found == {name for name, item in catalogue.METRICS.items() if item.part == "labels"}
