"""Write docs/metrics.md from the catalogue of metrics."""

from __future__ import annotations

from pathlib import Path

from athanor.evaluate.catalogue import page

if __name__ == "__main__":
    (Path(__file__).resolve().parent.parent / "docs" / "metrics.md").write_text(page(), "utf-8")
