"""Chinese number plates, GA 36: province character, letter, five characters, six on electric vehicles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.spans import Span

TYPE = "plate"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
HINTS = tuple(PROVINCES)
_PATTERN = re.compile(
    rf"[{PROVINCES}][A-HJ-NP-Z][ ·•.\-]?"
    r"(?:[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳领])(?![0-9A-Za-z])"
)


def find(text: str) -> Iterator[Span]:
    """Every plate with at least one digit."""
    for match in _PATTERN.finditer(text):
        if any("0" <= character <= "9" for character in match[0]):
            yield Span(match.start(), match.end(), TYPE, 0.85)
