"""Seeds: one number a run, an independent stream a purpose."""

from __future__ import annotations

import hashlib

MAX_SEED = 2**63 - 1


def derive(seed: int, *purpose: object) -> int:
    """A seed for one purpose, 0 ≤ result < 2^63: the same words give the same number, others an unrelated one."""
    text = "\x1f".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
