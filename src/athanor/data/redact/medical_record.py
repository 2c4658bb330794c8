"""Numbers of medical records, patients and hospital stays, behind a word that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.context import find_after
from athanor.data.redact.spans import Span

TYPE = "medical_record"
HINTS = (
    *("medical record", "patient id", "patient no", "patient number", "mrn", "hospital number"),
    *("病历号", "病案号", "住院号", "门诊号", "就诊号", "就诊卡号", "病歷號", "住院號"),
)
WORD = re.compile("|".join(rf"(?<![A-Za-z]){hint}" for hint in HINTS), re.I)
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?=[A-Z\-]{0,6}[0-9])[A-Z]{0,4}-?[0-9]{4,12}(?:-[0-9]{1,6})?(?![0-9A-Za-z])", re.I
)


def find(text: str) -> Iterator[Span]:
    """The number behind the word."""
    yield from find_after(text, WORD, _NUMBER, TYPE, 0.8)
