"""Write docs/plan.md from the presets, devices and published runs that `plan` knows."""

from __future__ import annotations

from pathlib import Path

from athanor.specs.plan_page import page

if __name__ == "__main__":
    (Path(__file__).resolve().parent.parent / "docs" / "plan.md").write_text(page(), "utf-8")
