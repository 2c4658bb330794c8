"""Number plates: Chinese ones (GA 36: province character, letter, five characters, six on electric vehicles) anywhere,
those of other countries behind a word that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.context import find_after
from athanor.data.redact.spans import Span

TYPE = "plate"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
HINTS = (*PROVINCES, "plate", "牌照", "车牌", "車牌", "牌号")
WORD = re.compile(
    r"(?:licen[cs]e|number|registration)[ _]plates?|(?<![A-Za-z])plate[ _]?(?:no|number)|牌照|车牌|車牌|牌号", re.I
)
_ANY = re.compile(
    r"(?<![0-9A-Za-z])(?=[A-Z0-9 \-]{0,6}[0-9])(?=[0-9 \-]{0,6}[A-Z])[A-Z0-9]{1,4}[ \-]?[A-Z0-9]{2,4}(?![0-9A-Za-z])"
)
_PATTERN = re.compile(
    rf"[{PROVINCES}][A-HJ-NP-Z][ ·•.\-]?"
    r"(?:[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳领])(?![0-9A-Za-z])"
)


def find(text: str) -> Iterator[Span]:
    """Every Chinese plate with at least one digit, and what looks like a plate behind the word."""
    yield from find_after(text, WORD, _ANY, TYPE, 0.7)
    for match in _PATTERN.finditer(text):
        if any("0" <= character <= "9" for character in match[0]):
            yield Span(match.start(), match.end(), TYPE, 0.85)
