"""Which documents are held out: those whose hash, read as a number from 0 to 1, lies below the share.

So a document's side does not depend on any other document. Only where that leaves a side empty is one moved: the
smallest hash to the held-out side, the largest to training.
"""

from __future__ import annotations


def position(identity: bytes) -> float:
    """A document's id as a number in [0, 1)."""
    return int.from_bytes(identity[:6], "big") / 2**48


class Split:
    """Shown every kept document first, then asked for each."""

    def __init__(self, holdout: float) -> None:
        self._holdout = holdout
        self._smallest: bytes | None = None
        self._largest: bytes | None = None

    def see(self, identity: bytes) -> None:
        """A kept document."""
        self._smallest = identity if self._smallest is None else min(self._smallest, identity)
        self._largest = identity if self._largest is None else max(self._largest, identity)

    def is_held_out(self, identity: bytes) -> bool:
        """Whether a document belongs to the held-out side."""
        if self._holdout == 0:
            return False
        if self._smallest != self._largest:
            if identity == self._smallest:
                return True
            if identity == self._largest:
                return False
        return position(identity) < self._holdout
