"""Passport numbers: the Chinese forms by themselves where a word says so, others likewise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.context import find_after
from athanor.data.redact.spans import Span

TYPE = "passport"
HINTS = ("passport", "护照", "護照", "通行证", "通行證")
WORD = re.compile(r"passport|护照|護照|通行证|通行證", re.I)
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?=[A-Z0-9]{0,8}[0-9]{5})[A-Z]{0,2}[0-9]{6,9}(?![0-9A-Za-z])", re.I)
# Chinese ordinary passports: E and a letter or digit, or G, then digits.
_CHINESE = re.compile(r"(?<![0-9A-Za-z])(?:E[A-HJ-NP-Z][0-9]{7}|[EG][0-9]{8})(?![0-9A-Za-z])")


def find(text: str) -> Iterator[Span]:
    """Numbers behind the word, and Chinese ones anywhere."""
    yield from find_after(text, WORD, _NUMBER, TYPE, 0.8)
    for match in _CHINESE.finditer(text):
        yield Span(match.start(), match.end(), TYPE, 0.7)
