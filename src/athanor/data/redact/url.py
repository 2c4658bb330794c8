"""Web addresses with a scheme or www."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.spans import Span

TYPE = "url"
HINTS = ("://", "www.")
_PATTERN = re.compile(r"(?<![A-Za-z0-9])(?:(?:https?|ftp|wss?)://|www\.)[A-Za-z0-9\-._~:/?#@!$&'*+;=%]{3,2000}", re.I)
_TAIL = ".,;:!?'*"


def find(text: str) -> Iterator[Span]:
    """Every address, without the punctuation of the sentence around it."""
    for match in _PATTERN.finditer(text):
        end = match.start() + len(match[0].rstrip(_TAIL))
        yield Span(match.start(), end, TYPE, 0.9)
