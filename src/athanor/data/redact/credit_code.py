"""Chinese unified social credit codes of organisations, GB 32100."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.checks import CREDIT_LETTERS, credit_code
from athanor.data.redact.spans import Span

TYPE = "credit_code"
DIGITS = 8
_PATTERN = re.compile(rf"(?<![0-9A-Za-z])[1-9A-GNY][1239](?:[ \-]?[{CREDIT_LETTERS}]){{16}}(?![0-9A-Za-z])")


def find(text: str) -> Iterator[Span]:
    """Every code whose check character is right."""
    for match in _PATTERN.finditer(text):
        if credit_code(match[0].replace(" ", "").replace("-", "")):
            yield Span(match.start(), match.end(), TYPE, 1.0)
