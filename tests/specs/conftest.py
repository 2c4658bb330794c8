"""`small_folders` beside is importable, and what it makes is a fixture."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from small_folders import make_folder

__all__ = ["make_folder"]
