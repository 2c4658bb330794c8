"""Numbers without a check digit: taken only where a word of their trade stands shortly before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.spans import Span

REACH = 40  # characters before a number in which its word must stand


def find_after(text: str, word: re.Pattern[str], number: re.Pattern[str], kind: str, score: float) -> Iterator[Span]:
    """Spans of `number` that begin within REACH characters behind `word`, the first behind each."""
    taken = -1
    for match in word.finditer(text):
        found = number.search(text, match.end(), match.end() + REACH + 30)
        if found and found.start() - match.end() <= REACH and found.start() >= taken:
            between = text[match.end() : found.start()]
            if between.count("\n") < 2 and "." not in between.replace("No.", "").replace("no.", ""):
                taken = found.end()
                yield Span(found.start(), found.end(), kind, score)
