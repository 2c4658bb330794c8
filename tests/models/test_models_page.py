"""docs/models.md names every family and every variant of the table, and its tool measures. Not the figures: they are of
one machine. Run: pytest tests/models/test_models_page.py
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from variants import VARIANTS

ROOT = Path(__file__).parents[2]


def test_every_family_and_variant_is_named() -> None:
    """A row a family, with its variants in the table's order and nothing else."""
    text = (ROOT / "docs" / "models.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| \S+ \| (?:equal|–) \| byte-equal \|$", text, re.M))
    wanted: dict[str, list[str]] = {}
    for name, variant in VARIANTS.items():
        wanted.setdefault(variant.family, []).append(name)
    assert {family: names.split(", ") for family, names in rows.items()} == wanted, "run make models-page"


@pytest.mark.parametrize(("name", "greedy"), [("gpt2", True), ("bert", None), ("gru-luong", True)])
def test_the_tool_measures(name: str, greedy: bool | None) -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "models_page.py"))
    found = tool["measured"](name)
    assert 0 <= found.difference < 1e-4 and found.greedy is greedy and found.equal is True
