"""A place in a text that a recogniser found."""

from __future__ import annotations

import msgspec


class Span(msgspec.Struct, frozen=True, order=True):
    """Characters start to end (exclusive) of a text."""

    start: int
    end: int
    type: str
    """One of the types of `redact`: email, phone, resident_id …"""

    score: float
    """1 where a check digit holds, less for a bare pattern."""

    def moved(self, characters: int) -> Span:
        """The same span of a text that has so many characters before."""
        return Span(self.start + characters, self.end + characters, self.type, self.score) if characters else self
