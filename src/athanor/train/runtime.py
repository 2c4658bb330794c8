"""How torch is to run in this process while it learns."""

from __future__ import annotations

import contextlib
import ctypes

import torch

from athanor.core import hardware


def prepare() -> None:
    """Use every core this process may use.

    Numbers too small to be normal count as zero: processors take a hundred times longer over them, and softmax makes
    many.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(hardware.cores())
    _reuse_memory()


def _reuse_memory() -> None:
    """Have glibc keep large freed blocks: else each tensor is mapped anew, and the kernel clears every page of it."""
    m_trim_threshold, m_mmap_max = -1, -4
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_max, 0)
        libc.mallopt(m_trim_threshold, (1 << 31) - 1)
