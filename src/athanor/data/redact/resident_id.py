"""Chinese resident identity numbers, GB 11643: 18 characters with a check digit, and the old form of 15 digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.checks import is_date, resident_id
from athanor.data.redact.spans import Span

TYPE = "resident_id"
DIGITS = 15
_BREAK = r"[ \-\n]?"
_LONG = re.compile(rf"(?<![0-9A-Za-z])[1-9](?:{_BREAK}[0-9]){{16}}{_BREAK}[0-9Xx](?![0-9A-Za-z])")
_SHORT = re.compile(r"(?<![0-9A-Za-z.,\-])[1-9][0-9]{14}(?![0-9A-Za-z]|[.,\-][0-9])")
# First two digits: provinces, municipalities, regions.
_CODES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
PROVINCES = frozenset(_CODES.split())


def find(text: str) -> Iterator[Span]:
    """Every number whose province, date of birth and, in the long form, check digit are right."""
    for match in _LONG.finditer(text):
        solid = re.sub(r"[ \-\n]", "", match[0])
        born = solid[6:10], solid[10:12], solid[12:14]
        if solid[:2] in PROVINCES and is_date(*map(int, born)) and resident_id(solid):
            yield Span(match.start(), match.end(), TYPE, 1.0)
    for match in _SHORT.finditer(text):
        word = match[0]
        if word[:2] in PROVINCES and is_date(1900 + int(word[6:8]), int(word[8:10]), int(word[10:12])):
            yield Span(match.start(), match.end(), TYPE, 0.7)
