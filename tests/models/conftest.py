"""One thread: the sums have one order, and a test leaves the other cores alone. The modules beside are importable."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
torch.set_num_threads(1)
