"""One thread: the sums have one order, and a test leaves the other cores alone."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
