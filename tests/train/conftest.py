"""One thread: the sums have one order, and a test leaves the other cores alone. `toy_run` beside is importable."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

torch.set_num_threads(1)
sys.path.insert(0, str(Path(__file__).parent))
