"""How torch is to run in this process while it learns."""

from __future__ import annotations

import torch

from athanor.core import hardware


def prepare() -> int:
    """Use every core this process may use; the number of threads.

    Numbers too small to be normal count as zero: processors take a hundred times longer over them, and softmax makes
    many.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(hardware.cores())
    return torch.get_num_threads()
