"""E-mail addresses, RFC 5321 without quoted local parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.spans import Span

TYPE = "email"
HINTS = ("@",)
# ASCII only: a Chinese character beside an address ends it. Lengths are the standard's and keep the search linear.
_PATTERN = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9](?:[A-Za-z0-9._%+\-]{0,63})@"
    r"[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,6}\.[A-Za-z]{2,24}(?![A-Za-z0-9])"
)


def find(text: str) -> Iterator[Span]:
    """Every address; the dot that ends a sentence is not part of it."""
    if "@" in text:
        for match in _PATTERN.finditer(text):
            yield Span(match.start(), match.end(), TYPE, 0.95)
