"""United States social security numbers in their written form, without the areas that were never given out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.context import find_after
from athanor.data.redact.spans import Span

TYPE = "ssn"
DIGITS = 9
_WRITTEN = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9]-)(?!000|666|9)[0-9]{3}([\- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![0-9A-Za-z]|-[0-9])"
)
WORD = re.compile(r"(?<![A-Za-z])(?:SSN|social security)(?![A-Za-z])", re.I)
_BARE = re.compile(r"(?<![0-9A-Za-z])(?!000|666|9)[0-9]{3}[\- ]?[0-9]{2}[\- ]?[0-9]{4}(?![0-9A-Za-z])")


def find(text: str) -> Iterator[Span]:
    """Dashed numbers anywhere; spaced and bare ones behind the word."""
    for match in _WRITTEN.finditer(text):
        if match[1] == "-":
            yield Span(match.start(), match.end(), TYPE, 0.8)
    yield from find_after(text, WORD, _BARE, TYPE, 0.9)
